"""What a window adds up to: rows of the ledger, and the time of machines that no row has."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial

from broker.contract.topics import is_under
from broker.plant.calendar import NO_SHIFT
from broker.plant.plant import Plant
from services.kpi.published.members import Members
from services.kpi.published.row_sums import RowSums
from services.kpi.published.window_totals import Key, Window, WindowTotals
from services.kpi.silence import time_since
from services.ledger.fields import TIME, Sums, add
from services.ledger.history import MINUTE
from services.ledger.rows import NO_PRODUCT
from services.ledger.time_field import unknown_time
from services.query.data_quality.metered import is_metered, sum_of_metered
from services.query.ranges import Range, measure
from services.store.interface import Store


class WindowSums:
    """The sums of windows.

    Args:
        store: where the rows are.
        plant: its calendars, and the operations of its lines.
        totals: the windows.
        members: their machines.
    """

    def __init__(self, store: Store, plant: Plant, totals: WindowTotals, members: Members) -> None:
        self._store, self._plant, self._totals, self._members = store, plant, totals, members
        self._rows = RowSums(store)

    def together(self, assets: int) -> AbstractContextManager[None]:
        """Read for so many assets together, if they are many; nothing may be written meanwhile."""
        return self._rows.together(assets)

    async def read(self, path: str, start: int, end: int, now: int) -> Sums:
        """Read a window's sum from the store, with the time before a machine's first row as unknown."""
        total: Sums = {}
        reported: dict[str, int] = dict.fromkeys(self._totals.under(path), 0)
        for machine, sums in await self._rows.read(path, reported, start - start % MINUTE, end):
            reported[machine] += sum(sums.get(field, 0) for field in TIME)
            add(total, sums if self._members.is_timed(machine, path) else without_time(sums))
        for machine, time in reported.items():
            until = self._members.until(machine, now)
            if self._members.is_timed(machine, path) and until - start > time:
                for sums in unknown_time(start, until - time, self._plant.calendar_of(machine)).values():
                    add(total, sums)
        return total

    def now(self, key: Key, window: Window, now: int) -> Sums:
        """Return a window's sums as they are now."""
        path, kind = key
        if not kind.endswith("order"):
            return self._with_silent(path, window, now)
        if path not in self._totals.lines:
            return window.sums
        sums: Sums = {}
        for machine in self._totals.lines[path]:
            add(sums, self._of_order(machine, window.name, now))
        return sums

    def operations(self, key: Key, window: Window, now: int) -> tuple[Sums, ...]:
        """Return the sums of each operation of a line, as they are now where its machines have the same window."""
        path, kind = key
        if path in self._members.counted:
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
                if (part is None and machine in self._members.quiet) or (part and not part.is_as_long_as(window)):
                    return window.context.operations
                if part is not None:
                    add(sums, part.sums)
            operations.append(sums)
        return tuple(operations)

    def metered(self, key: Key, window: Window) -> Sums | None:
        """Return the sums of the metered machines, as they are now where all have the same window."""
        path, kind = key
        if path in self._members.counted or kind.endswith("order"):
            return None
        if not is_metered(window.sums):
            return window.context.metered  # no energy, so nothing is divided by it
        metered: list[Sums] = []
        for machine in self._totals.under(path):
            part = self._totals.window((machine, kind))
            if part is None or not part.is_as_long_as(window):
                return window.context.metered
            if is_metered(part.sums):
                if not self._members.is_timed(machine, path):
                    return None  # a meter that stands by itself
                metered.append(part.sums)
        return sum_of_metered(metered)

    async def ledger(self, key: Key, window: Window, now: int) -> Range:
        """Return the ledger of a window by machine; from the store where machines have calendars of their own."""
        path, kind = key
        machines = {machine: self._totals.window((machine, kind)) for machine in self._totals.under(path)}
        parts = {machine: part for machine, part in machines.items() if part and part.is_as_long_as(window)}
        if len(parts) < len(machines):
            return await measure(self._store, self._plant, path, window.start, window.end, now=now)
        sums = {(machine, NO_PRODUCT, NO_SHIFT): part.sums for machine, part in parts.items()}
        counted = tuple(machine for machine in parts if self._members.is_timed(machine, path))
        return Range(path, window.start, min(window.end, now), sums, {}, counted)

    def _of_order(self, machine: str, order: str, now: int) -> Sums:
        """Return the sums of an order on a machine."""
        total: Sums = {}
        quiet = self._members.quiet.get(machine)
        for part in self._totals.parts(machine, order):
            add(total, part.sums)
            if quiet is not None:
                add(total, time_since([quiet], part.start, min(part.end, now)))
        return total

    def _with_silent(self, path: str, window: Window, now: int) -> Sums:
        """Return a window's sums with the time of the machines under an asset that no row has.

        These are machines that have not reported, and those that have been silent for long.
        """
        if not self._members.quiet and not self._members.never_reported:
            return window.sums
        total, end = dict(window.sums), min(now, window.end)
        for sums in self._since_silent(path, window.start, end):
            add(total, sums)
        for machine in filter(partial(is_under, asset=path), self._members.never_reported):
            for unknown in unknown_time(window.start, end, self._plant.calendar_of(machine)).values():
                add(total, unknown)
        return total

    def _since_silent(self, path: str, start: int, end: int) -> Iterator[Sums]:
        """Yield the sums of the machines that have long been silent, of those first whose time counts."""
        quiet = self._members.quiet
        if not quiet:
            return
        machines = [quiet[machine] for machine in self._totals.under(path) if machine in quiet]
        timed = [machine for machine in machines if self._members.is_timed(machine.asset, path)]
        yield time_since(timed, start, end)
        if len(timed) < len(machines):
            others = (machine for machine in machines if not self._members.is_timed(machine.asset, path))
            yield without_time(time_since(others, start, end))


def without_time(sums: Sums) -> Sums:
    """Return the sums of a machine whose time does not count."""
    return {field: amount for field, amount in sums.items() if field not in TIME}
