"""What Home Assistant shows of one machine: the newest of its state, counters, energy meters and indicators.

What comes late does not count: a total that goes back would be a new meter to Home Assistant.
"""

from typing import Any, Final

import msgspec

from broker.contract.events import AnyEvent, Count, Meter, State, StateChange, Status
from broker.contract.payloads import KpiPayload
from edge.dialects.values import kwh

WINDOWS: Final = ("shift", "hour")
"""Of which indicators are shown: those of the first that is on."""
INDICATORS: Final = ("oee", "availability")
_MOST_METERS: Final = 50

Indicators = dict[str, dict[str, float | None]]
"""Of each window that is on."""


class MachineValues(msgspec.Struct):
    """See the module.

    Attributes:
        energy: totals in kW·h, by the name of the meter.
        is_simulated: the newest event is of a simulated machine.
        at: of each value, its time.
    """

    state: State = "unknown"
    online: bool = True
    good: float | None = None
    energy: dict[str, float] = msgspec.field(default_factory=dict)
    is_simulated: bool = False
    at: dict[str, int] = msgspec.field(default_factory=dict)

    def take(self, event: AnyEvent) -> None:
        """Take an event of the machine."""
        match event:
            case StateChange() if self._is_newer("state", event):
                self.state = event.state
            case Status() if self._is_newer("status", event):
                self.online = event.online
            case Count() if self._is_newer("count", event):
                self.good = _good(event, self.good)
            case Meter() if event.name in self.energy or len(self.energy) < _MOST_METERS:
                total = kwh(event.total, event.unit)
                if total is not None and self._is_newer(f"meter/{event.name}", event):
                    self.energy[event.name] = round(total, 6)

    def document(self, indicators: Indicators) -> dict[str, Any]:
        """Return the values as they are published; null is unknown to Home Assistant."""
        shown = next((indicators[one] for one in WINDOWS if one in indicators), {})
        return {
            "status": "online" if self.online else "offline",
            "state": self.state,
            "good": self.good,
            "energy": self.energy,
            **{name: shown.get(name) for name in INDICATORS},
        }

    def _is_newer(self, what: str, event: AnyEvent) -> bool:
        if event.at < self.at.get(what, 0):
            return False
        self.at[what] = event.at
        self.is_simulated = event.simulated
        return True


def _good(count: Count, before: float | None) -> float | None:
    """Return the good pieces: counted, or those produced less scrap."""
    if count.good is not None:
        return count.good
    if count.produced is not None and count.scrap is not None:
        return max(0.0, count.produced - count.scrap)
    return before


def percents(payload: KpiPayload) -> dict[str, float | None]:
    """Return the indicators of a window that are shown, percent; None where one is not defined."""
    return {name: _percent(payload.indicators.get(name)) for name in INDICATORS}


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)
