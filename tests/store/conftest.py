"""An empty store of each engine: what is asked of all of them stands in `test_store*.py`, once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.events import Sample
from services.store.interface import Batch, Store
from services.store.opening import default_url, open_store

MILL = "sheffield/machining/line-1/mill-2"


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Open an empty store of one engine."""
    assert request.param == "sqlite"
    opened = await open_store(default_url(tmp_path))
    yield opened
    await opened.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "corridor.db"


def samples(n: int, asset: str = MILL, *, first: int = 0) -> Batch:
    return Batch(events=[Sample(asset=asset, at=first + at, signal="load", value=0.5) for at in range(n)])


async def stored(store: Store) -> int:
    return len(await store.events(["telemetry"], "", 0, 2**62))
