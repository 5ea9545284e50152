"""Robots: one that welds, one that deburrs. Their joints load and warm alike, so they stand together."""

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause, toward
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import heat, robot_arm

_STOPS: Final = (
    Pause("idle", "protective-stop", 3),
    Pause("idle", "part-not-present", 2),
    Pause("idle", "door-open", 2),
    Pause("idle", "gripper-not-closed", 1),
)
_GEAR_TRIP_CEL: Final = 75.0


class Robot(Model):
    """What all robots have: joints, whose torque follows the movement and the tool, and whose gears warm."""

    arm_shown: ClassVar[Mapping[str, Signal]] = {
        "joint-1-torque": Signal("Torque of joint 1", "N.m", -200, 200),
        "joint-2-torque": Signal("Torque of joint 2", "N.m", 0, 480),
        "joint-3-torque": Signal("Torque of joint 3", "N.m", 0, 240),
        "joint-4-torque": Signal("Torque of joint 4", "N.m", -25, 25),
        "joint-5-torque": Signal("Torque of joint 5", "N.m", 0, 80),
        "joint-6-torque": Signal("Torque of joint 6", "N.m", -15, 15),
        "joint-temp": Signal("Temperature of gear 2", "Cel", 18, 58),
        "cycle-time": Signal("Cycle time of the last part", "s", 5, 1_200),
        "protective-stop": Signal("Protective stop"),
        "program": PROGRAM,
    }
    minor_stops: ClassVar[tuple[Pause, ...]] = _STOPS
    checkpointed: ClassVar[tuple[str, ...]] = ("joint_cel", "began_s", "cycle_s")
    tool_kg: ClassVar[float]
    """Mass of what it carries at the wrist."""
    joint_failure: ClassVar[FailureMode] = FailureMode("gearbox", "temperature of gear 2 too high", 2, "joint-temp", 8)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.joint_cel = 28.0
        self.began_s = 0.0
        self.cycle_s = 60.0

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Take the time since the last part."""
        del piece
        self.cycle_s, self.began_s = now.run_s - self.began_s, now.run_s
        return []

    def arm(self, now: Condition, passed_s: float, load_nm: float, push_n: float = 0.0) -> dict[str, Value]:
        """Return what the arm shows, `passed_s` after it was last read.

        Args:
            now: the robot's condition.
            passed_s: since it was last read.
            load_nm: what joint 2 carries.
            push_n: with which the tool pushes on the part.
        """
        noise = self.noise
        running = now.state == "running"
        phase = 2 * math.pi * 6 * now.progress
        turn, swing = (math.sin(phase), math.cos(phase)) if running else (0.0, 0.0)
        heat_kw = 0.55 if running else 0.08
        self.joint_cel = heat.warmed_cel(
            self.joint_cel, now.hall_cel, power_kw=heat_kw, rise_k_kw=38.0, tau_s=2_700, passed_s=passed_s
        )
        warm = self.joint_cel + now.decayed("joint-temp") * max(0.0, _GEAR_TRIP_CEL - self.joint_cel)
        self.warn("gear-hot", "temperature of gear 2 above 60 °C", warm, 60.0)
        return {
            "joint-1-torque": round(120 * turn + 12 * noise(), 1) if running else 0.0,
            "joint-2-torque": round(load_nm * (1 + 0.25 * turn) + 9 * noise(), 1),
            "joint-3-torque": round(0.45 * load_nm * (1 - 0.2 * turn) + 5 * noise(), 1),
            "joint-4-torque": round(robot_arm.joint_nm(self.tool_kg, 0.12, 0.7 * swing, -30 * turn) + 0.4 * noise(), 2),
            "joint-5-torque": round(
                robot_arm.joint_nm(self.tool_kg, 0.25, 0.6 + 0.4 * turn) + 0.3 * push_n + 0.4 * noise(), 2
            ),
            "joint-6-torque": round(robot_arm.joint_nm(self.tool_kg, 0.05, turn, 60 * swing) + 0.2 * noise(), 2),
            "joint-temp": round(warm + 0.1 * noise(), 2),
            "cycle-time": round(self.cycle_s, 1),
            "protective-stop": now.state == "idle",
            "program": now.product,
        }


class WeldRobot(Robot):
    """An arc-welding robot: current, voltage, wire and gas; it leaves a bead of a width."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "arc-current": Signal("Arc current", "A", 0, 205),
        "arc-voltage": Signal("Arc voltage", "V", 0, 24.2),
        "wire-feed": Signal("Wire feed", "m/min", 0, 9),
        "travel": Signal("Travel speed", "mm/s", 0, 9.5),
        "gas-flow": Signal("Shielding gas", "L/min", 0, 16),
        "heat-input": Signal("Heat input", "kJ/mm", 0, 0.45),
        **Robot.arm_shown,
        "joint-2-torque": Signal("Torque of joint 2", "N.m", 0, 560),
        "joint-3-torque": Signal("Torque of joint 3", "N.m", 0, 280),
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("torch", "contact tip burnt back", 4, "arc-voltage", 4),
        FailureMode("wire-feeder", "wire feed motor overloaded", 3),
        FailureMode("gripper", "gripper does not open", 2),
        Robot.joint_failure,
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("welding-wire", "kg", 0.21, 18.0)
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h", "gas": "m3"}
    tool_kg: ClassVar[float] = 5.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what robot and power source read out."""
        noise = self.noise
        welding = now.state == "running" and 0.15 < now.progress < 0.9 and (now.progress * 12) % 1 > 0.25
        current = 182 * now.batch**0.2 + 3.5 * noise() if welding else 0.0
        voltage = 21.5 + 5.0 * now.decayed("arc-voltage") + 0.35 * noise() if welding else 0.0
        travel = 9.0 + 0.1 * noise() if welding else 0.0
        arc_kw = current * voltage / 1000
        base_kw = 0.25 if now.state == "off" else 0.9
        self.power_kw = base_kw + (1.3 + arc_kw / 0.85 if now.state == "running" else 0.0)
        if welding:
            self.warn("tip-worn", "arc voltage high: the contact tip is near its end", voltage, 24.2)
        return {
            "arc-current": round(current, 1),
            "arc-voltage": round(voltage, 2),
            "wire-feed": round(8.4 + 0.1 * noise(), 2) if welding else 0.0,
            "travel": round(travel, 2),
            "gas-flow": round(15 + 0.2 * noise(), 2) if welding else 0.0,
            "heat-input": round(0.8 * arc_kw / travel, 3) if welding else 0.0,
            **self.arm(now, passed_s, 410.0),
        }

    def used(self, meter: str, run_s: float) -> float:
        """Return the shielding gas: 15 L/min while the arc burns, a bit over half of the cycle."""
        del meter
        return run_s / 60 * 0.015 * 0.56

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Leave a bead; a worn tip makes it wander."""
        super().finish(piece, now)
        width_mm = 6.0 + 0.16 * self.process.normal() + 0.35 * now.decayed("arc-voltage")
        piece.error += 0.2 * self.process.normal()
        return [Finding("bead-width", round(width_mm, 3), 5.2, 6.0, 6.8, "mm")]


