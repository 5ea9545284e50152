"""Planted faults in the ground truth: onset, breakdown and the remaining life in between."""

import math
from pathlib import Path

import msgspec
import pytest

from broker.contract.events import NS_PER_S
from broker.plant import plant_file
from edge.simulation import ground_truth
from edge.simulation.event_buffer import GroundTruth, TrueFault, TrueState
from edge.simulation.floor import planted_faults
from edge.simulation.machines import MODELS
from edge.simulation.simulation import Checkpoint, SamplingIntervals, Simulation

HOUR = 3_600 * NS_PER_S
MILL = "a/b/c/m"
PLANT = plant_file.parse(
    f"""
    [calendar.days]
    time-zone = "Europe/London"
    shifts = [{{ name = "day", start = "06:00", end = "20:00", breaks = [{{ start = "12:00", end = "12:30" }}] }}]
    [asset."a"]
    calendar = "days"
    [simulate]
    seed = 3
    [simulate.line."a/b/c"]
    stages = [["m"]]
    buffers = []
    orders = [{{ product = "x", pieces = 20 }}]
    [simulate.machine."{MILL}"]
    model = "five-axis-mill"
    cell = "turn-mill"
    """,
    "test",
)


def new(checkpoint: Checkpoint | None = None, at: int = 0) -> Simulation:
    simulation = Simulation(PLANT, at, checkpoint)
    simulation.sampling = SamplingIntervals(10**18, 10**18)
    return simulation


@pytest.fixture(scope="module")
def truth() -> list[GroundTruth]:
    simulation = new()
    simulation.run_until(40 * 24 * HOUR)
    return simulation.take_ground_truth()


def test_each_fault_has_an_onset_before_its_breakdown(truth: list[GroundTruth]) -> None:
    faults = planted_faults.read(truth)
    assert len(faults) > 5
    modes = {mode.reason: mode for mode in MODELS["five-axis-mill"].failures}
    for fault in faults[:-1]:
        assert fault.failed is not None
        assert fault.onset < fault.failed
        assert modes[fault.reason].signal == fault.signal
        onset_h = planted_faults.onset_h(modes[fault.reason], 1 / 6)
        assert fault.left_s <= onset_h * 3_600 + 1e-6


def test_the_onset_is_a_twentieth_of_the_way() -> None:
    bearing = MODELS["five-axis-mill"].failures[0]
    assert planted_faults.onset_h(bearing, 1.0) == pytest.approx(bearing.doubling_h * math.log2(20))


def test_a_breakdown_that_shows_is_one_of_the_states(truth: list[GroundTruth]) -> None:
    shows = {mode.reason for mode in MODELS["five-axis-mill"].failures if mode.signal}
    downs = [line for line in truth if isinstance(line, TrueState) and line.state == "down" and line.reason in shows]
    breaks = [line for line in truth if isinstance(line, TrueFault) and line.phase == "failure"]
    assert [line.reason for line in breaks] == [line.reason for line in downs]
    assert all(abs(line.at - down.at) <= 0.02 * NS_PER_S for line, down in zip(breaks, downs, strict=True))


def test_remaining_life_is_operating_time_and_ends_at_the_breakdown(truth: list[GroundTruth]) -> None:
    for fault in planted_faults.read(truth)[:-1]:
        assert fault.failed is not None
        lives = [fault.left_h(fault.onset + (fault.failed - fault.onset) * step // 20) for step in range(21)]
        assert lives == sorted(lives, reverse=True)
        assert lives[0] == pytest.approx(fault.left_s / 3_600)
        assert lives[-1] == pytest.approx(0.0, abs=0.1 / 3_600)


def test_remaining_life_is_what_the_machine_knows_at_any_instant(truth: list[GroundTruth]) -> None:
    fault = next(fault for fault in planted_faults.read(truth) if fault.failed and fault.failed - fault.onset > HOUR)
    assert fault.failed is not None
    simulation = new()
    for step in range(1, 10):
        at = fault.onset + (fault.failed - fault.onset) * step // 10
        simulation.run_until(at)
        upcoming = simulation.units[0].checkpoint().upcoming
        assert upcoming is not None
        assert fault.left_h(simulation.now) == pytest.approx(upcoming.to_failure / HOUR, abs=0.1 / 3_600)


def test_a_fault_under_way_at_a_restart_is_one_fault(truth: list[GroundTruth]) -> None:
    fault = next(fault for fault in planted_faults.read(truth) if fault.failed and fault.failed - fault.onset > HOUR)
    assert fault.failed is not None
    first = new()
    first.run_until((fault.onset + fault.failed) // 2)
    saved = msgspec.json.decode(msgspec.json.encode(first.checkpoint()), type=Checkpoint)
    gone = first.now + 3 * HOUR
    second = new(saved, gone)
    second.run_until(fault.failed + 48 * HOUR)
    offline = ground_truth.offline([MILL], first.now)
    found = planted_faults.read([*first.take_ground_truth(), *offline, *second.take_ground_truth()])
    same = [one for one in found if one.onset == fault.onset]
    assert len(same) == 1
    assert same[0].failed is not None
    assert same[0].failed > gone
    assert same[0].left_h(same[0].failed) == pytest.approx(0.0, abs=0.1 / 3_600)
    assert same[0].left_h(gone) == pytest.approx(same[0].left_h(first.now), abs=0.1 / 3_600)


def test_the_log_carries_faults(tmp_path: Path, truth: list[GroundTruth]) -> None:
    with ground_truth.GroundTruthLog(tmp_path / "truth.jsonl") as log:
        log.append(truth, 40 * 24 * HOUR, last=True)
    assert planted_faults.read(ground_truth.read(tmp_path / "truth.jsonl")) == planted_faults.read(truth)


def test_a_log_that_ends_early_has_a_fault_without_breakdown(truth: list[GroundTruth]) -> None:
    fault = next(fault for fault in planted_faults.read(truth) if fault.failed and fault.failed - fault.onset > HOUR)
    cut = (fault.onset + (fault.failed or 0)) // 2
    last = planted_faults.read(line for line in truth if line.at <= cut)[-1]
    assert (last.onset, last.failed) == (fault.onset, None)
    assert last.left_h(cut) == pytest.approx(fault.left_h(cut))
