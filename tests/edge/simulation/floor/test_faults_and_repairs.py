"""Every failure that shows, on every kind of machine of the corridor: it rises, breaks the machine, and is gone after.

What a defect adds to its signal is measured exactly: the same machine is simulated once more with the same random
numbers and sensors that are blind for defects, and the one is taken from the other.
"""

from collections.abc import Mapping
from typing import Final

import pytest

from broker.contract.events import NS_PER_S, Sample
from broker.plant import plant_file
from edge.simulation import districts
from edge.simulation.event_buffer import GroundTruth, TrueState
from edge.simulation.floor import planted_faults
from edge.simulation.floor.planted_faults import PlantedFault
from edge.simulation.machines import MODELS
from edge.simulation.machines.model import Condition, FailureMode, Model
from edge.simulation.planning import plan
from edge.simulation.simulation import SamplingIntervals, Simulation

HOUR: Final = 3_600 * NS_PER_S
HOURS: Final = 110
MACHINE: Final = "a/b/c/m"
LEAST_LIFE_H: Final = 1.5
"""A defect that grows faster shows in too few readings to compare; what is heated takes up to an hour to recover."""
FLOOR: Final = plan.read(districts.plant(districts.names()).simulate)
SHOWING: Final = [
    pytest.param(kind, mode, id=f"{kind}-{mode.reason}")
    for kind in sorted({one.model for one in (FLOOR.machine | FLOOR.shared).values()})
    for mode in MODELS[kind].failures
    if mode.signal
]
SAMPLE: Final = {
    "coordinate-measuring-machine-air-bearing",
    "electron-beam-welder-cathode",
    "five-axis-mill-spindle-bearing",
    "weld-robot-torch",
    "weld-scanner-probe-worn",
}
_WASHERS: Final = "".join(
    f'[simulate.machine."a/b/c/w-{number}"]\nmodel = "washer"\ncell = "turn-mill"\nlosses = {{ ideal-s = 600 }}\n'
    for number in (1, 2)
)


def of_one_mode(kind: str, mode: FailureMode, *, blind: bool) -> type[Model]:
    """Return a kind that has one failure alone, and whose sensors may be blind for it."""

    def sample(self: Model, now: Condition, passed_s: float) -> dict[str, object]:
        if blind:
            now.decaying = ""
        return dict(MODELS_BEFORE[kind].sample(self, now, passed_s))

    return type(kind, (MODELS_BEFORE[kind],), {"failures": (mode,), "sample": sample})


MODELS_BEFORE: Final = dict(MODELS)


def run(kind: str, seed: int) -> tuple[dict[int, float], list[GroundTruth], str]:
    """Return what the failure's signal shows by time, the ground truth, and the signal."""
    load, serves = min(6, MODELS[kind].load), bool(MODELS[kind].serves)
    plant = plant_file.parse(
        f"""
        [simulate]
        seed = {seed}
        [simulate.line."a/b/c"]
        stages = {'[["w-1"], ["w-2"]]' if serves else '[["m"]]'}
        buffers = {"[4]" if serves else "[]"}
        orders = [{{ product = "x", pieces = 48 }}]
        [simulate.{"shared" if serves else "machine"}."{MACHINE}"]
        model = "{kind}"
        load = {load}
        cell = "turn-mill"
        losses = {{ ideal-s = {600 / load}, setup-min = 0, minor-per-h = 0, wait = 0, mtbf-h = 90, mttr-h = 3 }}
        {'serves = ["a/b/c"]' if serves else ""}
        """
        + (_WASHERS if serves else ""),
        "test",
    )
    simulation = Simulation(plant, 0)
    simulation.sampling = SamplingIntervals(97 * NS_PER_S, 10**18)
    signal = MODELS[kind].failures[0].signal
    readings = {
        event.at: float(event.value)
        for event in simulation.run_until(HOURS * HOUR)
        if isinstance(event, Sample) and (event.asset, event.signal) == (MACHINE, signal)
    }
    return readings, [one for one in simulation.take_ground_truth() if one.asset == MACHINE], signal


def most(added: Mapping[int, float], start: int, end: int) -> float:
    return max((added[at] for at in added if start <= at < end), default=0.0)


def repaired(truth: list[GroundTruth], fault: PlantedFault) -> int:
    """Return when the machine of a fault was repaired."""
    changes = [line for line in truth if isinstance(line, TrueState) and line.at > (fault.failed or 0)]
    return next((line.at for line in changes if line.state != "down"), HOURS * HOUR)


def check(monkeypatch: pytest.MonkeyPatch, kind: str, mode: FailureMode, seeds: range) -> None:
    compared = 0
    for seed in seeds:
        monkeypatch.setitem(MODELS, kind, of_one_mode(kind, mode, blind=False))
        shown, truth, _ = run(kind, seed)
        monkeypatch.setitem(MODELS, kind, of_one_mode(kind, mode, blind=True))
        sound, _, _ = run(kind, seed)
        assert shown.keys() == sound.keys()
        added = {at: abs(value - sound[at]) for at, value in shown.items()}
        faults = [one for one in planted_faults.read(truth) if one.failed is not None]
        assert faults
        for fault, following in zip(faults, [*faults[1:], None], strict=True):
            assert fault.failed is not None
            assert (fault.reason, fault.signal) == (mode.reason, mode.signal)
            assert fault.left_h(fault.onset) == pytest.approx(fault.left_s / 3_600)
            assert fault.left_h(fault.failed) == pytest.approx(0.0, abs=0.1 / 3_600)
            back, until = repaired(truth, fault), following.onset if following else HOURS * HOUR
            if following:
                life_s = following.left_s + (following.onset - back) / NS_PER_S
                assert following.left_s < 0.96 * life_s + 1, "a repaired machine is sound, however soon it fails again"
            if fault.left_s < LEAST_LIFE_H * 3_600 or until - back < 2 * HOUR or following is None:
                continue
            quarter = (fault.failed - fault.onset) // 4
            late = most(added, fault.failed - quarter, fault.failed)
            assert late > 1.5 * most(added, fault.onset, fault.onset + quarter), "it does not rise"
            assert most(added, back + HOUR, until) < 0.25 * late, "it is not sound after the repair"
            compared += 1
    assert compared


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "mode"), [one for one in SHOWING if one.id in SAMPLE])
def test_a_failure_rises_in_its_signal_and_is_gone_after_the_repair(
    kind: str, mode: FailureMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(monkeypatch, kind, mode, range(7, 8))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "mode"), SHOWING)
def test_every_failure_does_so_for_other_seeds(kind: str, mode: FailureMode, monkeypatch: pytest.MonkeyPatch) -> None:
    check(monkeypatch, kind, mode, range(31, 33))
