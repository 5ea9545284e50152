"""A press brake of a small firm: sheet is bent to an angle that springs back, held by a ram that leaks with age."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.measured import around
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause, toward
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import bending

_STRENGTH_MPA: Final = 450.0
_THICKNESS_MM: Final = 2.0
_LENGTH_MM: Final = 1_200.0
_OPENING_MM: Final = 16.0
_BENDS: Final = 4


class PressBrake(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "force": Signal("Force", "kN", 0, 260),
        "ram-position": Signal("Position of the ram", "mm", 0, 120),
        "angle": Signal("Angle of the last bend", "deg", 88.5, 91.5),
        "oil-pressure": Signal("Oil pressure", "bar", 0, 300),
        "oil-temp": Signal("Oil temperature", "Cel", 18, 60),
        "bend": Signal("Bend", "1", 0, _BENDS),
        "light-curtain": Signal("Light curtain free"),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("ram-seal", "ram does not hold its pressure", 3, "oil-pressure", 12),
        FailureMode("oil-cooler", "oil too hot", 2, "oil-temp", 8),
        FailureMode("back-gauge", "back gauge not in position", 4),
        FailureMode("light-curtain", "light curtain faulty", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "light-curtain-broken", 4),
        Pause("idle", "sheet-not-seated", 3),
        Pause("idle", "start-illegal", 1),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("steel-sheet", "kg", 5.6, 560.0)
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("oil_cel", "angle_deg")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.oil_cel = 28.0
        self.angle_deg = 90.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the control reads out."""
        noise = self.noise
        running = now.state == "running"
        stroke = (now.progress * _BENDS) % 1
        presses = running and 0.55 < stroke < 0.85
        strength = _STRENGTH_MPA * now.batch**0.5
        force = bending.force_kn(strength, _THICKNESS_MM, _LENGTH_MM, _OPENING_MM) if presses else 0.0
        pressure = drifted(now, "oil-pressure", 240.0, 175.0) + 1.5 * noise() if presses else 0.0
        self.oil_cel = toward(self.oil_cel, 42.0 if running else 24.0, 2_400.0, passed_s)
        oil = drifted(now, "oil-temp", self.oil_cel, 70.0)
        if presses:
            warn_below(self, "pressure-low", "oil pressure of the ram below 215 bar", pressure, 215.0)
        self.warn("oil-hot", "oil above 54 °C", oil, 54.0)
        self.power_kw = 0.2 if now.state == "off" else 1.1 + (2.5 if running else 0.0) + force * 0.03
        return {
            "force": round(force * (1 + 0.01 * noise()), 1) if presses else 0.0,
            "ram-position": round(4.2 if presses else 100.0, 2),
            "angle": round(self.angle_deg, 2),
            "oil-pressure": round(max(0.0, pressure), 1),
            "oil-temp": round(oil + 0.1 * noise(), 2),
            "bend": min(_BENDS, int(now.progress * _BENDS) + 1) if running else 0,
            "light-curtain": now.state != "idle",
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Bend: harder sheet springs back more than the program allows for, and a ram that leaks stops too high."""
        usual = bending.spring_back_deg(_STRENGTH_MPA)
        back = bending.spring_back_deg(_STRENGTH_MPA * now.batch**0.5)
        open_deg = back - usual + 0.6 * now.decayed("oil-pressure") + 0.42 * self.process.normal()
        self.angle_deg = 90.0 + open_deg
        piece.error += open_deg / 2.0
        return [around("angle", self.angle_deg, 90.0, 1.0, "deg", rework="above")]
