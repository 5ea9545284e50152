"""Recomputing: the ledger of a range is built again from the stored events, and written where it differs.

It goes machine by machine, and along each in windows that are small enough for memory; each window is one batch, so it
may be interrupted at any point, and be done again. A machine that fails is set aside, and the others are done. The rows
are those that the live ledger has, to the last digit: a store whose ledger is right stays as it is. These are not
recomputed:

- the newest hour of a ledger that a service is writing, for the service has it in memory, and grows its last minute;
- rows whose events are no longer stored.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec

from broker.contract import instants
from broker.contract.events import AnyEvent, Count, Material, Status
from broker.contract.topics import Kind
from broker.plant.plant import Plant
from services.kpi import silences
from services.ledger import entries, presence
from services.ledger.columnar import builder
from services.ledger.columnar.columns import ColumnBuilder, Slice
from services.ledger.fields import TIME, Sums
from services.ledger.history import HOLDING, KINDS, MINUTE, History, ReportedState, lookahead_ns, lookback_ns
from services.ledger.readings.cumulative import Cumulative
from services.ledger.rows import Rows, Rules, build
from services.ledger.track import Track
from services.query.histories import FOR_EVER, as_of, last_known_state, read_around
from services.query.paging import PAGE, pages, whole_instants
from services.query.signs import first_signs, signs_around_marks
from services.store import failures
from services.store.interface import Batch, LedgerRow, ReasonRow, Store

WINDOW_NS: Final = 24 * 60 * MINUTE
"""So much of a machine is made at once, at most."""
PORTION_NS: Final = 4 * 60 * MINUTE
"""So much of one is made by a service between others, …"""
PORTION_PAGE: Final = 2_000
"""… of so many events, about: it takes some hundredths of a second."""
LEFT_NS: Final = 60 * MINUTE
"""How much of a ledger that a service is writing is left to that service."""
_REPORTING: Final[tuple[Kind, ...]] = tuple(kind for kind in KINDS if kind != "status")
"""The kinds of event that a ledger can begin with: being online alone makes no row."""
_PROBED: Final = 20
_DAY_NS: Final = 24 * 60 * MINUTE


class Recomputed(msgspec.Struct, frozen=True):
    """What was done.

    Attributes:
        machines: of which rows were made.
        events: that were read.
        rows: that were made, those by reason among them.
        changed: of these and of what was there before, how many differed and were written.
        notes: what was left as it was, and why.
        failed: machines that could not be recomputed, or not to their end, and how each failed.
    """

    machines: int
    events: int
    rows: int
    changed: int
    notes: tuple[str, ...]
    failed: dict[str, str]


class Progress(NamedTuple):
    """How far it is: nanoseconds of machines' time done, and in all."""

    done: int
    total: int


