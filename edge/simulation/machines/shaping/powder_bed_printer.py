"""A laser powder-bed printer: a build of many parts, layer by layer, in gas that must stay almost without oxygen."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.measured import at_most
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause, toward
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import powder_bed

_LAYERS: Final = 1_600
_POWER_W: Final = 280.0
_SPEED_MM_S: Final = 1_200.0
_HATCH_MM: Final = 0.14
_LAYER_MM: Final = 0.03
_PART_MM2: Final = 600.0
_TRIP_PPM: Final = 1_300.0


class PowderBedPrinter(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "laser-power": Signal("Laser power in the chamber", "W", 0, 500),
        "scan-speed": Signal("Scan speed", "mm/s", 0, 1_600),
        "layer": Signal("Layer", "1", 0, _LAYERS),
        "layer-time": Signal("Time of a layer", "s", 0, 120),
        "o2": Signal("Oxygen in the chamber", "[ppm]", 50, 1_000),
        "bed-temp": Signal("Bed temperature", "Cel", 18, 210),
        "gas-flow": Signal("Gas flow", "m3/h", 0, 60),
        "filter-dp": Signal("Pressure drop of the filter", "mbar", 0, 60),
        "powder-left": Signal("Powder left", "kg", 0, 80),
        "load-id": Signal("Build"),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("oxygen-high", "oxygen above 1,300 ppm, build paused", 3, "o2", 8),
        FailureMode("filter-clogged", "differential pressure of the filter too high", 3, "filter-dp", 12),
        FailureMode("window-dirty", "laser power in the chamber too low", 2, "laser-power", 12),
        FailureMode("recoater", "recoater blocked by a part", 3),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "short-feed", 3),
        Pause("idle", "spatter-check", 2),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("titanium-powder", "kg", 0.35, 84.0)
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h", "argon": "m3"}
    load: ClassVar[int] = 24
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("parts", "bed_cel")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.parts = float(self.load)
        self.bed_cel = 25.0

    def begin(self, pieces: Sequence[Piece], now: Condition) -> float:
        """Build these parts; fewer are not much quicker, since every layer is spread."""
        del now
        self.parts = float(len(pieces))
        return 1.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the printer reads out."""
        noise = self.noise
        builds = now.state == "running" and 0.02 < now.progress < 0.95
        melts = builds and (now.progress * 97) % 1 > 0.2
        self.bed_cel = toward(self.bed_cel, 180.0 if builds else now.hall_cel, 900.0, passed_s)
        power = self._power_w(now) * (1 + 0.004 * noise()) if melts else 0.0
        oxygen = drifted(now, "o2", 260.0, _TRIP_PPM) + 15 * noise()
        clog = drifted(now, "filter-dp", 14.0, 65.0) * (1 + 0.02 * noise()) if builds else 0.0
        if builds:
            self.warn("oxygen-rising", "oxygen in the chamber above 700 ppm", oxygen, 700.0)
            self.warn("filter-dirty", "differential pressure of the filter above 35 mbar", clog, 35.0)
        if melts:
            warn_below(self, "window-dirty", "laser power in the chamber below 262 W", power, 262.0)
        self.power_kw = 0.4 if now.state == "off" else 1.6 + (3.4 if builds else 0.0) + 0.004 * power
        return {
            "laser-power": round(power, 1),
            "scan-speed": round(_SPEED_MM_S * (1 + 0.002 * noise()), 1) if melts else 0.0,
            "layer": int(now.progress * _LAYERS) if builds else 0,
            "layer-time": round(self._layer_s(now.progress), 1) if builds else 0.0,
            "o2": round(max(50.0, oxygen)),
            "bed-temp": round(self.bed_cel + 0.3 * noise(), 1),
            "gas-flow": round(46 - 0.25 * clog + 0.3 * noise(), 1) if builds else 0.0,
            "filter-dp": round(clog, 1),
            "powder-left": round(76 - 52 * now.progress, 1),
            "load-id": now.load_id,
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Leave pores: too little light does not fuse, oxygen makes the melt ball up."""
        density = powder_bed.energy_density_j_mm3(self._power_w(now), _SPEED_MM_S, _HATCH_MM, _LAYER_MM)
        pores = powder_bed.pore_percent(density) + 0.18 * now.decayed("o2") + 0.19 * abs(self.process.normal())
        piece.error += 0.35 * self.process.normal()
        return [at_most("porosity", pores, 0.5, "%")]

    def used(self, meter: str, run_s: float) -> float:
        """Return the argon: 0.9 m3 an hour."""
        del meter
        return run_s / 3600 * 0.9

    def _power_w(self, now: Condition) -> float:
        return drifted(now, "laser-power", _POWER_W, 225.0)

    def _layer_s(self, progress: float) -> float:
        """Return the time of a layer; the parts are widest in the middle."""
        area_mm2 = self.parts * _PART_MM2 * (0.5 + 0.5 * math.sin(math.pi * progress))
        return powder_bed.layer_s(area_mm2, _HATCH_MM, _SPEED_MM_S, lasers=2)
