"""`corridor score`, over eight hours of a small plant that ran as the demo's back-fill does."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from broker.contract import instants
from broker.contract.events import NS_PER_S, Adjust, AnyEvent, Count, StateChange
from broker.plant import plant_file
from cli.ledger import score
from cli.running.stores import PLANT_METADATA
from edge.simulation import ground_truth
from edge.simulation.ground_truth import GroundTruthLog
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


def run_plant(
    folder: Path, loses: Callable[[AnyEvent], bool] = lambda _: False, others: Sequence[AnyEvent] = ()
) -> None:
    async def run() -> None:
        store = await SqliteStore.open(folder / "corridor.db")
        await store.set_metadata(PLANT_METADATA, PLANT.text)
        writer = LedgerWriter(store, PLANT, lambda: END)
        for events in Simulator(PLANT, folder).backfill(START, END):
            await writer.store_events([event for event in events if event.kind != "telemetry" and not loses(event)])
        await writer.store_events(others)
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
            lost.append(event)  # of counts all, for the next one has what one did not report
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


@pytest.mark.slow
def test_what_waits_at_the_broker_is_not_compared_yet(corridor: Corridor, tmp_path: Path) -> None:
    run_plant(tmp_path, lambda event: event.at > END - 600 * NS_PER_S)
    status, out, reported = corridor("score", "--json")
    found = json.loads(out)
    assert (status, found["equal"], found["notes"]) == (0, True, [reported.strip()])
    assert "are not in the store; those that wait at the broker" in reported
    assert found["to"] < instants.format_rfc3339(END - 600 * NS_PER_S)
    assert found["to"] > instants.format_rfc3339(END - 900 * NS_PER_S)


@pytest.mark.slow
def test_a_machine_that_a_device_took_over_is_not_compared_in_that_range(corridor: Corridor, tmp_path: Path) -> None:
    taken, returned = END - 7_200 * NS_PER_S, END - 3_600 * NS_PER_S
    by_device = StateChange(asset=ROBOT, at=taken, state="maintenance")
    run_plant(tmp_path, lambda event: event.asset == ROBOT and taken <= event.at < returned, [by_device])
    lines = list(ground_truth.read(tmp_path / ground_truth.FILE_NAME))
    lost = [line for line in lines if getattr(line, "asset", "") == ROBOT and taken <= line.at < returned]
    with GroundTruthLog(tmp_path / ground_truth.FILE_NAME) as log:
        log.append([*ground_truth.taken_over([ROBOT], taken)], taken)
    assert lost
    status, out, reported = corridor("score")
    assert (status, f"{MILL}  equal" in out, f"{ROBOT}  " in out) == (0, True, False)
    assert reported == f"devices published for these machines, which are not compared: {ROBOT}\n"
    status, out, reported = corridor("score", "--last", "30m")
    assert (status, f"{ROBOT}  equal" in out, reported) == (0, True, "")


@pytest.mark.slow
def test_pieces_booked_by_hand_are_expected_in_the_ledger(corridor: Corridor, tmp_path: Path) -> None:
    booking = Adjust(
        asset=MILL, at=END - 1_800 * NS_PER_S, id="burr", good=-2.0, scrap=2.0, booked="2025-11-24T19:00:00Z"
    )
    run_plant(tmp_path, others=[booking])
    status, out, reported = corridor("score")
    assert (status, reported) == (0, ""), out


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
