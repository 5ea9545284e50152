"""Finishing of hard parts: a grinder whose wheel gets dull and is dressed, and a polisher whose cloth wears."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import Bearing, drifted, warn_below
from edge.simulation.machines.measured import around, at_most
from edge.simulation.machines.model import HALL_CEL, Condition, FailureMode, Finding, Model, Pause
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import abrasion, dimension, heat

_DRESSED_S: Final = 1_800.0
"""Running time from one dressing of the wheel to the next, each of which takes 0.05 mm off."""
_WHEEL_MM: Final = 400.0
_WORN_WHEEL_MM: Final = 340.0
_SPEED_PER_MIN: Final = 1_671.0
_CLOTH_S: Final = 4 * 3_600.0
_GROUND_RA_UM: Final = 0.22


class Grinder(Model):
    """A cylindrical grinder, of implants or of sintered pellets, with a gauge in the cycle."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "wheel-speed": Signal("Wheel speed", "m/s", 0, 45),
        "wheel-dia": Signal("Wheel diameter", "mm", 335, 405),
        "grind-power": Signal("Grinding power", "kW", 0, 12),
        "ra": Signal("Roughness of the last part", "um", 0, 0.4),
        "form-error": Signal("Form error of the last part", "um", 0, 5),
        "vibration": Signal("Vibration", "mm/s", 0, 4.5),
        "filter-dp": Signal("Pressure drop of the coolant filter", "mbar", 0, 600),
        "coolant-temp": Signal("Coolant temperature", "Cel", 18, 28),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("spindle-bearing", "vibration of the wheel spindle in zone D", 3, "vibration", 30),
        FailureMode("filter-clogged", "differential pressure of the coolant filter too high", 3, "filter-dp", 6),
        FailureMode("dresser", "dresser does not touch the wheel", 2),
        FailureMode("gauge", "gauge does not reach zero", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "probe-not-ready", 3),
        Pause("idle", "door-open", 2),
        Pause("idle", "wheel-dressing", 3),
    )
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("coolant_cel", "ra_um", "form_um")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.coolant_cel = 21.0
        self.ra_um = _GROUND_RA_UM
        self.form_um = 1.0
        self._bearing = Bearing(self, "wheel spindle")

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the control reads out."""
        noise = self.noise
        running = now.state == "running"
        grinds = running and 0.12 < now.progress < 0.88
        rough = now.progress < 0.6
        removal = (60.0 if rough else 12.0) * now.batch
        energy = 50.0 * (1 + 0.4 * self._dull(now.run_s))
        power = abrasion.grinding_power_kw(removal, energy) * (1 + 0.03 * noise()) if grinds else 0.0
        wheel_mm = self._wheel_mm(now.run_s)
        speed = abrasion.wheel_speed_m_s(wheel_mm, _SPEED_PER_MIN) if running else 0.0
        self.coolant_cel = heat.warmed_cel(
            self.coolant_cel, now.hall_cel, power_kw=power, rise_k_kw=0.8, tau_s=1_800, passed_s=passed_s
        )
        shaking = self._bearing.shaking_mm_s(now, 0.8 if grinds else 0.4)
        self._bearing.watch(shaking)
        clog = drifted(now, "filter-dp", 130.0, 650.0) * (1 + 0.03 * noise()) if running else 0.0
        if running:
            self.warn("filter-dirty", "differential pressure of the coolant filter above 350 mbar", clog, 350.0)
        self.power_kw = 0.4 if now.state == "off" else 2.4 + (1.2 if running else 0.0) + power / 0.8
        return {
            "wheel-speed": round(speed, 2),
            "wheel-dia": round(wheel_mm, 2),
            "grind-power": round(power, 3),
            "ra": round(self.ra_um, 3),
            "form-error": round(self.form_um, 2),
            "vibration": round(max(0.05, shaking), 3),
            "filter-dp": round(clog, 1),
            "coolant-temp": round(self.coolant_cel + 0.03 * noise(), 2),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Grind a diameter and a surface: a dull wheel roughens, a bearing that decays leaves its waves."""
        dull = self._dull(now.run_s)
        waves = now.decayed("vibration")
        growth = heat.growth_um(0.08, now.hall_cel - HALL_CEL)
        error_um = dimension.error_um(dull, growth, 2.1 * self.process.normal(), worn_um=1.0)
        piece.error += error_um / 12.0
        self.ra_um = max(0.05, _GROUND_RA_UM + 0.05 * dull + 0.15 * waves + 0.025 * self.process.normal())
        self.form_um = abs(1.0 + 2.0 * waves + 0.3 * self.process.normal())
        return [
            around("diameter", 10.0 + error_um / 1000, 10.0, 0.005, "mm", rework="above"),
            at_most("ra", self.ra_um, 0.4, "um"),
            at_most("form-error", self.form_um, 3.0, "um"),
        ]

    def _dull(self, run_s: float) -> float:
        return run_s % _DRESSED_S / _DRESSED_S

    def _wheel_mm(self, run_s: float) -> float:
        return _WHEEL_MM - 0.05 * (run_s // _DRESSED_S) % (_WHEEL_MM - _WORN_WHEEL_MM)


class Polisher(Model):
    """A robot-fed polisher of bearing surfaces: pressure and way take off the peaks, and the cloth wears."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "wheel-speed": Signal("Cloth speed", "m/s", 0, 45),
        "pad-pressure": Signal("Pressure of the pad", "kPa", 0, 30),
        "grind-power": Signal("Polishing power", "kW", 0, 3),
        "cloth-wear": Signal("Wear of the cloth", "%", 0, 100),
        "slurry-flow": Signal("Flow of the slurry", "mL/min", 0, 260),
        "ra": Signal("Roughness of the last part", "um", 0, 0.05),
        "vibration": Signal("Vibration", "mm/s", 0, 4.5),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("slurry-pump", "no flow of slurry", 3, "slurry-flow", 6),
        FailureMode("spindle-bearing", "vibration of the polishing spindle in zone D", 2, "vibration", 25),
        FailureMode("gripper", "gripper does not open", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "cloth-change", 3),
        Pause("idle", "part-not-present", 2),
        Pause("idle", "level-low", 2),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("diamond-slurry", "L", 0.12, 20.0)
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("ra_um",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.ra_um = 0.03
        self._bearing = Bearing(self, "polishing spindle")

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the polisher reads out."""
        del passed_s
        noise = self.noise
        polishes = now.state == "running" and 0.1 < now.progress < 0.92
        flow = drifted(now, "slurry-flow", 220.0, 80.0) + 4 * noise() if polishes else 0.0
        if polishes:
            warn_below(self, "slurry-low", "flow of the slurry below 170 mL/min", flow, 170.0)
        shaking = self._bearing.shaking_mm_s(now, 0.7 if polishes else 0.2)
        self._bearing.watch(shaking)
        power = 1.6 * (1 + 0.04 * noise()) if polishes else 0.0
        self.power_kw = 0.2 if now.state == "off" else 0.9 + power / 0.85
        return {
            "wheel-speed": round(18 * (1 + 0.004 * noise()), 2) if polishes else 0.0,
            "pad-pressure": round(22 + 0.3 * noise(), 2) if polishes else 0.0,
            "grind-power": round(power, 3),
            "cloth-wear": round(100 * self._cloth_wear(now.run_s), 1),
            "slurry-flow": round(max(0.0, flow), 1),
            "ra": round(self.ra_um, 4),
            "vibration": round(max(0.05, shaking), 3),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Polish: a worn cloth and too little slurry take off less, and leave the surface too rough."""
        bite = (1 - 0.35 * self._cloth_wear(now.run_s)) * drifted(now, "slurry-flow", 1.0, 0.4)
        removed = abrasion.removal_um(22.0, 18.0, 30.0 * bite)
        self.ra_um = abrasion.polished_ra_um(_GROUND_RA_UM, removed) + 0.004 * abs(self.process.normal())
        piece.error += 0.15 * self.process.normal()
        return [at_most("ra", self.ra_um, 0.05, "um", rework="above")]

    def _cloth_wear(self, run_s: float) -> float:
        """Return how far the cloth is worn, 0 to 1; a worn one is changed for the next from the magazine."""
        return run_s % _CLOTH_S / _CLOTH_S
