"""A heavy vertical turn-mill: rings of many tonnes on a table whose bearing warms, cut with tens of kilowatts."""

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import Bearing, drifted
from edge.simulation.machines.model import HALL_CEL, Condition, FailureMode, Finding, Model, Pause
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import cutting, dimension, energy, heat, tool

_DIAMETER_M: Final = 3.0
_SPEED_M_MIN: Final = 80.0
_BLANK_T: Final = 42.0
_CHIPS_T: Final = 7.0
_BEARING_TRIP_CEL: Final = 75.0
_INSERT_LIFE_S: Final = 3_600.0
_ROUGHING: Final = 0.75
"""Share of the piece at which finishing begins."""


class HeavyTurnMill(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "table-speed": Signal("Table speed", "/min", 0, 60),
        "spindle-power": Signal("Power in the cut", "kW", 0, 100),
        "depth": Signal("Depth of cut", "mm", 0, 25),
        "feed-rev": Signal("Feed a revolution", "mm", 0, 1.6),
        "mass": Signal("Mass on the table", "t", 0, 120),
        "bearing-temp": Signal("Temperature of the table bearing", "Cel", 18, 60),
        "vibration": Signal("Vibration", "mm/s", 0, 4.5),
        "tool-wear": Signal("Tool wear", "um", 0, 300),
        "coolant-temp": Signal("Coolant temperature", "Cel", 18, 30),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("table-bearing", "temperature of the table bearing too high", 3, "bearing-temp", 30),
        FailureMode("spindle-bearing", "vibration of the ram in zone D", 2, "vibration", 40),
        FailureMode("hydrostatics", "oil pressure of the table low", 2),
        FailureMode("servo-lag", "following error of axis Z too large", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "chips", 4),
        Pause("idle", "insert-change", 3),
        Pause("idle", "door-open", 1),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("forged-ring", "t", _BLANK_T, 4 * _BLANK_T)
    checkpointed: ClassVar[tuple[str, ...]] = ("bearing_cel", "coolant_cel")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.bearing_cel = 28.0
        self.coolant_cel = 21.0
        self._bearing = Bearing(self, "ram")

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the control reads out."""
        noise = self.noise
        running = now.state == "running"
        cutting_now = running and (now.progress * 40) % 1 > 0.08
        roughs = now.progress < _ROUGHING
        depth = (15.0 if roughs else 5.0) if cutting_now else 0.0
        feed = 1.0 if roughs else 0.5
        wear_um = self._wear_um(now.run_s)
        cut_kw = self._cutting_kw(now, depth, feed, wear_um) if cutting_now else 0.0
        speed = _SPEED_M_MIN / (math.pi * _DIAMETER_M) if running else 0.0
        self.bearing_cel = heat.warmed_cel(
            self.bearing_cel,
            now.hall_cel,
            power_kw=2.0 if running else 0.0,
            rise_k_kw=9.0,
            tau_s=7_200,
            passed_s=passed_s,
        )
        self.coolant_cel = heat.warmed_cel(
            self.coolant_cel, now.hall_cel, power_kw=cut_kw, rise_k_kw=0.12, tau_s=3_600, passed_s=passed_s
        )
        warm = drifted(now, "bearing-temp", self.bearing_cel, _BEARING_TRIP_CEL)
        self.warn("bearing-hot", "temperature of the table bearing above 55 °C", warm, 55.0)
        shaking = self._bearing.shaking_mm_s(now, 1.2 if cutting_now else 0.4)
        self._bearing.watch(shaking)
        idle_kw = 6.0 if running else 0.0
        self.power_kw = 1.5 if now.state == "off" else energy.machine_power_kw(12.0, idle_kw, cut_kw)
        return {
            "table-speed": round(speed * (1 + 0.002 * noise()), 2),
            "spindle-power": round(cut_kw, 2),
            "depth": depth,
            "feed-rev": feed if cutting_now else 0.0,
            "mass": round(_BLANK_T - _CHIPS_T * now.progress, 2) if now.product else 0.0,
            "bearing-temp": round(warm + 0.1 * noise(), 2),
            "vibration": round(max(0.1, shaking), 3),
            "tool-wear": round(wear_um, 1),
            "coolant-temp": round(self.coolant_cel + 0.05 * noise(), 2),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Leave an error: a ring of 3 m grows with the hall, which the control takes for the most part into account."""
        growth = heat.growth_um(_DIAMETER_M, now.hall_cel - HALL_CEL)
        wear = self._wear_um(now.run_s) / tool.WORN_OUT_UM
        piece.error += dimension.error_um(wear, 0.3 * growth, 40.0 * self.process.normal(), worn_um=30.0) / 120.0
        return []

    def _cutting_kw(self, now: Condition, depth_mm: float, feed_mm: float, wear_um: float) -> float:
        force = cutting.specific_force_n_mm2(cutting.ALLOY_STEEL, feed_mm * 0.8) * now.batch
        force = cutting.worn_force_n_mm2(force, wear_um / tool.WORN_OUT_UM)
        power = cutting.turning_power_kw(_SPEED_M_MIN, depth_mm, feed_mm, force)
        return max(0.0, power * (1 + 0.03 * self.noise()))

    def _wear_um(self, run_s: float) -> float:
        """Return the wear of the insert; an index of the turret is changed after an hour in cut."""
        return tool.flank_wear_um(run_s % _INSERT_LIFE_S / _INSERT_LIFE_S)
