"""A parts washer: a hot bath, a pump whose filter clogs, and a dryer."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.model import Condition, FailureMode, Model, Pause, toward
from edge.simulation.machines.signals import PROGRAM, Signal, units

_BATH_CEL: Final = 60.0
_CLOGGED_MBAR: Final = 900.0
_DRYING: Final = 0.65


class Washer(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "bath-temp": Signal("Bath temperature", "Cel", 18, 63),
        "spray-pressure": Signal("Spray pressure", "bar", 0, 8),
        "filter-dp": Signal("Pressure drop of the filter", "mbar", 0, 500),
        "conductivity": Signal("Conductivity of the bath", "mS/cm", 2.5, 3.5),
        "dryer-temp": Signal("Dryer temperature", "Cel", 40, 100),
        "pump-power": Signal("Pump power", "kW", 0, 6),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("filter-clogged", "differential pressure of the filter too high", 4, "filter-dp", 5),
        FailureMode("pump", "motor protection of pump 1 tripped", 2),
        FailureMode("conveyor", "basket does not reach its position", 3),
        FailureMode("heater", "bath does not reach its temperature", 1),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "basket-jam", 3),
        Pause("idle", "level-low", 2),
        Pause("idle", "door-open", 1),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = ("detergent", "L", 0.08, 20.0)
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h", "water": "m3"}
    checkpointed: ClassVar[tuple[str, ...]] = ("bath_cel",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.bath_cel = _BATH_CEL
        self._heats = True
        self._dryer_cel = 40.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the control reads out."""
        noise = self.noise
        running = now.state == "running"
        spraying = running and now.progress < _DRYING
        drying = running and now.progress >= _DRYING
        # A two-point controller keeps the bath within a kelvin: 12 kW warm it by 2 K/min, cold parts and air cool it.
        self._heats = self.bath_cel < _BATH_CEL - 1 or (self._heats and self.bath_cel < _BATH_CEL + 1)
        on = now.state != "off"
        slope_k_s = (0.033 if self._heats and on else 0.0) - (self.bath_cel - now.hall_cel) * (
            3e-4 if running else 1e-4
        )
        self.bath_cel += slope_k_s * min(passed_s, 60.0)
        self._dryer_cel = toward(self._dryer_cel, 95.0 if drying else 45.0, 25.0, passed_s)
        clog = 180 + now.decayed("filter-dp") * (_CLOGGED_MBAR - 180)
        drop = clog * (1 + 0.02 * noise()) if spraying else 0.0
        if spraying:
            self.warn("filter-dirty", "differential pressure of the filter above 500 mbar", drop, 500.0)
        pump_kw = 5.2 + 0.1 * noise() if spraying else 0.0
        heating_kw = (12.0 if self._heats else 0.0) + (9.0 if drying else 0.0)
        self.power_kw = 0.7 + pump_kw + heating_kw if on else 0.2
        return {
            "bath-temp": round(self.bath_cel + 0.05 * noise(), 2),
            "spray-pressure": round(7.4 - drop / 1000 + 0.05 * noise(), 2) if spraying else 0.0,
            "filter-dp": round(drop, 1),
            "conductivity": round(3.1 + 0.02 * noise(), 3),
            "dryer-temp": round(self._dryer_cel + 0.3 * noise(), 1),
            "pump-power": round(pump_kw, 2),
            "program": now.product,
        }

    def used(self, meter: str, run_s: float) -> float:
        """Return the fresh water: 2 L/min while it runs."""
        del meter
        return run_s / 60 * 0.002


class BatchWasher(Washer):
    """A chamber washer: a basket of parts at a time."""

    shown: ClassVar[Mapping[str, Signal]] = {**Washer.shown, "load-id": Signal("Basket")}
    signals: ClassVar[Mapping[str, str]] = units(shown)
    load: ClassVar[int] = 12

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the control reads out."""
        return {**super().sample(now, passed_s), "load-id": now.load_id}
