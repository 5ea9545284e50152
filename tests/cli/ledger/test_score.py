"""`corridor score`, over eight hours of a small plant that ran as the demo's back-fill does."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.contract.events import NS_PER_S, AnyEvent, Count, StateChange
from broker.plant import plant_file
from cli.ledger import score
from cli.running.stores import PLANT_METADATA
from edge.simulation.simulator import Simulator
from services.kpi.ledger_writer import LedgerWriter
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor

START = 1_764_000_000 * NS_PER_S
END = START + 4 * 3_600 * NS_PER_S
PLANT = plant_file.parse(
    """
    [calendar.days]
    time-zone = "UTC"
    shifts = [{ name = "day", start = "00:00", end = "24:00", breaks = [{ start = "19:10", end = "19:20" }] }]
    [asset."a"]
    calendar = "days"
    [product.p]
    ideal-cycle = 20
    [simulate]
    seed = 7
    [simulate.line."a/b/c"]
    stages = [["mill-1"], ["robot-1"]]
    buffers = [3]
    orders = [{ product = "p", pieces = 40 }]
    [simulate.machine."a/b/c/mill-1"]
    model = "five-axis-mill"
    cell = "robot-assembly"
    [simulate.machine."a/b/c/robot-1"]
    model = "weld-robot"
    cell = "robot-assembly"
    losses = { setup-min = 2 }
    """,
    "test",
)
MILL, ROBOT = "a/b/c/mill-1", "a/b/c/robot-1"


def run_plant(folder: Path, loses: Callable[[AnyEvent], bool] = lambda _: False) -> None:
    async def run() -> None:
        store = await SqliteStore.open(folder / "corridor.db")
        await store.set_metadata(PLANT_METADATA, PLANT.text)
        writer = LedgerWriter(store, PLANT, lambda: END)
        for events in Simulator(PLANT, folder).backfill(START, END):
            await writer.store_events([event for event in events if event.kind != "telemetry" and not loses(event)])
        await writer.advance()
        await store.close()

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _nothing_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score, "PATIENCE_S", 0)


@pytest.mark.slow
def test_a_ledger_that_is_the_truth_is_reported_to_be_equal(corridor: Corridor, tmp_path: Path) -> None:
    run_plant(tmp_path)
    status, out, reported = corridor("score")
    assert (status, reported) == (0, "")
    assert f"{MILL}  equal" in out
    assert "produced" in out
    status, out, _ = corridor("score", "--last", "1h", "--json")
    found = json.loads(out)
    assert (status, found["equal"]) == (0, True)
    assert [machine["asset"] for machine in found["machines"]] == [MILL, ROBOT]
    for machine in found["machines"]:
        assert sum(state["truth"] for state in machine["states"].values()) == pytest.approx(3_600)
        assert machine["ledger"]["off_s"]["found"] > 0, "the break is not planned"


@pytest.mark.slow
@pytest.mark.parametrize("kind", [StateChange, Count])
def test_one_lost_event_is_found(corridor: Corridor, tmp_path: Path, kind: type[AnyEvent]) -> None:
    lost: list[AnyEvent] = []

    def loses(event: AnyEvent) -> bool:
        last = event.at > END - 1_800 * NS_PER_S and event.asset == ROBOT and isinstance(event, kind)
        if last and not (lost and kind is StateChange):
            lost.append(event)  # of counts all, for the next one tells what one did not
        return event in lost

    run_plant(tmp_path, loses)
    assert lost
    status, out, reported = corridor("score")
    assert status == 1
    assert reported == f"corridor: the ledger differs from the ground truth: {ROBOT}\n"
    assert f"{MILL}  equal" in out
    assert f"{ROBOT}  differs" in out
    assert "the events have" in out
    assert "the ledger has" in out


def test_without_a_simulator_there_is_nothing_to_compare_with(corridor: Corridor, tmp_path: Path) -> None:
    assert "there is no ground truth" in corridor("score")[2]
    (tmp_path / "truth.jsonl").touch()
    assert "there is no store" in corridor("score")[2]
    asyncio.run(empty(tmp_path / "corridor.db"))
    assert "the ground truth covers no time yet" in corridor("score")[2]


async def empty(path: Path) -> None:
    await (await SqliteStore.open(path)).close()


@pytest.mark.slow
def test_a_store_that_began_later_is_compared_from_then_on(corridor: Corridor, tmp_path: Path) -> None:
    run_plant(tmp_path, lambda event: event.at < START + 3_600 * NS_PER_S)
    status, _, reported = corridor("score")
    assert status == 0, reported
    assert "older events than 2025-11-24T17:" in reported
