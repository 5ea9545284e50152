"""A friction-stir gantry: torque of a sticking shoulder, the weld's temperature, and force that keeps it sound."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import warn_below
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause, toward
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import friction_stir, vibration

_PLUNGE: Final = 0.12
_WELD: Final = 0.18
_RETRACT: Final = 0.86
"""Shares of the cycle at which plunging, welding and retracting begin; before and after, parts are loaded."""
_SPEED_PER_MIN: Final = 1_000.0
_TRAVERSE_MM_MIN: Final = 300.0
_SHOULDER_MM: Final = 9.0
_FORCE_KN: Final = 9.5
_TRIP_MM_S: Final = vibration.zone_limits_mm_s()[2]
_LIMIT_MM_S: Final = vibration.zone_limits_mm_s()[1]
_WORN_PIN_KN: Final = 2.6  # the force along the seam at which a pin breaks


class FrictionStirGantry(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "spindle-speed": Signal("Tool speed", "/min", 0, 1100),
        "traverse": Signal("Traverse", "mm/min", 0, 330),
        "force-z": Signal("Forge force", "kN", 0, 11),
        "force-x": Signal("Force along the seam", "kN", 0, 1.9),
        "torque": Signal("Torque", "N.m", 0, 38),
        "tool-temp": Signal("Tool temperature", "Cel", 18, 520),
        "spindle-power": Signal("Spindle power", "kW", 0, 4.5),
        "plunge-depth": Signal("Plunge depth", "mm", 0, 5.95),
        "seam-offset": Signal("Offset from the seam", "mm", -0.2, 0.2),
        "tilt": Signal("Tilt", "deg", 1, 3),
        "vibration": Signal("Vibration", "mm/s", 0, 2.8),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("pin-broken", "pin of the welding tool broken", 3, "force-x", 12),
        FailureMode("spindle-bearing", "spindle vibration in zone D, spindle stopped", 2, "vibration", 30),
        FailureMode("clamp-fault", "clamp 4 not closed", 3),
        FailureMode("servo-lag", "following error of axis Z too large", 2),
        FailureMode("hydraulics", "pressure of the forge axis low", 1, "force-z", 8),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "clamp-not-closed", 3),
        Pause("idle", "door-open", 2),
        Pause("idle", "seam-not-found", 2),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("aluminium", "kg", 11.2, 537.6)
    checkpointed: ClassVar[tuple[str, ...]] = ("tool_cel",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.tool_cel = 25.0
        self._smooth = 0.8

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the control reads out."""
        noise = self.noise
        running = now.state == "running"
        plunged = running and _PLUNGE <= now.progress < _RETRACT
        welding = plunged and now.progress >= _WELD
        goal = friction_stir.weld_temperature_cel(_SPEED_PER_MIN, _TRAVERSE_MM_MIN) if plunged else now.hall_cel
        self.tool_cel = toward(self.tool_cel, goal, 12.0 if plunged else 40.0, passed_s)
        force_z = self._force_kn(now) + 0.15 * noise()
        force_x = (
            (1.15 * now.batch + now.decayed("force-x") * (_WORN_PIN_KN - 1.15) + 0.06 * noise()) if welding else 0.0
        )
        torque = self._torque_nm(now) * (1 + 0.02 * noise()) if plunged else 0.0
        speed = _SPEED_PER_MIN * (1 + 0.002 * noise()) if plunged else 0.0
        rough = 1.0 if plunged else 0.35
        shaking = rough + now.decayed("vibration") * (_TRIP_MM_S - rough) + 0.04 * noise()
        shaft_kw = torque * speed / 9549.3
        self.power_kw = 0.4 if now.state == "off" else 2.6 + (1.1 + shaft_kw / 0.8 if running else 0.0)
        self._smooth = toward(self._smooth, shaking, 30.0, 10.0)
        self.warn("vibration-high", "spindle vibration in zone C of ISO 20816-3", self._smooth, _LIMIT_MM_S)
        if welding:
            warn_below(
                self, "forge-weak", "forge force below 8.6 kN: the axis does not hold its pressure", force_z, 8.6
            )
            self.warn("pin-worn", "force along the seam high: the pin is near its end", force_x, 1.9)
        return {
            "spindle-speed": round(speed),
            "traverse": round(_TRAVERSE_MM_MIN * (1 + 0.01 * noise()), 1) if welding else 0.0,
            "force-z": round(force_z, 2) if plunged else 0.0,
            "force-x": round(max(0.0, force_x), 3),
            "torque": round(torque, 2),
            "tool-temp": round(self.tool_cel + 1.2 * noise(), 1),
            "spindle-power": round(shaft_kw, 3),
            "plunge-depth": round(5.85 + 0.01 * noise(), 3) if plunged else 0.0,
            "seam-offset": round(0.06 * noise(), 3) if welding else 0.0,
            "tilt": 2.0,
            "vibration": round(max(0.05, shaking), 3),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Leave a seam: too little force or a worn pin leaves a void in it."""
        void_mm = friction_stir.void_mm(self._force_kn(now))
        piece.error += 0.5 * now.decayed("force-x") + void_mm / 0.8 + 0.28 * self.process.normal()
        return []

    def _force_kn(self, now: Condition) -> float:
        """Return the forge force; a seal of the axis that leaks takes up to a quarter of it."""
        return _FORCE_KN * (1 - 0.03 * (now.batch - 1)) * (1 - 0.25 * now.decayed("force-z"))

    def _torque_nm(self, now: Condition) -> float:
        """Return the torque: the metal gives way as it gets hot, from 20 MPa to 15 MPa."""
        hot = min(1.0, max(0.0, (self.tool_cel - 100.0) / 360.0))
        return friction_stir.torque_nm((20.0 - 5.0 * hot) * now.batch, _SHOULDER_MM)
