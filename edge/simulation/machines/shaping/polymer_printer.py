"""A printer of the teaching factory that lays down molten polymer: a nozzle that clogs, a fan, a bed."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.measured import around
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause, toward
from edge.simulation.machines.signals import PROGRAM, Signal, units

_LAYERS: Final = 180


class PolymerPrinter(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "nozzle-temp": Signal("Nozzle temperature", "Cel", 18, 235),
        "bed-temp": Signal("Bed temperature", "Cel", 18, 75),
        "print-speed": Signal("Speed of the head", "mm/s", 0, 90),
        "extruder-flow": Signal("Flow of the extruder", "%", 0, 106),
        "fan-speed": Signal("Fan speed", "/min", 0, 5_200),
        "layer": Signal("Layer", "1", 0, _LAYERS),
        "filament-left": Signal("Filament left", "kg", 0, 1),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("nozzle-clogged", "nozzle clogged", 4, "extruder-flow", 5),
        FailureMode("fan", "fan of the head stands", 2, "fan-speed", 8),
        FailureMode("bed-level", "bed not level", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "spool-change", 3),
        Pause("idle", "first-layer-check", 4),
        Pause("idle", "door-open", 1),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("filament", "kg", 0.08, 1.0)
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("nozzle_cel", "bed_cel")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.nozzle_cel = 25.0
        self.bed_cel = 25.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the printer reads out."""
        noise = self.noise
        running = now.state == "running"
        prints = running and now.progress > 0.04
        self.nozzle_cel = toward(self.nozzle_cel, 215.0 if running else now.hall_cel, 60.0, passed_s)
        self.bed_cel = toward(self.bed_cel, 62.0 if running else now.hall_cel, 200.0, passed_s)
        flow = self._flow_percent(now) + 0.8 * noise() if prints else 0.0
        fan = drifted(now, "fan-speed", 4_800.0, 2_400.0) + 20 * noise() if prints else 0.0
        if prints:
            warn_below(self, "flow-low", "flow of the extruder below 92 %", flow, 92.0)
            warn_below(self, "fan-slow", "fan of the head below 3,900 /min", fan, 3_900.0)
        self.power_kw = 0.01 if now.state == "off" else 0.05 + (0.32 if running else 0.0)
        return {
            "nozzle-temp": round(self.nozzle_cel + 0.3 * noise(), 1),
            "bed-temp": round(self.bed_cel + 0.1 * noise(), 1),
            "print-speed": round(70 + 2 * noise(), 1) if prints else 0.0,
            "extruder-flow": round(max(0.0, flow), 1),
            "fan-speed": round(max(0.0, fan)),
            "layer": int(now.progress * _LAYERS) if running else 0,
            "filament-left": round(1 - now.run_s % 36_000 / 36_000, 3),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Print, and weigh: what the nozzle does not let through is missing."""
        withheld = 0.22 * (1 - self._flow_percent(now) / 100)  # the extruder turns on for most of it
        mass = 80.0 * (1 - withheld) + 1.3 * self.process.normal()
        piece.error += (mass - 80.0) / 8.0
        return [around("mass", mass, 80.0, 4.0, "g")]

    def _flow_percent(self, now: Condition) -> float:
        return drifted(now, "extruder-flow", 100.0, 75.0)
