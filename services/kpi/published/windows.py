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
from functools import lru_cache
from typing import Final

import msgspec

from broker.contract import instants
from broker.contract.events import AnyEvent, Labour
from broker.contract.instants import FOR_EVER
from broker.contract.message import Publication
from broker.contract.payloads import KpiPayload
from broker.contract.topics import PREFIX
from broker.plant.plant import Plant
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.machine import Change
from services.kpi.published import periods
from services.kpi.published.clearing import Clearing, is_unread
from services.kpi.published.ledger_warnings import LedgerWarnings
from services.kpi.published.members import Members
from services.kpi.published.order_windows import OrderWindows
from services.kpi.published.periods import Period
from services.kpi.published.row_changes import RowChanges
from services.kpi.published.window_sums import WindowSums
from services.kpi.published.window_totals import KINDS, LAST, Key, Window, WindowTotals, paths
from services.kpi.turns import Turns
from services.ledger.history import MINUTE
from services.ledger.indicators.indicators import coverage
from services.query.composition import compose, notes_of
from services.query.contexts import context_of, never_reported
from services.query.data_quality.never_reported import reported
from services.store import failures
from services.store.interface import Store

SHARE: Final = 8
"""At most an eighth of all windows is published again at a time."""
READ_NS: Final = 30_000_000_000
"""What indicators need besides sums is read again after this long, or when something is measured."""
READ_OVER_NS: Final = 600_000_000_000
"""Of a window that is over it changes by late events only, which are noticed; this is for those that are not."""
READING_S: Final = 0.1
"""So much of a second is spent on that."""
MOST_MACHINES: Final = 50
"""What has more machines is published without what must be read from single events; ask the interface for that."""
_rfc3339: Final = lru_cache(256)(instants.format_rfc3339)
"""Of all windows that are published at a time most begin and end together."""


