"""The ledger writer: messages in, events and the ledger rows that they change out, in one batch.

Live messages, replayed recordings and the back-fill all come this way. An event is added to its machine's history,
which returns the minutes that it affects; their rows are recomputed and written with it. A row that no longer applies
is overwritten with an empty one. As time goes on, `advance` writes the rows of the minutes that passed.

The work that a batch waits for is bounded. A machine with more work falls *behind*: its events are stored at once, its
rows follow in portions (`catch_up`), oldest first, between which others are served. A machine that has long been silent
costs nothing until it reports again. `Store.watermark` is always up to where a machine's rows are complete.
"""

import asyncio
import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

import msgspec

from broker.contract.codec import decode
from broker.contract.events import NOT_LIVE, NS_PER_MS, NS_PER_S, AnyEvent, Job
from broker.contract.message import Message
from broker.contract.retained import is_snapshot, may_be_stored
from broker.contract.topics import PREFIX
from broker.plant.plant import Plant
from services.intake.arrival import with_receipt
from services.intake.isolation import isolate, split_valid
from services.intake.limits import Limits
from services.kpi import bookings
from services.kpi.arrivals import (
    ends_offline,
    is_placed_late,
    placed,
    signs_of_life,
    silences,
    stored_offlines,
    with_absence,
    with_silences,
)
from services.kpi.machine import SILENT_NS, Change, Machine, Made, silent_from
from services.kpi.recompute import first_minute, portion
from services.ledger.history import KINDS, MINUTE, History, lookback_ns
from services.ledger.rows import Rules
from services.query.histories import AROUND, FOR_EVER, histories
from services.store import due as due_note
from services.store import failures, retiring
from services.store.interface import Batch, LedgerRow, ReasonRow, Rejected, Store

HORIZON_NS: Final = 60 * MINUTE
"""How much of each machine's past is held in memory; older minutes are read from the store when a late event comes."""
AT_ONCE: Final = 1_000
"""So many minutes of a machine are made with a batch, …"""
ALL_AT_ONCE: Final = 3_000
"""… and of all machines so many; the others fall behind. It is some tenths of a second."""
USUAL: Final = 2
"""Minutes that are made of every machine with each batch and tick: the running one, and the one before."""
SHARE: Final = 8
"""Machines that report for the first time are looked up together if they are so large a part of all."""


