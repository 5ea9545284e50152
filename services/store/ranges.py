"""Range questions: the exact sums of any set of machines over any range of time.

The whole minutes of a range are read from the ledger, in the coarsest rows that fit (days, hours, minutes). Its two
ends, and what no row covers yet, are made from the events by the same code that makes rows. So the answer is exact to
the nanosecond, and the same however the range is cut.
"""

from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from broker.plant import Plant
from broker.topics import is_under
from services.ledger.fields import TIME, Sums, add, bounded
from services.ledger.history import MINUTE, History
from services.ledger.rows import NO_PRODUCT, Rules, build, unknown_time
from services.store.histories import FOR_EVER, histories
from services.store.interface import Resolution, Store

HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

COUNTED: Final = ("state", "count", "job")
"""The kinds of event of which any makes a machine's time count."""

PartKey = tuple[str, str, str]
"""Machine, product, shift."""


class Range(msgspec.Struct, frozen=True):
    """The ledger of an asset over a range.

    Attributes:
        asset: an asset path.
        start: from when.
        end: until when it is counted: as asked, but not beyond now.
        parts: the sums by machine, product and shift.
        reasons: (seconds, entries), both in 10⁻⁹, by machine, state and reason.
        machines: the machines that are counted, whatever the range, so that parts of a time add up to it: those that
            ever told a state, a count or an order, and those declared that have not been heard. Where there are none
            of them, all that spoke: a meter asked by itself.
    """

    asset: str
    start: int
    end: int
    parts: dict[PartKey, Sums]
    reasons: dict[PartKey, tuple[int, int]]
    machines: tuple[str, ...]

    def total(self) -> Sums:
        """Return the sum of all parts."""
        total: Sums = {}
        for sums in self.parts.values():
            add(total, sums)
        return bounded(total)

    def by_machine(self) -> dict[str, Sums]:
        """Return the sum of each machine's parts, of all machines that are counted, in their order."""
        totals: dict[str, Sums] = {machine: {} for machine in self.machines}
        for (machine, _, _), sums in self.parts.items():
            if machine in totals:
                add(totals[machine], sums)
        return totals

    def of_machine(self, machine: str) -> Sums:
        """Return the sum of one machine's parts."""
        total: Sums = {}
        for (owner, _, _), sums in self.parts.items():
            if owner == machine:
                add(total, sums)
        return bounded(total)


async def measure(store: Store, plant: Plant, asset: str, start: int, end: int, *, now: int) -> Range:
    """Return the ledger of `asset` over start ≤ t < end, as far as it has happened.

    Args:
        store: where rows and events are.
        plant: calendars and ideal cycles.
        asset: an asset path; '' for everything.
        start: from when, nanoseconds since 1970-01-01 UTC.
        end: until when.
        now: the present; what follows has not happened, unless a machine's clock runs ahead.
    """
    known = {machine.asset: machine for machine in await store.machines(asset)}
    end = max(min(end, max(now, *(machine.last for machine in known.values()), 0)), start)
    newest = await store.before((*COUNTED, "labour", "material"), asset, FOR_EVER)
    machines = _counted(plant, asset, known.keys(), {event.asset for event in newest if event.kind in COUNTED})
    frontier = await store.frontier(asset)
    covered = min((*frontier.values(), *(start for event in newest if event.asset not in frontier)), default=start)
    whole_start = -(-start // MINUTE) * MINUTE
    whole_end = min(end, covered) // MINUTE * MINUTE
    measured = _Parts()
    if whole_start < whole_end:
        await _from_rows(store, asset, whole_start, whole_end, measured)
        told_by_rows = dict.fromkeys(machines, 0)
        for (path, _, _), sums in measured.sums.items():
            if path in told_by_rows:
                told_by_rows[path] += sum(sums.get(field, 0) for field in TIME)
        for path, told in told_by_rows.items():
            # A machine's rows have no gaps, so what is missing lies before the first of them.
            first = whole_end - told
            if first > whole_start:
                measured.put_unknown(path, whole_start, first, plant)
        ends = [(start, whole_start), (whole_end, end)]
    else:
        ends = [(start, end)]
    for begin, until in ends:
        if begin < until:
            found = await histories(store, asset, begin, until, plant.microstop_limit_ns)
            _from_events(plant, found, machines, (begin, until), measured)
    counted = frozenset(machines)
    for (path, _, _), sums in measured.sums.items():
        if path not in counted:  # a meter or a sensor of its own: its quantities count, its time is nobody's
            for field in TIME:
                sums.pop(field, None)
    return Range(asset, start, end, measured.sums, measured.reasons, machines)


def _counted(plant: Plant, asset: str, heard: AbstractSet[str], counted: AbstractSet[str]) -> tuple[str, ...]:
    silent = {machine for machine in plant.machines() if is_under(machine, asset)} - heard
    return tuple(sorted((counted & heard) | silent or heard))


class _Parts:
    """Sums and reasons by part, as they come together."""

    def __init__(self) -> None:
        self.sums: dict[PartKey, Sums] = {}
        self.reasons: dict[PartKey, tuple[int, int]] = {}

    def put(self, key: PartKey, sums: Sums) -> None:
        add(self.sums.setdefault(key, {}), sums)

    def put_unknown(self, machine: str, start: int, end: int, plant: Plant) -> None:
        for shift, sums in unknown_time(start, end, plant.calendar_of(machine)).items():
            self.put((machine, NO_PRODUCT, shift), sums)

    def put_reason(self, key: PartKey, seconds: int, entries: int) -> None:
        before = self.reasons.get(key, (0, 0))
        self.reasons[key] = (before[0] + seconds, before[1] + entries)


async def _from_rows(store: Store, asset: str, start: int, end: int, measured: _Parts) -> None:
    for begin, until, resolution in layers(start, end):
        for key, sums in (await store.totals(asset, begin, until, resolution)).items():
            measured.put(key, sums)
    for row in await store.reasons(asset, start, end):
        measured.put_reason((row.asset, row.state, row.reason), row.seconds, row.entries)


def _from_events(
    plant: Plant,
    found: dict[str, History],
    machines: tuple[str, ...],
    between: tuple[int, int],
    measured: _Parts,
) -> None:
    for path, history in found.items():
        rows = build(history, *between, Rules.of(plant, path))
        for (_, product, shift), sums in rows.sums.items():
            measured.put((path, product, shift), sums)
        for (_, state, reason), (seconds, entries) in rows.reasons.items():
            measured.put_reason((path, state, reason), seconds, entries)
    for path in machines:
        if path not in found:
            measured.put_unknown(path, *between, plant)


def layers(start: int, end: int) -> list[tuple[int, int, Resolution]]:
    """Cut a range of whole minutes into stretches, each to be read in the coarsest rows that fit."""
    cut: list[tuple[int, int, Resolution]] = []
    sizes: tuple[tuple[Resolution, int], ...] = (("day", DAY), ("hour", HOUR))
    rest = [(start, end)]
    for resolution, size in sizes:
        finer: list[tuple[int, int]] = []
        for begin, until in rest:
            first, last = -(-begin // size) * size, until // size * size
            if first < last:
                cut.append((first, last, resolution))
                finer += [(begin, first), (last, until)]
            else:
                finer.append((begin, until))
        rest = finer
    cut += [(begin, until, "minute") for begin, until in rest if begin < until]
    return cut
