"""The indicators that are published: of the running and the last hour, shift and order, of every asset path.

A window holds the sum of its rows. A row that changes changes the sums of its machine, line, area and site by the
difference, so an event costs the same however many machines there are. When a window begins, or a machine joins, its
sum is read from the store; when it ends, it goes on as the last one, which late events still correct.

What indicators need besides sums (what was planned, what was measured, where the bottleneck is) must be read from
events. So it is reloaded when something is measured, else in turn, each half minute.
"""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

import msgspec

from broker.contract import instants
from broker.contract.events import AnyEvent, Labour
from broker.contract.instants import FOR_EVER
from broker.contract.payloads import KpiPayload, KpiWarning
from broker.contract.topics import PREFIX, is_under
from broker.mqtt.session import Publication
from broker.plant.plant import Plant
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.machine import Change, Machine
from services.kpi.order_windows import OrderWindows
from services.kpi.row_sums import RowSums
from services.kpi.silence import time_since
from services.kpi.turns import Turns
from services.kpi.window_totals import KINDS, LAST, Key, Window, WindowTotals, paths
from services.ledger.fields import TIME, Sums, add
from services.ledger.history import MINUTE
from services.ledger.indicators.findings import found
from services.ledger.indicators.indicators import coverage
from services.ledger.rows import NO_PRODUCT, NO_SHIFT, unknown_time
from services.query.answers import context_of, never_reported
from services.query.composition import compose, notes_of
from services.query.data_quality.metered import is_metered, sum_of_metered
from services.query.data_quality.never_reported import reported
from services.query.ranges import Range, measure
from services.store import failures
from services.store.interface import Store
from services.store.resolutions import HOUR

SHARE: Final = 8
"""At most an eighth of all windows is published again at a time."""
READ_NS: Final = 30_000_000_000
"""What indicators need besides sums is read again after this long, or when something is measured."""
READ_OVER_NS: Final = 600_000_000_000
"""Of a window that is over it changes by late events only, which are noticed; this is for those that are not."""
READING_S: Final = 0.1
"""So much of a second is spent on that."""
QUIETED_AT_ONCE: Final = 250
"""Of so many assets that have become silent the windows are cleared from the broker at a time."""
MOST_MACHINES: Final = 50
"""What has more machines is published without what must be read from single events; ask the interface for that."""


