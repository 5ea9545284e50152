"""Keeping: messages in, events and the ledger rows that they change out, in one batch.

Live messages, replayed recordings and the back-fill all come this way. An event is put into its machine's history,
which tells the minutes that it touches; their rows are made anew and written with it. A row that no longer applies is
overwritten with nothing. As time goes on, `advance` makes the rows of the minutes that passed.
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

from broker.codec import decode
from broker.events import AnyEvent, Job, StateChange
from broker.message import Message
from broker.plant import Plant
from broker.topics import PREFIX
from services.isolating import judge, keep_apart
from services.ledger.fields import TIME, Sums
from services.ledger.history import KINDS, MINUTE, History, Said, minutes, reach_back
from services.ledger.rows import Rules, build
from services.store import failures
from services.store.histories import FOR_EVER, histories
from services.store.interface import Batch, LedgerRow, ReasonRow, Refused, Store

HORIZON_NS: Final = 60 * MINUTE
"""How much of each machine's past is kept in memory; older minutes are read from the store when a late event comes."""

SHARE: Final = 8
"""Machines that are heard for the first time are looked up together if they are so large a part of all."""

Change = tuple[str, int, Sums, Sums]
"""A machine's row of a minute: what it was, and what it is now."""


class Keeper:
    """Keeps events and their ledger in a store.

    Args:
        store: where to.
        plant: calendars, ideal cycles and the limit of micro-stops.
        now: the present, nanoseconds since 1970-01-01 UTC.
        prefix: what topics begin with.
        changed: told of the rows that have changed, after they are written, and of the events that did it: none where
            it was time alone.
    """

    def __init__(
        self,
        store: Store,
        plant: Plant,
        now: Callable[[], int],
        *,
        prefix: str = PREFIX,
        changed: Callable[[list[Change], Sequence[AnyEvent]], None] | None = None,
    ) -> None:
        self._store, self._plant, self._now, self._prefix = store, plant, now, prefix
        self._changed = changed
        self._machines: dict[str, _Machine] = {}
        self._started = False
        self._failed = False
        self.failing: dict[str, str] = {}
        """Machines of which no rows can be made, and why: their events are stored, their ledger stands still."""

    async def start(self) -> None:
        """Take up all machines that the store knows, so that their ledger goes on from where it ended."""
        self._machines.clear()
        self.failing.clear()
        origin = self._now() - HORIZON_NS
        try:
            await self._load("", origin)
        except Exception as error:
            if not failures.is_unforeseen(error):
                raise
            self._machines.clear()
            for machine in await self._store.machines():
                await self._take_up(machine.asset, origin)
        self._started = True

    async def keep(self, messages: Sequence[Message]) -> list[Refused]:
        """Decode messages and keep what they mean; return those that were refused, which are kept too.

        A message for which something fails that nobody foresaw is refused as well, alone.
        """
        return await keep_apart(messages, self._keep, self._store)

    async def _keep(self, messages: Sequence[Message]) -> list[Refused]:
        if self._failed:
            # First of all without them: a machine that fails by itself is no message's fault.
            self._started = self._failed = False
            await self.advance()
        events, refused = judge(messages, lambda message: decode(message, prefix=self._prefix))
        try:
            await self.keep_events(events, refused)
        except Exception as error:
            self._started, self._failed = False, failures.is_unforeseen(error)
            raise
        return refused

    async def keep_events(self, events: Sequence[AnyEvent], refused: Sequence[Refused] = ()) -> None:
        """Keep events, and the ledger rows that they change, in one batch."""
        if not self._started:
            await self.start()
        now = self._now()
        oldest: dict[str, int] = {}
        for event in events:
            if event.kind in KINDS and event.asset not in self.failing:
                oldest[event.asset] = min(oldest.get(event.asset, FOR_EVER), event.at)
        new = [asset for asset in oldest if asset not in self._machines]
        if len(new) > 1 + len(self._machines) // SHARE:  # each by itself is some fifty questions to an InfluxDB
            at = min(oldest[asset] for asset in new) - reach_back(self._plant.microstop_limit_ns)
            await self._take_up_together(new, min(at, now - HORIZON_NS))
        for asset, at in oldest.items():
            machine = self._machines.get(asset)
            touched_from = at - reach_back(self._plant.microstop_limit_ns)  # a late event can touch what was before it
            if machine is None or touched_from < machine.history.origin:
                await self._take_up(asset, min(touched_from, now - HORIZON_NS))
        touched: dict[str, set[int]] = {asset: set() for asset in oldest if asset not in self.failing}
        told: list[AnyEvent] = []
        for event in sorted(events, key=_is_last_word):
            if event.asset in self.failing:
                if not _is_last_word(event):
                    told.append(event)
                continue
            if _is_last_word(event) and not self._machines[event.asset].is_news(event):
                continue
            if isinstance(event, Job) and self._machines[event.asset].is_past(event):
                continue
            told.append(event)
            if event.kind in KINDS:
                touched[event.asset] |= self._machines[event.asset].put(event, now)
        await self._write(Batch(events=told, refused=refused), touched, now)

    async def advance(self) -> int:
        """Make the rows of the time that has passed since the last call, and forget what is long past.

        Returns:
            Until when all rows reach now.
        """
        if not self._started:
            await self.start()
        now = self._now()
        try:
            await self._write(Batch(), {asset: set() for asset in self._machines}, now)
        except Exception as error:
            if not failures.is_unforeseen(error):
                raise
            await self.start()
            await self._advance_apart(now)
        for asset, machine in list(self._machines.items()):
            try:
                machine.forget(now - HORIZON_NS)
            except Exception as error:  # noqa: BLE001  (one machine must not hold up all others)
                self._set_aside(asset, error)
        return now

    async def _advance_apart(self, now: int) -> None:
        """Make and write the rows of each machine by itself: one of them has rows that the store cannot hold."""
        for asset in list(self._machines):
            try:
                await self._write(Batch(), {asset: set()}, now)
            except Exception as error:
                if not failures.is_unforeseen(error):
                    raise
                self._set_aside(asset, error)
        self._started = True

    def __len__(self) -> int:
        """Return how many machines have a ledger."""
        return len(self._machines)

    def machines(self) -> list[str]:
        """Return the machines that have a ledger."""
        return list(self._machines)

    def is_counted(self, machine: str) -> bool:
        """Tell whether a machine's time counts: it has told a state, a count or an order, and is more than a meter."""
        return self._machines[machine].history.is_counted

    async def _take_up(self, asset: str, origin: int) -> None:
        """Read a machine's history; what fails of it sets the machine aside, and no other."""
        try:
            await self._load(asset, origin)
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

    def _set_aside(self, asset: str, error: Exception) -> None:
        failures.note("the ledger of a machine", error, asset=asset)
        self._machines.pop(asset, None)
        self.failing[asset] = failures.in_words(error)

    async def _load(self, asset: str, origin: int, wanted: Collection[str] = ()) -> None:
        """Read the history of one machine ('': of all) since `origin` or its newest row, with the rows made since.

        With `wanted`, of these machines under `asset` alone, be they known to the store or not.
        """
        frontier = await self._store.frontier(asset)
        if wanted:
            frontier = {path: start for path, start in frontier.items() if path in wanted}
        origin = min([origin, *frontier.values()])
        origin -= origin % MINUTE
        told = await histories(self._store, asset, origin, FOR_EVER, self._plant.microstop_limit_ns)
        paths = dict.fromkeys(wanted or (*told, *frontier, *((asset,) if asset else ())))
        for path in paths:
            # Of some nothing is told: they are new, or their events are too old to be kept.
            history = told.get(path, History(origin))
            self._machines[path] = _Machine(path, history, Rules.of(self._plant, path), frontier.get(path))
            if path not in frontier and path in told:
                await self._load_rowless(path)
        for row in await self._store.rows(asset, origin, FOR_EVER):
            if row.asset in paths:
                self._machines[row.asset].rows.setdefault(row.start, {})[row.product, row.shift] = row
        for reason in await self._store.reason_rows(asset, origin, FOR_EVER):
            if reason.asset in paths:
                there = self._machines[reason.asset].reasons.setdefault(reason.start, {})
                there[reason.state, reason.reason] = (reason.seconds, reason.entries)
        for path in paths:
            self._machines[path].take_up()

    async def _load_rowless(self, asset: str) -> None:
        """Read all events of a machine that has no row yet: no time had passed since its first."""
        events = await self._store.events(KINDS, asset, -FOR_EVER, FOR_EVER)
        if events:
            origin = events[0].at - reach_back(self._plant.microstop_limit_ns)
            rules = Rules.of(self._plant, asset)
            machine = self._machines[asset] = _Machine(asset, History(origin - origin % MINUTE), rules, None)
            for event in events:
                machine.due |= machine.put(event, self._now())

    async def _write(self, batch: Batch, touched: dict[str, set[int]], now: int) -> None:
        """Make the rows of the touched minutes, and write all at once; if that fails, begin from the store again."""
        made = _Made()
        for asset, starts in touched.items():
            rebuilt = _Made()
            try:
                self._machines[asset].rebuild(starts, now, rebuilt)
            except Exception as error:
                if batch.events:
                    raise
                self._set_aside(asset, error)
            else:
                made.take_in(rebuilt)
        if not (batch.events or batch.refused or made.rows or made.reasons):
            return
        try:
            await self._store.write(
                Batch(events=batch.events, refused=batch.refused, rows=made.rows, reasons=made.reasons)
            )
        except BaseException:
            # What is in memory is now ahead of the store: the same events, kept again, would seem to change nothing.
            self._started = False
            raise
        if self._changed is not None:
            self._changed(made.changes, batch.events)


