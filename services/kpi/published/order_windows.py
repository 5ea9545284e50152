"""The running and the last order of every machine and line, as windows.

An order stands on a machine, and begins and ends at any instant; so the minutes in which it does so are read from the
events. The order of a line is the one that came onto it last, wherever in the line it is; its sum is that of its
machines.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final

from broker.contract.instants import FOR_EVER
from broker.contract.topics import line_of
from broker.plant.plant import Plant
from services.kpi.published.window_totals import LAST, Key, Window, WindowTotals
from services.ledger.fields import Sums, add
from services.ledger.history import MINUTE
from services.query.planning import newest_orders
from services.query.ranges import measure
from services.store import failures
from services.store.interface import Store
from services.store.resolutions import HOUR

READING_S: Final = 0.25
"""So much of a second is spent on reloading orders, …"""
AT_ONCE: Final = 10
"""… but so many machines are read at a time in any case."""


class OrderWindows:
    """The orders' windows on a board.

    Args:
        totals: where they stand.
        store: what they are read from.
        plant: calendars and ideal cycles.
        sum_of: returns the sum of a machine's rows: asked with its path, start, end, and the present.
        reaches: returns whether a machine's rows reach the present; until they do, its orders are not read.
    """

    def __init__(
        self,
        totals: WindowTotals,
        store: Store,
        plant: Plant,
        sum_of: Callable[[str, int, int, int], Awaitable[Sums]],
        reaches: Callable[[str, int], bool],
    ) -> None:
        self._totals, self._store, self._plant, self._sum_of, self._reaches = totals, store, plant, sum_of, reaches
        self._due: dict[str, None] = {}
        """The machines whose orders are to be reloaded."""
        self._unread: dict[str, None] = {}
        """Those of them of which it is not known yet whether the windows that stand are right: they come last."""

    def reload(self, machine: str) -> None:
        """Note that a machine's orders are to be reloaded."""
        self._due[machine] = None

    def apply(self, machine: str, start: int, difference: Sums, *, by_events: bool) -> None:
        """Add a row that has changed: by events, or by time alone."""
        running = self._totals.running.get((machine, "order"))
        ended = self._totals.ended.get((machine, LAST + "order"))
        if running is not None and (running.start <= start or (not by_events and running.start < start + MINUTE)):
            add(running.sums, difference)  # what time alone adds to a minute is at its end
            if by_events:
                self._touch(machine)
        elif running is not None and running.start < start + MINUTE:
            self.reload(machine)
        if by_events and ended is not None and ended.start - MINUTE < start < ended.end:
            self.reload(machine)

    def unread(self) -> set[str]:
        """Return the assets of which it is not known yet whether an order is on."""
        return {path for machine in self._unread for path in (machine, line_of(machine))}

    async def roll(self, changed: Iterable[str], machines: Collection[str], now: int) -> None:
        """Reload what is due, and the orders of machines that have changed.

        Messages wait meanwhile, and of one machine it is a dozen questions; so it takes `READING_S`, or `AT_ONCE`
        machines if they take longer, and goes on with the others the next time.
        """
        self._unread.update(dict.fromkeys(sorted(changed)))
        until = asyncio.get_running_loop().time() + READING_S
        due = (machine for machine in dict.fromkeys((*self._due, *self._unread)) if self._reaches(machine, now))
        for number, machine in enumerate(due):
            if number >= AT_ONCE and asyncio.get_running_loop().time() >= until:
                return
            if machine in machines:
                try:
                    await self._read(machine, now)
                except Exception as error:
                    if not failures.is_unforeseen(error):
                        raise
                    failures.note("reading the orders of a machine", error, asset=machine)
            self._due.pop(machine, None)
            self._unread.pop(machine, None)

    async def _read(self, machine: str, now: int) -> None:
        """Read the newest two orders of a machine: the one that is on, if one is, and the last that was."""
        found = await newest_orders(self._store, machine, now)
        running = found.pop() if found and found[-1].end == FOR_EVER else None
        key, last = (machine, "order"), (machine, LAST + "order")
        self._totals.running.pop(key, None)
        self._totals.ended[last] = None
        if running is not None:
            whole = -(-running.start // MINUTE) * MINUTE
            sums = (await measure(self._store, self._plant, machine, running.start, whole, now=now)).total()
            add(sums, await self._sum_of(machine, whole, now - now % HOUR + HOUR, now))
            self._totals.running[key] = Window(running.start, FOR_EVER, sums, running.job.order)
        if found:
            job, start, end, _ = found[-1]
            sums = (await measure(self._store, self._plant, machine, start, end, now=now)).total()
            self._totals.ended[last] = Window(start, end, sums, job.order)
        self._touch(machine)

    def _touch(self, machine: str) -> None:
        """Note that a machine's orders have changed, and see which its line's are."""
        line = line_of(machine)
        machines = self._totals.lines[line]
        on = self._newest(line, [(each, "order") for each in machines])
        before = self._newest(line, [(each, kind) for each in machines for kind in ("order", LAST + "order")], on)
        self._set_running((line, "order"), on)
        self._totals.ended[line, LAST + "order"] = before
        self._totals.touch(*((path, kind) for path in (machine, line) for kind in ("order", LAST + "order")))

    def _set_running(self, key: Key, window: Window | None) -> None:
        was = self._totals.running.get(key)
        if window is None:
            self._totals.running.pop(key, None)
        elif was is None or (was.start, was.name) != (window.start, window.name):
            self._totals.running[key] = window

    def _newest(self, line: str, keys: list[Key], but: Window | None = None) -> Window | None:
        """Return the order that began last on any of a line's machines, as a window without a sum."""
        windows = [window for key in keys if (window := self._totals.window(key))]
        newest = max(
            (window for window in windows if but is None or window.name != but.name),
            key=lambda window: window.start,
            default=None,
        )
        if newest is None:
            return None
        parts = self._totals.parts(line, newest.name)
        return Window(min(part.start for part in parts), max(part.end for part in parts), {}, newest.name)
