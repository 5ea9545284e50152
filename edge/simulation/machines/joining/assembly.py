"""Robot assembly: a robot that tightens screws, and a camera that looks at the result."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.joining.robots import Robot
from edge.simulation.machines.measured import around, at_least
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause
from edge.simulation.machines.signals import PROGRAM, Signal, units

_SCREWS: Final = 6
_TORQUE_NM: Final = 25.0
_ANGLE_DEG: Final = 62.0


class AssemblyRobot(Robot):
    """Puts parts together and tightens six screws to torque and angle; the driver's clutch wears."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "torque": Signal("Tightening torque", "N.m", 0, 30),
        "angle": Signal("Tightening angle", "deg", 0, 85),
        "screw": Signal("Screw", "1", 0, _SCREWS),
        "tightened": Signal("Last part tightened as it should be"),
        "tcp-force": Signal("Force at the tool", "N", 0, 180),
        "air-pressure": Signal("Air pressure of the gripper", "bar", 4, 7),
        **Robot.arm_shown,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("driver-clutch", "screwdriver does not reach its torque", 3, "torque", 8),
        FailureMode("gripper-leak", "air pressure of the gripper too low", 2, "air-pressure", 6),
        FailureMode("screw-feeder", "screw feeder jammed", 4),
        Robot.joint_failure,
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (*Robot.minor_stops, Pause("idle", "screw-missing", 4))
    material: ClassVar[tuple[str, str, float, float] | None] = ("screws", "1", _SCREWS, 3_000)
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h", "compressed-air": "m3"}
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    tool_kg: ClassVar[float] = 12.0

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self._is_tight = True

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what robot and screwdriver read out."""
        noise = self.noise
        running = now.state == "running"
        step = (now.progress - 0.3) / 0.6 * _SCREWS
        tightens = running and 0 <= step < _SCREWS
        turned = min(1.0, 0.3 + step % 1) if tightens else 0.0
        torque = self._torque_nm(now) * turned**2 * (1 + 0.01 * noise()) if tightens else 0.0
        pressure = drifted(now, "air-pressure", 6.2, 4.2) + 0.03 * noise()
        if tightens and turned == 1.0:
            warn_below(self, "clutch-worn", "tightening torque below 24 N·m", torque, 24.0)
        warn_below(self, "air-low", "air pressure of the gripper below 5.5 bar", pressure, 5.5)
        push = abs(70 + 20 * noise()) if running else 0.0
        self.power_kw = 0.25 if now.state == "off" else 0.8 + (1.1 if running else 0.0) + 0.01 * torque
        return {
            "torque": round(torque, 2),
            "angle": round(_ANGLE_DEG * turned * (1 + 0.02 * noise()), 1) if tightens else 0.0,
            "screw": int(step) + 1 if tightens else 0,
            "tightened": self._is_tight,
            "tcp-force": round(push, 1),
            "air-pressure": round(pressure, 3),
            **self.arm(now, passed_s, 330.0, push),
        }

    def used(self, meter: str, run_s: float) -> float:
        """Return the compressed air: 0.12 m3/min while it runs."""
        del meter
        return run_s / 60 * 0.12

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Tighten: a worn clutch lets go too early; what is not seated well shows in the angle."""
        super().finish(piece, now)
        torque = self._torque_nm(now) + 0.8 * self.process.normal()
        angle = _ANGLE_DEG + 5.0 * self.process.normal() - 4.0 * (torque - _TORQUE_NM)
        piece.error += 0.3 * self.process.normal()
        self._is_tight = abs(torque - _TORQUE_NM) <= 2.0 and abs(angle - _ANGLE_DEG) <= 20.0
        return [
            around("torque", torque, _TORQUE_NM, 2.0, "N.m", rework="below"),
            around("angle", angle, _ANGLE_DEG, 20.0, "deg"),
        ]

    def _torque_nm(self, now: Condition) -> float:
        return drifted(now, "torque", _TORQUE_NM, 23.0)


class VisionStation(Model):
    """A camera with a lamp that ages; it sorts out what it does not recognise, and so more as the lamp gets weak."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "vision-score": Signal("Score of the last part", "1", 0.6, 1),
        "brightness": Signal("Brightness of the picture", "%", 0, 80),
        "exposure": Signal("Exposure", "ms", 0, 12),
        "camera-temp": Signal("Camera temperature", "Cel", 18, 50),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("lamp-weak", "picture too dark", 4, "brightness", 15),
        FailureMode("camera", "camera does not answer", 2),
        FailureMode("ejector", "ejector does not reach its position", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "part-not-present", 3),
        Pause("idle", "code-not-read", 3),
    )
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("score",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.score = 0.95

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what camera and lamp read out."""
        del passed_s
        noise = self.noise
        looks = now.state == "running" and 0.2 < now.progress < 0.9
        bright = self._brightness(now) + 0.6 * noise() if looks else 0.0
        if looks:
            warn_below(self, "lamp-weak", "brightness of the picture below 55 %", bright, 55.0)
        self.power_kw = 0.05 if now.state == "off" else 0.25 + (0.1 if looks else 0.0)
        return {
            "vision-score": round(self.score, 3),
            "brightness": round(max(0.0, bright), 1),
            "exposure": round(8 + 0.02 * noise(), 2) if looks else 0.0,
            "camera-temp": round(now.hall_cel + 14 + 0.1 * noise(), 2),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Look: the score falls with the part's fault and with a dark picture."""
        dark = 1 - self._brightness(now) / 70.0
        self.score = min(1.0, 0.97 - 0.14 * abs(piece.error) - 0.2 * dark - 0.02 * abs(self.process.normal()))
        return [at_least("vision-score", self.score, 0.8, 1.0, "1", rework="below")]

    def _brightness(self, now: Condition) -> float:
        return drifted(now, "brightness", 70.0, 35.0)
