"""Utilities of a site: compressed air with its leaks, cooling water, and the connection to the grid."""

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, Final, Literal

from broker.contract.events import Value
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import Bearing, drifted, warn_below
from edge.simulation.machines.model import Condition, FailureMode, Model, Pause, toward
from edge.simulation.machines.signals import Signal, units
from edge.simulation.physics import energy

Serves = Literal["", "carries", "supplies"]
_LEAK_MM: Final = 3.0
_LEAKS: Final = 6
_NET_BAR: Final = 7.2
_PAUSES: Final = (Pause("idle", "switched-over", 1),)


class Compressor(Model):
    """A screw compressor: what its net draws, and what six holes of 3 mm lose in it, day and night."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "pressure": Signal("Pressure of the net", "bar", 6.5, 8),
        "flow": Signal("Flow of free air", "m3/min", 0, 14),
        "leaks": Signal("Flow that leaks", "m3/min", 0, 6),
        "specific-power": Signal("Specific power", "kW/(m3/min)", 6, 8),
        "power": Signal("Power", "kW", 0, 110),
        "oil-temp": Signal("Oil temperature", "Cel", 18, 95),
        "vibration": Signal("Vibration", "mm/s", 0, 4.5),
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("air-end-bearing", "vibration of the air end in zone D", 2, "vibration", 45),
        FailureMode("oil-cooler", "oil too hot", 3, "oil-temp", 12),
        FailureMode("pipe-leak", "pressure of the net too low", 2, "leaks", 24),
        FailureMode("separator", "differential pressure of the oil separator too high", 2, "specific-power", 30),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = _PAUSES
    waits: ClassVar[tuple[Pause, ...]] = _PAUSES
    serves: ClassVar[Serves] = "supplies"
    serves_reason: ClassVar[str] = "no-compressed-air"
    checkpointed: ClassVar[tuple[str, ...]] = ("oil_cel",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.oil_cel = 60.0
        self._bearing = Bearing(self, "air end")

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the compressor reads out."""
        noise = self.noise
        running = now.state == "running"
        leaks = energy.leak_m3_min(_LEAK_MM, _NET_BAR) * drifted(now, "leaks", _LEAKS, 14)
        flow = leaks + (1.0 + 5.5 * now.demand) * (1 + 0.03 * noise()) if running else 0.0
        specific = drifted(now, "specific-power", 6.5, 8.2) + 0.03 * noise()
        power = energy.compressor_kw(flow, specific)
        self.oil_cel = toward(self.oil_cel, 74.0 if running else now.hall_cel, 900.0, passed_s)
        oil = drifted(now, "oil-temp", self.oil_cel, 112.0)
        shaking = self._bearing.shaking_mm_s(now, 1.5 if running else 0.1)
        self._bearing.watch(shaking)
        self.warn("oil-hot", "oil above 90 °C", oil, 90.0)
        self.warn("leaks", "leaks of the net above 4 m³/min", leaks, 4.0)
        self.warn("separator-dirty", "specific power above 7.4 kW/(m³/min)", specific, 7.4)
        self.power_kw = 0.3 if now.state == "off" else 0.8 + power
        return {
            "pressure": round(_NET_BAR - 0.05 * (flow - 6) + 0.03 * noise(), 3) if running else 6.5,
            "flow": round(flow, 3),
            "leaks": round(leaks, 3),
            "specific-power": round(specific, 3),
            "power": round(power, 2),
            "oil-temp": round(oil + 0.2 * noise(), 1),
            "vibration": round(max(0.05, shaking), 3),
        }


class Chiller(Model):
    """A chiller: heat of the machines goes out into the air, the more easily the colder that is."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "supply-temp": Signal("Supply", "Cel", 8, 18),
        "return-temp": Signal("Return", "Cel", 8, 24),
        "cooling": Signal("Heat moved", "kW", 0, 160),
        "cop": Signal("Coefficient of performance", "1", 0, 9),
        "power": Signal("Power", "kW", 0, 60),
        "outside-temp": Signal("Outside temperature", "Cel", -15, 38),
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("refrigerant-leak", "pressure of the refrigerant too low", 3, "cop", 30),
        FailureMode("pump", "motor protection of pump 1 tripped", 2),
        FailureMode("three-way-valve", "supply too warm", 2, "supply-temp", 8),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = _PAUSES
    waits: ClassVar[tuple[Pause, ...]] = _PAUSES
    serves: ClassVar[Serves] = "supplies"
    serves_reason: ClassVar[str] = "no-cooling"

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the chiller reads out."""
        del passed_s
        noise = self.noise
        running = now.state == "running"
        outside = 11.0 + 5.0 * math.cos((now.day_s / 3600 - 15) * math.pi / 12)
        heat_kw = (30.0 + 90.0 * now.demand) * (1 + 0.02 * noise()) if running else 0.0
        best = energy.chiller_cop(12.0, outside)
        cop = best * drifted(now, "cop", 1.0, 0.45) * (1 + 0.01 * noise()) if running else 0.0
        supply = drifted(now, "supply-temp", 12.0, 20.0) + 0.1 * noise()
        if running:
            warn_below(self, "cop-low", "coefficient of performance 25 % below what is usual", cop / best, 0.75)
        self.warn("supply-warm", "supply above 15 °C", supply, 15.0)
        power = heat_kw / cop if cop else 0.0
        self.power_kw = 0.2 if now.state == "off" else 1.5 + power
        return {
            "supply-temp": round(supply, 2),
            "return-temp": round(supply + heat_kw / 25.0, 2),
            "cooling": round(heat_kw, 1),
            "cop": round(cop, 3),
            "power": round(power, 2),
            "outside-temp": round(outside + 0.1 * noise(), 1),
        }


class GridConnection(Model):
    """A site's connection: its power and power factor, and the carbon that the grid gives off at this hour."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "power": Signal("Power", "kW", 0, 1_200),
        "total": Signal("Energy", "kW.h"),
        "pf": Signal("Power factor", "1", 0.8, 1),
        "grid-carbon": Signal("Carbon of the grid", "g/kW.h", 80, 280),
        "co2e": Signal("Emissions an hour", "kg/h", 0, 300),
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("compensation", "compensation switched off", 2, "pf", 60),
        FailureMode("supply-lost", "supply of the grid lost", 1),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = _PAUSES
    waits: ClassVar[tuple[Pause, ...]] = _PAUSES
    serves: ClassVar[Serves] = "supplies"
    serves_reason: ClassVar[str] = "no-power"
    checkpointed: ClassVar[tuple[str, ...]] = ("total_kwh",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.total_kwh = 0.0

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the meter and the grid's operator read out."""
        noise = self.noise
        # The site's own power is the sum of its machines' meters; this is what its base load and its demand come to.
        power = (90.0 + 600.0 * now.demand) * (1 + 0.02 * noise()) if now.state == "running" else 0.0
        self.total_kwh += power * passed_s / 3600
        pf = drifted(now, "pf", 0.96, 0.80) + 0.003 * noise()
        warn_below(self, "pf-low", "power factor below 0.90", pf, 0.90)
        usual_g = 1000 * energy.KG_CO2E_KWH[2025]
        carbon = usual_g * (1 + 0.3 * math.cos((now.day_s / 3600 - 18.5) * math.pi / 12)) + 2 * noise()
        self.power_kw = 0.0  # the machines behind it count their own
        return {
            "power": round(power, 1),
            "total": round(self.total_kwh, 2),
            "pf": round(min(1.0, pf), 3),
            "grid-carbon": round(carbon, 1),
            "co2e": round(energy.co2e_kg(power, carbon / 1000), 2),
        }
