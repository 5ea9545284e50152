"""`corridor asset list` and `asset retire`, with a broker that retains what a machine sent."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from broker.contract.events import StateChange
from broker.mqtt.session import Publication, Session
from broker.server.embedded import EmbeddedBroker
from services.store.interface import Batch
from services.store.retiring import retired
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor

LINE = "sheffield/machining/line-1"
ROOT = Path(__file__).resolve().parents[3]
AT = 1_764_158_400_000_000_000


@pytest.fixture(autouse=True)
def _filled(tmp_path: Path) -> None:
    async def fill() -> None:
        store = await SqliteStore.open(tmp_path / "corridor.db")
        names = ("mill-1", "saw-1")
        await store.write(Batch(events=[StateChange(asset=f"{LINE}/{name}", at=AT, state="off") for name in names]))
        await store.close()

    asyncio.run(fill())


def test_machines_are_listed(corridor: Corridor) -> None:
    status, out, _ = corridor("asset", "list", "--json", "--asset", f"{LINE}/saw-1")
    assert (status, json.loads(out)) == (
        0,
        [
            {
                "path": f"{LINE}/saw-1",
                "first": "2025-11-26T12:00:00Z",
                "last": "2025-11-26T12:00:00Z",
                "state": "off",
                "retired": None,
            }
        ],
    )
    assert "saw-1" in corridor("asset", "list")[1]


def test_a_line_is_not_retired_by_a_slip(corridor: Corridor) -> None:
    status, _, reported = corridor("asset", "retire", LINE)
    assert status == 1
    assert "these are 2 machines" in reported
    assert "--yes" in reported
    assert corridor("asset", "retire", f"{LINE}/mill-9")[0] == 1
    assert [each["retired"] for each in json.loads(corridor("asset", "list", "--json")[1])] == [None, None]


@pytest.mark.slow
async def test_what_the_broker_retains_is_cleared(tmp_path: Path) -> None:
    topics = [f"corridor/v1/{LINE}/mill-1/{kind}" for kind in ("state", "kpi/hour")] + [f"corridor/v1/{LINE}/kpi/hour"]
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker:
        async with Session(broker.url, client_id="mill") as session:
            await session.publish(*(Publication(topic, b"1", 1, retain=True) for topic in topics))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "cli.main", "asset", "retire", f"{LINE}/mill-1", "--broker", broker.url),
            stderr=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT), "CORRIDOR_DATA": str(tmp_path)},
        )
        reported = (await process.communicate())[1].decode()
        assert (process.returncode, reported) == (0, f"{LINE}/mill-1 is retired\n")
        async with Session(broker.url, client_id="look", filters=["corridor/v1/#"]) as session:
            await session.publish(Publication("corridor/v1/end", b"", 1))
            received: list[str] = []
            async for batch in session.batches():
                received += [message.topic for message in batch.messages]
                batch.acknowledge()
                if "corridor/v1/end" in received:
                    break
    assert received == [topics[2], "corridor/v1/end"], "the line has another machine"
    store = await SqliteStore.open(tmp_path / "corridor.db")
    assert (await retired(store)).keys() == {f"{LINE}/mill-1"}
    await store.close()
