"""What machine tools share: power from cutting force and wear, a warm spindle, a bearing, sister tools.

A kind gives its program, its work material and its figures; `cutting_kw` is milling, and turning where it is replaced.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final, NamedTuple

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import Bearing, drifted
from edge.simulation.machines.model import HALL_CEL, Condition, FailureMode, Finding, Model, Pause
from edge.simulation.machines.signals import PROGRAM, Signal
from edge.simulation.physics import coolant, cutting, dimension, energy, feed_drive, heat, tool

_RAPID_MM_MIN: Final = 15_000.0
_DRIVE_N: Final = 4_000.0
"""Rated force of a feed drive (assumed)."""
_PASS_IN_X: Final = (0.5, 0.67, 0.33)
_PASS_IN_Y: Final = (0.67, 0.5, 0.33)
"""Shares of a milling cutter's force on X, Y and Z: a half acts along its path, more across, less along its axis
(assumed)."""
_HELD_PERCENT: Final = 18
"""Load of axis Z by the weight that its counterbalance leaves (assumed)."""
_TANK_L: Final = 600.0
_EVAPORATES_L_H: Final = 2.5
_TOPPED_UP_S: Final = 48 * 3_600.0
_EMULSION_PERCENT: Final = 6.8
"""A full tank's; after 48 h of operation without topping up it is a quarter more (assumed)."""


class Operation(NamedTuple):
    """A part of the program.

    Attributes:
        until: the share of the piece at which it ends.
        depth_mm: of cut; 0 for moves without a cut.
        width_mm: of cut in milling, feed a revolution in turning.
        feed_mm_min: along the path.
        speed_per_min: of the spindle.
        chip_mm: mean thickness of the chip.
    """

    until: float
    depth_mm: float
    width_mm: float
    feed_mm_min: float
    speed_per_min: float
    chip_mm: float


