"""A teaching rig that packs parts, with the states of PackML (ISA TR88.00.02) and a checkweigher at its end."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import State, Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.measured import around
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause, toward
from edge.simulation.machines.signals import PROGRAM, Signal, units

_PACKML: Final[dict[State, str]] = {
    "running": "Execute",
    "starved": "Suspended",
    "blocked": "Suspended",
    "idle": "Held",
    "setup": "Resetting",
    "maintenance": "Stopped",
    "down": "Aborted",
    "off": "Stopped",
    "unknown": "Undefined",
}
_SEAL_CEL: Final = 150.0


class PackagingRig(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "packml-state": Signal("PackML state"),
        "packml-mode": Signal("PackML mode"),
        "machine-speed": Signal("Speed", "/min", 0, 45),
        "seal-temp": Signal("Temperature of the sealing bar", "Cel", 18, 165),
        "film-tension": Signal("Film tension", "N", 0, 32),
        "air-pressure": Signal("Air pressure", "bar", 4, 7),
        "weight": Signal("Weight of the last pack", "g", 240, 260),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("seal-heater", "sealing bar too cold", 3, "seal-temp", 6),
        FailureMode("film-drive", "film tension lost", 3, "film-tension", 6),
        FailureMode("air-leak", "air pressure too low", 2, "air-pressure", 8),
        FailureMode("cross-cutter", "cutter not in position", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "film-end", 4),
        Pause("idle", "pack-jam", 4),
        Pause("idle", "door-open", 2),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("film", "m", 0.32, 600.0)
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h", "compressed-air": "m3"}
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("seal_cel", "weight_g")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.seal_cel = 25.0
        self.weight_g = 250.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the rig's control reads out."""
        noise = self.noise
        running = now.state == "running"
        is_on = now.state != "off"
        self.seal_cel = toward(self.seal_cel, self._seal_cel(now) if is_on else now.hall_cel, 180.0, passed_s)
        tension = drifted(now, "film-tension", 24.0, 10.0) + 0.5 * noise() if running else 0.0
        pressure = drifted(now, "air-pressure", 6.1, 4.3) + 0.03 * noise()
        if running:
            warn_below(self, "seal-cold", "sealing bar reaches less than 138 °C", self._seal_cel(now), 138.0)
            warn_below(self, "film-slack", "film tension below 17 N", tension, 17.0)
        warn_below(self, "air-low", "air pressure below 5.4 bar", pressure, 5.4)
        self.power_kw = 0.1 if not is_on else 0.9 + (0.8 if running else 0.0)
        return {
            "packml-state": _PACKML[now.state],
            "packml-mode": "Maintenance" if now.state == "maintenance" else "Production",
            "machine-speed": round(40 + 0.1 * noise(), 2) if running else 0.0,
            "seal-temp": round(self.seal_cel + 0.4 * noise(), 1),
            "film-tension": round(max(0.0, tension), 2),
            "air-pressure": round(pressure, 3),
            "weight": round(self.weight_g, 2),
            "program": now.product,
        }

    def used(self, meter: str, run_s: float) -> float:
        """Return the compressed air: 0.08 m3/min while it runs."""
        del meter
        return run_s / 60 * 0.08

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Weigh the pack, and pull its seal: one welded too cold opens."""
        del piece
        self.weight_g = 250.0 + 2.1 * self.process.normal()
        cold_k = _SEAL_CEL - self._seal_cel(now)
        strength = 12.0 - 0.12 * cold_k + 0.7 * self.process.normal()
        return [
            around("weight", self.weight_g, 250.0, 6.0, "g"),
            around("seal-strength", strength, 12.0, 4.0, "N"),
        ]

    def _seal_cel(self, now: Condition) -> float:
        return drifted(now, "seal-temp", _SEAL_CEL, 118.0)
