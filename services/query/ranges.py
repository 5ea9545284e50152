"""Range queries: the exact sums of any set of machines over any time range.

The whole minutes of a range are read from the ledger, in the coarsest rows that fit (days, hours, minutes). Its two
ends, and what no row covers yet, are computed from the events by the same code that builds rows. So the sums are exact
to the nanosecond, and the same however the range is cut.
"""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from broker.contract.events import AnyEvent
from broker.contract.instants import FOR_EVER
from broker.contract.topics import is_under
from broker.plant.plant import Plant
from services.ledger.fields import TIME, Sums, add, bounded
from services.ledger.history import HOLDING, MINUTE, History
from services.ledger.rows import NO_PRODUCT
from services.ledger.rows import sums as summed
from services.ledger.rules import Rules
from services.ledger.time_field import unknown_time
from services.query.histories import histories, jobs_reported_before
from services.store.interface import Store
from services.store.resolutions import layers
from services.store.retiring import retired

LAG_NS: Final = 10 * MINUTE
"""By so much the ends of the rows of machines that are up to date may differ."""

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
            ever reported a state, a count or an order, and those declared that have not reported. Where there are none
            of them, all that reported: a meter by itself.
        simulated: the machines that are not real.
    """

    asset: str
    start: int
    end: int
    parts: dict[PartKey, Sums]
    reasons: dict[PartKey, tuple[int, int]]
    machines: tuple[str, ...]
    simulated: frozenset[str] = frozenset()

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
        return {machine: bounded(total) for machine, total in totals.items()}

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
    newest = await store.latest_before(HOLDING, asset, FOR_EVER)
    gone = await retired(store, known.values())
    over = {machine for machine, at in gone.items() if at <= start}
    received = {event.asset for event in newest if event.kind in COUNTED}
    machines = tuple(path for path in _counted(plant, asset, known.keys(), received - over) if path not in over)
    covered = {event.asset: start for event in newest} | await store.watermark(asset)
    covered = await _only_booked(store, asset, (start, end), known.keys() - covered.keys()) | covered
    whole_start = -(-start // MINUTE) * MINUTE
    whole_end = _end_of_rows((at for machine, at in covered.items() if machine not in gone), end)
    covered |= {machine: min(covered.get(machine, at), at - at % MINUTE) for machine, at in gone.items()}
    behind = {machine: max(at, start) for machine, at in covered.items() if at < whole_end}
    if behind:
        newest += await store.events(("adjust",), asset, min(behind.values()), FOR_EVER)
    measured = _Parts()
    ends = [(start, end)]
    if whole_start < whole_end:
        await _from_rows(store, asset, (whole_start, whole_end), measured, but=behind)
        for machine, at in behind.items():
            if whole_start < at:
                await _from_rows(store, machine, (whole_start, at), measured)
        known_by_rows = dict.fromkeys(machines, 0)
        for (path, _, _), sums in measured.sums.items():
            if path in known_by_rows:
                known_by_rows[path] += sum(sums.get(field, 0) for field in TIME)
        for path, reported in known_by_rows.items():
            # A machine's rows have no gaps, so what is missing lies before the first of them.
            first = behind.get(path, whole_end) - reported
            measured.put_unknown(path, whole_start, first, plant)
        await _from_behind(store, plant, newest, frozenset(machines), gone, behind, (whole_start, whole_end), measured)
        ends = [(start, whole_start), (whole_end, end)]
    for begin, until in ends:
        if begin < until:
            found = await histories(store, plant, asset, begin, until)
            _from_events(plant, found, machines, gone, (begin, until), measured)
    counted = frozenset(machines)
    for (path, _, _), sums in measured.sums.items():
        if path not in counted:  # a meter or a sensor of its own: its quantities count, its time does not
            for field in TIME:
                sums.pop(field, None)
    simulated = frozenset(path for path, machine in known.items() if machine.simulated)
    return Range(asset, start, end, measured.sums, measured.reasons, machines, simulated)


async def _only_booked(store: Store, asset: str, between: tuple[int, int], rowless: AbstractSet[str]) -> dict[str, int]:
    """Return, with the start of the range, the machines without rows on which pieces are booked."""
    if not rowless:
        return {}
    start, end = between
    return {event.asset: start for event in await store.events(("adjust",), asset, start, end + 1)}


def _end_of_rows(covered: Iterable[int], end: int) -> int:
    """Return until when rows are read: where the rows of machines that are up to date end.

    Rows of a machine that has long been silent, or is being recomputed, end earlier; the rest of their time is computed
    from events.
    """
    covered = list(covered)
    newest = min(end, max(covered, default=end))
    return min([newest, *(at for at in covered if at >= newest - LAG_NS)]) // MINUTE * MINUTE


async def _from_behind(  # noqa: PLR0917  (it is a part of `measure`)
    store: Store,
    plant: Plant,
    newest: list[AnyEvent],
    machines: AbstractSet[str],
    gone: Mapping[str, int],
    behind: Mapping[str, int],
    between: tuple[int, int],
    measured: "_Parts",
) -> None:
    """Add what machines did from where their rows end."""
    still = await _still(store, plant, newest, behind)
    for machine, at in behind.items():
        begin = max(at, between[0])
        if machine in still:
            found = {machine: still[machine]}
        else:
            found = await histories(store, plant, machine, begin, between[1])
        timed = (machine,) if machine in machines else ()
        _from_events(plant, found, timed, gone, (begin, between[1]), measured)


async def _still(store: Store, plant: Plant, newest: list[AnyEvent], behind: Mapping[str, int]) -> dict[str, History]:
    """Return the histories of those machines that have reported nothing since their rows ended."""
    reported = {event.asset for event in newest if event.asset in behind and event.at >= behind[event.asset]}
    found: dict[str, History] = {}
    for event in newest:
        at = behind.get(event.asset)
        if at is None or event.asset in reported:
            continue
        history = found.setdefault(event.asset, History(at, plant.silent_ns(event.asset)))
        for each in (*await jobs_reported_before(store, event), event):
            history.put(each, each.at, 0)
    return found


def _counted(plant: Plant, asset: str, received: AbstractSet[str], counted: AbstractSet[str]) -> tuple[str, ...]:
    silent = {machine for machine in plant.machines() if is_under(machine, asset)} - received
    return tuple(sorted((counted & received) | silent or received))


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


async def _from_rows(
    store: Store, asset: str, between: tuple[int, int], measured: _Parts, *, but: Collection[str] = ()
) -> None:
    start, end = between
    for begin, until, resolution in layers(start, end):
        for key, sums in (await store.totals(asset, begin, until, resolution)).items():
            if key[0] not in but:
                measured.put(key, sums)
    for row in await store.reasons(asset, start, end):
        if row.asset not in but:
            measured.put_reason((row.asset, row.state, row.reason), row.seconds, row.entries)


def _from_events(  # noqa: PLR0917  (it is a part of `measure`)
    plant: Plant,
    found: dict[str, History],
    machines: tuple[str, ...],
    gone: Mapping[str, int],
    between: tuple[int, int],
    measured: _Parts,
) -> None:
    """Add what machines did, of one that is `gone` until then."""
    start, end = between
    for path, history in found.items():
        rows = summed(history, start, min(end, gone.get(path, end)), Rules.of(plant, path))
        for (_, product, shift), sums in rows.sums.items():
            measured.put((path, product, shift), sums)
        for (_, state, reason), (seconds, entries) in rows.reasons.items():
            measured.put_reason((path, state, reason), seconds, entries)
    for path in machines:
        if path not in found:
            measured.put_unknown(path, start, min(end, gone.get(path, end)), plant)
