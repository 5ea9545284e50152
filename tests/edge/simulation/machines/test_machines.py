"""Every kind of machine: what it shows in a shift, how its failures show before they come, and what it measures."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import fmean, stdev
from typing import cast

import pytest

from broker.contract.events import NS_PER_S, AnyEvent, Measurement, Sample
from broker.contract.units import ucum
from broker.plant import plant_file
from edge.simulation.event_buffer import TruePiece
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines import MODELS
from edge.simulation.machines.model import Condition, FailureMode
from edge.simulation.machines.signals import Signal
from edge.simulation.simulation import SamplingIntervals, Simulation

SHIFT_NS = 8 * 3_600 * NS_PER_S
CYCLE_S = 600.0
MACHINE = "a/b/c/m"
WASHERS = "".join(
    f"""
        [simulate.machine."a/b/c/w-{number}"]
        model = "washer"
        cell = "turn-mill"
        losses = {{ ideal-s = 300 }}
    """
    for number in (1, 2)
)
SHOWING = [
    pytest.param(kind, mode, id=f"{kind}-{mode.reason}")
    for kind, model in MODELS.items()
    for mode in model.failures
    if mode.signal
]


def shown(kind: str) -> Mapping[str, Signal]:
    return cast("Mapping[str, Signal]", vars(MODELS[kind])["shown"])


def simulated(kind: str, losses: str = "") -> tuple[list[AnyEvent], list[TruePiece]]:
    """Run a machine of a kind for a shift: by itself, or for a line of washers if it serves others."""
    load, serves = MODELS[kind].load, bool(MODELS[kind].serves)
    pieces = max(20, load)
    floor = plant_file.parse(
        f"""
        [simulate]
        seed = 7
        [simulate.line."a/b/c"]
        stages = {'[["w-1"], ["w-2"]]' if serves else '[["m"]]'}
        buffers = {"[4]" if serves else "[]"}
        orders = [{{ product = "x", pieces = {pieces} }}, {{ product = "y", pieces = {pieces} }}]
        [simulate.{"shared" if serves else "machine"}."{MACHINE}"]
        model = "{kind}"
        cell = "turn-mill"
        losses = {{ ideal-s = {CYCLE_S / load}, setup-min = 5, startup-scrap = 0{losses} }}
        {'serves = ["a/b/c"]' if serves else ""}
        """
        + (WASHERS if serves else ""),
        "test",
    )
    simulation = Simulation(floor, 0)
    simulation.sampling = SamplingIntervals(20 * NS_PER_S, SHIFT_NS)
    events = [event for event in simulation.run_until(SHIFT_NS) if event.asset == MACHINE]
    truth = simulation.take_ground_truth()
    return events, [one for one in truth if isinstance(one, TruePiece) and one.asset == MACHINE]


class Driven:
    """A model that is driven by hand: always running, piece after piece, with a defect that has gone so far."""

    def __init__(self, kind: str, mode: FailureMode | None = None, decay: float = 0.0) -> None:
        self.model = MODELS[kind](lambda purpose: RandomStream(11, kind, purpose))
        self.now = Condition()
        self.now.state, self.now.product, self.now.run_s = "running", "x", 0.0
        self.now.pieces, self.now.load_id, self.now.demand = self.model.load, "x-1", 0.5
        if mode:
            self.now.decaying, self.now.decay = mode.signal, decay

    def cycle(self, samples: int = 40) -> Iterable[Mapping[str, object]]:
        self.model.begin([Piece("x-1", "x")], self.now)
        step_s = CYCLE_S / samples
        for place in range(samples):
            self.now.progress = (place + 0.5) / samples
            self.now.run_s += step_s
            yield self.model.sample(self.now, step_s)
        self.now.progress = 1.0
        self.model.finish(Piece("1", "o"), self.now)


def readings(driven: Driven, signal: str, cycles: int = 20) -> list[list[float]]:
    """Return what a signal shows at each point of the cycle, over some cycles of a warm machine."""
    for _ in range(3):
        list(driven.cycle())
    return [
        list(one)
        for one in zip(
            *([cast("float", values[signal]) for values in driven.cycle()] for _ in range(cycles)), strict=True
        )
    ]


@pytest.mark.parametrize("kind", MODELS)
def test_what_a_kind_shows_has_titles_and_units_and_is_what_it_announces(kind: str) -> None:
    model = MODELS[kind]
    assert model.signals == {name: signal.unit for name, signal in shown(kind).items()}
    for name, signal in shown(kind).items():
        assert signal.title, name
        assert ucum(signal.unit) == signal.unit, name
    assert [list(values) for values in Driven(kind).cycle(3)] == [list(model.signals)] * 3


@pytest.mark.parametrize("kind", MODELS)
def test_signals_lie_in_their_usual_ranges_in_a_shift(kind: str) -> None:
    events, pieces = simulated(kind)
    beyond: Counter[tuple[str, bool]] = Counter()
    units = {}
    for event in events:
        if isinstance(event, Sample):
            signal = shown(kind)[event.signal]
            units[event.signal] = event.unit
            if isinstance(event.value, bool | str):
                assert not signal.unit, event.signal
                continue
            assert math.isfinite(event.value)
            assert signal.unit, event.signal
            if signal.low is not None and signal.high is not None:
                beyond[event.signal, not signal.low <= event.value <= signal.high] += 1
    assert units == MODELS[kind].signals
    for name in {name for name, _ in beyond}:
        assert beyond[name, True] <= 0.03 * beyond[name, False], (name, beyond)
    assert len(pieces) > 5 or MODELS[kind].serves == "supplies"


@pytest.mark.parametrize("kind", MODELS)
def test_signals_change_with_what_the_machine_does(kind: str) -> None:
    driven = Driven(kind)
    running = [dict(values) for _ in range(3) for values in driven.cycle()]
    driven.now.state = "idle"
    idle = [dict(values) for _ in range(3) for values in driven.cycle()]
    power_idle = driven.model.power_kw
    driven.now.state = "off"
    driven.model.sample(driven.now, 60.0)
    numbers = [name for name, signal in shown(kind).items() if signal.high is not None]

    def mean(samples: list[dict[str, object]], name: str) -> float:
        return fmean(cast("float", values[name]) for values in samples)

    assert any(abs(mean(running, name) - mean(idle, name)) > 0.05 * abs(mean(running, name)) for name in numbers)
    assert 0 <= driven.model.power_kw <= power_idle


@pytest.mark.parametrize(("kind", "mode"), SHOWING)
def test_a_failure_shows_in_its_signal_before_it_comes(kind: str, mode: FailureMode) -> None:
    assert mode.signal in MODELS[kind].signals
    sound, half_gone = Driven(kind, mode, 0.0), Driven(kind, mode, 0.5)
    shows = [
        abs(fmean(after) - fmean(before)) > 6 * math.hypot(stdev(before), stdev(after)) / math.sqrt(len(before))
        for before, after in zip(readings(sound, mode.signal), readings(half_gone, mode.signal), strict=True)
    ]
    assert any(shows)
    assert mode.doubling_h >= 4  # a defect grows over hours, not at once


@pytest.mark.parametrize(("kind", "mode"), SHOWING)
def test_a_failure_raises_a_warning_before_it_comes(kind: str, mode: FailureMode) -> None:
    sound = Driven(kind, mode, 0.0)
    readings(sound, mode.signal, cycles=8)
    late = Driven(kind, mode, 0.85)
    readings(late, mode.signal, cycles=8)
    usual = {code for code in sound.model.warnings if not code.startswith("tool-life")}
    assert usual == set(), "a sound machine warns"
    assert late.model.warnings.keys() - usual


@pytest.mark.parametrize("kind", [kind for kind, model in MODELS.items() if model.inspects])
def test_scrap_comes_from_what_was_measured(kind: str) -> None:
    losses = ", scrap = 0, rework = 0"
    events, pieces = simulated(kind, losses)
    beyond = {
        event.at
        for event in events
        if isinstance(event, Measurement)
        and event.lower is not None
        and event.upper is not None
        and not event.lower <= event.value <= event.upper
    }
    assert {piece.at for piece in pieces if piece.fate != "good"} == beyond
    assert len(beyond) < 0.2 * len(pieces)


@pytest.mark.parametrize(
    ("kind", "mode"), [param for param in SHOWING if MODELS[cast("str", param.values[0])].decides_alone]
)
def test_a_failure_makes_scrap_late_rather_than_early(kind: str, mode: FailureMode) -> None:
    def beyond(decay: float) -> float:
        driven = Driven(kind, mode, decay)
        driven.now.progress = 1.0
        found = []
        for _ in range(400):
            driven.model.begin([Piece("1", "o")], driven.now)
            found.append(driven.model.finish(Piece("1", "o"), driven.now))
        return fmean(any(not one.lower <= one.value <= one.upper for one in findings) for findings in found)

    assert beyond(0.0) < 0.07
    assert beyond(0.5) < 0.15
    assert beyond(0.5) <= beyond(1.0) + 0.02


@pytest.mark.parametrize("kind", MODELS)
def test_texts_are_for_people_and_codes_are_names(kind: str) -> None:
    model = MODELS[kind]
    for mode in model.failures:
        assert mode.text
        assert mode.reason.replace("-", "").isalnum()
    for pause in (*model.minor_stops, *model.waits):
        assert pause.reason
        assert pause.weight > 0
