"""How many good pieces were planned up to now: the one definition that answers, API and screens share.

Where the plant has a target OEE (`targets`), the plan follows from it and the planned time:

    planned = target OEE × planned busy time ÷ ideal cycle

The ideal cycle is the mean over what was made (ideal time ÷ pieces), or that of the order on the machine while nothing
is; so good ÷ planned is OEE ÷ target. Planned busy time is that of which the state is known.

Without a target, but with orders that have a planned quantity, the plan is theirs: each order plans its pieces one
after another, an ideal cycle each, over the planned time (by the calendar; all time where there is none) since it
began, until it has planned all of them; those within the range count. An order that is interrupted and resumed is
planned once: what it planned before the interruption, up to a month ago, is not planned again. One that has ended with
all its pieces planned begins again when its name is used again.

The output of a line is that of its last operation, whose machines' plans are added. Several machines whose flow is not
described have no plan together.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from broker.contract.events import NS_PER_S, Job
from broker.contract.instants import FOR_EVER
from broker.plant.plant import Plant
from services.ledger.entries import ideal_cycle_s, quantity
from services.ledger.fields import KNOWN_PLANNED, NANO, Sums
from services.ledger.orders import ends_order
from services.ledger.rows import NO_PRODUCT
from services.query.histories import as_of
from services.query.ranges import Range
from services.store.interface import Events
from services.store.resolutions import DAY

JOBS: Final = ("job",)
RESUMED_NS: Final = 31 * DAY
"""An order that was interrupted longer ago is planned again."""
MOST_JOBS: Final = 2_000
"""Of a machine are looked at to find such orders."""


class Interval(NamedTuple):
    """An order on a machine, from when (perhaps before the range) to when at most (its end, or that of the range).

    `is_over` where its end was reported, rather than another order begun.
    """

    job: Job
    start: int
    end: int
    is_over: bool = False


class Planned(NamedTuple):
    """Good pieces that an order or a target plans for a machine in a range.

    Attributes:
        pieces: in 10⁻⁹.
        start: from when.
        end: until when.
        product: of the order that is on; `-` where it is for several.
        by: what plans them.
        how: the order, its pieces and their ideal cycle; or the target, the planned busy time and the ideal cycle.
    """

    machine: str
    pieces: int
    start: int
    end: int
    product: str
    by: Literal["order", "target"]
    how: str


async def planned_pieces(store: Events, plant: Plant, measured: Range) -> int | None:
    """Return the good pieces planned in a range up to its end, in 10⁻⁹; None where there is no plan."""
    found = await plans(store, plant, measured)
    return None if found is None else sum(each.pieces for each in found)


async def plans(store: Events, plant: Plant, measured: Range) -> list[Planned] | None:
    """Return what is planned in a range up to its end, by machine and order; None where there is no plan."""
    found: list[Planned] = []
    reported = False
    for machine in outputs(plant, measured):
        sums = measured.of_machine(machine)
        planned = await _of_machine(store, plant, machine, sums, (measured.start, measured.end))
        if planned is not None:
            found += planned
            reported = True
        elif sums.get("produced", 0) or sums.get("good", 0):
            return None  # its output could not be compared with a plan
    return found if reported else None


def outputs(plant: Plant, measured: Range) -> tuple[str, ...]:
    """Return the machines whose good pieces are the asset's: of a line, those of its last operation."""
    stages = plant.stages(measured.asset)
    if stages:
        return tuple(machine for machine in stages[-1] if machine in measured.machines)
    return measured.machines if len(measured.machines) == 1 else ()


async def intervals(store: Events, asset: str, start: int, end: int) -> list[Interval]:
    """Return which order was on which machine in a range, in order of machine and time; the last ones begin last."""
    found = [*await as_of(store, JOBS, asset, start + 1), *await store.events(JOBS, asset, start + 1, end)]
    by_machine: dict[str, list[Job]] = {}
    for event in found:
        if isinstance(event, Job):
            by_machine.setdefault(event.asset, []).append(event)
    on = [interval for _, jobs in sorted(by_machine.items()) for interval in _intervals(jobs, end)]
    return [interval for interval in on if interval.end > start]


