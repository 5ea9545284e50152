"""What carries pieces from machine to machine, for several lines: a driverless vehicle, a bridge crane."""

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, Final, Literal

from broker.contract.events import Value
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted
from edge.simulation.machines.model import Condition, FailureMode, Model, Pause, toward
from edge.simulation.machines.signals import Signal, units
from edge.simulation.physics import driverless

_MASS_KG: Final = 620.0
_CAPACITY_KWH: Final = 2.4
_CHARGER_KW: Final = 2.5
_LENGTH_M: Final = 38.0
_WIDTH_M: Final = 14.0


class DriverlessVehicle(Model):
    """Drives a loop through the hall, and charges between two jobs once its battery is at 30 %."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "battery": Signal("Battery", "%", 10, 100),
        "speed": Signal("Speed", "m/s", 0, 1.6),
        "x": Signal("Position x", "m", -1, _LENGTH_M + 1),
        "y": Signal("Position y", "m", -1, _WIDTH_M + 1),
        "heading": Signal("Heading", "deg", 0, 360),
        "motor-temp": Signal("Temperature of the drive", "Cel", 18, 75),
        "obstacle": Signal("Obstacle in the way"),
        "job": Signal("Job"),
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("drive-gear", "drive too hot", 3, "motor-temp", 8),
        FailureMode("laser-scanner", "laser scanner faulty", 3),
        FailureMode("route-lost", "position lost", 3),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "obstacle", 5),
        Pause("idle", "route-blocked", 3),
        Pause("idle", "charging", 3),
    )
    serves: ClassVar[Literal["", "carries", "supplies"]] = "carries"
    serves_reason: ClassVar[str] = "agv-busy"
    checkpointed: ClassVar[tuple[str, ...]] = ("charge", "motor_cel", "charges")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.charge = 0.8
        self.charges = 0.0
        self.motor_cel = 25.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the vehicle reads out."""
        noise = self.noise
        drives = now.state == "running"
        speed = max(0.0, min(1.6, 1.3 + 0.08 * noise())) if drives else 0.0
        if drives or not self.charges:
            self.charge = driverless.charge_after(
                self.charge, mass_kg=_MASS_KG, speed_m_s=speed, passed_s=passed_s, capacity_kwh=_CAPACITY_KWH
            )
        else:
            self.charge = driverless.charged_after(
                self.charge, charger_kw=_CHARGER_KW, passed_s=passed_s, capacity_kwh=_CAPACITY_KWH
            )
        if self.charge < driverless.CHARGE_AT:
            self.charges = 1.0
        elif self.charge > 0.95:
            self.charges = 0.0
        if self.charge < 0.12:
            self.charge = 0.9  # its battery is changed by hand
        self.motor_cel = toward(self.motor_cel, 46.0 if drives else now.hall_cel, 900.0, passed_s)
        motor = drifted(now, "motor-temp", self.motor_cel, 90.0)
        self.warn("drive-hot", "drive above 65 °C", motor, 65.0)
        x, y, heading = _on_loop(now.progress if drives else 0.0)
        # The charger counts: what it puts back was taken from the grid then.
        self.power_kw = _CHARGER_KW if self.charges and now.state == "idle" else 0.02
        return {
            "battery": round(100 * self.charge, 1),
            "speed": round(speed, 3),
            "x": round(x, 2),
            "y": round(y, 2),
            "heading": heading,
            "motor-temp": round(motor + 0.2 * noise(), 1),
            "obstacle": now.state == "idle" and not self.charges,
            "job": now.load_id if drives else "",
        }


class BridgeCrane(Model):
    """Lifts heavy parts from station to station; its brake wears and gets hot."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "hoist-load": Signal("Load on the hook", "t", 0, 60),
        "hook-height": Signal("Height of the hook", "m", 0, 9),
        "bridge-position": Signal("Position of the bridge", "m", 0, 80),
        "trolley-position": Signal("Position of the trolley", "m", 0, 18),
        "hoist-power": Signal("Hoist power", "kW", 0, 60),
        "brake-temp": Signal("Temperature of the brake", "Cel", 18, 160),
        "rope-tension": Signal("Difference of the ropes", "%", 0, 15),
        "job": Signal("Job"),
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("brake", "brake of the hoist too hot", 3, "brake-temp", 10),
        FailureMode("rope", "ropes of the hoist unequal", 2, "rope-tension", 30),
        FailureMode("limit-switch", "limit switch of the bridge open", 3),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "slinger-away", 4),
        Pause("idle", "path-not-clear", 4),
    )
    serves: ClassVar[Literal["", "carries", "supplies"]] = "carries"
    serves_reason: ClassVar[str] = "crane-busy"
    checkpointed: ClassVar[tuple[str, ...]] = ("brake_cel",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.brake_cel = 30.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the crane reads out."""
        noise = self.noise
        works = now.state == "running"
        lifts = works and now.progress < 0.2
        lowers = works and now.progress > 0.8
        height = 8.0 * min(1.0, now.progress / 0.2, (1 - now.progress) / 0.2) if works else 0.0
        load = 38 + 0.1 * noise() if works else 0.0
        self.brake_cel = toward(self.brake_cel, 85.0 if works else now.hall_cel, 600.0, passed_s)
        brake = drifted(now, "brake-temp", self.brake_cel, 210.0)
        ropes = drifted(now, "rope-tension", 3.0, 20.0) + 0.3 * noise()
        self.warn("brake-hot", "brake of the hoist above 130 °C", brake, 130.0)
        self.warn("ropes-unequal", "ropes of the hoist differ by 10 %", ropes, 10.0)
        hoist = 45 * (1 + 0.02 * noise()) if lifts else 6.0 if lowers else 0.0
        self.power_kw = 0.2 if now.state == "off" else 0.8 + hoist + (7.0 if works else 0.0)
        return {
            "hoist-load": round(load, 2),
            "hook-height": round(height, 2),
            "bridge-position": round(12 + 50 * min(1.0, max(0.0, (now.progress - 0.2) / 0.6)), 2) if works else 12.0,
            "trolley-position": round(9 + 5 * math.sin(math.pi * now.progress), 2) if works else 9.0,
            "hoist-power": round(hoist, 2),
            "brake-temp": round(brake + noise(), 1),
            "rope-tension": round(max(0.0, ropes), 1),
            "job": now.load_id if works else "",
        }


def _on_loop(share: float) -> tuple[float, float, float]:
    """Return place and heading on a rectangular loop."""
    way = share % 1 * 2 * (_LENGTH_M + _WIDTH_M)
    if way < _LENGTH_M:
        return way, 0.0, 0.0
    if way < _LENGTH_M + _WIDTH_M:
        return _LENGTH_M, way - _LENGTH_M, 90.0
    if way < 2 * _LENGTH_M + _WIDTH_M:
        return 2 * _LENGTH_M + _WIDTH_M - way, _WIDTH_M, 180.0
    return 0.0, 2 * (_LENGTH_M + _WIDTH_M) - way, 270.0
