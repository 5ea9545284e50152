"""Fabrication of heavy parts: module frames welded pass by pass, and a lining clad onto a ring."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.measured import around
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause, toward
from edge.simulation.machines.signals import PROGRAM, Signal, units

_PASSES: Final = 12
_HOT_CEL: Final = 150.0


class FrameWelder(Model):
    """A column-and-boom welder for frames: current, heat between passes, and distortion that is measured."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "arc-current": Signal("Arc current", "A", 0, 420),
        "arc-voltage": Signal("Arc voltage", "V", 0, 38),
        "travel": Signal("Travel speed", "mm/s", 0, 9),
        "wire-feed": Signal("Wire feed", "m/min", 0, 4),
        "heat-input": Signal("Heat input", "kJ/mm", 0, 2.2),
        "interpass-temp": Signal("Temperature between passes", "Cel", 15, 180),
        "pass": Signal("Pass", "1", 0, _PASSES),
        "seam-offset": Signal("Offset from the seam", "mm", -0.6, 0.6),
        "gas-flow": Signal("Shielding gas", "L/min", 0, 22),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("torch", "contact tip burnt back", 4, "arc-voltage", 6),
        FailureMode("gas-leak", "shielding gas too weak", 2, "gas-flow", 6),
        FailureMode("wire-feeder", "wire feed motor overloaded", 3),
        FailureMode("manipulator", "following error of the boom", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "interpass-too-hot", 4),
        Pause("idle", "seam-not-found", 3),
        Pause("idle", "slag-to-be-chipped", 3),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("welding-wire", "kg", 14.0, 400.0)
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h", "gas": "m3"}
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("interpass_cel",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.interpass_cel = 60.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the power source and the boom read out."""
        noise = self.noise
        running = now.state == "running"
        welds = running and (now.progress * _PASSES) % 1 > 0.3
        current = 360 * now.batch**0.1 + 6 * noise() if welds else 0.0
        voltage = drifted(now, "arc-voltage", 30.5, 37.0) + 0.3 * noise() if welds else 0.0
        flow = drifted(now, "gas-flow", 18.0, 8.0) + 0.2 * noise() if welds else 0.0
        travel = 6.5 + 0.08 * noise() if welds else 0.0
        arc_kw = current * voltage / 1000
        goal = _HOT_CEL if running else now.hall_cel
        self.interpass_cel = toward(self.interpass_cel, goal, 900.0 if running else 3_600.0, passed_s)
        if welds:
            self.warn("tip-worn", "arc voltage high: the contact tip is near its end", voltage, 33.5)
            warn_below(self, "gas-low", "shielding gas below 14 L/min", flow, 14.0)
        self.power_kw = 0.4 if now.state == "off" else 2.2 + arc_kw / 0.85
        return {
            "arc-current": round(current, 1),
            "arc-voltage": round(voltage, 2),
            "travel": round(travel, 2),
            "wire-feed": round(3.2 + 0.05 * noise(), 2) if welds else 0.0,
            "heat-input": round(0.9 * arc_kw / travel, 3) if welds else 0.0,
            "interpass-temp": round(self.interpass_cel + noise(), 1),
            "pass": min(_PASSES, int(now.progress * _PASSES) + 1) if running else 0,
            "seam-offset": round(0.15 * noise(), 3) if welds else 0.0,
            "gas-flow": round(max(0.0, flow), 2),
            "program": now.product,
        }

    def used(self, meter: str, run_s: float) -> float:
        """Return the shielding gas: 18 L/min while the arc burns, 70 % of the time."""
        del meter
        return run_s / 60 * 0.018 * 0.7

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Measure how the frame has pulled: more where the arc wandered."""
        pulled_mm = 1.25 * self.process.normal() + 1.2 * now.decayed("arc-voltage")
        piece.error += 0.25 * self.process.normal() + 0.8 * now.decayed("gas-flow")
        return [around("flatness", pulled_mm, 0.0, 3.0, "mm", rework="above")]


class Cladder(Model):
    """Hot-wire cladding of stainless steel onto a ring: layer height and dilution follow current and wire."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "arc-current": Signal("Arc current", "A", 0, 340),
        "arc-voltage": Signal("Arc voltage", "V", 0, 16),
        "wire-feed": Signal("Wire feed", "m/min", 0, 4.2),
        "wire-current": Signal("Hot-wire current", "A", 0, 120),
        "travel": Signal("Travel", "mm/min", 0, 260),
        "oscillation": Signal("Width of oscillation", "mm", 0, 14),
        "interpass-temp": Signal("Temperature between layers", "Cel", 15, 180),
        "clad-height": Signal("Height of the last layer", "mm", 2, 4),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("electrode", "tungsten electrode worn", 4, "arc-voltage", 8),
        FailureMode("wire-liner", "wire feed too slow", 3, "wire-feed", 6),
        FailureMode("cooling-water", "flow of the torch's cooling low", 2),
        FailureMode("rotator", "following error of the rotator", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "interpass-too-hot", 4),
        Pause("idle", "arc-lost", 3),
        Pause("idle", "spool-change", 3),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("stainless-wire", "kg", 46.0, 920.0)
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("interpass_cel", "height_mm")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.interpass_cel = 60.0
        self.height_mm = 3.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the power source reads out."""
        noise = self.noise
        running = now.state == "running"
        welds = running and 0.03 < now.progress < 0.97
        current = 300 + 3 * noise() if welds else 0.0
        voltage = drifted(now, "arc-voltage", 12.5, 16.5) + 0.1 * noise() if welds else 0.0
        wire = self._wire_m_min(now) * (1 + 0.01 * noise()) if welds else 0.0
        self.interpass_cel = toward(self.interpass_cel, _HOT_CEL if running else now.hall_cel, 1_200.0, passed_s)
        if welds:
            self.warn("electrode-worn", "arc voltage above 14.2 V: the electrode is near its end", voltage, 14.2)
            warn_below(self, "wire-slow", "wire feed below 3.3 m/min", wire, 3.3)
        arc_kw = current * voltage / 1000
        self.power_kw = 0.4 if now.state == "off" else 1.8 + arc_kw / 0.85 + (0.9 if welds else 0.0)
        return {
            "arc-current": round(current, 1),
            "arc-voltage": round(voltage, 2),
            "wire-feed": round(wire, 3),
            "wire-current": round(95 + noise(), 1) if welds else 0.0,
            "travel": round(240 + 2 * noise(), 1) if welds else 0.0,
            "oscillation": round(12 + 0.1 * noise(), 2) if welds else 0.0,
            "interpass-temp": round(self.interpass_cel + noise(), 1),
            "clad-height": round(self.height_mm, 2),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Clad: less wire makes a thinner layer, of which more is base metal."""
        share = self._wire_m_min(now) / 3.6
        self.height_mm = 3.0 * share + 0.17 * self.process.normal()
        dilution = 10.0 / share + 1.2 * self.process.normal()
        piece.error += 0.3 * self.process.normal()
        return [
            around("clad-height", self.height_mm, 3.0, 0.5, "mm", rework="below"),
            around("dilution", dilution, 10.0, 4.0, "%"),
        ]

    def _wire_m_min(self, now: Condition) -> float:
        return drifted(now, "wire-feed", 3.6, 3.0)
