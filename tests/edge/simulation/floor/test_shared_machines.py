"""Machines that serve several lines, with kinds made for these tests."""

from itertools import pairwise

import msgspec
import pytest

from broker.contract.events import NS_PER_S, Count, Sample, StateChange
from broker.plant import plant_file
from edge.simulation.machines import MODELS
from edge.simulation.simulation import Checkpoint, SamplingIntervals, Simulation
from tests.edge.simulation.made_up import DAY, KINDS, SILENT, SURE, floor, line, machine, of, serials


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in KINDS.items():
        monkeypatch.setitem(MODELS, name, kind)


SHARED = (
    line("a/b/c", [["m-1"], ["m-2"]], [2], 10),
    line("a/b/d", [["m-1"], ["m-2"]], [2], 10),
    *(machine(f"a/b/{one}/m-{number}", "plain") for one in "cd" for number in (1, 2)),
)


def truck(seconds: int, mtbf_h: float = 1e6) -> str:
    losses = SURE.replace("ideal-s = 60", f"ideal-s = {seconds}").replace("1e6", str(mtbf_h))
    return machine("a/b/yard/truck", "truck", losses, 'serves = ["a/b"]', "shared")


def test_a_slow_truck_for_two_lines_limits_both() -> None:
    simulation = floor(*SHARED, truck(45))
    events = simulation.run_until(DAY)
    trips = of(Count, events, "/truck")[-1].produced
    assert trips == pytest.approx(86_400 / 45 * 0.98, rel=0.03)
    for name in ("a/b/c/m-1", "a/b/d/m-1"):
        assert of(Count, events, name)[-1].produced == pytest.approx(trips / 2, rel=0.02)
        assert ("blocked", "truck-busy") in {(state.state, state.reason) for state in of(StateChange, events, name)}


@pytest.mark.slow
def test_a_fast_truck_limits_nothing_and_waits() -> None:
    simulation = floor(*SHARED, truck(5))
    events = simulation.run_until(DAY)
    assert of(Count, events, "a/b/c/m-2")[-1].produced == pytest.approx(86_400 / 60 * 0.98, rel=0.03)
    assert ("idle", "no-call") in {(state.state, state.reason) for state in of(StateChange, events, "/truck")}


def test_what_was_on_its_way_at_a_restart_has_arrived() -> None:
    plant = plant_file.parse('[simulate]\nseed = 7\nprofile = "plain"\n' + "\n".join([*SHARED, truck(45)]), "test")
    simulation = Simulation(plant, 0)
    simulation.sampling = SILENT
    for step in range(1, 40):
        simulation.run_until(step * 977 * NS_PER_S)
        before = sorted(serials(simulation))
        saved = msgspec.json.decode(msgspec.json.encode(simulation.checkpoint()), type=Checkpoint)
        simulation = Simulation(plant, simulation.now, saved)
        simulation.sampling = SILENT
        assert sorted(serials(simulation)) == before
        assert len(set(before)) == len(before)
    assert min(unit.counts["produced"] for unit in simulation.units) > 300


@pytest.mark.slow
def test_consumers_are_starved_while_their_supply_is_down_and_only_then() -> None:
    losses = SURE.replace("1e6", "3, mttr-h = 1")
    simulation = floor(*SHARED, machine("a/b/plant/compressor", "compressor", losses, 'serves = ["a/b/c"]', "shared"))
    events = simulation.run_until(2 * DAY)
    downs = [
        (before.at, after.at)
        for before, after in pairwise(of(StateChange, events, "/compressor"))
        if before.state == "down"
    ]
    assert len(downs) > 5
    ran = [
        (before.at, after.at)
        for before, after in pairwise(of(StateChange, events, "a/b/c/m-1"))
        if before.state == "running"
    ]
    assert not any(begin < up and end > down for begin, end in ran for down, up in downs)
    starved = {state.reason for state in of(StateChange, events, "a/b/c/m-1") if state.state == "starved"}
    assert "no-air" in starved
    assert "no-air" not in {state.reason for state in of(StateChange, events, "a/b/d/m-1")}
    assert not of(Count, events, "/compressor")


def test_a_supply_sees_what_its_consumers_draw() -> None:
    simulation = floor(*SHARED, machine("a/b/plant/compressor", "compressor", SURE, 'serves = ["a/b"]', "shared"))
    simulation.sampling = SamplingIntervals(60 * NS_PER_S, 10**18)
    events = simulation.run_until(DAY // 4)
    demands = [float(event.value) for event in of(Sample, events, "/compressor") if event.signal == "demand"]
    assert max(demands) == 1.0
    assert min(demands) < 1.0


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ((*SHARED, truck(5).replace('"a/b"', '"a/x"')), "no machine stands in a/x"),
        ((*SHARED, truck(5).replace('"truck"', '"plain"')), "plain serves no others; use one of "),
        ((*SHARED, truck(5).replace("a/b/yard/truck", "a/b/truck")), "is not a machine's path"),
        ((*SHARED, truck(5).replace('["a/b"]', "[]")), "serves nothing"),
        ((*SHARED, truck(5).replace("a/b/yard/truck", "a/b/c/m-1")), "is a machine of a line, too"),
    ],
)
def test_a_mistake_names_its_place_and_a_hint(tables: tuple[str, ...], named: str) -> None:
    with pytest.raises(ValueError, match=r"simulate\.(line|machine|shared)") as caught:
        floor(*tables)
    assert named in str(caught.value)
