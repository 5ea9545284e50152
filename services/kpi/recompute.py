"""Recomputing: the ledger of a range is built again from the stored events, and written where it differs.

It goes machine by machine, and along each in windows that are small enough for memory; each window is one batch, so it
may be interrupted at any point, and be done again. A machine that fails is set aside, and the others are done. The rows
are those that the live ledger has, to the last digit: a store whose ledger is right stays as it is. These are not
recomputed:

- the newest hour of a ledger that a service is writing, for the service has it in memory, and grows its last minute;
- rows whose events are no longer stored.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec

from broker.contract import instants
from broker.contract.events import AnyEvent, Count, Material
from broker.contract.instants import FOR_EVER
from broker.plant.plant import Plant
from services.kpi import silences
from services.kpi.growth import LEFT_NS, end_of_rows
from services.kpi.rebuilding import Task, Window, first_minute
from services.ledger import entries
from services.ledger.history import HOLDING, KINDS, MINUTE, lookback_ns
from services.query.paging import PAGE, pages
from services.store import failures
from services.store.interface import Batch, Store

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


async def _mark_silences(store: Store, plant: Plant, task: "Task", *, now: int, simulated: bool) -> None:
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
    store: Store, plant: Plant, task: "Task", page: int, *, is_stored: bool
) -> "AsyncIterator[_Written]":
    """Recompute a task window by window; yield each when it is written."""
    at = task.start
    while at < task.end:
        rest = task._replace(start=at)
        window = await Window.read(store, plant, rest, page)
        batch, made = await window.differences()
        if batch.rows or batch.reasons:
            await store.write(batch)
        if is_stored and not window.is_as(await Window.read(store, plant, rest, page)):
            continue  # an event came in between; it is made again with it
        at = window.end
        yield _Written(at, len(window.events), made, len(batch.rows) + len(batch.reasons))


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
        self.tasks: list[Task] = []
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
        reach = min(self._end, self._now) if watermark is None else await end_of_rows(store, machine, watermark)
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
            self.tasks.append(Task(machine, start, end))

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


def _reported(event: AnyEvent) -> set[tuple[str, str, str]]:
    """Return the series of an event: of a count or material, each field is one of its own."""
    fields = {field for field, _, _ in entries.readings(event)} if isinstance(event, Count | Material) else set()
    return {(event.kind, event.series, field) for field in fields or {""}}


def _time_text(at: int) -> str:
    return instants.format_rfc3339(at)
