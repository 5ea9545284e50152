"""Testing without destroying: radiography of castings, ultrasonic C-scan of laminates and welds."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.measured import at_most
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause
from edge.simulation.machines.signals import PROGRAM, Signal, units


class Radiograph(Model):
    """An X-ray cabinet: the largest flaw that it shows, such as a wall that was not filled or a pore."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "tube-voltage": Signal("Tube voltage", "kV", 0, 450),
        "tube-current": Signal("Tube current", "mA", 0, 5),
        "detector-temp": Signal("Detector temperature", "Cel", 15, 30),
        "grey-level": Signal("Mean grey level", "%", 0, 70),
        "flaw-size": Signal("Largest flaw of the last part", "mm", 0, 2),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("tube", "X-ray tube gives too little", 4, "grey-level", 20),
        FailureMode("detector", "detector does not answer", 2),
        FailureMode("shield-door", "interlock of the shield door open", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "door-open", 3),
        Pause("idle", "part-not-present", 2),
        Pause("idle", "image-to-be-seen", 4),
    )
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self._flaw_mm = 0.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the cabinet reads out."""
        del passed_s
        noise = self.noise
        exposes = now.state == "running" and 0.1 < now.progress < 0.9 and (now.progress * 12) % 1 > 0.3
        grey = drifted(now, "grey-level", 55.0, 30.0) + 0.8 * noise() if exposes else 0.0
        if exposes:
            warn_below(self, "tube-weak", "grey level below 46 %: the tube is near its end", grey, 46.0)
        self.power_kw = 0.3 if now.state == "off" else 1.2 + (2.1 if exposes else 0.0)
        return {
            "tube-voltage": round(320 + 0.5 * noise(), 1) if exposes else 0.0,
            "tube-current": round(4.2 + 0.01 * noise(), 3) if exposes else 0.0,
            "detector-temp": round(now.hall_cel + 1.0 + 0.05 * noise(), 2),
            "grey-level": round(max(0.0, grey), 1),
            "flaw-size": round(self._flaw_mm, 2),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Find the largest flaw, as far as the tube's light shows it."""
        del now
        self._flaw_mm = max(0.0, 2.0 * abs(piece.error) + 0.08 * self.process.normal())
        return [at_most("flaw-size", self._flaw_mm, 2.0, "mm")]


class CScan(Model):
    """An ultrasonic scan of an area through water: how much of it is porous or delaminated."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "scan-speed": Signal("Scan speed", "mm/s", 0, 320),
        "echo": Signal("Echo of the reference", "%", 0, 100),
        "water-temp": Signal("Water temperature", "Cel", 15, 28),
        "water-flow": Signal("Water flow", "L/min", 0, 9),
        "coverage": Signal("Scanned area", "%", 0, 100),
        "flaw-area": Signal("Largest flaw of the last part", "mm2", 0, 36),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("probe-worn", "echo of the reference block too low", 4, "echo", 15),
        FailureMode("water-pump", "no water between probe and part", 3, "water-flow", 6),
        FailureMode("controller", "scan program stopped", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "no-coupling", 4),
        Pause("idle", "fixture-open", 2),
    )
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h", "water": "m3"}
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self._flaw_mm2 = 0.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the scanner reads out."""
        del passed_s
        noise = self.noise
        scans = now.state == "running" and 0.08 < now.progress < 0.95
        echo = drifted(now, "echo", 84.0, 50.0) + 1.5 * noise() if scans else 0.0
        flow = drifted(now, "water-flow", 8.0, 3.0) + 0.1 * noise() if scans else 0.0
        if scans:
            warn_below(self, "echo-low", "echo below 68 %: the probe is near its end", echo, 68.0)
            warn_below(self, "flow-low", "water flow below 6 L/min", flow, 6.0)
        self.power_kw = 0.3 if now.state == "off" else 0.9 + (1.8 if scans else 0.0)
        return {
            "scan-speed": round(300 + 3 * noise(), 1) if scans else 0.0,
            "echo": round(max(0.0, echo), 1),
            "water-temp": round(now.hall_cel + 1.0 + 0.05 * noise(), 2),
            "water-flow": round(max(0.0, flow), 2),
            "coverage": round(100 * now.progress, 1) if now.state == "running" else 0.0,
            "flaw-area": round(self._flaw_mm2, 1),
            "program": now.product,
        }

    def used(self, meter: str, run_s: float) -> float:
        """Return the fresh water: a twentieth of what flows."""
        del meter
        return run_s / 60 * 0.008 / 20

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Find the largest area that is porous, dry or delaminated."""
        del now
        side_mm = max(0.0, 6.0 * abs(piece.error) + 0.2 * self.process.normal())
        self._flaw_mm2 = side_mm**2
        return [at_most("flaw-area", self._flaw_mm2, 36.0, "mm2")]