class Windows:
    """The running and the last windows of every asset path."""

    def __init__(self, store: Store, plant: Plant, prefix: str = PREFIX) -> None:
        self._store, self._plant, self._prefix = store, plant, prefix
        self._totals = WindowTotals()
        self._members = Members()
        self._changes = RowChanges(self._totals, self._members)
        self._sums = WindowSums(store, plant, self._totals, self._members)
        self._orders = OrderWindows(self._totals, store, plant, self._sums.read, self._members.reaches)
        self._clearing = Clearing(self._totals)
        self._ledger_warnings = LedgerWarnings()
        self._reported: dict[str, dict[str, int]] = {}
        """By machine, the fields that it has reported since the start, and the time of the first."""
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
        members = self._members
        over = [change for change in changes if change.start + MINUTE <= self._rolled]
        had_rows = {(machine, start) for machine, start, _, is_new in over if not is_new}
        for machine, start, _, _ in over:
            if (machine, start) not in had_rows and machine not in members.behind:
                # Rows before a machine's first: in the sums that time is unknown, so `roll` has to reload them.
                members.counted.pop(machine, None)
        by_events = bool(events)
        for machine, start, changed, _ in changes:
            is_counted = members.counted.get(machine)
            if is_counted is None or machine in members.behind:
                continue  # a newcomer, or one that is being recomputed: `roll` will read it from the store
            more = self._changes.add(machine, start, changed, is_counted=is_counted, by_events=by_events)
            self._orders.apply(machine, start, more, by_events=by_events)

    def _put_changes(self) -> None:
        """Add to the windows what rows have changed by since they were last looked at."""
        try:
            self._changes.put_into_windows()
        except Exception as error:  # noqa: BLE001  (as above)
            failures.note("adding changed rows", error)
            self.reset()

    def _note(self, events: Sequence[AnyEvent]) -> None:
        """Note what is to be reloaded for these events."""
        for event in events:
            self._note_reported(event)
            if event.kind == "job":
                self._orders.reload(event.asset)
            elif event.kind == "quality":
                for path in paths(event.asset):
                    if path in self._members.counted or path in self._totals.lines:
                        for _, window in self._totals.at(path, event.at - 1):
                            window.read = 0

    def _note_reported(self, event: AnyEvent) -> None:
        """Note fields that a machine reports earlier than before: from then on, ratios of them are defined."""
        if isinstance(event, Labour):  # it replaces the people working that were reported before, even without a number
            for window in self._totals.since(event.asset, event.at).values():
                window.read = 0
        if not (fields := reported(event)):
            return
        first = self._reported.setdefault(event.asset, {})
        new = {field for field in fields if event.at < first.get(field, FOR_EVER)}
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
        self._changes.clear()
        self._members.counted.clear()

    async def roll(self, writer: LedgerWriter, now: int, share: int = 1) -> None:
        """Begin the windows that are due, and rebuild all if a machine has joined or begun to count.

        Call it right after `LedgerWriter.advance`, with what it returns and while nothing else writes.

        Args:
            writer: of the ledger.
            now: nanoseconds since 1970-01-01 UTC.
            share: windows are due, or gone, of one asset in so many, in turn.
        """
        self._put_changes()
        self._rolled = now
        changed, have_left = await self._follow(writer)
        stale = {path for machine in changed for path in paths(machine)}
        turn = self._turns.next(share, self._totals.members, without=self._still)
        due = [
            (path, kind)
            for path in dict.fromkeys((*turn, *(stale & self._totals.members.keys() - self._still)))
            for kind in KINDS
            if path in stale or self._is_to_begin((path, kind), now)
        ]
        with self._sums.together(len(due)):
            for path, kind in due:
                with self._by_itself("beginning a window", path):
                    await self._roll(path, kind, now, reload=path in stale)
        await self._orders.roll(changed, self._members.counted, now)
        self._unread = self._orders.unread()
        if have_left:
            self._clearing.add_left()
        self._clearing.find(turn, self._still, self._unread)

    async def _follow(self, writer: LedgerWriter) -> tuple[set[str], bool]:
        """Take over the machines of the ledger writer: return those that have changed, and whether some have left."""
        members = self._members
        members.live = writer.live()
        machines = writer.counted()
        changed, left = members.differences(machines)
        if have_changed := machines.keys() != members.counted.keys():
            self._totals.add(machines)
            self._totals.drop_others()
            members.never_reported = set(self._plant.machines()).difference(machines)
        if members.never_reported:
            received = members.never_reported.intersection([machine.asset for machine in await self._store.machines()])
            members.never_reported -= received
            changed |= received
        quiet, behind = writer.silent(), writer.behind()
        changed |= (members.quiet.keys() - quiet.keys()) | (members.behind - behind)
        if have_changed or quiet.keys() != members.quiet.keys():
            still = {path for path, under in self._totals.members.items() if quiet.keys() >= set(under)}
            for path in still - self._still:
                self._totals.clear(path)
                self._clearing.add_silent(path)
            self._still = still
        members.quiet, members.behind, members.counted = quiet, behind, machines
        self._ledger_warnings.follow(behind, writer.failing)
        if changed:
            counted = {machine for machine, is_counted in machines.items() if is_counted} | members.never_reported
            members.meters = self._totals.members.keys() - {path for machine in counted for path in paths(machine)}
        return changed, bool(left)

    async def read(self, now: int, for_s: float = READING_S) -> None:
        """Reload what indicators need besides sums, of the windows that have not had it for longest.

        Args:
            now: nanoseconds since 1970-01-01 UTC.
            for_s: for so long; it goes on with the others the next time.
        """
        self._put_changes()
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
                measured = await self._sums.ledger(key, window, now)
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
        self._put_changes()
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
                if key[0] in self._still or is_unread(key, self._unread):
                    continue
                try:
                    payload = msgspec.json.encode(self._payload(key, window, now))
                except Exception as error:  # noqa: BLE001  (one window must not hold up all others)
                    failures.note("publishing a window", error, asset=key[0])
                    continue
                self._clearing.published(key)
                yield Publication(self._topic(key), payload, 1, retain=True)
        for key in self._clearing.due(self._is_shown):
            yield Publication(self._topic(key), b"", qos=1, retain=True)

    def _is_shown(self, key: Key) -> bool:
        """Return whether there is a window, and not all of its machines have long been silent."""
        return self._totals.is_there(key) and key[0] not in self._still

    def _payload(self, key: Key, window: Window, now: int) -> KpiPayload:
        path, kind = key
        context = msgspec.structs.replace(
            window.context,
            operations=self._sums.operations(key, window, now),
            metered=self._sums.metered(key, window),
        )
        sums, length = self._sums.now(key, window, now), min(now, window.end) - window.start
        composed = compose(path, sums, context, length, self._plant.load_size(path))
        warnings = [*self._ledger_warnings.of(path), *composed.expected, *composed.contradictions()]
        return KpiPayload(
            ts=now // 1_000_000,
            window=kind,
            name=window.name,
            start=_rfc3339(window.start),
            end=_rfc3339(min(now, window.end)),
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

    # ---- Hours and shifts ----

    def _is_to_begin(self, key: Key, now: int) -> bool:
        window = self._totals.running.get(key)
        if window is not None:
            return now >= window.end
        time_range = periods.running(self._plant, *key, now)
        return time_range is not None or (key[0], LAST + key[1]) not in self._totals.ended

    async def _roll(self, path: str, kind: str, now: int, *, reload: bool) -> None:
        key, last = (path, kind), (path, LAST + kind)
        window = self._totals.running.get(key)
        ended = periods.ended(self._plant, path, kind, now)
        if window is not None and ended is not None and (window.start, window.end) == ended[:2] and not reload:
            self._totals.ended[last] = window
            self._totals.touch(last)
        elif reload or window is not None or last not in self._totals.ended:
            self._totals.ended[last] = await self._read_ended(path, ended) if ended is not None else None
            self._totals.touch(last)
        self._totals.running.pop(key, None)
        time_range = periods.running(self._plant, path, kind, now)
        if time_range is not None:
            start, end, name = time_range
            self._totals.running[key] = Window(start, end, await self._sums.read(path, start, end, now), name)
            self._totals.touch(key)

    async def _read_ended(self, path: str, time_range: Period) -> Window | None:
        start, end, name = time_range
        sums = await self._sums.read(path, start, end, end)
        known = coverage(sums)
        return Window(start, end, sums, name) if known or (known is None and sums) else None

    def _topic(self, key: Key) -> str:
        path, kind = key
        return f"{self._prefix}/{path}/kpi/{kind}"