class _Behind:
    """A machine of which rows are due.

    Attributes:
        start: before this minute its rows are complete.
        until: up to here rows may be stale.
        received: when an event was last deferred.
        first: start of the first minute that has a row; None before it is looked for.
    """

    def __init__(self, start: int, until: int, received: int = 0) -> None:
        self.start, self.until, self.received = start, until, received
        self.first: int | None = None

    def begin(self, start: int) -> bool:
        """Let rows from this minute on be due; return whether they were not."""
        if start >= self.start:
            return False
        self.start, self.until = start, max(self.until, start + MINUTE)  # up to there rows have been made
        return True


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
        waited_ns: what a machine sends within so long after the start may have waited in the broker; 0 for a source
            that has nothing waiting.
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
        self._changed, self._silent_ns, self._at_once = changed, silent_ns, at_once
        self._limits = limits or Limits()
        self._waited_ns = waited_ns
        self._opened: int | None = None
        self._left: dict[str, int] = {}
        """Until when the rows of machines reached when the service began, of those that it has not heard since."""
        self._has_limits = any(asset.silent_after is not None for asset in plant.assets.values())
        self._machines: dict[str, Machine] = {}
        self._live: dict[str, Machine] = {}
        """Those of which rows are made as time goes by."""
        self._behind: dict[str, _Behind] = {}
        self._noted = ""
        self._started = False
        self._failed = False
        self.failing: dict[str, str] = {}
        """Machines of which no rows can be made, and why: their events are stored, their ledger stands still."""
        self._stuck: dict[str, due_note.TimeRange] = {}
        """What is due of those, and stays so."""
        self._retired: dict[str, due_note.TimeRange] = {}
        """Machines that are retired, and what is due of them once they speak again."""
        self._heeded: tuple[str | None, int] = (None, 0)

    async def start(self) -> None:
        """Take up all machines that the store knows, so that their ledger goes on from where it ended."""
        self._machines.clear()
        self._live.clear()
        self._noted = await self._store.metadata(due_note.NOTE) or ""
        due = due_note.read(self._noted or None)
        self._behind = {machine: _Behind(*span) for machine, span in due.items()}
        self.failing.clear()
        self._stuck.clear()
        self._retired.clear()
        self._heeded = (None, 0)
        origin = self._now() - HORIZON_NS
        try:
            await self._load("", origin)
        except Exception as error:
            if not failures.is_unforeseen(error):
                raise
            self._machines.clear()
            self._live.clear()
            for machine in await self._store.machines():
                await self._take_up(machine.asset, origin)
        self._behind = {asset: behind for asset, behind in self._behind.items() if asset in self._machines}
        await self._drop_retired(self._now())
        self._started = True
        if self._opened is None:
            self._opened = self._now()
            if self._waited_ns:
                self._left = {asset: machine.until for asset, machine in self._machines.items() if machine.until}

    async def persist(self, messages: Sequence[Message]) -> list[Rejected]:
        """Decode messages and store their events; return those that were rejected, which are stored too.

        A message that causes an unforeseen failure is rejected as well, alone.
        """
        return await isolate(messages, self._keep, self._store)

    async def _keep(self, messages: Sequence[Message]) -> list[Rejected]:
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

    async def _store_events(self, events: Sequence[AnyEvent], rejected: Sequence[Rejected]) -> None:
        if not self._started:
            await self.start()
        events = await bookings.resolved(self._store, [event for event in events if may_be_stored(event)])
        now = self._now()
        events = await self._placed(events, now)
        counted = [event for event in events if self._is_counted(event)]
        time_ranges = _time_ranges(counted)
        await self._make_ready(time_ranges, now)
        touched: dict[str, set[int]] = {asset: set() for asset in time_ranges if asset not in self.failing}
        reported: list[AnyEvent] = []
        added: dict[str, list[AnyEvent]] = {}
        ids = set(map(id, counted))
        for event in sorted(events, key=_is_state_of_unknown_age):
            if id(event) in ids and event.asset not in self.failing:
                new = await self._put(event, touched, now)
                reported += new
                added.setdefault(event.asset, []).extend(new)
            elif not is_snapshot(event):
                reported.append(event)
        for asset, new in added.items():
            if self._lacks_past(asset):
                await self._put_again(asset, new, touched, now)
        self._leave_to_recompute(touched, now)
        await self._note_due()
        await self._write(Batch(events=reported, rejected=rejected), touched, now)

    async def _put(self, event: AnyEvent, touched: dict[str, set[int]], now: int) -> list[AnyEvent]:
        """Add an event to the history of its machine; return what is to be stored of it: nothing if it is no news."""
        machine = self._machines[event.asset]
        each = event
        if is_snapshot(event):
            if not machine.is_news(event):
                return []
            each = msgspec.structs.replace(event, received_ms=NOT_LIVE)
        if isinstance(event, Job) and await self._is_past(event):
            return []
        self._add(each, touched, now)
        return [each]

    def _add(self, event: AnyEvent, touched: dict[str, set[int]], now: int) -> None:
        machine, behind = self._machines[event.asset], self._behind.get(event.asset)
        if behind is None:
            touched[event.asset] |= machine.put(event, machine.wanted(now, self._silent_ns, event.at))
        else:
            behind.begin(min(machine.history.take(event), default=behind.start))

    def _lacks_past(self, asset: str) -> bool:
        """Return whether it is not certain what a machine's readings are without older ones."""
        if asset in self.failing:
            return False
        history = self._machines[asset].history
        return not history.cumulative.is_whole and history.cumulative.lacks_past(history.origin)

    async def _put_again(self, asset: str, events: Sequence[AnyEvent], touched: dict[str, set[int]], now: int) -> None:
        """Add a machine's new events with as many older readings as they depend on.

        What they are added to is read again from the store, which does not have them yet: so what they change is seen.
        """
        for depth in AROUND:
            await self._take_up(asset, self._machines[asset].history.origin, depth)
            touched[asset] = set()
            for event in events:
                if asset not in self.failing:
                    self._add(event, touched, now)
            if not self._lacks_past(asset):
                break

    def _leave_to_recompute(self, touched: dict[str, set[int]], now: int) -> None:
        """Let machines fall behind of which minutes are touched that are older than what is in memory."""
        for asset, starts in touched.items():
            if asset in self.failing:
                continue
            origin = self._machines[asset].history.origin
            if starts and min(starts) < origin and asset not in self._behind:
                self._fall_behind(asset, min(starts), origin + MINUTE, now)

    def _is_counted(self, event: AnyEvent) -> bool:
        """Return whether the ledger of a machine is computed from an event: another one if it ends an offline."""
        return event.asset not in self.failing and (
            event.kind in KINDS or ends_offline(self._machines.get(event.asset), event)
        )

    async def _placed(self, events: Sequence[AnyEvent], now: int) -> list[AnyEvent]:
        """Return the events, each offline at the time from which it counts."""
        for event in filter(is_placed_late, events):
            asset = event.asset
            if asset not in self._machines and asset not in self.failing and asset not in self._retired:
                await self._take_up(asset, min(now, event.received_ms * NS_PER_MS) - HORIZON_NS)
        if self._left:
            if self._opened is not None and now - self._opened <= self._waited_ns:
                events = with_absence(events, self._machines, self._left)
            else:
                self._left.clear()
        found = placed(events, self._machines)
        if not self._has_limits:
            return found
        return await with_silences(self._store, found, self._machines, self._silence_limit)

    def _silence_limit(self, machine: str) -> int | None:
        """Return after which time without a message a machine is unknown, nanoseconds; None if that is not set."""
        limit_s = self._plant.asset(machine).silent_after
        return None if limit_s is None else round(limit_s * NS_PER_S)

    async def note_silences(self, now: int) -> None:
        """Store which machines have been silent by now for longer than the plant's `silent-after`."""
        if not self._has_limits:
            return
        if not self._started:
            await self.start()
        if silent := await silences(self._store, self._machines, self._silence_limit, now):
            await self._store_events(silent, ())

    async def advance(self) -> int:
        """Write the rows of the time that has passed since the last call, and drop what is long past from memory.

        Returns:
            Until when all rows reach now, but of machines that are silent or behind.
        """
        if not self._started:
            await self.start()
        now = self._now()
        await self._drop_retired(now)
        if signs := await signs_of_life(self._store, self._machines):
            await self._store_events(signs, ())
        await self.note_silences(now)
        left = self._at_once[1]
        for asset, machine in list(self._live.items()):
            if machine.reach is not None:
                left = self._put_off(asset, machine.until, machine.wanted(now, self._silent_ns), left, now)
        try:
            await self._write(Batch(), {asset: set() for asset in self._live}, now)
        except Exception as error:
            if not failures.is_unforeseen(error):
                raise
            await self.start()
            await self._advance_apart(now)
        for asset in (*self._live, *self._behind):
            try:
                self._forget(asset, now)
            except Exception as error:  # noqa: BLE001  (one machine must not hold up all others)
                self._set_aside(asset, error)
        return now

    async def _advance_apart(self, now: int) -> None:
        """Make and write the rows of each machine by itself: one of them has rows that the store cannot hold."""
        for asset in list(self._live):
            try:
                await self._write(Batch(), {asset: set()}, now)
            except Exception as error:
                if not failures.is_unforeseen(error):
                    raise
                self._set_aside(asset, error)
        self._started = True

    def _forget(self, asset: str, now: int) -> None:
        """Drop what is long past of a machine, and let it cost nothing once it has long been silent."""
        machine = self._machines[asset]
        before = now - HORIZON_NS
        if asset in self._live:
            if before - machine.history.origin >= HORIZON_NS // 2:
                machine.drop_before(before)
            if min(now, machine.until or now) >= silent_from(machine.history.newest, self._silent_ns):
                machine.drop_before(machine.until)
                del self._live[asset]
        elif asset in self._behind:
            machine.history.drop_before(before - before % MINUTE, self._plant.microstop_limit_ns)

    async def catch_up(self, *, unheard_ns: int = 0) -> bool:
        """Recompute a portion of what is due.

        Args:
            unheard_ns: of a machine for which events were put off more recently nothing is done yet: more may follow.

        Returns:
            Whether there was something to do.
        """
        if not self._started:
            await self.start()
        now = self._now()
        asset = next((asset for asset, behind in self._behind.items() if now - behind.received >= unheard_ns), None)
        if asset is None:
            return False
        try:
            await self._catch_up(asset, self._behind[asset], now)
        except Exception as error:
            if not failures.is_unforeseen(error):
                self._started = False
                raise
            self._set_aside(asset, error)
        except BaseException:
            self._started = False
            raise
        return True

    async def finish(self) -> None:
        """Recompute all that is due."""
        while await self.catch_up():
            pass

    def __len__(self) -> int:
        """Return of how many machines rows are made as time goes by."""
        return len(self._live)

    def machines(self) -> list[str]:
        """Return the machines that have a ledger."""
        return list(self._machines)

    def is_counted(self, machine: str) -> bool:
        """Return whether a machine's time counts: it has reported a state, a count or an order."""
        return self._machines[machine].history.is_counted

    def behind(self) -> set[str]:
        """Return the machines of which rows are due."""
        return set(self._behind)

    def silent(self) -> dict[str, Machine]:
        """Return the machines that have long been silent: their rows end at `until`, and what is in force goes on."""
        return {
            asset: machine
            for asset, machine in self._machines.items()
            if asset not in self._live and asset not in self._behind
        }

    # ---- What is retired ----

    async def _drop_retired(self, now: int) -> None:
        """Leave out machines that have been retired, and add those that have reported since."""
        note = await self._store.metadata(retiring.NOTE)
        if note == self._heeded[0] and (not self._retired or abs(now - self._heeded[1]) < MINUTE):
            return
        self._heeded = (note, now)
        since = await retiring.retired(self._store)
        for asset, at in since.items():
            if asset in self._machines and self._machines[asset].history.newest <= at:
                self._retire(asset, at)
        for asset in self._retired.keys() - since.keys():
            self._bring_back(asset)
            await self._take_up(asset, now - HORIZON_NS)
        await self._note_due()

    def _retire(self, asset: str, at: int) -> None:
        machine, behind = self._machines.pop(asset), self._behind.pop(asset, None)
        self._live.pop(asset, None)
        start, until = at - at % MINUTE, machine.until  # rows may reach a little beyond
        if behind is not None:
            start, until = min(start, behind.start), max(until, behind.until)
        self._retired[asset] = (min(start, until), until)

    def _bring_back(self, asset: str) -> None:
        start, until = self._retired.pop(asset, (0, 0))
        if start < until:
            self._behind[asset] = _Behind(start, until)

    # ---- What is made at once, and what falls behind ----

    async def _make_ready(self, time_ranges: dict[str, tuple[int, int]], now: int) -> None:
        """See that of each machine what events between these times touch is in memory, or put it off."""
        for asset in time_ranges.keys() & self._retired.keys():
            self._bring_back(asset)
            self._heeded = (None, 0)  # an event of the time before it was retired does not end that
        left = self._at_once[1]
        back = lookback_ns(self._plant.microstop_limit_ns)  # an event can touch what was before it
        near = now - self._at_once[0] * MINUTE
        new = [asset for asset in time_ranges if asset not in self._machines]
        if len(new) > 1 + len(self._machines) // SHARE:  # each by itself is some fifty questions to an InfluxDB
            oldest_at = min(
                (time_ranges[asset][0] - back for asset in new if time_ranges[asset][0] - back >= near), default=now
            )
            await self._take_up_together(new, min(oldest_at, now - HORIZON_NS))
        for asset, (oldest, newest) in time_ranges.items():
            touched_from = (oldest - back) // MINUTE * MINUTE
            if asset not in self._machines:
                await self._take_up(asset, min(touched_from if touched_from >= near else now, now - HORIZON_NS))
            if asset in self.failing:
                continue
            machine = self._machines[asset]
            start = min(touched_from, *machine.due) if machine.due else touched_from
            start = start if machine.reach is None else min(start, machine.until)
            left = self._put_off(asset, start, machine.wanted(now, self._silent_ns, newest), left, now)
            if asset in self._behind:
                continue
            if touched_from < machine.history.origin:
                await self._take_up(asset, touched_from)
            if asset not in self._live and asset in self._machines:
                await self._wake(self._machines[asset])
        await self._note_due()

    def _put_off(self, asset: str, start: int, end: int, left: int, now: int) -> int:
        """Let a machine fall behind if more is to be made of it than is left; return what is left after it."""
        behind = self._behind.get(asset)
        start -= start % MINUTE
        if behind is not None:
            behind.received = now
            behind.begin(start)
            return left
        minutes = (end - start) // MINUTE
        if minutes <= USUAL:
            return left
        if minutes <= min(left, self._at_once[0]):
            return left - minutes
        until = self._machines[asset].until
        self._fall_behind(asset, start, until if start + MINUTE < until else start, now)
        return left

    def _fall_behind(self, asset: str, start: int, until: int, now: int) -> None:
        machine = self._machines[asset]
        self._behind[asset] = _Behind(start, until, now)
        self._live.pop(asset, None)
        machine.rows.clear()
        machine.reasons.clear()

    async def _note_due(self) -> None:
        """Note in the store of which machines rows stand there that may be wrong, before they are."""
        due = (
            self._stuck
            | self._retired
            | {asset: (behind.start, behind.until) for asset, behind in self._behind.items()}
        )
        text = due_note.written({asset: span for asset, span in due.items() if span[0] < span[1]})
        if text != (self._noted or "{}"):
            await self._store.set_metadata(due_note.NOTE, text)
            self._noted = text

    async def _wake(self, machine: Machine) -> None:
        """Let rows of a machine be made again that was silent, from its newest on."""
        if machine.reach is not None and machine.reach not in machine.rows:
            asset, start = machine.asset, machine.reach
            machine.restore(
                await self._store.rows(asset, start, start + MINUTE),
                await self._store.reason_rows(asset, start, start + MINUTE),
            )
        self._live[machine.asset] = machine

    async def _is_past(self, event: Job) -> bool:
        machine = self._machines[event.asset]
        if event.asset in self._behind and event.phase == "end" and event.at < machine.history.origin:
            for job in await self._store.events(("job",), event.asset, event.at, event.at + 1):
                machine.history.take(job)
        return machine.is_superseded(event)

    async def _catch_up(self, asset: str, behind: _Behind, now: int) -> None:
        machine = self._machines[asset]
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
                await self._note_due()
                return
        del self._behind[asset]
        await self._note_due()
        await self._take_up(asset, now - HORIZON_NS)

    # ---- Out of the store, and into it ----

    async def _take_up(self, asset: str, origin: int, depth: int = 0) -> None:
        """Read a machine's history, with so many readings before it; what fails of it sets it aside, and no other."""
        try:
            await self._load(asset, origin, depth=depth)
        except Exception as error:
            if not failures.is_unforeseen(error):
                raise
            self._set_aside(asset, error)

    async def _take_up_together(self, assets: Sequence[str], origin: int) -> None:
        """Read the histories of new machines at once; where that fails of one, each is left to be read by itself."""
        try:
            await self._load(_common(assets), origin, frozenset(assets))
        except Exception as error:
            if not failures.is_unforeseen(error):
                raise
            for asset in assets:
                self._machines.pop(asset, None)
                self._live.pop(asset, None)

    def _set_aside(self, asset: str, error: Exception) -> None:
        failures.note("the ledger of a machine", error, asset=asset)
        self._machines.pop(asset, None)
        self._live.pop(asset, None)
        behind = self._behind.pop(asset, None)
        if behind is not None:
            self._stuck[asset] = (behind.start, behind.until)
        self.failing[asset] = failures.in_words(error)

    async def _load(self, asset: str, origin: int, wanted: Collection[str] = (), *, depth: int = 0) -> None:
        """Read the history of one machine ('': of all) since `origin`, with the rows made since.

        With `wanted`, of these machines under `asset` alone, be they known to the store or not. With `depth`, of one
        machine, with so many readings before the history.
        """
        now = self._now()
        watermark = await self._store.watermark(asset)
        if wanted:
            watermark = {path: start for path, start in watermark.items() if path in wanted}
        if asset in watermark and now - watermark[asset] <= self._at_once[0] * MINUTE:
            origin = min(origin, watermark[asset])
        origin -= origin % MINUTE
        reported = await histories(self._store, self._plant, asset, origin, FOR_EVER, depth=depth)
        for event in await self._store.events(("adjust",), asset, -FOR_EVER, origin):
            reported.setdefault(event.asset, History(origin))  # there may be nothing of it but bookings of long ago
        paths = dict.fromkeys(wanted or (*reported, *watermark, *((asset,) if asset else ())))
        for path in paths:
            # Some have no events: they are new, or their events are past retention.
            history = reported.get(path, History(origin))
            machine = Machine(path, history, Rules.of(self._plant, path), watermark.get(path))
            await self._place(machine, origin, now, is_new=path not in reported)
        rows: dict[str, tuple[list[LedgerRow], list[ReasonRow]]] = {
            path: ([], []) for path in paths if path in self._live
        }
        for row in await self._store.rows(asset, origin, FOR_EVER):
            if row.asset in rows:
                rows[row.asset][0].append(row)
        for reason in await self._store.reason_rows(asset, origin, FOR_EVER):
            if reason.asset in rows:
                rows[reason.asset][1].append(reason)
        for path, read in rows.items():
            self._machines[path].restore(*read)

    async def _place(self, machine: Machine, origin: int, now: int, *, is_new: bool) -> None:
        """Find whether a machine is live, behind or silent, given its history since `origin`."""
        path = machine.asset
        self._machines[path] = machine
        self._live.pop(path, None)
        if path in self._behind:
            return
        if machine.reach is None and not is_new:
            await self._load_rowless(path, origin)
        elif machine.reach is None or machine.reach >= origin:
            self._live[path] = machine
        elif machine.until < min(now, silent_from(machine.history.newest, self._silent_ns)):
            self._behind[path] = _Behind(machine.reach, machine.reach)

    async def _load_rowless(self, asset: str, origin: int) -> None:
        """Read all events of a machine that has no row yet: no time had passed since its first."""
        first = await first_minute(self._store, asset)
        if first is not None and first < origin:
            self._behind[asset] = _Behind(first, first)
            return
        machine = self._live[asset] = self._machines[asset]
        if first is not None:
            machine = Machine(asset, History(origin), machine.rules, None)
            self._machines[asset] = self._live[asset] = machine
            now = self._now()
            for event in await self._store.events(KINDS, asset, -FOR_EVER, FOR_EVER):
                machine.due |= machine.put(event, machine.wanted(now, self._silent_ns, event.at))

    async def _write(self, batch: Batch, touched: dict[str, set[int]], now: int) -> None:
        """Make the rows of the touched minutes, and write all at once; if that fails, begin from the store again."""
        made = Made()
        others_at = 1_000
        for asset, starts in touched.items():
            if asset in self._behind:
                continue
            machine, rebuilt = self._machines[asset], Made()
            try:
                machine.rebuild(starts, machine.wanted(now, self._silent_ns), rebuilt)
            except Exception as error:
                if batch.events:
                    raise
                self._set_aside(asset, error)
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


def _is_state_of_unknown_age(event: AnyEvent) -> bool:
    """Return whether it depends on what came with this event whether it is news."""
    return event.kind == "state" and is_snapshot(event)


def _time_ranges(events: Iterable[AnyEvent]) -> dict[str, tuple[int, int]]:
    """Return of each machine the times of its oldest and newest event."""
    found: dict[str, tuple[int, int]] = {}
    for event in events:
        oldest, newest = found.get(event.asset, (event.at, event.at))
        found[event.asset] = (min(oldest, event.at), max(newest, event.at))
    return found


def _common(assets: Sequence[str]) -> str:
    """Return the longest asset path that all these are under; '' if there is none."""
    levels = zip(*(asset.split("/") for asset in assets), strict=False)
    return "/".join(level[0] for level in itertools.takewhile(lambda level: len(set(level)) == 1, levels))