class MachineTool(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "spindle-speed": Signal("Spindle speed", "/min", 0, 24_000),
        "spindle-load": Signal("Spindle load", "%", 0, 120),
        "spindle-power": Signal("Spindle power", "kW", 0, 40),
        "spindle-temp": Signal("Spindle temperature", "Cel", 18, 58),
        "path-feed": Signal("Path feed", "mm/min", 0, 15_000),
        "axis-load-x": Signal("Load of axis X", "%", 0, 90),
        "axis-load-y": Signal("Load of axis Y", "%", 0, 90),
        "axis-load-z": Signal("Load of axis Z", "%", 0, 90),
        "vibration": Signal("Vibration", "mm/s", 0, 4.5),
        "coolant-temp": Signal("Coolant temperature", "Cel", 18, 30),
        "coolant-pressure": Signal("Coolant pressure", "bar", 0, 70),
        "coolant-conc": Signal("Concentration of the coolant", "%", 6, 9),
        "tool-number": Signal("Tool", "1"),
        "tool-wear": Signal("Tool wear", "um", 0, 300),
        "feed-override": Signal("Feed override", "%", 0, 150),
        "spindle-override": Signal("Spindle override", "%", 0, 150),
        "program": PROGRAM,
        "probe-error": Signal("Error of the touch probe", "um", 0, 10),
        "door": Signal("Door"),
    }
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("spindle-bearing", "spindle vibration in zone D, spindle stopped", 3, "vibration", 30),
        FailureMode("coolant-pump", "coolant pressure low", 2, "coolant-pressure", 6),
        FailureMode("servo-lag", "following error of axis B too large", 2),
        FailureMode("tool-changer", "tool changer not in position", 3),
        FailureMode("hydraulics", "clamping pressure low", 1),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "door-open", 3),
        Pause("idle", "tool-not-found", 2),
        Pause("idle", "probe-not-ready", 2),
        Pause("idle", "feed-override-zero", 2),
        Pause("idle", "chips", 3),
    )
    checkpointed: ClassVar[tuple[str, ...]] = ("tool", "tool_since_s", "tool_life_s", "spindle_cel", "coolant_cel")

    program: ClassVar[tuple[Operation, ...]]
    passes: ClassVar[int] = 60
    """Passes of one piece; between two the cutter is in the air."""
    work_material: ClassVar[cutting.WorkMaterial]
    rated_nm: ClassVar[float] = 90.0
    tools: ClassVar[int] = 12
    tool_life_min: ClassVar[float]
    """Mean time in cut that the roughing tool lasts."""
    spread_um: ClassVar[float] = 6.2
    """Standard deviation of a dimension, for half a tolerance of 20 um."""
    warmth_k_kw: ClassVar[float] = 22.0
    """How much warmer the spindle ends for each kW of its losses."""
    cutter_mm: ClassVar[float] = 50.0
    """Diameter at which the cut takes hold: of the roughing cutter, or of the piece in turning."""
    coolant_k_kw: ClassVar[float] = 2.2
    """The same of the coolant, for each kW in the cut."""

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.spindle_cel = 30.0
        self.coolant_cel = 21.0
        self._bearing = Bearing(self)
        self.tool = 1
        self.tool_since_s = 0.0
        self.tool_life_s = self._new_life_s()

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the control reads out."""
        noise = self.noise
        running = now.state == "running"
        wear_um = self.wear_um(now.run_s)
        operation = self.operation(now.progress) if running else self.program[0]
        cut_kw = self._cutting_kw(now, operation, wear_um) if running else 0.0
        override = self._spindle_override()
        speed = operation.speed_per_min * override / 100 * (1 + 0.003 * noise()) if running else 0.0
        torque = cutting.torque_nm(cut_kw, operation.speed_per_min)
        load = 3.5 + 100 * torque / self.rated_nm if running else 0.0
        axes = self._axis_loads(now, operation, cutting.tangential_force_n(torque, self.cutter_mm))
        idle_kw = (0.85 if operation.speed_per_min else 0.2) if running else 0.0
        self._warm(now.hall_cel, idle_kw, cut_kw, passed_s)
        shaking = self._bearing.shaking_mm_s(now, 0.9 + 0.005 * load + (0.25 if running else -0.35))
        pressure = drifted(now, "coolant-pressure", 46.0, 23.0) + 0.5 * noise() if running else 0.0
        self.power_kw = self._electric_kw(now, cut_kw, idle_kw)
        self._bearing.watch(shaking)
        self.warn("tool-life-low", f"tool {self.tool} is at 90 % of its wear limit", wear_um, 0.9 * tool.WORN_OUT_UM)
        if running:
            self.warn("coolant-low", "coolant pressure below 34 bar", 34.0 / max(1.0, pressure), 1.0)
        # To round a whole number and divide it is three times as quick as to round to places.
        return {
            "spindle-speed": round(speed),
            "spindle-load": round(10 * load) / 10,
            "spindle-power": round(1_000 * (idle_kw + cut_kw / 0.8)) / 1_000,
            "spindle-temp": round(100 * (self.spindle_cel + 0.05 * noise())) / 100,
            "path-feed": round(operation.feed_mm_min * (1 + 0.02 * noise())) if running else 0,
            "axis-load-x": axes[0],
            "axis-load-y": axes[1],
            "axis-load-z": axes[2],
            "vibration": round(1_000 * max(0.1, shaking)) / 1_000,
            "coolant-temp": round(100 * (self.coolant_cel + 0.03 * noise())) / 100,
            "coolant-pressure": round(10 * max(0.0, pressure)) / 10,
            "coolant-conc": round(10 * _coolant_percent(now.run_s)) / 10,
            "tool-number": self.tool,
            "tool-wear": round(10 * wear_um) / 10,
            "feed-override": 0 if now.state == "idle" else 100,
            "spindle-override": override,
            "program": now.product,
            "probe-error": round(10 * self._probe_um()) / 10,
            "door": now.state in {"setup", "maintenance"},
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Leave an error of worn tool, warm hall (the control compensates the spindle's own heat) and chance."""
        wear = self.wear_um(now.run_s) / tool.WORN_OUT_UM
        growth = heat.growth_um(0.35, now.hall_cel - HALL_CEL)
        piece.error += dimension.error_um(wear, growth, self.spread_um * self.process.normal()) / 20.0
        return []

    def operation(self, progress: float) -> Operation:
        """Return the part of the program that is on at this share of the piece."""
        for operation in self.program:
            if progress < operation.until:
                return operation
        return self.program[-1]

    def wear_um(self, run_s: float) -> float:
        """Return the wear of the tool in the spindle; a spent one is changed for its sister in the program."""
        while run_s - self.tool_since_s >= self.tool_life_s:
            self.tool_since_s += self.tool_life_s
            self.tool_life_s = self._new_life_s()
            self.tool = self.tool % self.tools + 1
        return tool.flank_wear_um((run_s - self.tool_since_s) / self.tool_life_s)

    def cutting_kw(self, operation: Operation, force_n_mm2: float) -> float:
        """Return the power at the cutter."""
        return cutting.milling_power_kw(operation.depth_mm, operation.width_mm, operation.feed_mm_min, force_n_mm2)

    def axis_shares(self, progress: float) -> tuple[float, float, float]:
        """Return which shares of the cutting force fall on the axes X, Y and Z: passes go to and fro along X and Y."""
        return _PASS_IN_Y if int(progress * self.passes) % 2 else _PASS_IN_X

    def _axis_loads(self, now: Condition, operation: Operation, force_n: float) -> tuple[int, int, int]:
        """Return the loads of the axes X, Y and Z; one that stands holds its weight alone."""
        if now.state != "running":
            return 0, 0, 0 if now.state == "off" else _HELD_PERCENT
        noise = self.noise
        moving = feed_drive.friction_percent(operation.feed_mm_min / _RAPID_MM_MIN)
        push = feed_drive.push_percent(force_n, _DRIVE_N)
        x, y, z = self.axis_shares(now.progress)
        return (
            round(abs(moving + x * push + 2 * noise())),
            round(abs(moving + y * push + 2 * noise())),
            round(moving + _HELD_PERCENT + z * push + noise()),
        )

    def _probe_um(self) -> float:
        """Return what the touch probe is off: its own spread, and a tenth of what its holder grows with the spindle."""
        return abs(1 + 0.1 * heat.growth_um(0.15, self.spindle_cel - 20) + 0.3 * self.noise())

    def _spindle_override(self) -> int:
        """Return what the operator has turned the spindle to: down where the control warns of bearing or tool."""
        if "vibration-high" in self.warnings:
            return 80
        return 90 if "tool-life-low" in self.warnings else 100

    def _cutting_kw(self, now: Condition, operation: Operation, wear_um: float) -> float:
        if not operation.depth_mm or (now.progress * self.passes) % 1 < 0.12:
            return 0.0
        force = cutting.specific_force_n_mm2(self.work_material, operation.chip_mm) * now.batch
        force = cutting.worn_force_n_mm2(force, wear_um / tool.WORN_OUT_UM)
        return max(0.0, self.cutting_kw(operation, force) * (1 + 0.03 * self.noise()))

    def _warm(self, hall_cel: float, idle_kw: float, cut_kw: float, passed_s: float) -> None:
        losses_kw = idle_kw + 0.2 * cut_kw
        self.spindle_cel = heat.warmed_cel(
            self.spindle_cel, hall_cel, power_kw=losses_kw, rise_k_kw=self.warmth_k_kw, tau_s=2_400, passed_s=passed_s
        )
        self.coolant_cel = heat.warmed_cel(
            self.coolant_cel, hall_cel, power_kw=cut_kw, rise_k_kw=self.coolant_k_kw, tau_s=1_800, passed_s=passed_s
        )

    def _new_life_s(self) -> float:
        return self.process.lognormal(self.tool_life_min * 60 / 0.5, 0.25)  # in cut for half of the cycle

    def _electric_kw(self, now: Condition, cut_kw: float, idle_kw: float) -> float:
        if now.state == "off":
            return 0.4
        if now.state == "running":
            return energy.machine_power_kw(3.2, idle_kw, cut_kw)
        return 2.1


def _coolant_percent(run_s: float) -> float:
    """Return the concentration of the coolant, which is topped up with a lean one every 48 h of operation."""
    evaporated_l = _EVAPORATES_L_H * (run_s % _TOPPED_UP_S) / 3_600
    return coolant.concentration_percent(_EMULSION_PERCENT, _TANK_L, evaporated_l)
