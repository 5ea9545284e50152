"""Simulated floors of kinds of machines that are made for tests of the line model."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from broker.contract.events import NS_PER_S, AnyEvent, Value
from broker.plant import plant_file
from edge.simulation.floor.pieces import Piece
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause
from edge.simulation.simulation import SamplingIntervals, Simulation

DAY = 86_400 * NS_PER_S
SILENT = SamplingIntervals(10**18, 10**18)


class Plain(Model):
    """Nothing but a machine."""

    signals: ClassVar[Mapping[str, str]] = {"pieces": "1"}
    failures: ClassVar[tuple[FailureMode, ...]] = (FailureMode("broken", "broken", 1),)
    minor_stops: ClassVar[tuple[Pause, ...]] = (Pause("idle", "door-open"),)

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what is on it."""
        del passed_s
        return {"pieces": now.pieces}


class Oven(Plain):
    """Six pieces a load; each third load is lost, and each second takes half as long again."""

    load: ClassVar[int] = 6
    checkpointed: ClassVar[tuple[str, ...]] = ("loads",)
    loads = 0

    def begin(self, pieces: Sequence[Piece], now: Condition) -> float:
        """Count the loads."""
        assert now.pieces == len(pieces)
        assert now.load_id == pieces[0].serial
        self.loads += 1
        return 1.5 if self.loads % 2 == 0 else 0.5

    def spoiled(self, now: Condition) -> str:
        """Return that the third load is lost."""
        del now
        return "vacuum lost" if self.loads % 3 == 0 else ""

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Measure each piece."""
        del piece, now
        return [Finding("cure", 0.9, 0.8, 0.9, 1.0, "1")]


class Gauge(Plain):
    """Finds each fourth piece too large, and each fortieth too small."""

    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("seen",)
    seen = 0

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Measure."""
        del now
        self.seen += 1
        value = -2.0 if self.seen % 40 == 0 else 2.0 if self.seen % 4 == 0 and not piece.passes else 0.0
        return [Finding("size", value, -1, 0, 1, "mm", rework="above")]


class Truck(Plain):
    """Carries."""

    serves = "carries"
    serves_reason = "truck-busy"


class Compressor(Plain):
    """Supplies."""

    serves = "supplies"
    serves_reason = "no-air"
    signals: ClassVar[Mapping[str, str]] = {"demand": "1"}

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return the demand."""
        del passed_s
        return {"demand": now.demand}


KINDS: Final[dict[str, type[Model]]] = {
    "plain": Plain,
    "oven": Oven,
    "gauge": Gauge,
    "truck": Truck,
    "compressor": Compressor,
}


IDEAL = "losses = { setup-min = 0, scrap = 0, rework = 0, startup-scrap = 0, minor-per-h = 0, wait = 0, mtbf-h = 1e6 }"
SURE = IDEAL.replace("mtbf-h = 1e6", "ideal-s = 60, mtbf-h = 1e6")


def machine(path: str, model: str, losses: str = SURE, more: str = "", table: str = "machine") -> str:
    return f'[simulate.{table}."{path}"]\nmodel = "{model}"\ncell = "washer-like"\n{losses}\n{more}\n'.replace(
        "washer-like", "cmm"
    )


def line(path: str, stages: list[list[str]], buffers: list[int], pieces: int, more: str = "") -> str:
    return (
        f'[simulate.line."{path}"]\nstages = {msgspec.json.encode(stages).decode()}\nbuffers = {buffers}\n'
        f'orders = [{{ product = "x", pieces = {pieces} }}, {{ product = "y", pieces = {pieces} }}]\n{more}\n'
    )


def floor(*tables: str) -> Simulation:
    text = '[simulate]\nseed = 7\nprofile = "plain"\n' + "\n".join(tables)
    simulation = Simulation(plant_file.parse(text, "test"), 0)
    simulation.sampling = SILENT
    return simulation


def of(kind: type, events: list[AnyEvent], name: str) -> list:  # type: ignore[type-arg]  # of the kind
    return [event for event in events if isinstance(event, kind) and event.asset.endswith(name)]


def serials(simulation: Simulation) -> list[str]:
    held = [piece.serial for one in simulation.lines for unit in one.units for piece in unit.in_hand]
    held += [piece.serial for one in simulation.lines for buffer in [*one.buffers, one.rack] for piece in buffer.items]
    return held
