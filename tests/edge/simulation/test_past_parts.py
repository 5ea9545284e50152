"""A past that is simulated in parts is joined, and goes on as one; also where it was given up before its end."""

import asyncio
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from broker.contract.events import AnyEvent
from broker.plant import plant_file
from edge.simulation import ground_truth, past_parts
from edge.simulation.clock import VirtualClock
from edge.simulation.planning import parts, plan
from edge.simulation.simulator import Simulator
from tests.edge.simulation.test_simulator import HOUR, MIN, START, Broker, counters, made

PLANT: Final = plant_file.parse(
    "[simulate]\nseed = 7\n"
    + "".join(
        f"""
        [simulate.line."a/b/{line}"]
        stages = [["marker-1"]]
        buffers = []
        orders = [{{ product = "p", pieces = 40 }}]
        [simulate.machine."a/b/{line}/marker-1"]
        model = "laser-marker"
        cell = "robot-assembly"
        """
        for line in ("line-1", "line-2")
    ),
    "test",
)
FOUND: Final = parts.parts(plan.read(PLANT.simulate), PLANT.material_flows.values())
MARKERS: Final = ("a/b/line-1/marker-1", "a/b/line-2/marker-1")


def simulated(data: Path, number: int, steps: int | None) -> list[AnyEvent]:
    """Simulate a part, or its first steps, of the past of an hour; return its events."""
    simulator = Simulator(PLANT, past_parts.folder_of(data, number), part=FOUND[number])
    return [event for batch in islice(simulator.backfill(START, START + HOUR), steps) for event in batch]


def go_on(simulator: Simulator, start: int) -> list[AnyEvent]:
    broker = Broker(start + 20 * MIN)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(simulator.simulate(broker, VirtualClock(start)))
    return broker.decode()


def test_parts_that_came_to_their_end_go_on_as_one(tmp_path: Path) -> None:
    past_parts.begin(tmp_path, FOUND)
    past = [event for number in range(2) for event in simulated(tmp_path, number, None)]
    simulator = Simulator(PLANT, tmp_path)
    assert (simulator.is_new, simulator.is_past_unfinished) == (False, True)
    simulator.join_past()
    after = go_on(simulator, START + HOUR)
    assert not Simulator(PLANT, tmp_path).is_past_unfinished
    for marker in MARKERS:
        before = made(counters(past)[marker][-1])
        assert [made(count) for count in counters(after)[marker]][:2] in ([before, before + 1], [before, before])
    log = ground_truth.read(tmp_path / ground_truth.FILE_NAME)
    budgets = ground_truth.budgets(log, START, START + HOUR + 10 * MIN)
    assert sorted(budgets) == sorted(MARKERS)
    assert all("unknown" not in budget.states for budget in budgets.values())


@pytest.mark.parametrize("steps", [(2, 1), (3, 0), (0, 0)], ids=["both begun", "one begun", "none begun"])
def test_parts_that_are_not_whole_go_on_where_they_are(tmp_path: Path, steps: tuple[int, int]) -> None:
    past_parts.begin(tmp_path, FOUND)
    past = [event for number in range(2) if steps[number] for event in simulated(tmp_path, number, steps[number])]
    after = go_on(Simulator(PLANT, tmp_path), START + 2 * HOUR)
    assert not Simulator(PLANT, tmp_path).is_past_unfinished
    assert sorted(counters(after)) == sorted(MARKERS)
    for marker, counts in counters(past).items():
        assert counts[-1] in counters(after)[marker], "the last batch may not have been stored"
        assert all(made(count) >= made(counts[-1]) for count in counters(after)[marker] if count.at > counts[-1].at)


def test_what_was_joined_is_no_unfinished_past(tmp_path: Path) -> None:
    past_parts.begin(tmp_path, FOUND)
    for number in range(2):
        simulated(tmp_path, number, None)
    assert past_parts.unfinished(tmp_path) == FOUND
    whole = past_parts.join(tmp_path, FOUND)
    assert whole
    assert (whole.checkpoint.at, len(whole.checkpoint.lines)) == (START + HOUR, 2)
    assert past_parts.unfinished(tmp_path) == []
