"""An empty store of each engine: what is asked of all of them stands in `test_store*.py`, once."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from broker.contract.events import Sample
from services.store.interface import Batch, Store
from services.store.opening import default_url, open_store
from tests.store.influx.influxd import Influxd

MILL = "sheffield/machining/line-1/mill-2"
ENGINES = ["sqlite", pytest.param("influxdb", marks=pytest.mark.influx)]
QUICK_ENGINES = ["sqlite", pytest.param("influxdb", marks=[pytest.mark.influx, pytest.mark.slow])]
"""For a test that writes very often, which takes long over HTTP."""
_numbers = itertools.count()


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """Run an InfluxDB for all tests; each makes databases of its own."""
    server = Influxd(tmp_path_factory.mktemp("influxd"))
    yield server
    server.kill()


@pytest.fixture
def influx_url(influxd: Influxd) -> Iterator[str]:
    """Make an empty store in InfluxDB; return its URL."""
    name = f"test-{next(_numbers)}"
    yield influxd.make_store(name)
    influxd.drop_store(name)


@pytest.fixture(params=ENGINES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Open an empty store of one engine."""
    url = default_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("influx_url")
    opened = await open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "corridor.db"


def samples(n: int, asset: str = MILL, *, first: int = 0) -> Batch:
    return Batch(events=[Sample(asset=asset, at=first + at, signal="load", value=0.5) for at in range(n)])


async def stored(store: Store) -> int:
    return len(await store.events(["telemetry"], "", 0, 2**62))
