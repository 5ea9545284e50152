"""Machines that inspect: a coordinate measuring machine and an ultrasonic scanner for welds.

They find the error that the process left on a piece, with an uncertainty of their own, and sort it out beyond limits.
"""

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause, toward
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import heat

_BORE_MM: Final = 12.0
_TOLERANCE_MM: Final = 0.02
_LONGEST_VOID_MM: Final = 1.2


class CoordinateMeasuringMachine(Model):
    """A bore's diameter and a height, in a room at 20 Cel."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "temp": Signal("Room temperature", "Cel", 19.5, 20.5),
        "air-pressure": Signal("Pressure of the air bearings", "bar", 5, 6),
        "axis-speed": Signal("Axis speed", "mm/s", 0, 300),
        "probe-force": Signal("Probe force", "mN", 0, 100),
        "probe-error": Signal("Probe error", "um", 0, 1.5),
        "deviation": Signal("Deviation of the last part", "um", -15, 15),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("air-bearing", "pressure of the air bearings low", 3, "air-pressure", 12),
        FailureMode("probe-collision", "probe has collided", 4),
        FailureMode("controller", "measuring program stopped", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "probe-not-ready", 3),
        Pause("idle", "part-not-clean", 2),
        Pause("idle", "fixture-open", 2),
    )
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h", "compressed-air": "m3"}
    inspects: ClassVar[bool] = True

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self._room_cel = 20.0
        self._deviation_um = 0.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the machine reads out."""
        noise = self.noise
        running = now.state == "running"
        goal = 20.0 + 0.12 * (now.hall_cel - 20.5) + 0.05 * math.sin(now.day_s / 700)
        self._room_cel = toward(self._room_cel, goal, 900.0, passed_s)
        pressure = 5.5 - 1.3 * now.decayed("air-pressure") + 0.015 * noise()
        self.warn("air-low", "pressure of the air bearings below 4.9 bar", 10 - pressure, 5.1)
        moving = running and (now.progress * 24) % 1 > 0.35
        self.power_kw = 0.3 if now.state == "off" else 0.7 + (0.6 if running else 0.0)
        return {
            "temp": round(self._room_cel + 0.005 * noise(), 3),
            "air-pressure": round(pressure, 3),
            "axis-speed": round(220 + 25 * noise(), 1) if moving else 0.0,
            "probe-force": round(80 + 3 * noise(), 1) if running and not moving else 0.0,
            "probe-error": round(abs(0.6 + heat.growth_um(0.3, self._room_cel - 20.0) + 0.1 * noise()), 2),
            "deviation": round(self._deviation_um, 1),
            "program": now.product,
        }

    def used(self, meter: str, run_s: float) -> float:
        """Return the compressed air: 0.06 m3/min."""
        del meter
        return run_s / 60 * 0.06

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Measure a bore, and a height that the process holds more easily."""
        del now
        error_mm = piece.error * _TOLERANCE_MM + 0.0006 * self.process.normal()
        self._deviation_um = 1000 * error_mm
        height_mm = 45.0 + 0.5 * error_mm + 0.006 * self.process.normal()
        return [
            Finding(
                "bore-diameter",
                round(_BORE_MM + error_mm, 4),
                _BORE_MM - _TOLERANCE_MM,
                _BORE_MM,
                _BORE_MM + _TOLERANCE_MM,
                "mm",
            ),
            Finding("height", round(height_mm, 4), 44.95, 45.0, 45.05, "mm"),
        ]


class WeldScanner(Model):
    """An immersion ultrasonic scan of the seam: the longest void that it shows."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "scan-speed": Signal("Scan speed", "mm/s", 0, 65),
        "echo": Signal("Echo of the reference", "%", 0, 100),
        "water-temp": Signal("Water temperature", "Cel", 18, 26),
        "water-flow": Signal("Water flow", "L/min", 0, 4.5),
        "probe-offset": Signal("Offset of the probe", "mm", -0.15, 0.15),
        "void-length": Signal("Longest void of the last part", "mm", 0, 0.9),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("probe-worn", "echo of the reference block too low", 4, "echo", 15),
        FailureMode("water-pump", "no water between probe and part", 3),
        FailureMode("controller", "scan program stopped", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "no-coupling", 4),
        Pause("idle", "part-not-clean", 1),
        Pause("idle", "fixture-open", 2),
    )
    inspects: ClassVar[bool] = True

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self._void_mm = 0.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the scanner reads out."""
        del passed_s
        noise = self.noise
        scanning = now.state == "running" and 0.1 < now.progress < 0.95
        echo = 82 - 34 * now.decayed("echo") + 1.5 * noise() if scanning else 0.0
        if scanning:
            self.warn("echo-low", "echo below 66 %: the probe is near its end", 100 - echo, 34.0)
        self.power_kw = 0.2 if now.state == "off" else 0.6 + (0.9 if scanning else 0.0)
        return {
            "scan-speed": round(60 + 0.8 * noise(), 1) if scanning else 0.0,
            "echo": round(max(0.0, echo), 1),
            "water-temp": round(now.hall_cel + 1.5 + 0.05 * noise(), 2),
            "water-flow": round(4.0 + 0.06 * noise(), 2) if scanning else 0.0,
            "probe-offset": round(0.04 * noise(), 3) if scanning else 0.0,
            "void-length": round(self._void_mm, 2),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Find the longest void, and how strong the joint will be."""
        del now
        self._void_mm = max(0.0, 0.15 + 0.8 * abs(piece.error) + 0.04 * self.process.normal())
        strength = 288.0 - 26.0 * self._void_mm + 3.0 * self.process.normal()
        return [
            Finding("void-length", round(self._void_mm, 3), 0.0, 0.0, _LONGEST_VOID_MM, "mm"),
            Finding("joint-strength", round(strength, 1), 240.0, 280.0, 320.0, "MPa"),
        ]
