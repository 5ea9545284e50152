"""The indicators that are published: of the running hour, shift and order, of every asset path.

A window keeps the sum of its rows. A row that changes changes the sums of its machine, line, area and site by the
difference, so an event costs the same however many machines there are. When a window begins, or a machine joins, its
sum is read from the store.
"""

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Final

import msgspec

from broker import instants
from broker.payloads import KpiPayload
from broker.plant import Plant
from broker.session import Publication
from broker.topics import PREFIX
from services.kpi.keeping import Change, Keeper
from services.ledger.fields import TIME, Sums, add
from services.ledger.history import MINUTE
from services.ledger.indicators import coverage, evaluate
from services.ledger.rows import unknown_time
from services.store.interface import Store
from services.store.ranges import HOUR, layers

REPEAT_NS: Final = 10_000_000_000
"""An indicator that no event touches still changes with time: it is published again after this long."""
SHARE: Final = 8
"""At most an eighth of all windows is published again at a time."""
KINDS: Final = ("hour", "shift")


class _Window(msgspec.Struct):
    """The sum of an asset over the running hour or shift, and when it was last published."""

    start: int
    end: int
    sums: Sums
    published: int = 0

    def is_old(self, now: int) -> bool:
        """Tell whether it should be published again though no event touched it."""
        return now - self.published >= REPEAT_NS


class Windows:
    """The running windows of every asset path."""

    def __init__(self, store: Store, plant: Plant, prefix: str = PREFIX) -> None:
        self._store, self._plant, self._prefix = store, plant, prefix
        self._windows: dict[tuple[str, str], _Window] = {}
        """Those published longest ago first."""
        self._touched: dict[tuple[str, str], None] = {}
        """Those that an event has changed since they were published, in order."""
        self._machines: dict[str, bool] = {}
        """The machines that are in the sums, and whether their time is."""
        self._rolled = 0

    def apply(self, changes: list[Change], by_events: bool) -> None:
        """Take in rows that have changed, by events or by time alone."""
        had_rows = {(machine, start) for machine, start, before, _ in changes if before}
        for machine, start, _, _ in changes:
            if start + MINUTE <= self._rolled and (machine, start) not in had_rows:
                # Rows before a machine's first: in the sums that time is unknown, so `roll` has to read them anew.
                self._machines.pop(machine, None)
        for machine, start, before, after in changes:
            counted = self._machines.get(machine)
            if counted is None:
                continue  # a newcomer: `roll` will read it from the store
            difference = {field: -amount for field, amount in before.items()}
            add(difference, after)
            if not counted:
                difference = _without_time(difference)
            for path in paths(machine):
                for kind in KINDS:
                    window = self._windows.get((path, kind))
                    if window is not None and window.start <= start < window.end:
                        add(window.sums, difference)
                        if by_events:
                            self._touched[path, kind] = None

    def forget(self) -> None:
        """Forget all sums, so that `roll` reads them anew: nobody knows what of a write that failed is in the store."""
        self._windows.clear()
        self._touched.clear()

    async def roll(self, keeper: Keeper, now: int) -> None:
        """Begin the windows that are due, and begin all anew if a machine has joined or begun to count.

        Call it right after `Keeper.advance`, with what it returns and while nothing else writes: all rows reach until
        then.
        """
        self._rolled = now
        machines = {machine: keeper.is_counted(machine) for machine in keeper.machines()}
        everything = {path for machine in machines for path in paths(machine)}
        changed = {machine for machine, counted in machines.items() if self._machines.get(machine) != counted}
        stale = {path for machine in changed for path in paths(machine)}
        self._machines = machines
        for path in everything:
            for kind in KINDS:
                window = self._windows.get((path, kind))
                if window is None or now >= window.end or path in stale:
                    self._windows.pop((path, kind), None)
                    span = self._span(path, kind, now)
                    if span is not None:
                        self._windows[path, kind] = _Window(*span, await self._sum(path, *span, now))
                        self._touched[path, kind] = None

    def due(self, now: int) -> Iterator[Publication]:
        """Yield what is to be published now: windows that an event touched, and those long unpublished.

        Of the latter only a share at a time, so that publishing goes on evenly.
        """
        longest_ago = takewhile(lambda item: item[1].is_old(now), self._windows.items())
        old = [key for key, _ in islice(longest_ago, len(self._windows) // SHARE + 1)]
        due = [key for key in dict.fromkeys((*self._touched, *old)) if key in self._windows]
        self._touched.clear()
        for path, kind in due:
            window = self._windows.pop((path, kind))
            self._windows[path, kind] = window
            if now < window.start:
                continue
            window.published = now
            payload = KpiPayload(
                ts=now // 1_000_000,
                window=kind,
                start=instants.format_rfc3339(window.start),
                end=instants.format_rfc3339(min(now, window.end)),
                coverage=coverage(window.sums),
                indicators=evaluate(window.sums).values,
            )
            yield Publication(f"{self._prefix}/{path}/kpi/{kind}", msgspec.json.encode(payload), qos=1, retain=True)

    def _span(self, path: str, kind: str, now: int) -> tuple[int, int] | None:
        if kind == "hour":
            return now - now % HOUR, now - now % HOUR + HOUR
        calendar = self._plant.calendar_of(path)
        shift = calendar.shift_at(now) if calendar is not None else None
        return (shift.start, shift.end) if shift is not None else None

    async def _sum(self, path: str, start: int, end: int, now: int) -> Sums:
        """Read a window's sum from the store, with the time before a machine's first row as unknown."""
        total: Sums = {}
        told: dict[str, int] = dict.fromkeys(
            (machine for machine in self._machines if machine == path or machine.startswith(path + "/")), 0
        )
        for begin, until, resolution in layers(start - start % MINUTE, end):
            for (machine, _, _), sums in (await self._store.totals(path, begin, until, resolution)).items():
                if machine not in told:
                    continue
                told[machine] += sum(sums.get(field, 0) for field in TIME)
                add(total, sums if self._machines[machine] else _without_time(sums))
        for machine, time in told.items():
            if self._machines[machine] and now - start > time:
                for sums in unknown_time(start, now - time, self._plant.calendar_of(machine)).values():
                    add(total, sums)
        return total


def paths(machine: str) -> tuple[str, ...]:
    """Return the asset paths that a machine belongs to, itself first: machine, line, area, site."""
    levels = machine.split("/")
    return tuple("/".join(levels[:depth]) for depth in range(len(levels), 0, -1))


def _without_time(sums: Sums) -> Sums:
    return {field: amount for field, amount in sums.items() if field not in TIME}
