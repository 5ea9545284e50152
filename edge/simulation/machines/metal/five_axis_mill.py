"""Five-axis mills: one in titanium, slow and with force; one in aluminium, fast and with power."""

from collections.abc import Mapping
from typing import ClassVar

from edge.simulation.machines.metal.machine_tool import MachineTool, Operation
from edge.simulation.machines.signals import Signal, units
from edge.simulation.physics import cutting, tool


class FiveAxisMill(MachineTool):
    """Structural parts of Ti-6Al-4V."""

    shown: ClassVar[Mapping[str, Signal]] = {
        **MachineTool.shown,
        "spindle-speed": Signal("Spindle speed", "/min", 0, 2_000),
        "spindle-power": Signal("Spindle power", "kW", 0, 12),
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    material: ClassVar[tuple[str, str, float, float] | None] = ("titanium", "kg", 6.4, 307.2)
    program: ClassVar[tuple[Operation, ...]] = (
        Operation(0.03, 0, 0, 12_000, 0, 0.1),
        Operation(0.48, 10, 24, 250, 560, 0.10),
        Operation(0.50, 0, 0, 12_000, 0, 0.1),
        Operation(0.72, 6, 12, 300, 700, 0.08),
        Operation(0.74, 0, 0, 12_000, 0, 0.1),
        Operation(0.95, 20, 0.8, 520, 1_500, 0.03),
        Operation(1.01, 0, 0, 900, 0, 0.1),  # probing
    )
    work_material: ClassVar[cutting.WorkMaterial] = cutting.TITANIUM_6AL4V
    # Roughing: a 50 mm cutter at 560/min is 88 m/min, 24 mm wide.
    tool_life_min: ClassVar[float] = tool.life_min(tool.CARBIDE_IN_TITANIUM, 88.0, 0.48)


class AluminiumMill(MachineTool):
    """Structural parts of aluminium: most of the block becomes chips."""

    shown: ClassVar[Mapping[str, Signal]] = {
        **MachineTool.shown,
        "coolant-temp": Signal("Coolant temperature", "Cel", 18, 32),
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    material: ClassVar[tuple[str, str, float, float] | None] = ("aluminium", "kg", 18.0, 864.0)
    program: ClassVar[tuple[Operation, ...]] = (
        Operation(0.03, 0, 0, 15_000, 0, 0.1),
        Operation(0.55, 5, 25, 8_000, 18_000, 0.15),
        Operation(0.57, 0, 0, 15_000, 0, 0.1),
        Operation(0.78, 4, 16, 7_000, 20_000, 0.10),
        Operation(0.80, 0, 0, 15_000, 0, 0.1),
        Operation(0.96, 25, 0.5, 6_000, 22_000, 0.04),
        Operation(1.01, 0, 0, 1_200, 0, 0.1),  # probing
    )
    passes: ClassVar[int] = 90
    cutter_mm: ClassVar[float] = 25.0
    work_material: ClassVar[cutting.WorkMaterial] = cutting.ALUMINIUM
    rated_nm: ClassVar[float] = 16.0
    warmth_k_kw: ClassVar[float] = 7.0
    coolant_k_kw: ClassVar[float] = 0.5
    tools: ClassVar[int] = 20
    tool_life_min: ClassVar[float] = 480.0
    spread_um: ClassVar[float] = 5.6