async def newest_orders(store: Events, machine: str, until: int) -> list[Interval]:
    """Return the newest orders of a machine, the newest last: as many as there are up to two, and perhaps more.

    One that is on ends at `FOR_EVER`.
    """
    limit = 16
    while True:
        jobs = await store.events(JOBS, machine, -FOR_EVER, until + 1, limit=limit, newest_first=True)
        found = list(_intervals((job for job in reversed(jobs) if isinstance(job, Job)), FOR_EVER))
        if len(found) > 2 or len(jobs) < limit:  # of the oldest that was read the begin may be missing
            return found
        limit *= 8


def _intervals(jobs: Iterable[Job], end: int) -> Iterator[Interval]:
    """Yield the time ranges of a machine's jobs (see `Orders`): a repeated start goes on, with its newest fields."""
    on: Interval | None = None
    for job in jobs:
        if on is not None and job.phase == "start" and job.order == on.job.order:
            on = on._replace(job=job)
            continue
        if job.phase == "end" and on is not None and not ends_order(job.order, on.job.order):
            continue  # it ends another order, which this one has ended before
        if on is not None:
            yield on._replace(end=job.at, is_over=job.phase == "end")
        on = Interval(job, job.at, end) if job.phase == "start" else None
    if on is not None:
        yield on


async def _before(store: Events, machine: str, found: list[Interval]) -> list[Interval]:
    """Return the orders of a machine before those found, as far as one of those may be among them."""
    if not found:
        return []
    start = found[0].start
    jobs = await store.events(JOBS, machine, start - RESUMED_NS, start, limit=MOST_JOBS, newest_first=True)
    before = list(_intervals((job for job in reversed(jobs) if isinstance(job, Job)), start))
    names = {interval.job.order for interval in found}
    return [interval for interval in before if interval.job.order in names]


async def _of_machine(
    store: Events, plant: Plant, machine: str, sums: Sums, between: tuple[int, int]
) -> list[Planned] | None:
    if sums.get("unrated", 0):
        return None
    target = plant.targets(machine).get("oee")
    if target is None:
        found = await intervals(store, machine, *between)
        return _of_orders(plant, machine, [*await _before(store, machine, found), *found], between)
    busy = sum(sums.get(field, 0) for field in KNOWN_PLANNED)
    produced, ideal = sums.get("produced", 0), sums.get("ideal_s", 0)
    how = f"oee {target:g} × {busy / NANO:.6g} s / "
    if produced and ideal:
        pieces = round(target * busy * produced / ideal)
        return [Planned(machine, pieces, *between, NO_PRODUCT, "target", f"{how}{ideal / produced:.6g} s")]
    newest = (await intervals(store, machine, between[1] - 1, between[1]))[-1:]
    ideal_s = _ideal_s(plant, newest[0].job) if newest else None
    if not ideal_s or not busy or produced:
        return None
    pieces = round(target * busy / ideal_s)
    return [Planned(machine, pieces, *between, newest[0].job.product, "target", f"{how}{ideal_s:g} s")]


def _of_orders(plant: Plant, machine: str, found: list[Interval], between: tuple[int, int]) -> list[Planned] | None:
    calendar = plant.calendar_of(machine)

    def planned_s(start: int, end: int) -> float:
        return calendar.planned_s(start, end) if calendar else (end - start) / NS_PER_S

    planned: list[Planned] = []
    total = 0.0
    done: dict[str, float] = {}
    for job, began, ended, is_over in found:
        ideal_s = _ideal_s(plant, job)
        wanted = quantity(job.planned)
        if ended <= between[0] and (wanted is None or not ideal_s):
            continue  # before the range, where it does not matter
        if wanted is None or not ideal_s:
            return None
        left = max(0.0, wanted - done.get(job.order, 0.0))
        all_planned = min(left, planned_s(began, max(began, ended)) / ideal_s)
        done[job.order] = 0.0 if is_over and all_planned == left else done.get(job.order, 0.0) + all_planned
        if ended <= between[0]:
            continue
        before = min(left, planned_s(began, max(began, between[0])) / ideal_s)
        until = total + all_planned - before
        pieces = round(until * NANO) - round(total * NANO)  # so that they add up to the rounded total
        how = f"{job.order}: {wanted:g} of {ideal_s:g} s"
        planned.append(Planned(machine, pieces, max(began, between[0]), ended, job.product, "order", how))
        total = until
    return planned or None


def _ideal_s(plant: Plant, job: Job) -> float | None:
    """Return the ideal cycle of an order: as reported, else the plant's for its product."""
    return ideal_cycle_s(job) or plant.ideal_cycle(job.asset, job.product)
