"""A five-axis router that trims cured laminates: dust, a cutter that wears, and edges that split when it is blunt."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import Bearing, drifted
from edge.simulation.machines.measured import at_most
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import heat, tool

_LIFE_S: Final = 5_400.0
"""Running time of a diamond cutter in carbon fibre."""


class TrimRouter(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "spindle-speed": Signal("Spindle speed", "/min", 0, 24_000),
        "spindle-power": Signal("Spindle power", "kW", 0, 6),
        "spindle-temp": Signal("Spindle temperature", "Cel", 18, 58),
        "path-feed": Signal("Path feed", "mm/min", 0, 15_000),
        "vibration": Signal("Vibration", "mm/s", 0, 4.5),
        "tool-wear": Signal("Tool wear", "um", 0, 300),
        "filter-dp": Signal("Pressure drop of the dust filter", "mbar", 0, 40),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("spindle-bearing", "spindle vibration in zone D, spindle stopped", 3, "vibration", 25),
        FailureMode("filter-clogged", "differential pressure of the dust filter too high", 4, "filter-dp", 8),
        FailureMode("vacuum-table", "part not held by the vacuum table", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "door-open", 2),
        Pause("idle", "vacuum-not-reached", 3),
        Pause("idle", "probe-not-ready", 2),
    )
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("spindle_cel",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.spindle_cel = 26.0
        self._bearing = Bearing(self)

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the control reads out."""
        noise = self.noise
        running = now.state == "running"
        cuts = running and 0.06 < now.progress < 0.94 and (now.progress * 8) % 1 > 0.15
        wear_um = self._wear_um(now.run_s)
        cut_kw = 1.8 * (1 + 0.8 * wear_um / tool.WORN_OUT_UM) * (1 + 0.03 * noise()) if cuts else 0.0
        self.spindle_cel = heat.warmed_cel(
            self.spindle_cel,
            now.hall_cel,
            power_kw=0.9 + 0.1 * cut_kw if running else 0.0,
            rise_k_kw=22.0,
            tau_s=1_800,
            passed_s=passed_s,
        )
        shaking = self._bearing.shaking_mm_s(now, 1.1 if cuts else 0.4)
        self._bearing.watch(shaking)
        clog = drifted(now, "filter-dp", 9.0, 45.0) * (1 + 0.03 * noise()) if running else 0.0
        if running:
            self.warn("filter-dirty", "differential pressure of the dust filter above 25 mbar", clog, 25.0)
        self.power_kw = 0.3 if now.state == "off" else 1.8 + (6.4 if running else 0.0) + cut_kw / 0.8
        return {
            "spindle-speed": round(18_000 * (1 + 0.002 * noise())) if running else 0,
            "spindle-power": round(0.5 + cut_kw / 0.8, 3) if running else 0.0,
            "spindle-temp": round(self.spindle_cel + 0.05 * noise(), 2),
            "path-feed": round((2_400 if cuts else 12_000) * (1 + 0.01 * noise()), 1) if running else 0.0,
            "vibration": round(max(0.05, shaking), 3),
            "tool-wear": round(wear_um, 1),
            "filter-dp": round(clog, 2),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Trim, and look at the edge: a blunt cutter or a spindle that shakes splits the outer plies."""
        wear = self._wear_um(now.run_s) / tool.WORN_OUT_UM
        split_mm = 0.22 * wear**2 + 0.2 * now.decayed("vibration") + 0.12 * abs(self.process.normal())
        piece.error += 0.15 * self.process.normal()
        return [at_most("edge-split", split_mm, 0.5, "mm")]

    def _wear_um(self, run_s: float) -> float:
        return tool.flank_wear_um(run_s % _LIFE_S / _LIFE_S)