class DeburrRobot(Robot):
    """A robot with a spindle that takes burrs off: force on the part, and a brush that wears."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "spindle-speed": Signal("Spindle speed", "/min", 0, 9300),
        "spindle-power": Signal("Spindle power", "kW", 0, 1.2),
        "tcp-force": Signal("Force on the part", "N", 0, 45),
        "brush-wear": Signal("Brush wear", "%", 0, 100),
        "vibration": Signal("Vibration", "mm/s", 0, 2.8),
        **Robot.arm_shown,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("spindle-bearing", "spindle vibration too high", 3, "vibration", 12),
        FailureMode("gripper", "gripper does not open", 3),
        FailureMode("force-sensor", "force sensor overloaded", 2),
        Robot.joint_failure,
    )
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h", "compressed-air": "m3"}
    checkpointed: ClassVar[tuple[str, ...]] = (*Robot.checkpointed, "brush_since_s")
    tool_kg: ClassVar[float] = 9.0
    brush_life_s: ClassVar[float] = 6 * 3600.0

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.brush_since_s = 0.0
        self._smooth = 1.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what robot and spindle read out."""
        noise = self.noise
        on_part = now.state == "running" and 0.1 < now.progress < 0.92
        wear = self._brush_wear(now.run_s)
        force = (26 + 10 * wear + 4 * math.sin(40 * now.progress) + 1.5 * noise()) if on_part else 0.0
        rough = 1.1 if on_part else 0.3
        shaking = rough + now.decayed("vibration") * (4.5 - rough) + 0.06 * noise()
        self._smooth = toward(self._smooth, shaking, 30.0, 10.0)
        self.warn("vibration-high", "spindle vibration high", self._smooth, 2.8)
        spindle_kw = (0.35 + 0.012 * force) if on_part else 0.0
        self.power_kw = 0.25 if now.state == "off" else 0.9 + spindle_kw + (1.3 if now.state == "running" else 0.0)
        return {
            "spindle-speed": round(9_000 * (1 + 0.004 * noise())) if on_part else 0,
            "spindle-power": round(spindle_kw, 3),
            "tcp-force": round(max(0.0, force), 1),
            "brush-wear": round(100 * wear, 1),
            "vibration": round(max(0.05, shaking), 3),
            **self.arm(now, passed_s, 330.0, force),
        }

    def used(self, meter: str, run_s: float) -> float:
        """Return the compressed air: 0.25 m3/min while it runs."""
        del meter
        return run_s / 60 * 0.25

    def _brush_wear(self, run_s: float) -> float:
        """Return how far the brush is worn, 0 to 1; a worn one is changed for the next from the magazine."""
        while run_s - self.brush_since_s >= self.brush_life_s:
            self.brush_since_s += self.brush_life_s
        return (run_s - self.brush_since_s) / self.brush_life_s
