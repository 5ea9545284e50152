"""The ledger writer: messages in, events and the ledger rows that they change out, in one batch.

Live messages, replayed recordings and the back-fill all come this way. An event is added to its machine's history,
which returns the minutes that it affects; their rows are recomputed and written with it. A row that no longer applies
is overwritten with an empty one. As time goes on, `advance` writes the rows of the minutes that passed.

The work that a batch waits for is bounded. A machine with more work falls *behind*: its events are stored at once, its
rows follow in portions (`catch_up`), oldest first, between which others are served. A machine that has long been silent
costs nothing until it reports again. `Store.watermark` is always up to where a machine's rows are complete.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from broker.contract.codec import decode
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from broker.contract.retained import may_be_stored
from broker.contract.topics import PREFIX
from broker.plant.plant import Plant
from services.intake.arrival import with_receipt
from services.intake.isolation import isolate, split_valid
from services.intake.limits import Limits
from services.kpi import bookings
from services.kpi.absences import Absences
from services.kpi.additions import Additions
from services.kpi.arrivals import (
    ends_offline,
    signs_of_life,
    stored_offlines,
)
from services.kpi.due import Behind
from services.kpi.fleet import ALL_AT_ONCE, AT_ONCE, HORIZON_NS, Fleet
from services.kpi.machine import SILENT_NS, Change, Machine, Made
from services.kpi.rebuilding import first_minute, portion
from services.kpi.silences import Silences
from services.ledger.history import KINDS, MINUTE
from services.store import failures
from services.store.interface import Batch, Rejected, Store

PAUSE_NS: Final = MINUTE // 2


class LedgerWriter:
    """Writes events and their ledger rows to a store.

    Args:
        store: where to.
        plant: calendars, ideal cycles and the limit of micro-stops.
        now: the present, nanoseconds since 1970-01-01 UTC.
        prefix: what topics begin with.
        changed: called with the rows that have changed, after they are written, and the events that changed them: none
            where only time passed.
        silent_ns: after so long without an event a machine costs nothing.
        at_once: how many minutes of one machine, and of all, are made with a batch.
        limits: of the machines that messages may name; left out, those of the contract.
        waited_ns: what a machine sends within so long after the start, or after the source was away, may have waited;
            0 for a source in which nothing waits.
    """

    def __init__(
        self,
        store: Store,
        plant: Plant,
        now: Callable[[], int],
        *,
        prefix: str = PREFIX,
        changed: Callable[[list[Change], Sequence[AnyEvent]], None] | None = None,
        silent_ns: int = SILENT_NS,
        at_once: tuple[int, int] = (AT_ONCE, ALL_AT_ONCE),
        limits: Limits | None = None,
        waited_ns: int = 0,
    ) -> None:
        self._store, self._plant, self._now, self._prefix = store, plant, now, prefix
        self._changed, self._silent_ns = changed, silent_ns
        self._limits = limits or Limits()
        self._fleet = Fleet(store, plant, now, silent_ns=silent_ns, at_once=at_once)
        self._due = self._fleet.due
        self._absences = Absences(self._fleet, waited_ns)
        self._silences = Silences(store, plant)
        self._started = False
        self._failed = False
        self._advanced = 0

    async def start(self) -> None:
        """Restore all machines that the store knows, so that their ledger goes on from where it ended."""
        await self._fleet.start()
        self._silences.reset()
        self._started = True
        self._absences.started(self._now())

    def was_away(self, since: int) -> None:
        """Note that the source was away: what comes now may have waited there since then."""
        self._absences.was_away(since, self._now())

    async def persist(self, messages: Sequence[Message]) -> list[Rejected]:
        """Decode messages and store their events; return those that were rejected, which are stored too.

        A message that causes an unforeseen failure is rejected as well, alone.
        """
        return await isolate(messages, self._store_valid, self._store)

    async def _store_valid(self, messages: Sequence[Message]) -> list[Rejected]:
        redelivered: list[AnyEvent] = []

        def decoded(message: Message) -> Sequence[AnyEvent]:
            events = with_receipt(self._limits.admit(decode(message, prefix=self._prefix)), message)
            if message.redelivered:
                redelivered.extend(events)
            return events

        events, rejected = split_valid(messages, decoded)
        stored = await stored_offlines(self._store, events, redelivered)
        await self.store_events([event for event in events if id(event) not in stored], rejected)
        return rejected

    async def store_events(self, events: Sequence[AnyEvent], rejected: Sequence[Rejected] = ()) -> None:
        """Store events and the ledger rows that they change, in one batch; rows of machines behind follow later.

        If it raises, nothing is stored, and other events may follow.
        """
        if self._failed:
            # First of all without them: a machine that fails by itself is no message's fault.
            self._started = self._failed = False
            await self.advance()
        try:
            await self._store_events(events, rejected)
        except Exception as error:
            self._started, self._failed = False, failures.is_unforeseen(error)
            raise

    async def _store_events(
        self, events: Sequence[AnyEvent], rejected: Sequence[Rejected], marks: Sequence[AnyEvent] = ()
    ) -> None:
        if not self._started:
            await self.start()
        events = await bookings.resolved(self._store, [event for event in events if may_be_stored(event)])
        now = self._now()
        events = await self._absences.placed(events, now)
        marks = [*marks, *await self._silences.around(events)]
        counted = [*marks, *(event for event in events if self._is_counted(event))]
        time_ranges = _time_ranges(counted)
        await self._fleet.make_ready(time_ranges, now)
        additions = Additions(self._store, self._fleet, self._silent_ns, time_ranges, now)
        await additions.add((*marks, *events), counted)
        await self._due.note()
        await self._write(Batch(events=additions.reported, rejected=rejected), additions.touched, now)

    def _is_counted(self, event: AnyEvent) -> bool:
        """Return whether the ledger of a machine is computed from an event: another one if it ends an offline."""
        return event.asset not in self._fleet.failing and (
            event.kind in KINDS or ends_offline(self._fleet.machines.get(event.asset), event)
        )

    async def note_silences(self, now: int) -> None:
        """Store which machines have been silent by now for longer than the plant's `silent-after`."""
        if not self._started:
            await self.start()
        if marks := await self._silences.by_now(self._fleet.machines, now):
            await self._store_events((), (), marks)

    async def advance(self, share: int = 1) -> int:
        """Write the rows of the time that has passed, and drop what is long past from memory.

        Args:
            share: one in so many machines is served, in turn, so that a call takes little; all are after a pause.

        Returns:
            Until when the rows of these reach now, but of machines that are silent or behind.
        """
        if not self._started:
            await self.start()
        now = self._now()
        share = share if abs(now - self._advanced) < PAUSE_NS else 1
        self._advanced = now
        await self._fleet.drop_retired(now)
        if signs := await signs_of_life(self._store, self._fleet.turn_of_all(share)):
            await self._store_events(signs, ())
        await self.note_silences(now)
        turn = self._fleet.turn(share)
        self._fleet.put_off_late(turn, now)
        try:
            await self._write(Batch(), {asset: set() for asset in turn}, now)
        except Exception as error:
            if not failures.is_unforeseen(error):
                raise
            await self.start()
            await self._advance_singly(now)
        for asset in (*turn, *self._due.behind):
            if asset not in self._fleet.machines:
                continue
            try:
                self._fleet.drop_past(asset, now)
            except Exception as error:  # noqa: BLE001  (one machine must not hold up all others)
                self._fleet.set_aside(asset, error)
        return now

    async def _advance_singly(self, now: int) -> None:
        """Make and write the rows of each machine by itself: one of them has rows that the store cannot hold."""
        for asset in list(self._fleet.live):
            try:
                await self._write(Batch(), {asset: set()}, now)
            except Exception as error:
                if not failures.is_unforeseen(error):
                    raise
                self._fleet.set_aside(asset, error)
        self._started = True

    async def catch_up(self, *, quiet_ns: int = 0) -> bool:
        """Recompute a portion of what is due.

        Args:
            quiet_ns: nothing is done yet of a machine whose newest postponed event was received within this time.

        Returns:
            Whether there was something to do.
        """
        if not self._started:
            await self.start()
        now = self._now()
        asset = next((asset for asset, behind in self._due.behind.items() if now - behind.received >= quiet_ns), None)
        if asset is None:
            return False
        try:
            await self._catch_up(asset, self._due.behind[asset], now)
        except Exception as error:
            if not failures.is_unforeseen(error):
                self._started = False
                raise
            self._fleet.set_aside(asset, error)
        except BaseException:
            self._started = False
            raise
        return True

    async def _catch_up(self, asset: str, behind: Behind, now: int) -> None:
        machine = self._fleet.machines[asset]
        end = max(behind.until, machine.wanted(now, self._silent_ns))
        if behind.first is None:
            behind.first = await first_minute(self._store, asset)
        if behind.first is not None and (start := max(behind.start, behind.first)) < end:
            made = await portion(self._store, self._plant, asset, start, end)
            if made.batch.rows or made.batch.reasons:
                await self._store.write(made.batch)
            behind.start = made.end
            if self._changed is not None:
                self._changed(made.changes, ())
            if made.end < end:
                await self._due.note()
                return
        del self._due.behind[asset]
        await self._due.note()
        await self._fleet.restore_made(asset, now - HORIZON_NS)

    async def finish(self) -> None:
        """Recompute all that is due."""
        while await self.catch_up():
            pass

    def __len__(self) -> int:
        """Return of how many machines rows are made as time goes by."""
        return len(self._fleet.live)

    def counted(self) -> dict[str, bool]:
        """Return the machines that have a ledger, and whether their time counts.

        It does once a machine has reported a state, a count or an order.
        """
        machines = self._fleet.machines
        return {asset: machine.is_counted or machine.history.is_counted for asset, machine in machines.items()}

    def behind(self) -> set[str]:
        """Return the machines of which rows are due."""
        return set(self._due.behind)

    def silent(self) -> dict[str, Machine]:
        """Return the machines that have long been silent: their rows end at `until`, and what is in force goes on."""
        return self._fleet.silent()

    def live(self) -> dict[str, Machine]:
        """Return the machines of which rows are made as time goes by: they end at `until`."""
        return self._fleet.live

    @property
    def failing(self) -> dict[str, str]:
        """Machines of which no rows can be made, and why: their events are stored, their ledger stands still."""
        return self._fleet.failing

    async def _write(self, batch: Batch, touched: dict[str, set[int]], now: int) -> None:
        """Make the rows of the touched minutes, and write all at once; if that fails, begin from the store again."""
        made = Made()
        others_at = 1_000
        for asset, starts in touched.items():
            if asset in self._due.behind:
                continue
            machine, rebuilt = self._fleet.machines[asset], Made()
            try:
                machine.rebuild(starts, machine.wanted(now, self._silent_ns), rebuilt)
            except Exception as error:
                if batch.events:
                    raise
                self._fleet.set_aside(asset, error)
            else:
                made.add(rebuilt)
            if len(made.rows) > others_at:
                others_at = len(made.rows) + 1_000
                await asyncio.sleep(0)
        if not (batch.events or batch.rejected or made.rows or made.reasons):
            return
        try:
            await self._store.write(
                Batch(events=batch.events, rejected=batch.rejected, rows=made.rows, reasons=made.reasons)
            )
        except BaseException:
            # What is in memory is now ahead of the store: the same events, added again, would seem to change nothing.
            self._started = False
            raise
        if self._changed is not None:
            self._changed(made.changes, batch.events)


def _time_ranges(events: Iterable[AnyEvent]) -> dict[str, tuple[int, int]]:
    """Return of each machine the times of its oldest and newest event."""
    found: dict[str, tuple[int, int]] = {}
    for event in events:
        oldest, newest = found.get(event.asset, (event.at, event.at))
        found[event.asset] = (min(oldest, event.at), max(newest, event.at))
    return found