class _Made:
    """Rows that were made anew."""

    def __init__(self) -> None:
        self.rows: list[LedgerRow] = []
        self.reasons: list[ReasonRow] = []
        self.changes: list[Change] = []

    def take_in(self, other: "_Made") -> None:
        """Add the rows of another."""
        self.rows += other.rows
        self.reasons += other.reasons
        self.changes += other.changes


class _Machine:
    """A machine's history, and the rows that have been written of it since its origin.

    Attributes:
        reach: start of the newest minute that has a row; None before the first.
        until: to where its rows reach, which may be later than now: a recording can be of what was before.
        due: minutes that have been touched, but not made yet.
        rows: by minute and (product, shift), as written.
        reasons: by minute and (state, reason), as written.
    """

    def __init__(self, asset: str, history: History, rules: Rules, reach: int | None) -> None:
        self.asset, self.history, self.rules, self.reach = asset, history, rules, reach
        self.until = 0
        self.due: set[int] = set()
        self.rows: dict[int, dict[tuple[str, str], LedgerRow]] = {}
        self.reasons: dict[int, dict[tuple[str, str], tuple[int, int]]] = {}

    def take_up(self) -> None:
        """Go on from the rows that were read."""
        if self.reach is not None:
            newest = self.rows.get(self.reach, {}).values()
            self.until = self.reach + sum(row.sums.get(field, 0) for row in newest for field in TIME)

    def put(self, event: AnyEvent, now: int) -> set[int]:
        """Take in an event; return the minutes that it touches."""
        return self.history.put(event, max(now, self.until, self.history.newest, event.at), self.rules.short_ns)

    def is_news(self, event: AnyEvent) -> bool:
        """Tell whether a state of unknown age says more than what is known by then.

        It comes with every connection. What the machine last said is nothing new, and whether a machine that is not
        known to be online is still in the state that its broker remembers, nobody knows.
        """
        link = self.history.links.at(event.at)
        said = self.history.states.at(event.at)
        return link is True and isinstance(event, StateChange) and said != Said(event.state, event.reason)

    def is_past(self, event: Job) -> bool:
        """Tell whether the end of an order comes at the instant at which another one began, which goes on."""
        return event.phase == "end" and self.history.begins_other(event.at, event.order)

    def rebuild(self, starts: set[int], now: int, made: _Made) -> None:
        """Make the rows of these minutes anew, and of all since the newest row; keep those that differ."""
        until = max(now, self.until, self.history.newest)
        starts, self.due = starts | self.due, set()
        if self.reach is None:
            if not starts:
                return
            self.reach = min(starts)
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

    def _replace(self, start: int, after: dict[tuple[str, str], LedgerRow], made: _Made) -> None:
        before = self.rows.get(start, {})
        for key in before.keys() | after.keys():
            nothing = LedgerRow(self.asset, start, *key, {})
            old, new = before.get(key, nothing), after.get(key, nothing)
            if old != new:
                made.rows.append(new)
                made.changes.append((self.asset, start, old.sums, new.sums))
        self.rows[start] = after

    def _replace_reasons(self, start: int, after: dict[tuple[str, str], tuple[int, int]], made: _Made) -> None:
        before = self.reasons.pop(start, {})
        for key in before.keys() | after.keys():
            amounts = after.get(key, (0, 0))
            if before.get(key) != amounts:
                made.reasons.append(ReasonRow(self.asset, start, *key, *amounts))
        if after:
            self.reasons[start] = after

    def forget(self, before: int) -> None:
        """Drop what is older than `before`, now and then."""
        before -= before % MINUTE
        if before - self.history.origin < HORIZON_NS // 2:
            return
        self.history.forget(before, self.rules.short_ns)
        self.rows = {start: rows for start, rows in self.rows.items() if start >= before}
        self.reasons = {start: rows for start, rows in self.reasons.items() if start >= before}


def _common(assets: Sequence[str]) -> str:
    """Return the longest asset path that all these are under; '' if there is none."""
    levels = zip(*(asset.split("/") for asset in assets), strict=False)
    return "/".join(level[0] for level in itertools.takewhile(lambda level: len(set(level)) == 1, levels))


def _is_last_word(event: AnyEvent) -> bool:
    """Tell whether this is a state that was retained without a time: the last that was said, nobody knows when."""
    return event.kind == "state" and event.time_source == "retained"


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
