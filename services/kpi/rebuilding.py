"""Rebuilding: the rows of a part of one machine's ledger, made from its stored events, and how they differ."""

import asyncio
from collections.abc import Iterator
from typing import Final, NamedTuple

from broker.contract.events import AnyEvent, Status
from broker.contract.instants import FOR_EVER
from broker.contract.topics import Kind
from broker.plant.plant import Plant
from services.kpi.machine import Change
from services.ledger import presence
from services.ledger.columnar import builder
from services.ledger.columnar.columns import ColumnBuilder, Slice
from services.ledger.fields import difference
from services.ledger.history import HOLDING, KINDS, MINUTE, History, lookahead_ns, lookback_ns
from services.ledger.readings.cumulative import Cumulative
from services.ledger.rows import Rows, build
from services.ledger.rules import Rules
from services.ledger.state_timeline import ReportedState
from services.ledger.track import Track
from services.query.data_quality.signs import first_signs, signs_around_marks
from services.query.histories import as_of, last_known_state, read_around
from services.query.paging import pages, whole_instants
from services.store.interface import Batch, LedgerRow, ReasonRow, Store

WINDOW_NS: Final = 24 * 60 * MINUTE
"""So much of a machine is made at once, at most."""
PORTION_NS: Final = 4 * 60 * MINUTE
"""So much of one is made by a service between others, …"""
PORTION_PAGE: Final = 2_000
"""… of so many events, about: it takes some hundredths of a second."""
REPORTING: Final[tuple[Kind, ...]] = tuple(kind for kind in KINDS if kind != "status")
"""The kinds of event that a ledger can begin with: being online alone makes no row."""


class Task(NamedTuple):
    """A machine, and from when until when its rows are made."""

    machine: str
    start: int
    end: int


class Portion(NamedTuple):
    """The first part of a range of one machine: until when it goes, what must be written, and what changes by it."""

    end: int
    batch: Batch
    changes: list[Change]


async def portion(store: Store, plant: Plant, machine: str, start: int, end: int) -> Portion:
    """Recompute the first part of start ≤ t < end that is small enough, `PORTION_NS` at most; nothing is written.

    The arrays are made in a thread.
    """
    window = await Window.read(store, plant, Task(machine, start, end), PORTION_PAGE, PORTION_NS)
    batch, _ = await window.differences()
    return Portion(window.end, batch, window.changes(batch))


async def first_minute(store: Store, machine: str) -> int | None:
    """Return the first minute of a machine that has a row: that which its first event of all touches."""
    firsts: list[int] = []
    for kind in REPORTING:
        async for page in pages(store, (kind,), machine, -FOR_EVER, FOR_EVER, size=100):
            touched = [minute for event in page for minute in History(0).put(event, event.at, 0)]
            if touched:
                firsts.append(min(touched))
                break
    return min(firsts, default=None)


class Window:
    """A part of a task, with all events that its rows depend on."""

    def __init__(self, store: Store, plant: Plant, task: Task) -> None:
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
    async def read(cls, store: Store, plant: Plant, task: Task, page: int, longest_ns: int = WINDOW_NS) -> "Window":
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

    def is_as(self, other: "Window") -> bool:
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

    def changes(self, batch: Batch) -> list[Change]:
        """Return by how much each row of `differences` changes."""
        found: list[Change] = []
        for row in batch.rows:
            stored = self._stored.get((row.start, row.product, row.shift))
            before = {} if stored is None else stored.sums
            found.append(Change(row.asset, row.start, difference(before, row.sums), not before))
        return found

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
