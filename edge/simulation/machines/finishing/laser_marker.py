"""A laser marker: a serial number and a code on each part, read back by a camera; its lens gets dirty."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.measured import at_least
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause
from edge.simulation.machines.signals import PROGRAM, Signal, units


class LaserMarker(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "laser-power": Signal("Laser power at the part", "W", 0, 22),
        "mark-speed": Signal("Speed of the beam", "mm/s", 0, 850),
        "contrast": Signal("Contrast of the last mark", "%", 45, 100),
        "extraction-flow": Signal("Flow of the extraction", "m3/h", 0, 190),
        "laser-temp": Signal("Laser temperature", "Cel", 18, 38),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("lens-dirty", "laser power at the part too low", 4, "laser-power", 12),
        FailureMode("extraction", "flow of the extraction too low", 3, "extraction-flow", 8),
        FailureMode("scanner", "mirror of the scanner not in position", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "part-not-present", 3),
        Pause("idle", "code-not-read", 3),
        Pause("idle", "door-open", 1),
    )
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("contrast",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.contrast = 86.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the marker reads out."""
        del passed_s
        noise = self.noise
        marks = now.state == "running" and 0.3 < now.progress < 0.85
        power = self._power_w(now) * (1 + 0.01 * noise()) if marks else 0.0
        flow = drifted(now, "extraction-flow", 170.0, 80.0) + 2 * noise() if marks else 0.0
        if marks:
            warn_below(self, "lens-dirty", "laser power at the part below 17 W", power, 17.0)
            warn_below(self, "extraction-low", "flow of the extraction below 135 m³/h", flow, 135.0)
        self.power_kw = 0.05 if now.state == "off" else 0.3 + (0.5 if marks else 0.0)
        return {
            "laser-power": round(power, 2),
            "mark-speed": round(800 + 4 * noise(), 1) if marks else 0.0,
            "contrast": round(self.contrast, 1),
            "extraction-flow": round(max(0.0, flow), 1),
            "laser-temp": round(now.hall_cel + (9.0 if marks else 4.0) + 0.1 * noise(), 2),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Mark and read back: less light at the part leaves a paler mark."""
        del piece
        self.contrast = min(100.0, 86.0 * (self._power_w(now) / 20.0) ** 1.5 + 2.5 * self.process.normal())
        return [at_least("contrast", self.contrast, 55.0, 100.0, "%", rework="below")]

    def _power_w(self, now: Condition) -> float:
        return drifted(now, "laser-power", 20.0, 13.0)