class Windows:
    """The running and the last windows of every asset path."""

    def __init__(self, store: Store, plant: Plant, prefix: str = PREFIX) -> None:
        self._store, self._plant, self._prefix = store, plant, prefix
        self._totals = WindowTotals()
        self._rows = RowSums(store)
        self._orders = OrderWindows(self._totals, store, plant, self._sum, self._reaches)
        self._machines: dict[str, bool] = {}
        """The machines that are in the sums, and whether their time is."""
        self._silent: set[str] = set()
        """Machines that are declared and have not reported: all their time is unknown."""
        self._quiet: dict[str, Machine] = {}
        """Machines that have long been silent: their last report still holds, but no row has it."""
        self._live: dict[str, Machine] = {}
        """Machines of which rows are made as time goes by, not of all at the same time."""
        self._behind: set[str] = set()
        """Machines of which rows are due: their part of a sum may be wrong until they are made."""
        self._meters: set[str] = set()
        """Assets of which no machine's time counts by itself, so that of all does: it is unknown."""
        self._retained: dict[Key, bool] = {}
        """Whether the broker holds something; not here: nobody knows, as it may be from before a restart."""
        self._failing: dict[str, str] = {}
        """The machines whose rows the ledger writer cannot make, and why."""
        self._reported: dict[str, dict[str, int]] = {}
        """By machine, the fields that it has reported since the start, and the time of the first."""
        self._gone: list[Key] = []
        """Windows that there are not, and that the broker may still hold."""
        self._left: dict[Key, None] = {}
        """Windows of assets that have no machine any more."""
        self._quieted: dict[str, None] = {}
        """Assets that have become silent: what the broker holds of their windows is still to be cleared."""
        self._still: set[str] = set()
        """Assets all of whose machines have long been silent: their windows are not published."""
        self._unread: set[str] = set()
        """Assets whose orders are still to be read."""
        self._turns = Turns()
        self._rolled = 0

    def apply(self, changes: list[Change], events: Sequence[AnyEvent]) -> None:
        """Add rows that have changed, by these events or by time alone."""
        try:
            self._apply(changes, events)
        except Exception as error:  # noqa: BLE001  (they are stored; what is published is reloaded)
            failures.note("adding changed rows", error)
            self.reset()

    def _apply(self, changes: list[Change], events: Sequence[AnyEvent]) -> None:
        self._note(events)
        had_rows = {(machine, start) for machine, start, before, _ in changes if before}
        for machine, start, _, _ in changes:
            if start + MINUTE <= self._rolled and (machine, start) not in had_rows and machine not in self._behind:
                # Rows before a machine's first: in the sums that time is unknown, so `roll` has to reload them.
                self._machines.pop(machine, None)
        for machine, start, before, after in changes:
            counted = self._machines.get(machine)
            if counted is None or machine in self._behind:
                continue  # a newcomer, or one that is being recomputed: `roll` will read it from the store
            difference = {field: -amount for field, amount in before.items()}
            add(difference, after)
            timeless = difference if counted else _without_time(difference)
            for key, window in self._totals.at(machine, start):
                add(window.sums, difference if key[0] in self._meters else timeless)
                if events or key in self._totals.ended:
                    self._totals.touch(key)
                if key in self._totals.ended:
                    window.read = 0
            self._orders.apply(machine, start, timeless, by_events=bool(events))

    def _note(self, events: Sequence[AnyEvent]) -> None:
        """Note what is to be reloaded for these events."""
        for event in events:
            self._note_reported(event)
            if event.kind == "job":
                self._orders.reload(event.asset)
            elif event.kind == "quality":
                for (path, _), window in self._totals.at(event.asset, event.at - 1):
                    if path in self._machines or path in self._totals.lines:
                        window.read = 0

    def _note_reported(self, event: AnyEvent) -> None:
        """Note fields that a machine reports earlier than before: from then on, ratios of them are defined."""
        if isinstance(event, Labour):  # it replaces the people working that were reported before, even without a number
            for window in self._totals.since(event.asset, event.at).values():
                window.read = 0
        first = self._reported.setdefault(event.asset, {})
        new = {field for field in reported(event) if event.at < first.get(field, FOR_EVER)}
        if not new:
            return
        first.update(dict.fromkeys(new, event.at))
        for key, window in self._totals.since(event.asset, event.at).items():
            if window.context.not_reported & new:
                window.context = msgspec.structs.replace(window.context, not_reported=window.context.not_reported - new)
                self._totals.touch(key)
            if window.context.output_not_reported and "good" in new:
                window.read = 0

    def reset(self) -> None:
        """Drop all sums, so that `roll` reloads them: what a failed write left in the store is unknown."""
        self._totals.reset()
        self._machines.clear()

    async def roll(self, writer: LedgerWriter, now: int, share: int = 1) -> None:
        """Begin the windows that are due, and rebuild all if a machine has joined or begun to count.

        Call it right after `LedgerWriter.advance`, with what it returns and while nothing else writes.

        Args:
            writer: of the ledger.
            now: nanoseconds since 1970-01-01 UTC.
            share: windows are due, or gone, of one asset in so many, in turn.
        """
        self._rolled, self._live = now, writer.live()
        machines = {machine: writer.is_counted(machine) for machine in writer.machines()}
        changed = {machine for machine, counted in machines.items() if self._machines.get(machine) != counted}
        left = self._machines.keys() - machines.keys()
        changed |= left  # those that are retired: what they belonged to is without them
        if machines.keys() != self._machines.keys():
            self._totals.add(machines)
            self._totals.drop_others()
            self._silent = set(self._plant.machines()).difference(machines)
        if self._silent:
            received = self._silent.intersection([machine.asset for machine in await self._store.machines()])
            self._silent -= received
            changed |= received
        quiet, behind = writer.silent(), writer.behind()
        changed |= (self._quiet.keys() - quiet.keys()) | (self._behind - behind)
        if quiet.keys() != self._quiet.keys() or machines.keys() != self._machines.keys():
            still = {path for path, under in self._totals.members.items() if quiet.keys() >= set(under)}
            for path in still - self._still:
                self._totals.clear(path)
                self._quieted[path] = None
            self._still = still
        self._quiet, self._behind = quiet, behind
        stale = {path for machine in changed for path in paths(machine)}
        self._machines = machines
        if changed:
            counted = {machine for machine, is_counted in machines.items() if is_counted} | self._silent
            reported = {path for machine in counted for path in paths(machine)}
            self._meters = self._totals.members.keys() - reported
        self._failing = dict(writer.failing)
        turn = self._turns.next(share, self._totals.members, without=self._still)
        due = [
            (path, kind)
            for path in dict.fromkeys((*turn, *(stale & self._totals.members.keys() - self._still)))
            for kind in KINDS
            if path in stale or self._is_to_begin((path, kind), now)
        ]
        with self._rows.together(len(due)):
            for path, kind in due:
                with self._by_itself("beginning a window", path):
                    await self._roll(path, kind, now, reload=path in stale)
        await self._orders.roll(changed, machines, now)
        if left:
            self._left.update(dict.fromkeys(key for key in self._retained if key[0] not in self._totals.members))
        possible = itertools.chain(
            self._left,
            self._totals.possible(turn),
            self._totals.possible(itertools.islice(self._quieted, QUIETED_AT_ONCE)),
        )
        self._unread = self._orders.unread()
        running, ended, still, retained = self._totals.running, self._totals.ended, self._still, self._retained
        # `_is_shown`, written out: it is asked of all windows each time, and most are there.
        self._gone = [
            key
            for key in possible
            if ((key not in running and ended.get(key) is None) or key[0] in still)
            and retained.get(key, True)
            and not self._is_unread(key)
        ]
        self._left.clear()
        for path in list(itertools.islice(self._quieted, QUIETED_AT_ONCE)):
            del self._quieted[path]

    async def read(self, now: int, for_s: float = READING_S) -> None:
        """Reload what indicators need besides sums, of the windows that have not had it for longest.

        Args:
            now: nanoseconds since 1970-01-01 UTC.
            for_s: for so long; it goes on with the others the next time.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + for_s
        due = [
            (window.read, key, window) for key, window in self._totals.running.items() if now - window.read >= READ_NS
        ]
        due += [
            (window.read, key, window)
            for key, window in self._totals.ended.items()
            if window is not None and now - window.read >= READ_OVER_NS
        ]
        for read, key, window in sorted(due, key=lambda item: item[:2]):
            if loop.time() > until:
                return
            path, kind = key
            window.read = now
            if kind.endswith("order") or len(self._totals.under(path)) > MOST_MACHINES:
                continue
            with self._by_itself("reading what a window needs", path):
                measured = await self._range(key, window, now)
                # What was never reported is known once it has been read: an event that reports it is noticed.
                known = window.context if read else await never_reported(self._store, self._plant, path, measured.end)
                context = await context_of(self._store, self._plant, measured, known)
                if context != window.context:
                    window.context = context
                    self._totals.touch(key)

    def due(self, now: int, share: int = 1) -> Iterator[Publication]:
        """Yield what is to be published now: windows that an event touched, and those long unpublished.

        Of the latter only a share at a time, so that publishing goes on evenly. A window that there is no longer, as
        when no order is on, is cleared from the broker.

        Args:
            now: nanoseconds since 1970-01-01 UTC.
            share: of those long unpublished only one in so many of that share: it is asked so much more often.
        """
        longest_ago = itertools.takewhile(lambda item: item[1].is_old(now), self._totals.running.items())
        old = [key for key, _ in itertools.islice(longest_ago, len(self._totals.running) // (SHARE * share) + 1)]
        due = dict.fromkeys((*self._totals.touched, *old))
        self._totals.touched.clear()
        for key in due:
            window = self._totals.running.pop(key, None)
            if window is not None:
                self._totals.running[key] = window
            else:
                window = self._totals.ended.get(key)
            if window is not None and window.start <= now:
                window.published = now
                if key[0] in self._still or self._is_unread(key):
                    continue
                payload = b""
                with self._by_itself("publishing a window", key[0]):
                    payload = msgspec.json.encode(self._payload(key, window, now))
                if payload:
                    self._retained[key] = True
                    yield Publication(self._topic(key), payload, 1, retain=True)
        for key in self._gone:
            if self._retained.get(key, True) and not self._is_shown(key):
                self._retained[key] = False
                yield Publication(self._topic(key), b"", qos=1, retain=True)
        self._gone.clear()

    def _is_shown(self, key: Key) -> bool:
        """Return whether there is a window, and not all of its machines have long been silent."""
        return self._totals.is_there(key) and key[0] not in self._still

    def _is_unread(self, key: Key) -> bool:
        """Return whether an order's window is not read to its end: then what the broker holds stays."""
        return key[1].endswith("order") and key[0] in self._unread

    def _payload(self, key: Key, window: Window, now: int) -> KpiPayload:
        path, kind = key
        sums = window.sums
        if not kind.endswith("order"):
            sums = self._with_silent(path, window, now)
        elif path in self._totals.lines:
            sums = {}
            for machine in self._totals.lines[path]:
                add(sums, self._of_order(machine, window.name, now))
        context = msgspec.structs.replace(
            window.context, operations=self._operations(key, window, now), metered=self._metered(key, window)
        )
        composed = compose(path, sums, context, min(now, window.end) - window.start)
        warnings = [*self._due_warnings(path), *composed.expected, *composed.contradictions()]
        return KpiPayload(
            ts=now // 1_000_000,
            window=kind,
            name=window.name,
            start=instants.format_rfc3339(window.start),
            end=instants.format_rfc3339(min(now, window.end)),
            coverage=composed.coverage,
            indicators=composed.indicators,
            notes=notes_of(warnings),
            warnings=warnings,
            implausible=composed.codes,
        )

    @contextmanager
    def _by_itself(self, doing: str, path: str) -> Iterator[None]:
        """Let what fails of one window, in a way that nobody foresaw, hold up no other."""
        try:
            yield
        except Exception as error:
            if not failures.is_unforeseen(error):
                raise
            failures.note(doing, error, asset=path)

    def _due_warnings(self, path: str) -> list[KpiWarning]:
        """Return the warnings about machines under an asset whose rows are not complete."""
        warnings = [
            found("ledger-stands-still", machine=machine, failure=why).of_answer(machine)
            for machine, why in self._failing.items()
            if is_under(machine, path)
        ]
        due = sorted(filter(partial(is_under, asset=path), self._behind))
        if due:
            which = f"{due[0]} and {len(due) - 1} more" if len(due) > 1 else due[0]
            warnings.append(found("ledger-recomputed", len(due), machines=which).of_answer(path))
        return warnings

    def _of_order(self, machine: str, order: str, now: int) -> Sums:
        """Return the sums of an order on a machine."""
        total: Sums = {}
        for part in self._orders.parts(machine, order):
            add(total, part.sums)
            if machine in self._quiet:
                add(total, time_since([self._quiet[machine]], part.start, min(part.end, now)))
        return total

    def _with_silent(self, path: str, window: Window, now: int) -> Sums:
        """Return a window's sums with the time of the machines under an asset that no row has.

        These are machines that have not reported, and those that have been silent for long.
        """
        total = dict(window.sums)
        if self._quiet:
            end = min(now, window.end)
            quiet = [self._quiet[machine] for machine in self._totals.under(path) if machine in self._quiet]
            timed = [machine for machine in quiet if self._is_timed(machine.asset, path)]
            add(total, time_since(timed, window.start, end))
            if len(timed) < len(quiet):
                others = (machine for machine in quiet if not self._is_timed(machine.asset, path))
                add(total, _without_time(time_since(others, window.start, end)))
        for machine in filter(partial(is_under, asset=path), self._silent):
            for unknown in unknown_time(window.start, min(now, window.end), self._plant.calendar_of(machine)).values():
                add(total, unknown)
        return total

    def _operations(self, key: Key, window: Window, now: int) -> tuple[Sums, ...]:
        """Return the sums of each operation of a line, as they are now where its machines have the same window."""
        path, kind = key
        if path in self._machines:
            return (window.sums,)
        is_order = kind.endswith("order")
        operations: list[Sums] = []
        for stage in self._plant.stages(path):
            sums: Sums = {}
            for machine in stage:
                if is_order:
                    add(sums, self._of_order(machine, window.name, now))
                    continue
                part = self._totals.window((machine, kind))
                if (part is None and machine in self._quiet) or (part and not part.is_as_long_as(window)):
                    return window.context.operations
                if part is not None:
                    add(sums, part.sums)
            operations.append(sums)
        return tuple(operations)

    def _metered(self, key: Key, window: Window) -> Sums | None:
        """Return the sums of the metered machines, as they are now where all have the same window."""
        path, kind = key
        if path in self._machines or kind.endswith("order"):
            return None
        metered: list[Sums] = []
        for machine in self._totals.under(path):
            part = self._totals.window((machine, kind))
            if part is None or not part.is_as_long_as(window):
                return window.context.metered
            if is_metered(part.sums):
                if not self._is_timed(machine, path):
                    return None  # a meter that stands by itself
                metered.append(part.sums)
        return sum_of_metered(metered)

    async def _range(self, key: Key, window: Window, now: int) -> Range:
        """Return the ledger of a window by machine; from the store where machines have calendars of their own."""
        path, kind = key
        machines = {machine: self._totals.window((machine, kind)) for machine in self._totals.under(path)}
        parts = {machine: part for machine, part in machines.items() if part and part.is_as_long_as(window)}
        if len(parts) < len(machines):
            return await measure(self._store, self._plant, path, window.start, window.end, now=now)
        sums = {(machine, NO_PRODUCT, NO_SHIFT): part.sums for machine, part in parts.items()}
        counted = tuple(machine for machine in parts if self._is_timed(machine, path))
        return Range(path, window.start, min(window.end, now), sums, {}, counted)

    # ---- Hours and shifts ----

    def _is_to_begin(self, key: Key, now: int) -> bool:
        window = self._totals.running.get(key)
        if window is not None:
            return now >= window.end
        span = self._duration_text(*key, now)
        return span is not None or (key[0], LAST + key[1]) not in self._totals.ended

    async def _roll(self, path: str, kind: str, now: int, *, reload: bool) -> None:
        key, last = (path, kind), (path, LAST + kind)
        window = self._totals.running.get(key)
        ended = self._span_before(path, kind, now)
        if window is not None and ended is not None and (window.start, window.end) == ended[:2] and not reload:
            self._totals.ended[last] = window
            self._totals.touch(last)
        elif reload or window is not None or last not in self._totals.ended:
            self._totals.ended[last] = await self._read_ended(path, ended) if ended is not None else None
            self._totals.touch(last)
        self._totals.running.pop(key, None)
        span = self._duration_text(path, kind, now)
        if span is not None:
            start, end, name = span
            self._totals.running[key] = Window(start, end, await self._sum(path, start, end, now), name)
            self._totals.touch(key)

    async def _read_ended(self, path: str, span: tuple[int, int, str]) -> Window | None:
        start, end, name = span
        sums = await self._sum(path, start, end, end)
        known = coverage(sums)
        return Window(start, end, sums, name) if known or (known is None and sums) else None

    def _duration_text(self, path: str, kind: str, now: int) -> tuple[int, int, str] | None:
        if kind == "hour":
            return now - now % HOUR, now - now % HOUR + HOUR, ""
        calendar = self._plant.calendar_of(path)
        shift = calendar.shift_at(now) if calendar is not None else None
        return (shift.start, shift.end, shift.name) if shift is not None else None

    def _span_before(self, path: str, kind: str, now: int) -> tuple[int, int, str] | None:
        if kind == "hour":
            return now - now % HOUR - HOUR, now - now % HOUR, ""
        calendar = self._plant.calendar_of(path)
        shift = calendar.previous_shift(now) if calendar is not None else None
        return (shift.start, shift.end, shift.name) if shift is not None else None

    async def _sum(self, path: str, start: int, end: int, now: int) -> Sums:
        """Read a window's sum from the store, with the time before a machine's first row as unknown."""
        total: Sums = {}
        reported: dict[str, int] = dict.fromkeys(self._totals.under(path), 0)
        for machine, sums in await self._rows.read(path, reported, start - start % MINUTE, end):
            reported[machine] += sum(sums.get(field, 0) for field in TIME)
            add(total, sums if self._is_timed(machine, path) else _without_time(sums))
        for machine, time in reported.items():
            until = self._until(machine, now)
            if self._is_timed(machine, path) and until - start > time:
                for sums in unknown_time(start, until - time, self._plant.calendar_of(machine)).values():
                    add(total, sums)
        return total

    def _until(self, machine: str, now: int) -> int:
        """Return until when a machine's rows are whole by now; what follows is added when they grow."""
        if machine in self._quiet:
            return min(now, self._quiet[machine].until)
        live = self._live.get(machine)
        return min(now, live.until) if live is not None and live.until else now

    def _reaches(self, machine: str, now: int) -> bool:
        """Return whether a machine's rows reach the present, if they grow with time at all."""
        return machine in self._quiet or self._until(machine, now) == now

    def _is_timed(self, machine: str, path: str) -> bool:
        """Return whether a machine's time is in the sums of an asset."""
        return self._machines[machine] or path in self._meters

    def _topic(self, key: Key) -> str:
        path, kind = key
        return f"{self._prefix}/{path}/kpi/{kind}"


def _without_time(sums: Sums) -> Sums:
    return {field: amount for field, amount in sums.items() if field not in TIME}
