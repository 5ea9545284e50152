"""Answers to compare: one range grouped by hour, day, shift, order, product or machine.

The groups of a range add up to it. Hours, production days and the shifts of each day are time ranges. The ledger's rows
have product and shift, so that all shifts of a name add up without them; an order is the time ranges in which it ran on
each machine.
"""

from typing import Final, Literal, get_args

import msgspec

from broker.contract import instants
from broker.contract.errors import ContractError
from broker.contract.topics import is_under
from broker.plant.calendar import NO_SHIFT
from broker.plant.plant import Plant
from services.ledger.fields import NANO, TIME, Sums, add
from services.ledger.indicators.indicators import Context
from services.ledger.rows import NO_PRODUCT, build
from services.ledger.rules import Rules
from services.query.answers import Answer, Group, answer, build_answer
from services.query.contexts import operations_of
from services.query.data_quality.metered import metered_sums
from services.query.data_quality.never_reported import not_reported
from services.query.histories import histories
from services.query.periods import Cut, Period, calendar_over, gaps, periods
from services.query.planning import Interval, intervals
from services.query.ranges import PartKey, Range, measure
from services.store.interface import Store
from services.store.resolutions import DAY

By = Literal["hour", "day", "shift", "shift-name", "order", "product", "machine"]
BY: Final[tuple[By, ...]] = get_args(By)
LONGEST_NS: Final = 31 * DAY
"""Ranges up to a month can be grouped by order: that reads single events."""
MOST_ORDERS: Final = 200
MOST_MACHINES: Final = 1_000
_WORK: Final = ("running_s", "setup_s", "produced", "good", "scrap", "rework")
"""What is done: time outside any shift in which there is some of it is a group too."""

_KNOWN: Final = tuple(field for field in TIME if field not in {"unknown_s", "unknown_planned_s"})


async def answers_by(
    store: Store, plant: Plant, asset: str, by: By, between: tuple[int, int], *, now: int
) -> list[Answer]:
    """Return an answer a group of a range, from its first to before its second instant.

    Hours, days and shifts come by time, and end now; products and names of shifts by name, time without one last;
    machines by path; orders the newest first.

    Raises:
        ContractError: by order, and the range is longer than a month; or there are too many groups.
        RangeError: by hour, and there are too many.
    """
    start, end = between
    if by in {"hour", "day", "shift"}:
        return await _by_period(store, plant, asset, by, (start, min(end, now)), now=now)
    if by == "machine":
        measured = await measure(store, plant, asset, start, end, now=now)
        if len(measured.machines) > MOST_MACHINES:
            raise ContractError(
                f"{len(measured.machines)} machines are too many to group by",
                f"ask for an area or a line, with at most {MOST_MACHINES}",
            )
        answers = [await answer(store, plant, machine, start, end, now=now) for machine in measured.machines]
        return [_put(each, Group(by, each.asset, each.from_, each.counted_to)) for each in answers]
    if by == "order":
        if end - start > LONGEST_NS:
            raise ContractError("the range is longer than 31 days", "group a part of it by order")
        return await _by_order(store, plant, asset, between, now=now)
    measured = await measure(store, plant, asset, start, end, now=now)
    place = 1 if by == "product" else 2
    parts: dict[str, dict[PartKey, Sums]] = {}
    for key, sums in measured.parts.items():
        parts.setdefault(key[place], {})[key] = sums
    newest = (
        _newest_orders(await intervals(store, asset, start, measured.end), measured)
        if by == "product"
        else _newest_shifts(plant, measured)
    )
    never = await not_reported(store, asset, measured.end, *measured.parts.values())
    found = []
    for name in sorted(parts, key=lambda name: (name in {NO_PRODUCT, NO_SHIFT}, name)):
        if not any(sums.get(field, 0) for sums in parts[name].values() for field in (*_KNOWN, "produced", "good")):
            continue  # only time of which nothing is known
        first, last = newest.get(name, (measured.start, measured.end))
        found.append(_build_group(measured, plant, parts[name], never, _group(by, name, first, last), end))
    return found


def _build_group(  # noqa: PLR0917  (the parts of an answer)
    measured: Range,
    plant: Plant,
    parts: dict[PartKey, Sums],
    never: frozenset[str],
    group: Group,
    asked_end: int,
) -> Answer:
    reported = {machine for machine, _, _ in parts}
    machines = tuple(machine for machine in measured.machines if machine in reported)
    part = Range(measured.asset, measured.start, measured.end, parts, {}, machines, measured.simulated)
    context = Context(operations=operations_of(plant, part), not_reported=never, metered=metered_sums(part))
    return build_answer(part, plant, context, {}, asked_end=asked_end, group=group)


