"""A turn-mill in alloy steel, as a small firm has it: bar in, turned parts out, measured by a gauge on the machine."""

import math
from collections.abc import Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.machines.measured import around
from edge.simulation.machines.metal.machine_tool import MachineTool, Operation
from edge.simulation.machines.model import HALL_CEL, Condition, FailureMode, Finding, Pause
from edge.simulation.machines.signals import Signal, units
from edge.simulation.physics import cutting, dimension, heat, tool

_BAR_MM: Final = 42.0
_DIAMETER_MM: Final = 38.0
_HALF_MM: Final = 0.02
_TURNED: Final = (0.35, 0.0, 0.4)
_DRIVEN: Final = (0.35, 0.3, 0.4)
"""Shares of the force on the axes X, Y and Z (assumed)."""
_DRIVEN_FROM: Final = 0.66
"""Share of the piece at which the driven tools begin."""


class TurnMill(MachineTool):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        **MachineTool.shown,
        "spindle-speed": Signal("Spindle speed", "/min", 0, 4_500),
        "spindle-load": Signal("Spindle load", "%", 0, 110),
        "path-feed": Signal("Path feed", "mm/min", 0, 12_500),
        "bar-left": Signal("Bar left", "mm", 0, 3_000),
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("spindle-bearing", "spindle vibration in zone D, spindle stopped", 2, "vibration", 40),
        FailureMode("coolant-pump", "coolant pressure low", 2, "coolant-pressure", 8),
        FailureMode("turret", "turret not locked", 3),
        FailureMode("bar-feeder", "bar feeder does not reach its stop", 4),
        FailureMode("chuck", "clamping pressure of the chuck low", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "bar-end", 3),
        Pause("idle", "tailstock-barrier", 2),
        Pause("idle", "start-illegal", 2),
        Pause("idle", "tool-not-found", 1),
        Pause("idle", "chips", 3),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("steel-bar", "kg", 0.9, 196.0)
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    program: ClassVar[tuple[Operation, ...]] = (
        Operation(0.05, 0, 0, 10_000, 0, 0.1),
        Operation(0.40, 2.5, 0.25, 380, 1_520, 0.20),  # roughing, 200 m/min
        Operation(0.44, 0, 0, 10_000, 0, 0.1),
        Operation(0.62, 0.5, 0.12, 230, 1_900, 0.10),  # finishing
        Operation(_DRIVEN_FROM, 0, 0, 10_000, 0, 0.1),
        Operation(0.92, 1.2, 0.15, 420, 2_800, 0.05),  # driven tools
        Operation(1.01, 0, 0, 10_000, 0, 0.1),
    )
    passes: ClassVar[int] = 20
    cutter_mm: ClassVar[float] = _BAR_MM
    work_material: ClassVar[cutting.WorkMaterial] = cutting.ALLOY_STEEL
    rated_nm: ClassVar[float] = 110.0
    warmth_k_kw: ClassVar[float] = 14.0
    coolant_k_kw: ClassVar[float] = 1.0
    tool_life_min: ClassVar[float] = 75.0
    spread_um: ClassVar[float] = 8.4

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the control reads out."""
        values = super().sample(now, passed_s)
        values["bar-left"] = round(3_000 - (now.run_s * 0.35) % 2_900, 1)
        return values

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Turn a diameter and gauge it: too large is turned again, too small is scrap."""
        wear = self.wear_um(now.run_s) / tool.WORN_OUT_UM
        growth = heat.growth_um(0.2, now.hall_cel - HALL_CEL)
        error_um = dimension.error_um(wear, growth, self.spread_um * self.process.normal(), worn_um=9.0)
        error_um -= 2.5  # aimed small, since the wear makes parts larger
        piece.error += error_um / 20.0
        return [around("diameter", _DIAMETER_MM + error_um / 1000, _DIAMETER_MM, _HALF_MM, "mm", rework="above")]

    def axis_shares(self, progress: float) -> tuple[float, float, float]:
        """Return the shares of turning: X presses in, Z feeds, Y moves with the driven tools alone."""
        return _DRIVEN if progress >= _DRIVEN_FROM else _TURNED

    def cutting_kw(self, operation: Operation, force_n_mm2: float) -> float:
        """Return the power of turning."""
        speed_m_min = operation.speed_per_min * _BAR_MM * math.pi / 1000
        return cutting.turning_power_kw(speed_m_min, operation.depth_mm, operation.width_mm, force_n_mm2)