async def recompute(
    store: Store,
    plant: Plant,
    asset: str,
    start: int,
    end: int,
    *,
    now: int,
    is_stored: bool = False,
    watch: Callable[[Progress], None] = lambda _: None,
    page: int = PAGE,
) -> Recomputed:
    """Recompute the ledger of start ≤ t < end, in whole minutes.

    Args:
        store: with the events, and the ledger.
        plant: calendars, ideal cycles and the limit of micro-stops, as they are to hold.
        asset: an asset path; '' for everything.
        start: from when, nanoseconds since 1970-01-01 UTC.
        end: until when.
        now: the present; a machine of which no row is there gets rows until then.
        is_stored: a service is writing this ledger (`grows`).
        watch: called with the progress.
        page: events that are in memory at once, about.
    """
    until = -(-end // MINUTE) * MINUTE
    planned = _Plan(store, plant, start - start % MINUTE, until, now=now)
    machines = await store.machines(asset)
    watermark = await store.watermark(asset)
    if is_stored and watermark:
        planned.leave_from(max(watermark.values()) // MINUTE * MINUTE - LEFT_NS)
    failed: dict[str, str] = {}
    simulated = {machine.asset for machine in machines if machine.simulated}
    for machine in machines:
        with _set_aside(machine.asset, failed):
            await planned.add(machine.asset, watermark.get(machine.asset))
    total = sum(task.end - task.start for task in planned.tasks)
    done = events = rows = changed = 0
    for task in planned.tasks:
        before = done
        with _set_aside(task.machine, failed):
            await _mark_silences(store, plant, task, now=now, simulated=task.machine in simulated)
            async for window in _windows(store, plant, task, page, is_stored=is_stored):
                events += window.events
                rows += window.rows
                changed += window.changed
                done = before + window.end - task.start
                watch(Progress(done, total))
        done = before + task.end - task.start
    machines_done = sum(task.machine not in failed for task in planned.tasks)
    return Recomputed(machines_done, events, rows, changed, tuple(planned.notes), failed)


async def _mark_silences(store: Store, plant: Plant, task: "_Task", *, now: int, simulated: bool) -> None:
    """Store marks of the silences in a task's range: the plant's limit may be newer than its messages."""
    limit = plant.silent_ns(task.machine)
    if limit is not None:
        end = min(task.end + limit, now)
        marks = await silences.within(store, task.machine, task.start, end, limit, simulated=simulated)
        if marks:
            await store.write(Batch(events=marks))


@contextmanager
def _set_aside(machine: str, failed: dict[str, str]) -> Iterator[None]:
    """Note of a machine that fails in a way that nobody foresaw how it does, so that the others go on."""
    try:
        yield
    except Exception as error:
        if not failures.is_unforeseen(error):
            raise
        failures.note("recomputing a machine", error, asset=machine)
        failed[machine] = failures.in_words(error)


async def _windows(
    store: Store, plant: Plant, task: "_Task", page: int, *, is_stored: bool
) -> "AsyncIterator[_Written]":
    """Recompute a task window by window; yield each when it is written."""
    at = task.start
    while at < task.end:
        rest = task._replace(start=at)
        window = await _Window.read(store, plant, rest, page)
        batch, made = await window.differences()
        if batch.rows or batch.reasons:
            await store.write(batch)
        if is_stored and not window.is_as(await _Window.read(store, plant, rest, page)):
            continue  # an event came in between; it is made again with it
        at = window.end
        yield _Written(at, len(window.events), made, len(batch.rows) + len(batch.reasons))


class Portion(NamedTuple):
    """The first part of a range of one machine: until when it goes, what must be written, and what changes by it."""

    end: int
    batch: Batch
    changes: list[tuple[str, int, Sums, Sums]]


async def portion(store: Store, plant: Plant, machine: str, start: int, end: int) -> Portion:
    """Recompute the first part of start ≤ t < end that is small enough, `PORTION_NS` at most; nothing is written.

    The arrays are made in a thread.
    """
    window = await _Window.read(store, plant, _Task(machine, start, end), PORTION_PAGE, PORTION_NS)
    batch, _ = await window.differences()
    return Portion(window.end, batch, window.changes(batch))


async def first_minute(store: Store, machine: str) -> int | None:
    """Return the first minute of a machine that has a row: that which its first event of all touches."""
    firsts: list[int] = []
    for kind in _REPORTING:
        async for page in pages(store, (kind,), machine, -FOR_EVER, FOR_EVER, size=100):
            touched = [minute for event in page for minute in History(0).put(event, event.at, 0)]
            if touched:
                firsts.append(min(touched))
                break
    return min(firsts, default=None)


async def grows(store: Store, asset: str, end: int, *, now: int, wait_s: float) -> bool:
    """Return whether a ledger grows while this waits: then a service is writing it.

    Args:
        store: which.
        asset: an asset path.
        end: until when rows are to be made; one that ends long before the ledger does needs no answer.
        now: the present; a ledger that ends a day before is not being written.
        wait_s: how long to wait; a service lets its ledger grow each second, or each ten with many machines.
    """
    newest = max((await store.watermark(asset)).values(), default=0)
    if newest < now - _DAY_NS or end < newest - 2 * LEFT_NS:
        return False
    before = await _reach(store, asset)
    await asyncio.sleep(wait_s)
    return before != await _reach(store, asset)


async def _reach(store: Store, asset: str) -> dict[str, int]:
    """Return until when the rows of some machines reach."""
    watermark = await store.watermark(asset)
    newest = sorted(watermark, key=lambda machine: -watermark[machine])[:_PROBED]
    return {machine: await _end_of_rows(store, machine, watermark[machine]) for machine in newest}


async def _end_of_rows(store: Store, machine: str, newest: int) -> int:
    """Return until when a machine's rows reach, whose newest minute is this: they show how much of it is over."""
    rows = await store.rows(machine, newest, newest + MINUTE)
    return newest + min(sum(row.sums.get(field, 0) for row in rows for field in TIME), MINUTE)


class _Task(NamedTuple):
    """A machine, and from when until when its rows are made."""

    machine: str
    start: int
    end: int


class _Written(NamedTuple):
    """A part of a task that is done: until when, events that were read, rows that were made, rows that differed."""

    end: int
    events: int
    rows: int
    changed: int


class _Plan:
    """What is to be made, and what is left."""

    def __init__(self, store: Store, plant: Plant, start: int, end: int, *, now: int) -> None:
        self._store, self._plant, self._start, self._end, self._now = store, plant, start, end, now
        self.tasks: list[_Task] = []
        self.notes: list[str] = []

    def leave_from(self, at: int) -> None:
        """Leave later rows to the service that writes them."""
        if self._end > at:
            self._end = at
            self.notes.append(f"rows from {_time_text(at)} on are left to the service that is writing this ledger")

    async def add(self, machine: str, watermark: int | None) -> None:
        """Find from when until when the rows of a machine can be made."""
        store = self._store
        newest = await store.latest_before(HOLDING, machine, FOR_EVER)
        booked = await store.events(("adjust",), machine, -FOR_EVER, FOR_EVER, limit=1, newest_first=True)
        first = await first_minute(store, machine)
        if first is None:
            if watermark is not None:
                self.notes.append(f"{machine}: none of its events is stored any more; its rows stay as they are")
            return
        reach = min(self._end, self._now) if watermark is None else await _end_of_rows(store, machine, watermark)
        end = min(self._end, max(reach, *(event.at for event in (*newest, *booked))))
        start = max(self._start, first)
        if start < end and await store.rows(machine, first - MINUTE, first):
            whole = await self._all_known(machine, newest, end)
            if start < whole:
                start = whole
                self.notes.append(
                    f"{machine}: older events are no longer stored: rows before {_time_text(min(start, end))} stay"
                )
        if start < end:
            self.tasks.append(_Task(machine, start, end))

    async def _all_known(self, machine: str, newest: Sequence[AnyEvent], end: int) -> int:
        """Return from when on everything is known of a machine whose older events are not stored.

        That is when each of its series has reported: before that, the value that held is not known.
        """
        never_counted = {key for event in newest for key in _reported(event)}
        async for page in pages(self._store, KINDS, machine, -FOR_EVER, end):
            for event in page:
                never_counted -= _reported(event)
                if not never_counted:
                    known = event.at + lookback_ns(self._plant.microstop_limit_ns)
                    return known - known % MINUTE + MINUTE
        return end


class _Window:
    """A part of a task, with all events that its rows depend on."""

    def __init__(self, store: Store, plant: Plant, task: _Task) -> None:
        self._store, self._task = store, task
        self._rules = Rules.of(plant, task.machine)
        self._since = task.start - lookback_ns(plant.microstop_limit_ns)
        self._after_ns = lookahead_ns(plant.microstop_limit_ns)
        self.end = task.end
        self.events: list[AnyEvent] = []
        self.as_of: list[AnyEvent] = []
        self.others: list[AnyEvent] = []
        self.known = ReportedState("unknown", "")
        self._around: list[AnyEvent] = []
        self._stored: dict[tuple[int, str, str], LedgerRow] = {}

    @classmethod
    async def read(cls, store: Store, plant: Plant, task: _Task, page: int, longest_ns: int = WINDOW_NS) -> "_Window":
        """Read the events of the first part of a task that fits a page and a window."""
        self = cls(store, plant, task)
        self.end = min(task.end, task.start + longest_ns)
        while True:
            wanted = self.end + self._after_ns
            self.events, until = await whole_instants(store, KINDS, task.machine, self._since, wanted, size=page)
            if until == wanted:
                break
            self.end = (until - self._after_ns) // MINUTE * MINUTE
            if self.end > task.start:
                break
            self.end, page = min(task.end, task.start + MINUTE), 2 * page  # so much in a minute
        self.as_of = await as_of(store, HOLDING, task.machine, self._since)
        self.others = await self._other_signs(wanted)
        self.known = await self._last_known()
        return self

    def is_as(self, other: "_Window") -> bool:
        """Return whether the store held the same events for both."""
        return (self.end, self.events, self.as_of, self.others, self.known) == (
            other.end,
            other.events,
            other.as_of,
            other.others,
            other.known,
        )

    async def differences(self) -> tuple[Batch, int]:
        """Return what must be written for the rows to be right, and how many rows there are."""
        machine, start, _ = self._task
        made, readings = await asyncio.to_thread(self._rows)
        if more := await self._read_around(readings):
            self._around = more
            made, _ = await asyncio.to_thread(self._rows)
        right = {
            key: LedgerRow(machine, *key, sums, made.orders.get(key, "")) for key, sums in made.sums.items() if sums
        }
        stored = {(row.start, row.product, row.shift): row for row in await self._store.rows(machine, start, self.end)}
        self._stored = stored
        rows = [row for key, row in right.items() if stored.get(key) != row]
        rows += [LedgerRow(machine, *key, {}) for key in stored if key not in right]
        reasons_stored = {
            (row.start, row.state, row.reason): (row.seconds, row.entries)
            for row in await self._store.reason_rows(machine, start, self.end)
        }
        reasons = [
            ReasonRow(machine, *key, *amounts)
            for key, amounts in made.reasons.items()
            if reasons_stored.get(key) != amounts
        ]
        reasons += [ReasonRow(machine, *key, 0, 0) for key in reasons_stored if key not in made.reasons]
        return Batch(rows=rows, reasons=reasons), len(right) + len(made.reasons)

    def changes(self, batch: Batch) -> list[tuple[str, int, Sums, Sums]]:
        """Return what each row of `differences` was and is, as (machine, minute, before, after)."""
        keys = ((row, (row.start, row.product, row.shift)) for row in batch.rows)
        return [
            (row.asset, row.start, self._stored[key].sums if key in self._stored else {}, row.sums) for row, key in keys
        ]

    def _rows(self) -> tuple[Rows, Cumulative]:
        """Return the rows, and the readings that they were made of."""
        machine, start, _ = self._task
        column_builder = ColumnBuilder()
        try:
            slice_ = Slice(machine, start, self.end, self._rules, self.known)
            readings = column_builder.put(slice_, self._reported(), self._since)
            return builder.build(column_builder.columns()).rows()[machine], readings
        except OverflowError:
            history = self._history()
            return build(history, start, self.end, self._rules), history.cumulative

    async def _read_around(self, readings: Cumulative) -> list[AnyEvent]:
        """Return what else must be known of the readings before and after the window."""
        machine, start, _ = self._task
        readings.begins_at(self._since)
        until = self.end + self._after_ns
        return await read_around(self._store, machine, readings, (self._since, start), (self.end, until))

    def _reported(self) -> Iterator[AnyEvent]:
        yield from self._around
        yield from self.as_of
        yield from self.events
        yield from self.others

    def _history(self) -> History:
        """Return the machine's history, in which amounts may be of any size."""
        history = History(self._task.start, self._rules.silent_ns)
        history.since, history.known = self._since, self.known
        for event in self._reported():
            history.load(event)
        history.cumulative.classify_all(self._rules.limits)
        return history

    async def _other_signs(self, end: int) -> list[AnyEvent]:
        """Return the messages of other kinds that end an offline."""
        if not any(isinstance(event, Status) and not event.online for event in (*self.as_of, *self.events)):
            return []
        statuses: Track[presence.Report] = Track()
        signs: presence.Signs = Track()
        for event in (*self.as_of, *self.events):
            presence.put(statuses, signs, event)
        machine, silent_ns = self._task.machine, self._rules.silent_ns
        found = await signs_around_marks(self._store, machine, statuses, signs, silent_ns)
        for event in found:
            presence.put(statuses, signs, event)
        return [*found, *await first_signs(self._store, machine, statuses, signs, end, silent_ns)]

    async def _last_known(self) -> ReportedState:
        """Return the newest state before the first event that was not unknown."""
        history = History(self._since, self._rules.silent_ns)
        for event in self.as_of:
            history.put(event, event.at, 0)
        reported_state = history.state_at(self._since - 1)
        if reported_state.state != "unknown" or not history.states.times:
            return reported_state
        return await last_known_state(self._store, self._task.machine, self._since)


def _reported(event: AnyEvent) -> set[tuple[str, str, str]]:
    """Return the series of an event: of a count or material, each field is one of its own."""
    fields = {field for field, _, _ in entries.readings(event)} if isinstance(event, Count | Material) else set()
    return {(event.kind, event.series, field) for field in fields or {""}}


def _time_text(at: int) -> str:
    return instants.format_rfc3339(at)
