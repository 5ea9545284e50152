"""A skull furnace for titanium: an arc melts a charge in vacuum, and it is poured into a hot mould that spins."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import Bearing, drifted, warn_below
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause, toward
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import casting

_PUMPED: Final = 0.15
_POURED: Final = 0.80
_COOLED: Final = 0.92
"""Shares of the cycle at which melting begins, the metal is poured, and the mould stops."""
_CURRENT_KA: Final = 14.0
_VOLTAGE_V: Final = 38.0
_POUR_CEL: Final = 1_728.0
_MOULD_CEL: Final = 650.0
_SPIN_PER_MIN: Final = 200.0
_RADIUS_M: Final = 0.45
_VACUUM_MBAR: Final = 6e-3


class CastingFurnace(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "melt-current": Signal("Melting current", "kA", 0, 30),
        "melt-voltage": Signal("Melting voltage", "V", 0, 45),
        "melt-power": Signal("Melting power", "kW", 0, 650),
        "chamber-vacuum": Signal("Vacuum of the chamber", "mbar", 1e-3, 1_050),
        "pour-temp": Signal("Temperature of the last pour", "Cel", 1_680, 1_780),
        "mould-temp": Signal("Mould temperature", "Cel", 18, 900),
        "spin": Signal("Mould speed", "/min", 0, 300),
        "vibration": Signal("Vibration of the spin table", "mm/s", 0, 4.5),
        "charge": Signal("Charge", "kg", 0, 1_000),
        "cooling-temp": Signal("Return of the cooling water", "Cel", 15, 55),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("vacuum-pump", "vacuum of the chamber lost", 3, "chamber-vacuum", 8),
        FailureMode("mould-heater", "mould does not reach its temperature", 2, "mould-temp", 10),
        FailureMode("spin-bearing", "vibration of the spin table in zone D", 2, "vibration", 20),
        FailureMode("electrode", "electrode short to the skull", 3),
        FailureMode("cooling-water", "flow of the crucible's cooling low", 1),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "arc-lost", 3),
        Pause("idle", "vacuum-not-reached", 3),
        Pause("idle", "door-open", 1),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("titanium-electrode", "kg", 250.0, 5_000.0)
    checkpointed: ClassVar[tuple[str, ...]] = ("pour_cel", "mould_cel", "cooling_cel")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.pour_cel = _POUR_CEL
        self.mould_cel = 60.0
        self.cooling_cel = 20.0
        self._bearing = Bearing(self, "spin table")

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the furnace reads out."""
        noise = self.noise
        running = now.state == "running"
        melts = running and _PUMPED <= now.progress < _POURED
        spins = running and _POURED - 0.05 <= now.progress < _COOLED
        current = _CURRENT_KA * (1 + 0.03 * noise()) if melts else 0.0
        voltage = _VOLTAGE_V * (1 + 0.02 * noise()) if melts else 0.0
        melt_kw = casting.arc_kw(voltage, current)
        goal = self._mould_cel(now) if running and now.progress < _POURED else 60.0
        self.mould_cel = toward(self.mould_cel, goal, 400.0 if goal > 60 else 900.0, passed_s)
        self.cooling_cel = toward(self.cooling_cel, 44.0 if melts else 20.0, 300.0, passed_s)
        vacuum = self._vacuum_mbar(now) * (1 + 0.05 * noise()) if running else 1_013.0
        shaking = self._bearing.shaking_mm_s(now, 1.1 if spins else 0.2)
        self._bearing.watch(shaking)
        if melts:
            self.warn("vacuum-weak", "vacuum of the chamber weaker than 0.03 mbar", vacuum, 3e-2)
            warn_below(self, "mould-cold", "mould heater reaches less than 580 °C", self._mould_cel(now), 580.0)
        heater_kw = 45.0 if running and now.progress < _POURED else 0.0
        self.power_kw = 3.0 if now.state == "off" else 18.0 + heater_kw + melt_kw / 0.92
        return {
            "melt-current": round(current, 2),
            "melt-voltage": round(voltage, 2),
            "melt-power": round(melt_kw, 1),
            "chamber-vacuum": round(max(1e-3, vacuum), 5),
            "pour-temp": round(self.pour_cel, 1),
            "mould-temp": round(self.mould_cel + noise(), 1),
            "spin": round(_SPIN_PER_MIN * (1 + 0.005 * noise()), 1) if spins else 0.0,
            "vibration": round(max(0.05, shaking), 3),
            "charge": 250 if running else 0,
            "cooling-temp": round(self.cooling_cel + 0.2 * noise(), 2),
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Leave walls that are filled more or less: superheat, mould and pull decide; radiography finds it."""
        self.pour_cel = _POUR_CEL + 8.0 * self.process.normal()
        pull_g = casting.centrifugal_g(_SPIN_PER_MIN, _RADIUS_M)
        misrun = casting.misrun_percent(self.pour_cel, self._mould_cel(now), pull_g)
        gas = 0.6 * now.decayed("chamber-vacuum")  # weak vacuum leaves it in the metal
        piece.error += 0.3 * misrun + gas + 0.3 * self.process.normal()
        return []

    def _mould_cel(self, now: Condition) -> float:
        return drifted(now, "mould-temp", _MOULD_CEL, 480.0)

    def _vacuum_mbar(self, now: Condition) -> float:
        """Return the chamber's vacuum; while it is pumped it falls from that of the air."""
        left = max(0.0, 1 - now.progress / (0.9 * _PUMPED)) if now.progress < _PUMPED else 0.0
        return float(drifted(now, "chamber-vacuum", _VACUUM_MBAR, 9e-2) + 1_007.0 * left**6)
