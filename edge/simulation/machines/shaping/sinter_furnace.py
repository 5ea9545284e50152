"""A sinter furnace: pressed pellets get dense in dry hydrogen; a heating element that ages leaves a cold zone."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.measured import at_least
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import powder

_HOLD_CEL: Final = 1_450.0
_HEATED: Final = 0.40
_HELD: Final = 0.68
"""Shares of the cycle at which the hold begins and ends."""
_ZONES: Final = 4
_PRESSED_MM: Final = 12.0
_PRESSED_PERCENT: Final = 53.7
_SINTERED_PERCENT: Final = 97.0


class SinterFurnace(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        **{
            f"zone-temp-{zone}": Signal(f"Temperature of zone {zone}", "Cel", 15, 1_465)
            for zone in range(1, _ZONES + 1)
        },
        "dew-point": Signal("Dew point of the hydrogen", "Cel", -65, -35),
        "hydrogen-flow": Signal("Flow of hydrogen", "m3/h", 0, 12),
        "heater-power": Signal("Heater power", "kW", 0, 60),
        "load-id": Signal("Load"),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("heating-element", "zone 3 does not reach its temperature", 4, "zone-temp-3", 12),
        FailureMode("gas-dryer", "hydrogen too moist", 3, "dew-point", 10),
        FailureMode("vacuum-pump", "furnace not purged", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (Pause("idle", "purge", 3), Pause("idle", "tray-change", 3))
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h", "hydrogen": "m3"}
    load: ClassVar[int] = 240
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("density",)

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.density = _SINTERED_PERCENT

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the furnace reads out."""
        del passed_s
        noise = self.noise
        running = now.state == "running"
        holds = running and _HEATED <= now.progress < _HELD
        zones = [self._zone_cel(now, zone) for zone in range(1, _ZONES + 1)]
        dew = drifted(now, "dew-point", -55.0, -20.0) + 0.5 * noise()
        heater = (52.0 if now.progress < _HEATED else 24.0 if holds else 0.0) if running else 0.0
        if holds:
            warn_below(self, "zone-cold", "zone 3 colder than 1,425 °C in the hold", zones[2], 1_425.0)
        self.warn("gas-moist", "dew point of the hydrogen above −42 °C", 100 + dew, 58.0)
        self.power_kw = 1.0 if now.state == "off" else 4.0 + heater / 0.95
        return {
            **{f"zone-temp-{zone}": round(value + 0.8 * noise(), 1) for zone, value in enumerate(zones, 1)},
            "dew-point": round(dew, 1),
            "hydrogen-flow": round(9 + 0.05 * noise(), 2) if running else 0.0,
            "heater-power": round(heater * (1 + 0.02 * noise()), 2),
            "load-id": now.load_id,
            "program": now.product,
        }

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Sinter: what lay in a cold zone stays less dense, and therefore larger."""
        cold_k = _HOLD_CEL - drifted(now, "zone-temp-3", _HOLD_CEL, 1_390.0)
        density = _SINTERED_PERCENT - 0.03 * cold_k - 1.2 * now.decayed("dew-point") + 0.4 * self.process.normal()
        self.density = min(100.0, density)
        size = powder.sintered_mm(_PRESSED_MM, _PRESSED_PERCENT, self.density)
        usual = powder.sintered_mm(_PRESSED_MM, _PRESSED_PERCENT, _SINTERED_PERCENT)
        piece.error += 4.0 * (size - usual)  # the grinder takes off most of it
        return [at_least("sintered-density", self.density, 95.5, 100.0, "%")]

    def used(self, meter: str, run_s: float) -> float:
        """Return the hydrogen: 9 m3 an hour."""
        del meter
        return run_s / 3600 * 9

    def _zone_cel(self, now: Condition, zone: int) -> float:
        if now.progress < _HEATED:
            share = now.progress / _HEATED
        elif now.progress < _HELD:
            share = 1.0
        else:
            share = max(0.0, 1 - (now.progress - _HELD) / (1 - _HELD)) ** 1.5
        hold = drifted(now, "zone-temp-3", _HOLD_CEL, 1_390.0) if zone == 3 else _HOLD_CEL
        return now.hall_cel + (hold - now.hall_cel) * share
