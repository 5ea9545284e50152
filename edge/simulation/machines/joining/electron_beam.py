"""An electron-beam welder with a local vacuum around the seam: a cathode that tires, a seal that leaks, arcs."""

from collections.abc import Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.measured import at_most
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import electron_beam

_VOLTAGE_KV: Final = 150.0
_CURRENT_MA: Final = 210.0
_TRAVEL_MM_MIN: Final = 150.0
_PUMPED: Final = 0.25
_WELDED: Final = 0.90
"""Shares of the cycle at which the beam begins and ends: before it is aligned and pumped, after it cools."""
_VACUUM_MBAR: Final = 4e-3
_TRIP_MBAR: Final = 9e-2


class ElectronBeamWelder(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "accel-voltage": Signal("Accelerating voltage", "kV", 0, 152),
        "beam-current": Signal("Beam current", "mA", 0, 500),
        "focus-current": Signal("Focus current", "A", 0, 3),
        "travel": Signal("Travel", "mm/min", 0, 600),
        "vacuum": Signal("Vacuum at the seam", "mbar", 1e-4, 1_050),
        "seam-deviation": Signal("Deviation from the seam", "mm", -0.3, 0.3),
        "arc-count": Signal("Arcs since the start of the seam", "1", 0, 20),
        "beam-power": Signal("Beam power", "kW", 0, 34),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("cathode", "emission of the cathode too low", 4, "beam-current", 10),
        FailureMode("vacuum-seal", "vacuum at the seam lost", 3, "vacuum", 8),
        FailureMode("high-voltage", "flashover of the high voltage", 2, "arc-count", 10),
        FailureMode("manipulator", "following error of the manipulator", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "seam-not-found", 3),
        Pause("idle", "vacuum-not-reached", 3),
        Pause("idle", "door-open", 1),
    )
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the gun's and the manipulator's controls read out."""
        del passed_s
        noise = self.noise
        running = now.state == "running"
        welds = running and _PUMPED <= now.progress < _WELDED
        current = self._current_ma(now) * (1 + 0.004 * noise()) if welds else 0.0
        voltage = _VOLTAGE_KV * (1 + 0.001 * noise()) if welds else 0.0
        beam_kw = electron_beam.power_kw(voltage, current)
        arcs = drifted(now, "arc-count", 3, 60) * (now.progress - _PUMPED) / (_WELDED - _PUMPED) if welds else 0.0
        vacuum = self._vacuum_mbar(now) * (1 + 0.05 * noise()) if running else 1_013.0
        if welds:
            warn_below(self, "emission-low", "beam current below 203 mA: the cathode is near its end", current, 203.0)
            self.warn("vacuum-weak", "vacuum at the seam weaker than 0.03 mbar", vacuum, 3e-2)
            self.warn("arcs", "more than 15 arcs in a seam", arcs, 15.0)
        self.power_kw = 2.0 if now.state == "off" else 14.0 + (22.0 if running else 0.0) + beam_kw / 0.85
        return {
            "accel-voltage": round(voltage, 2),
            "beam-current": round(current, 2),
            "focus-current": round(2.1 + 0.005 * noise(), 3) if welds else 0.0,
            "travel": round(_TRAVEL_MM_MIN * (1 + 0.005 * noise()), 1) if welds else 0.0,
            "vacuum": round(max(1e-4, vacuum), 5),
            "seam-deviation": round(0.05 * noise(), 3) if welds else 0.0,
            "arc-count": int(arcs),
            "beam-power": round(beam_kw, 3),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Weld, and scan the root: a tired cathode does not reach it, a leak leaves pores."""
        beam_kw = electron_beam.power_kw(_VOLTAGE_KV, self._current_ma(now))
        depth = electron_beam.penetration_mm(beam_kw, _TRAVEL_MM_MIN) + 0.7 * self.process.normal()
        gap_mm = 0.5 * abs(self.process.normal()) + max(0.0, 100.0 - depth)
        pore_mm = 0.46 * abs(self.process.normal()) + 8.0 * (self._vacuum_mbar(now) - _VACUUM_MBAR)
        piece.error += 0.3 * self.process.normal()
        return [at_most("root-gap", gap_mm, 1.6, "mm", rework="above"), at_most("pore-length", pore_mm, 1.2, "mm")]

    def _current_ma(self, now: Condition) -> float:
        return drifted(now, "beam-current", _CURRENT_MA, 0.92 * _CURRENT_MA)

    def _vacuum_mbar(self, now: Condition) -> float:
        """Return the vacuum at the seam; while it is pumped it falls from that of the air."""
        reached = drifted(now, "vacuum", _VACUUM_MBAR, _TRIP_MBAR)
        left = max(0.0, 1 - now.progress / (0.9 * _PUMPED)) if now.progress < _PUMPED else 0.0
        return float(reached + 1_013.0 * left**6)
