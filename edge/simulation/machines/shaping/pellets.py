"""A line for generic, inert pellets of tungsten carbide: a press, and a laser gauge behind the grinder."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.measured import around
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import powder

_DIE_MM: Final = 12.0
_FORCE_KN: Final = 14.8
_WORN_DIE_UM: Final = 40.0


class PelletPress(Model):
    """A rotary press: force makes density, and the die wears. Its pieces are trays of ten pellets."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "force": Signal("Pressing force", "kN", 0, 18),
        "green-density": Signal("Green density of the last pellet", "%", 51, 57),
        "rate": Signal("Rate", "/min", 0, 33),
        "die-wear": Signal("Wear of the die", "um", 0, 45),
        "fill-depth": Signal("Filling depth", "mm", 0, 32),
        "hydraulic-temp": Signal("Oil temperature", "Cel", 18, 62),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("die-worn", "die worn beyond its limit", 3, "die-wear", 8),
        FailureMode("press-seal", "pressing force not reached", 3, "force", 6),
        FailureMode("oil-cooler", "oil too hot", 2, "hydraulic-temp", 6),
        FailureMode("feed-shoe", "feed shoe jammed", 3),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "powder-bridge", 4),
        Pause("idle", "pellet-stuck", 3),
        Pause("idle", "tray-change", 3),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("carbide-powder", "kg", 0.105, 420.0)
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("density",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.density = 53.7

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the press reads out."""
        del passed_s
        noise = self.noise
        running = now.state == "running"
        force = self._force_kn(now) * (1 + 0.006 * noise()) if running else 0.0
        wear = self._die_um(now)
        oil = drifted(now, "hydraulic-temp", 44.0 if running else 34.0, 70.0) + 0.2 * noise()
        if running:
            warn_below(self, "force-low", "pressing force below 14.4 kN", force, 14.4)
            self.warn("die-worn", "die at two thirds of its wear limit", wear, 26.0)
            self.warn("oil-hot", "oil above 54 °C", oil, 54.0)
        self.power_kw = 0.3 if now.state == "off" else 1.8 + (5.5 if running else 0.0)
        return {
            "force": round(force, 3),
            "green-density": round(self.density, 2),
            "rate": round(30 + 0.05 * noise(), 2) if running else 0.0,
            "die-wear": round(wear + 0.2 * noise(), 2),
            "fill-depth": round(28 + 0.05 * noise(), 3) if running else 0.0,
            "hydraulic-temp": round(oil, 2),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Press and weigh: density follows force; the worn die makes pellets too large, which the gauge finds."""
        pressure = powder.pressure_mpa(self._force_kn(now), _DIE_MM)
        self.density = powder.green_density_percent(pressure) / now.batch**0.01 + 0.19 * self.process.normal()
        piece.error += 0.8 * now.decayed("die-wear") + 0.25 * self.process.normal()
        return [around("green-density", self.density, 53.7, 0.5, "%")]

    def _force_kn(self, now: Condition) -> float:
        return drifted(now, "force", _FORCE_KN, 14.1)

    def _die_um(self, now: Condition) -> float:
        return drifted(now, "die-wear", 12.0, _WORN_DIE_UM)


class LaserGauge(Model):
    """A light curtain that measures each pellet as it rolls through."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "diameter": Signal("Diameter of the last pellet", "um", 9_985, 10_015),
        "rate": Signal("Rate", "/min", 0, 66),
        "light": Signal("Light", "%", 0, 100),
        "temp": Signal("Temperature", "Cel", 18, 30),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("laser-weak", "light of the gauge too weak", 4, "light", 15),
        FailureMode("sorter", "sorter does not reach its position", 3),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "pellet-stuck", 4),
        Pause("idle", "window-dirty", 3),
    )
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("diameter_um",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.diameter_um = 10_000.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the gauge reads out."""
        del passed_s
        noise = self.noise
        running = now.state == "running"
        light = drifted(now, "light", 92.0, 55.0) + 0.6 * noise() if running else 0.0
        if running:
            warn_below(self, "light-weak", "light of the gauge below 78 %", light, 78.0)
        self.power_kw = 0.05 if now.state == "off" else 0.25
        return {
            "diameter": round(self.diameter_um, 2),
            "rate": round(60 + 0.1 * noise(), 2) if running else 0.0,
            "light": round(max(0.0, light), 1),
            "temp": round(now.hall_cel + 2 + 0.02 * noise(), 2),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Measure the diameter, the less certainly the weaker the light."""
        spread_um = drifted(now, "light", 0.4, 1.2)
        self.diameter_um = 10_000 + 12.0 * piece.error + spread_um * self.process.normal()
        return [around("diameter", self.diameter_um, 10_000, 12, "um")]
