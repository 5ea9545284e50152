"""The events of a batch, added to the histories of their machines: what is stored of them, which minutes change."""

from collections.abc import Iterable, Sequence

import msgspec

from broker.contract.events import NOT_LIVE, AnyEvent, Job
from broker.contract.retained import is_snapshot
from services.kpi.fleet import Fleet
from services.ledger.history import MINUTE
from services.query.histories import AROUND
from services.store.interface import Store


class Additions:
    """The additions of one batch.

    Args:
        store: which does not have its events yet.
        fleet: the machines.
        silent_ns: after so long without an event a machine costs nothing.
        assets: the machines of the events.
        now: the present, nanoseconds since 1970-01-01 UTC.

    Attributes:
        reported: what is to be stored: without what changes nothing.
        touched: of each machine that does not fail, the minutes that the events change.
    """

    def __init__(self, store: Store, fleet: Fleet, silent_ns: int, assets: Iterable[str], now: int) -> None:
        self._store, self._fleet, self._silent_ns, self._now = store, fleet, silent_ns, now
        self.reported: list[AnyEvent] = []
        self.touched: dict[str, set[int]] = {asset: set() for asset in assets if asset not in fleet.failing}

    async def add(self, events: Iterable[AnyEvent], counted: Iterable[AnyEvent]) -> None:
        """Add those events of which the ledger is computed (`counted`); the others are stored, but for snapshots."""
        added: dict[str, list[AnyEvent]] = {}
        ids = set(map(id, counted))
        for event in sorted(events, key=_is_state_of_unknown_age):
            if id(event) in ids and event.asset not in self._fleet.failing:
                new = await self._put(event)
                self.reported += new
                added.setdefault(event.asset, []).extend(new)
            elif not is_snapshot(event):
                self.reported.append(event)
        for asset, new in added.items():
            if self._lacks_past(asset):
                await self._put_again(asset, new)
        self._leave_to_recompute()

    async def _put(self, event: AnyEvent) -> list[AnyEvent]:
        """Add an event to the history of its machine; return what is to be stored: nothing if it changes nothing."""
        machine = self._fleet.machines[event.asset]
        each = event
        if is_snapshot(event):
            if not machine.changes_state(event):
                return []
            each = msgspec.structs.replace(event, received_ms=NOT_LIVE)
        if isinstance(event, Job) and await self._is_past(event):
            return []
        self._add(each)
        return [each]

    def _add(self, event: AnyEvent) -> None:
        machine, behind = self._fleet.machines[event.asset], self._fleet.due.behind.get(event.asset)
        if behind is None:
            self.touched[event.asset] |= machine.put(event, machine.wanted(self._now, self._silent_ns, event.at))
        else:
            behind.begin(min(machine.history.take(event), default=behind.start))

    async def _is_past(self, event: Job) -> bool:
        machine = self._fleet.machines[event.asset]
        if event.asset in self._fleet.due.behind and event.phase == "end" and event.at < machine.history.origin:
            for job in await self._store.events(("job",), event.asset, event.at, event.at + 1):
                machine.history.take(job)
        return machine.is_superseded(event)

    def _lacks_past(self, asset: str) -> bool:
        """Return whether it is not certain what a machine's readings are without older ones."""
        if asset in self._fleet.failing:
            return False
        history = self._fleet.machines[asset].history
        return not history.cumulative.is_whole and history.cumulative.lacks_past(history.origin)

    async def _put_again(self, asset: str, events: Sequence[AnyEvent]) -> None:
        """Add a machine's new events with as many older readings as they depend on.

        What they are added to is read again from the store, which does not have them yet: so what they change is seen.
        """
        for depth in AROUND:
            await self._fleet.restore(asset, self._fleet.machines[asset].history.origin, depth)
            self.touched[asset] = set()
            for event in events:
                if asset not in self._fleet.failing:
                    self._add(event)
            if not self._lacks_past(asset):
                break

    def _leave_to_recompute(self) -> None:
        """Let machines fall behind of which minutes are touched that are older than what is in memory."""
        for asset, starts in self.touched.items():
            if asset in self._fleet.failing:
                continue
            origin = self._fleet.machines[asset].history.origin
            if starts and min(starts) < origin and asset not in self._fleet.due.behind:
                self._fleet.fall_behind(asset, min(starts), origin + MINUTE, self._now)


def _is_state_of_unknown_age(event: AnyEvent) -> bool:
    """Return whether an event may change nothing: that depends on what came with it."""
    return event.kind == "state" and is_snapshot(event)
