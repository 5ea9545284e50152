"""A five-axis mill in titanium: spindle power from cutting force and wear, a warm spindle, a bearing that decays."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final, NamedTuple

from broker.contract.events import Value
from edge.simulation.machines.model import HALL_CEL, Condition, FailureMode, Finding, Model, Pause, toward
from edge.simulation.physics import cutting, dimension, energy, heat, tool, vibration
from edge.simulation.pieces import Piece
from edge.simulation.random_stream import RandomStream


class _Operation(NamedTuple):
    """A part of the program: until which share of the piece, depth, width, feed, speed, mean chip."""

    until: float
    depth_mm: float
    width_mm: float
    feed_mm_min: float
    speed_per_min: float
    chip_mm: float


_PROGRAM: Final = (
    _Operation(0.03, 0, 0, 12_000, 0, 0.1),
    _Operation(0.48, 10, 24, 250, 560, 0.10),
    _Operation(0.50, 0, 0, 12_000, 0, 0.1),
    _Operation(0.72, 6, 12, 300, 700, 0.08),
    _Operation(0.74, 0, 0, 12_000, 0, 0.1),
    _Operation(0.95, 20, 0.8, 520, 1_500, 0.03),
    _Operation(1.01, 0, 0, 900, 0, 0.1),  # probing
)
_STEPOVERS: Final = 60  # passes of one piece; between two the cutter is in the air
_RATED_NM: Final = 90.0
_LIMIT_MM_S: Final = vibration.zone_limits_mm_s()[1]
_TRIP_MM_S: Final = vibration.zone_limits_mm_s()[2]
_TOOLS: Final = 12


class FiveAxisMill(Model):
    """See the module."""

    signals: ClassVar[Mapping[str, str]] = {
        "spindle-speed": "/min",
        "spindle-load": "%",
        "spindle-power": "kW",
        "spindle-temp": "Cel",
        "path-feed": "mm/min",
        "axis-load-x": "%",
        "vibration": "mm/s",
        "coolant-temp": "Cel",
        "coolant-pressure": "bar",
        "tool-number": "1",
        "tool-wear": "um",
        "feed-override": "%",
        "program": "",
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
    material: ClassVar[tuple[str, str, float, float] | None] = ("titanium", "kg", 6.4, 307.2)

    checkpointed: ClassVar[tuple[str, ...]] = ("tool", "tool_since_s", "tool_life_s", "spindle_cel", "coolant_cel")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.spindle_cel = 30.0
        self.coolant_cel = 21.0
        self._smooth = 1.0
        self.tool = 1
        self.tool_since_s = 0.0
        self.tool_life_s = self._new_life_s()

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the control reads out."""
        noise = self.noise
        running = now.state == "running"
        wear_um = self._wear_um(now.run_s)
        operation = self._operation(now.progress) if running else _PROGRAM[0]
        cut_kw = self._cutting_kw(now, operation, wear_um) if running else 0.0
        speed = operation.speed_per_min * (1 + 0.003 * noise()) if running else 0.0
        load = 3.5 + 100 * cutting.torque_nm(cut_kw, operation.speed_per_min) / _RATED_NM if running else 0.0
        idle_kw = (0.85 if operation.speed_per_min else 0.2) if running else 0.0
        hall = now.hall_cel
        self.spindle_cel = heat.warmed_cel(
            self.spindle_cel, hall, power_kw=idle_kw + 0.2 * cut_kw, rise_k_kw=22.0, tau_s=2_400, passed_s=passed_s
        )
        self.coolant_cel = heat.warmed_cel(
            self.coolant_cel, hall, power_kw=cut_kw, rise_k_kw=2.2, tau_s=1_800, passed_s=passed_s
        )
        rough = 0.9 + 0.005 * load + (0.25 if running else -0.35)
        shaking = rough + now.decayed("vibration") * (_TRIP_MM_S - rough) + 0.05 * noise()
        pressure = (46.0 * (1 - 0.5 * now.decayed("coolant-pressure")) + 0.5 * noise()) if running else 0.0
        self.power_kw = self._electric_kw(now, cut_kw, idle_kw)
        self._update_warnings(shaking, wear_um)
        return {
            "spindle-speed": round(speed),
            "spindle-load": round(load, 1),
            "spindle-power": round(idle_kw + cut_kw / 0.8, 3),
            "spindle-temp": round(self.spindle_cel + 0.05 * noise(), 2),
            "path-feed": round(operation.feed_mm_min * (1 + 0.02 * noise()), 1) if running else 0.0,
            "axis-load-x": round(12 + 0.4 * load + 2 * noise(), 1) if running else 0.0,
            "vibration": round(max(0.1, shaking), 3),
            "coolant-temp": round(self.coolant_cel + 0.03 * noise(), 2),
            "coolant-pressure": round(max(0.0, pressure), 1),
            "tool-number": self.tool,
            "tool-wear": round(wear_um, 1),
            "feed-override": 0 if now.state == "idle" else 100,
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Leave an error of worn tool, warm hall (the control compensates the spindle's own heat) and chance."""
        wear = self._wear_um(now.run_s) / tool.WORN_OUT_UM
        growth = heat.growth_um(0.35, now.hall_cel - HALL_CEL)
        piece.error += dimension.error_um(wear, growth, 6.2 * self.process.normal()) / 20.0
        return []

    def _operation(self, progress: float) -> _Operation:
        for operation in _PROGRAM:
            if progress < operation.until:
                return operation
        return _PROGRAM[-1]

    def _cutting_kw(self, now: Condition, operation: _Operation, wear_um: float) -> float:
        if not operation.depth_mm or (now.progress * _STEPOVERS) % 1 < 0.12:
            return 0.0
        force = cutting.specific_force_n_mm2(cutting.TITANIUM_6AL4V, operation.chip_mm) * now.batch
        force = cutting.worn_force_n_mm2(force, wear_um / tool.WORN_OUT_UM)
        power = cutting.milling_power_kw(operation.depth_mm, operation.width_mm, operation.feed_mm_min, force)
        return max(0.0, power * (1 + 0.03 * self.noise()))

    def _wear_um(self, run_s: float) -> float:
        """Return the wear of the tool in the spindle; a spent one is changed for its sister in the program."""
        while run_s - self.tool_since_s >= self.tool_life_s:
            self.tool_since_s += self.tool_life_s
            self.tool_life_s = self._new_life_s()
            self.tool = self.tool % _TOOLS + 1
        return tool.flank_wear_um((run_s - self.tool_since_s) / self.tool_life_s)

    def _new_life_s(self) -> float:
        # Roughing: a 50 mm cutter at 560/min is 88 m/min, 24 mm wide; it is in cut for half of the cycle.
        in_cut_min = tool.life_min(tool.CARBIDE_IN_TITANIUM, 88.0, 0.48)
        return self.process.lognormal(in_cut_min * 60 / 0.5, 0.25)

    def _electric_kw(self, now: Condition, cut_kw: float, idle_kw: float) -> float:
        if now.state == "off":
            return 0.4
        if now.state == "running":
            return energy.machine_power_kw(3.2, idle_kw, cut_kw)
        return 2.1

    def _update_warnings(self, shaking: float, wear_um: float) -> None:
        self._smooth = toward(self._smooth, shaking, 30.0, 10.0)
        self.warn("vibration-high", "spindle vibration in zone C of ISO 20816-3", self._smooth, _LIMIT_MM_S)
        self.warn("tool-life-low", f"tool {self.tool} is at 90 % of its wear limit", wear_um, 0.9 * tool.WORN_OUT_UM)
