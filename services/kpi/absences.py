"""Absences of the service, after which messages come that have waited, and the time from which each offline counts."""

from collections.abc import Sequence

from broker.contract.events import NS_PER_MS, AnyEvent
from services.kpi.arrivals import is_placed_late, placed, with_absence
from services.kpi.fleet import HORIZON_NS, Fleet


class Absences:
    """The absences of a service and its source.

    Args:
        fleet: the machines.
        waited_ns: what a machine sends within so long after an absence may have waited; 0 where nothing waits.
    """

    def __init__(self, fleet: Fleet, waited_ns: int) -> None:
        self._fleet, self._waited_ns = fleet, waited_ns
        self._back_at: int | None = None
        self._left: dict[str, int] = {}
        """Until when machines were followed before the absence, of those that have not reported since."""

    def started(self, now: int) -> None:
        """Note that the service has started: for the first time, it was away since the newest rows."""
        if self._back_at is not None:
            return
        self._back_at = now
        if self._waited_ns:
            self._left = {asset: machine.until for asset, machine in self._fleet.machines.items() if machine.until}

    def was_away(self, since: int, now: int) -> None:
        """Note that the source was away: what comes now may have waited there since then."""
        self._back_at = now
        self._left = dict.fromkeys(self._fleet.machines, since)

    async def placed(self, events: Sequence[AnyEvent], now: int) -> list[AnyEvent]:
        """Return the events, each offline at the time from which it counts."""
        for event in filter(is_placed_late, events):
            asset = event.asset
            if (
                asset not in self._fleet.machines
                and asset not in self._fleet.failing
                and asset not in self._fleet.due.retired
            ):
                await self._fleet.restore(asset, min(now, event.received_ms * NS_PER_MS) - HORIZON_NS)
        if self._left:
            if self._back_at is not None and now - self._back_at <= self._waited_ns:
                events = with_absence(events, self._fleet.machines, self._left)
            else:
                self._left.clear()
        return placed(events, self._fleet.machines)
