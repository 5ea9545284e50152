"""Dry fibre becomes a laminate: a head that lays tows into a preform, and a mould into which resin is injected."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause, toward
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import infusion

_PLIES: Final = 24
_COURSES: Final = 40
_FLOW_M: Final = 1.4
"""How far the resin has to come."""
_INJECTED: Final = 0.15
_FILLED: Final = 0.85
_INFUSION_S: Final = 3_000.0
_RESIN_CEL: Final = 100.0


class FibrePlacement(Model):
    """Automated placement of dry tows, course by course and ply by ply."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "layup-speed": Signal("Speed of the head", "m/s", 0, 1),
        "compaction": Signal("Compaction force", "N", 0, 1_500),
        "heater-power": Signal("Heater power", "kW", 0, 6.5),
        "tow-drops": Signal("Tows lost in this part", "1", 0, 60),
        "course": Signal("Course", "1", 0, _COURSES),
        "ply": Signal("Ply", "1", 0, _PLIES),
        "tool-temp": Signal("Temperature under the head", "Cel", 18, 230),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("compaction-roller", "compaction force too low", 3, "compaction", 8),
        FailureMode("heater-lamp", "heater gives too little", 3, "heater-power", 10),
        FailureMode("tow-cutter", "cutter 5 does not cut", 4),
        FailureMode("creel", "tension of the creel lost", 3),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "tow-missing", 5),
        Pause("idle", "fuzz-ball", 3),
        Pause("idle", "ply-inspection", 3),
        Pause("idle", "spool-change", 2),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("carbon-tow", "kg", 3.8, 182.4)
    checkpointed: ClassVar[tuple[str, ...]] = ("surface_cel", "drops")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.surface_cel = 25.0
        self.drops = 0.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the head reads out."""
        noise = self.noise
        lays = now.state == "running" and 0.04 < now.progress < 0.97 and (now.progress * _PLIES) % 1 < 0.85
        force = self._force_n(now) + 12 * noise() if lays else 0.0
        heater = drifted(now, "heater-power", 5.2, 3.2) * (1 + 0.02 * noise()) if lays else 0.0
        self.surface_cel = toward(self.surface_cel, 36 * heater if heater else now.hall_cel, 20.0, passed_s)
        if lays:
            warn_below(self, "compaction-low", "compaction force below 550 N", force, 550.0)
            warn_below(self, "heater-weak", "heater power below 4.4 kW", heater, 4.4)
        self.power_kw = 0.8 if now.state == "off" else 5.0 + (4.0 if lays else 0.0) + heater / 0.9
        ply = now.progress * _PLIES
        return {
            "layup-speed": round(0.6 + 0.02 * noise(), 3) if lays else 0.0,
            "compaction": round(max(0.0, force), 1),
            "heater-power": round(heater, 3),
            "tow-drops": int(self.drops),
            "course": int(ply % 1 / 0.85 * _COURSES) if lays else 0,
            "ply": int(ply) if now.product else 0,
            "tool-temp": round(self.surface_cel + noise(), 1),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Leave gaps where tows were lost or not pressed on."""
        self.drops = max(0.0, 8 + 3 * self.process.normal() + 20 * now.decayed("compaction"))
        weak = now.decayed("compaction") + now.decayed("heater-power")
        piece.error += 0.6 * weak + 0.28 * self.process.normal()
        return []

    def _force_n(self, now: Condition) -> float:
        return drifted(now, "compaction", 750.0, 350.0)


class ResinInfusion(Model):
    """Injection into a dry preform: the front slows as it goes, and a leak or a cold resin leaves a dry spot."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "resin-temp": Signal("Resin temperature", "Cel", 60, 120),
        "inject-pressure": Signal("Injection pressure", "bar", 0, 6),
        "flow": Signal("Flow of resin", "cm3/min", 0, 600),
        "fill": Signal("Filled", "%", 0, 100),
        "mould-vacuum": Signal("Vacuum in the mould", "bar", -0.99, 0),
        "mould-temp": Signal("Mould temperature", "Cel", 18, 130),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("mould-seal", "vacuum in the mould lost", 4, "mould-vacuum", 8),
        FailureMode("injection-pump", "injection pressure too low", 3, "inject-pressure", 8),
        FailureMode("resin-heater", "resin too cold to inject", 2, "resin-temp", 8),
        FailureMode("valve-stuck", "injection valve 2 does not open", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "leak-test", 4),
        Pause("idle", "resin-degassing", 3),
        Pause("idle", "fixture-open", 1),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("epoxy-resin", "kg", 2.4, 115.2)
    checkpointed: ClassVar[tuple[str, ...]] = ("mould_cel",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.mould_cel = 80.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the injection unit reads out."""
        noise = self.noise
        running = now.state == "running"
        injects = running and _INJECTED <= now.progress < _FILLED
        pressure = self._pressure_bar(now) + 0.03 * noise() if injects else 0.0
        resin = self._resin_cel(now) + 0.3 * noise()
        vacuum = drifted(now, "mould-vacuum", -0.95, -0.60) + 0.004 * noise() if running else 0.0
        self.mould_cel = toward(self.mould_cel, 118.0 if running else 70.0, 1_500.0, passed_s)
        share = min(1.0, max(0.0, (now.progress - _INJECTED) / (_FILLED - _INJECTED)))
        fill = min(1.0, self._front_m(now, share * _INFUSION_S) / _FLOW_M) if running else 0.0
        earlier = self._front_m(now, max(0.0, share * _INFUSION_S - 60.0))
        flow = 2_900 * (self._front_m(now, share * _INFUSION_S) - earlier) if injects and fill < 1 else 0.0
        if injects:
            warn_below(self, "vacuum-weak", "vacuum in the mould weaker than −0.85 bar", max(1e-3, -vacuum), 0.85)
            warn_below(self, "pressure-low", "injection pressure below 2.6 bar", pressure, 2.6)
            warn_below(self, "resin-cold", "resin below 92 °C", resin, 92.0)
        self.power_kw = 0.5 if now.state == "off" else 3.0 + (9.0 if running else 2.0)
        return {
            "resin-temp": round(resin, 1),
            "inject-pressure": round(max(0.0, pressure), 2),
            "flow": round(min(600.0, flow), 1),
            "fill": round(100 * fill, 1),
            "mould-vacuum": round(min(0.0, vacuum), 3),
            "mould-temp": round(self.mould_cel + 0.2 * noise(), 1),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Leave what the front did not reach dry, and air where the mould leaks."""
        dry = max(0.0, 1 - self._front_m(now, _INFUSION_S) / _FLOW_M)
        piece.error += 4.0 * dry + 0.8 * now.decayed("mould-vacuum") + 0.25 * self.process.normal()
        return []

    def _pressure_bar(self, now: Condition) -> float:
        return drifted(now, "inject-pressure", 3.5, 1.5)

    def _resin_cel(self, now: Condition) -> float:
        return drifted(now, "resin-temp", _RESIN_CEL, 78.0)

    def _front_m(self, now: Condition, passed_s: float) -> float:
        """Return how far the resin has come, through a preform as tight as its batch of fibre."""
        return infusion.front_m(
            passed_s,
            pressure_bar=self._pressure_bar(now),
            viscosity_pa_s=infusion.viscosity_pa_s(self._resin_cel(now)),
            permeability_m2=7e-11 / now.batch,
        )