def _newest_orders(found: list[Interval], measured: Range) -> dict[str, tuple[int, int]]:
    """Return of each product when its newest order was on, from its first machine to its last."""
    newest: dict[str, tuple[int, int]] = {}
    last_order: dict[str, str] = {}
    for job, _, _, _ in sorted(found, key=lambda interval: interval.start):
        last_order[job.product or NO_PRODUCT] = job.order
    for product, order in last_order.items():
        named = (product, order)
        on = [(start, end) for job, start, end, _ in found if (job.product or NO_PRODUCT, job.order) == named]
        newest[product] = max(measured.start, min(start for start, _ in on)), max(end for _, end in on)
    return newest


def _newest_shifts(plant: Plant, measured: Range) -> dict[str, tuple[int, int]]:
    calendar = calendar_over(plant, measured.asset, measured.machines)
    if calendar is None:
        return {}
    windows = calendar.shifts(measured.start, measured.end)
    return {window.name: (window.start, min(window.end, measured.end)) for window in windows}


async def _by_period(
    store: Store, plant: Plant, asset: str, by: Cut, between: tuple[int, int], *, now: int
) -> list[Answer]:
    reported = [machine.asset for machine in await store.machines(asset)]
    machines = dict.fromkeys([*(path for path in plant.machines() if is_under(path, asset)), *sorted(reported)])
    found = periods(plant, asset, machines, by, between)
    answers = [await _of_period(store, plant, asset, by, period, now=now) for period in found]
    if by == "shift" and between[0] < between[1]:
        whole = (await measure(store, plant, asset, *between, now=now)).total()
        if any(round(sum(each.ledger[field] for each in answers) * NANO) < whole.get(field, 0) for field in _WORK):
            outside = [await _of_period(store, plant, asset, by, period, now=now) for period in gaps(found, between)]
            answers += [each for each in outside if any(each.ledger[field] for field in _WORK)]
            answers.sort(key=lambda each: instants.parse(each.from_))
    return answers


async def _of_period(store: Store, plant: Plant, asset: str, by: Cut, period: Period, *, now: int) -> Answer:
    found = await answer(store, plant, asset, period.start, period.end, now=now)
    return _put(found, Group(by, period.name, found.from_, found.counted_to, period.day))


async def _by_order(store: Store, plant: Plant, asset: str, between: tuple[int, int], *, now: int) -> list[Answer]:
    start, asked_end = between
    end = max(start, min(asked_end, now))
    by_order: dict[str, list[Interval]] = {}
    for interval in sorted(await intervals(store, asset, start, end), key=lambda interval: -interval.start):
        by_order.setdefault(interval.job.order, []).append(interval)
    known = await histories(store, plant, asset, start, end)
    found = []
    for order, on in list(by_order.items())[:MOST_ORDERS]:
        first, last = max(start, min(each.start for each in on)), max(each.end for each in on)
        parts: dict[PartKey, Sums] = {}
        reasons: dict[PartKey, tuple[int, int]] = {}
        for job, began, ended, _ in on:
            if job.asset in known:
                rows = build(known[job.asset], max(start, began), ended, Rules.of(plant, job.asset))
                for (_, product, shift), sums in rows.sums.items():
                    add(parts.setdefault((job.asset, product, shift), {}), sums)
                for (_, state, reason), (seconds, entries) in rows.reasons.items():
                    before = reasons.get((job.asset, state, reason), (0, 0))
                    reasons[job.asset, state, reason] = (before[0] + seconds, before[1] + entries)
        part = Range(asset, first, last, parts, reasons, tuple(sorted({each.job.asset for each in on})))
        never = await not_reported(store, asset, last, part.total())
        context = Context(operations=operations_of(plant, part), not_reported=never, metered=metered_sums(part))
        found.append(build_answer(part, plant, context, {}, asked_end=last, group=_group("order", order, first, last)))
    return found


def _group(by: By, name: str, start: int, end: int) -> Group:
    return Group(by, name, instants.format_rfc3339(start), instants.format_rfc3339(end))


def _put(found: Answer, group: Group) -> Answer:
    return msgspec.structs.replace(found, group=group)
