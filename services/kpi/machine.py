"""A machine in the ledger: its newest history, and the rows that have been made of it."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from broker.contract.events import AnyEvent, Job, StateChange, Status
from broker.contract.instants import FOR_EVER
from services.ledger.fields import TIME, Sums, add, difference, nonzero
from services.ledger.history import MINUTE, History, minutes
from services.ledger.rows import build
from services.ledger.rules import Rules
from services.ledger.state_timeline import ReportedState
from services.store.interface import LedgerRow, ReasonRow

SILENT_NS: Final = 24 * 60 * MINUTE
"""A machine that has reported nothing for longer gets no rows until it reports; queries compute its time."""


class Change(NamedTuple):
    """A machine's row of a minute that has changed: by how much, and whether there was none before."""

    asset: str
    start: int
    more: Sums
    is_new: bool


class Made:
    """Rows that were recomputed."""

    def __init__(self) -> None:
        self.rows: list[LedgerRow] = []
        self.reasons: list[ReasonRow] = []
        self.changes: list[Change] = []

    def add(self, other: "Made") -> None:
        """Add the rows of another."""
        self.rows += other.rows
        self.reasons += other.reasons
        self.changes += other.changes


class Machine:
    """A machine's history, and the rows that have been written of it since its origin.

    Attributes:
        reach: start of the newest minute that has a row; None before the first.
        until: to where its rows reach, which may be later than now: a recording can be of what was before.
        due: minutes that have been touched, but not made yet.
        rows: by minute and (product, shift), as written.
        reasons: by minute and (state, reason), as written.
        is_counted: whether its time is known to count (`History.is_counted`); it does for ever.
    """

    def __init__(self, asset: str, history: History, rules: Rules, reach: int | None) -> None:
        self.asset, self.history, self.rules, self.reach = asset, history, rules, reach
        history.classify_by(rules.limits)
        self.is_counted = history.is_counted
        self.until = 0 if reach is None else reach + MINUTE
        self.due: set[int] = set()
        self.rows: dict[int, dict[tuple[str, str], LedgerRow]] = {}
        self.reasons: dict[int, dict[tuple[str, str], tuple[int, int]]] = {}
        self._changed_from = -FOR_EVER
        """The first instant of which rows are not made of all events that are in the history."""

    def restore(self, rows: Iterable[LedgerRow], reasons: Iterable[ReasonRow]) -> None:
        """Go on from the rows that were read."""
        for row in rows:
            self.rows.setdefault(row.start, {})[row.product, row.shift] = row
        for reason in reasons:
            self.reasons.setdefault(reason.start, {})[reason.state, reason.reason] = (reason.seconds, reason.entries)
        if self.reach is not None:
            newest = self.rows.get(self.reach, {}).values()
            self.until = self.reach + sum(row.sums.get(field, 0) for row in newest for field in TIME)

    def wanted(self, now: int, silent_ns: int, newest: int = 0) -> int:
        """Return until when rows are to reach, with an event at `newest`: to the present, or until it is silent."""
        newest = max(newest, self.history.newest)
        return max(self.until, newest, min(now, silent_from(newest, silent_ns)))

    def put(self, event: AnyEvent, until: int) -> set[int]:
        """Add an event; return the minutes that it affects, where rows reach `until`."""
        touched = self.history.put(event, until, self.rules.short_ns)
        self._changed_from = min(self._changed_from, self.history.changed_from)
        self.is_counted = self.is_counted or self.history.is_counted
        return touched

    def changes_state(self, event: AnyEvent) -> bool:
        """Return whether a retained message without a time changes what is known; it comes with every connection.

        It does where nothing of its kind is known. A state does where the machine is online and reported another one
        last: a machine that is not known to be online may have left the state that the broker retained.
        """
        history = self.history
        match event:
            case StateChange():
                reported = ReportedState(event.state, event.reason)
                is_newest = history.states.next_after(event.at) is None
                return history.links.at(event.at) is True and is_newest and history.states.at(event.at) != reported
            case Status():
                return not history.links.times
            case Job():
                return not history.jobs.times
            case _:
                return False

    def is_superseded(self, event: Job) -> bool:
        """Return whether the end of an order comes at the instant at which another one began, which goes on."""
        return event.phase == "end" and self.history.begins_other(event.at, event.order)

    def rebuild(self, starts: set[int], until: int, made: Made) -> None:
        """Recompute the rows of these minutes, and of all since the newest row; store those that differ."""
        starts, self.due = starts | self.due, set()
        if self.reach is None:
            if not starts:
                return
            self.reach = min(starts)
        changed_from, self._changed_from = self._changed_from, FOR_EVER
        if changed_from >= self.until and min(starts, default=self.reach) >= self.reach:
            self._grow(until, made)
            return
        self.until = until
        starts = starts | minutes(self.reach, until)
        if self.rows and min(starts) < (oldest := min(self.rows)):
            starts |= minutes(min(starts), oldest)  # the first event ever came late: rows have no gaps
        self.reach = max(self.reach, *starts)
        for first, last in _runs(starts):
            rows = build(self.history, first, min(last + MINUTE, max(until, first)), self.rules)
            after: dict[int, dict[tuple[str, str], LedgerRow]] = {}
            for key, sums in rows.sums.items():
                after.setdefault(key[0], {})[key[1:]] = LedgerRow(self.asset, *key, sums, rows.orders.get(key, ""))
            reasons_after: dict[int, dict[tuple[str, str], tuple[int, int]]] = {}
            for (start, state, reason), amounts in rows.reasons.items():
                reasons_after.setdefault(start, {})[state, reason] = amounts
            for start in range(first, last + MINUTE, MINUTE):
                self._replace(start, after.get(start, {}), made)
                self._replace_reasons(start, reasons_after.get(start, {}), made)

    def _grow(self, until: int, made: Made) -> None:
        """Let the newest rows grow by the time since they were made, and by what was reported in it."""
        rows = build(self.history, self.until, until, self.rules)
        for (start, *names), more in rows.sums.items():
            product, shift = names
            of_minute = self.rows.setdefault(start, {})
            old = of_minute.get((product, shift)) or LedgerRow(self.asset, start, product, shift, {})
            sums = dict(old.sums)
            add(sums, more)
            if 0 in sums.values():
                sums = nonzero(sums)
            order = rows.orders.get((start, product, shift), old.order)
            new = of_minute[product, shift] = LedgerRow(self.asset, start, product, shift, sums, order)
            made.rows.append(new)
            made.changes.append(Change(self.asset, start, more, not old.sums))
        for (start, state, reason), (seconds, entries) in rows.reasons.items():
            by_reason = self.reasons.setdefault(start, {})
            known = by_reason.get((state, reason), (0, 0))
            amounts = by_reason[state, reason] = (known[0] + seconds, known[1] + entries)
            made.reasons.append(ReasonRow(self.asset, start, state, reason, *amounts))
        if until > self.until:
            self.reach, self.until = (until - 1) // MINUTE * MINUTE, until

    def _replace(self, start: int, after: dict[tuple[str, str], LedgerRow], made: Made) -> None:
        before = self.rows.get(start, {})
        for key in before.keys() | after.keys():
            nothing = LedgerRow(self.asset, start, *key, {})
            old, new = before.get(key, nothing), after.get(key, nothing)
            if old != new:
                made.rows.append(new)
                made.changes.append(Change(self.asset, start, difference(old.sums, new.sums), not old.sums))
        self.rows[start] = after

    def _replace_reasons(self, start: int, after: dict[tuple[str, str], tuple[int, int]], made: Made) -> None:
        before = self.reasons.pop(start, {})
        for key in before.keys() | after.keys():
            amounts = after.get(key, (0, 0))
            if before.get(key) != amounts:
                made.reasons.append(ReasonRow(self.asset, start, *key, *amounts))
        if after:
            self.reasons[start] = after

    def drop_before(self, before: int) -> None:
        """Drop what is older than `before`, but for the newest minute: it is recomputed when it grows."""
        if self.reach is not None:
            before = min(before, self.reach)
        before -= before % MINUTE
        self.history.drop_before(before, self.rules.short_ns)
        self.rows = {start: rows for start, rows in self.rows.items() if start >= before}
        self.reasons = {start: rows for start, rows in self.reasons.items() if start >= before}


def silent_from(newest: int, silent_ns: int) -> int:
    """Return until when rows are written of a machine that has reported nothing since `newest`: the end of a minute."""
    return newest - newest % MINUTE + MINUTE + silent_ns


def _runs(starts: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of each run of minutes without a gap."""
    ordered = sorted(starts)
    first = last = ordered[0]
    for start in ordered[1:]:
        if start != last + MINUTE:
            yield first, last
            first = start
        last = start
    yield first, last
