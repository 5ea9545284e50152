"""Explaining a number: its formula with the numbers in it, the sums that it comes from, and the events behind them.

The events are the single contributions that the ledger's own code computes for the range, so their amounts add up to
the sums shown, which are the sums of the answer.
"""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, cast, get_args

import msgspec

from broker.contract import instants
from broker.contract.errors import ContractError
from broker.contract.events import Measurement
from broker.contract.payloads import KpiWarning
from broker.plant.calendar import NO_SHIFT
from broker.plant.plant import Plant
from services.ledger import bookings
from services.ledger.fields import NANO, TIME, Sums
from services.ledger.history import History
from services.ledger.indicators import formulas
from services.ledger.indicators.capability import Capability, Index, least
from services.ledger.indicators.formulas import Operand
from services.ledger.indicators.indicators import INDICATORS
from services.ledger.indicators.terms import Terms
from services.ledger.indicators.warnings import data_quality_warnings
from services.ledger.rows import NO_PRODUCT, Part, parts
from services.ledger.rules import Rules
from services.ledger.state_timeline import UNKNOWN
from services.query.answers import lasting_states, rated_part
from services.query.composition import notes_of
from services.query.contexts import context_of, measurements
from services.query.data_quality.metered import metered_machines
from services.query.data_quality.noted_readings import NotedReading, noted_readings
from services.query.data_quality.silences import presence_warnings
from services.query.histories import histories
from services.query.planning import Planned, plans
from services.query.ranges import Range, measure
from services.store.interface import Store
from services.store.resolutions import DAY

PLAN: Final = "planned"
"""Not a field of the ledger: what orders or targets plan."""
_BY_OPERATION: Final = {"rolled_throughput_yield": ("first_pass", "inspected")}
"""Fields of indicators that no term stands for, as each operation has its own."""
LONGEST_NS: Final = 31 * DAY
"""Events are listed for ranges up to a month."""
MOST_EVENTS: Final = 50_000
"""Events that are listed at once."""


class Contribution(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """One time range, count or entry, and what it adds to a field.

    Attributes:
        machine: whose.
        field: of the ledger; `planned`; of what was measured, the characteristic.
        amount: in the field's unit; of what was measured, the value.
        from_: RFC 3339.
        to: RFC 3339; equal to `from_` for what happens at an instant.
        state: then; of what is planned, `order` or `target`.
        reason: of the state, '' where none was reported; of what is planned, how.
        product: of the order then on the machine, `-` without one.
        shift: `-` outside.
        booking: the id of what was booked by hand; '' for all other contributions.
        booked: what was booked, why and by whom, for people.
    """

    machine: str
    field: str
    amount: float
    from_: str
    to: str
    state: str
    reason: str
    product: str
    shift: str
    booking: str = ""
    booked: str = ""


class Explanation(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Why an indicator has the value that it has; encoded, what `kpi explain --json` prints.

    Attributes:
        value: unrounded; None where it is not defined.
        number: of ISO 22400-2:2014; None beyond it.
        formula: over the terms.
        filled: the formula with the numbers in it.
        why_not: why there is no value; '' where there is one.
        notes: why there is no value, and what seems wrong in the data of the machines that it is of.
        warnings: the same as data.
        sums: the fields of the ledger that the terms are made of, of the operations that they are of; `planned`.
        events: contributions by machine and time; those of a field add up to its sum.
        readings: those that were something else than production, by machine and time.
    """

    asset: str
    indicator: str
    from_: str
    to: str
    value: float | None
    unit: str
    number: int | None
    meaning: str
    formula: str
    filled: str
    why_not: str
    terms: list[Operand]
    sums: dict[str, float]
    events: list[Contribution]
    notes: list[str]
    warnings: list[KpiWarning]
    readings: list[NotedReading]

    def document(self) -> dict[str, Any]:
        """Return the explanation as plain values, ready for JSON."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


async def explain(
    store: Store,
    plant: Plant,
    asset: str,
    indicator: str,
    between: tuple[int, int],
    *,
    now: int,
    rated: bool = False,
) -> Explanation:
    """Explain an indicator of `asset` over a range, from its first to before its second instant.

    With `rated`, that of the machines of which OEE lacks nothing (an answer's `rated`).

    Raises:
        ContractError: there is no such indicator, the range is longer than a month, or too much is behind it.
    """
    start, end = between
    _check(indicator, end - start)
    measured = await measure(store, plant, asset, start, end, now=now)
    left_out: Collection[str] = ()
    if rated:
        measured, left_out = rated_part(measured)
    sums = measured.total()
    context = await context_of(store, plant, measured)
    found = formulas.explain(indicator, sums, context)
    terms = [msgspec.structs.replace(term, fields=(PLAN,)) if term.name == "PPQ" else term for term in found.operands]
    amounts, whose = _fields(indicator, terms, Terms(sums, context), plant, measured)
    events: list[Contribution] = []
    readings: list[NotedReading] = []
    known = await histories(store, plant, asset, start, measured.end)
    for machine, history in sorted(known.items()):
        if machine in left_out:
            continue
        reported = parts(history, start, measured.end, Rules.of(plant, machine))
        readings += noted_readings(machine, history, start, measured.end)
        counted = {field for field in whose if machine in measured.machines or field not in TIME}
        counted -= {field for field, machines in whose.items() if machines is not None and machine not in machines}
        events += _contributions(machine, [part for part in reported if part.field in counted])
        if len(events) > MOST_EVENTS:
            raise ContractError(
                f"more than {MOST_EVENTS} events are behind {indicator}", "explain one machine, or a shorter range"
            )
    if PLAN in amounts:
        events += [_planned(each) for each in await plans(store, plant, measured) or []]
    if indicator in get_args(Index):
        least_of = least(context.capabilities, cast("Index", indicator))
        events += [] if least_of is None else await _measurements_of(least_of[1], store, measured, known)
    warnings = [] if found.finding is None else [found.finding.of_indicator(asset, indicator)]
    warnings += data_quality_warnings(measured.by_machine(), await lasting_states(store, measured), plant.load_size)
    warnings += await presence_warnings(store, measured)
    return Explanation(
        asset=asset,
        indicator=indicator,
        from_=instants.format_rfc3339(start),
        to=instants.format_rfc3339(measured.end),
        value=found.value,
        unit=found.unit,
        number=found.number,
        meaning=found.meaning,
        formula=found.formula,
        filled=found.filled,
        why_not=found.why_not,
        terms=terms,
        sums={field: amount / NANO for field, amount in amounts.items()},
        events=events,
        notes=notes_of(warnings),
        warnings=warnings,
        readings=readings,
    )


def _check(indicator: str, length_ns: int) -> None:
    """Check that there is such an indicator, and that a range is not too long for its events to be listed."""
    if indicator not in INDICATORS:
        near = get_close_matches(indicator, INDICATORS, 3)
        raise ContractError(
            f"there is no indicator {indicator!r}",
            f"use {' or '.join(near)}" if near else f"use {', '.join(INDICATORS)}",
        )
    if length_ns > LONGEST_NS:
        raise ContractError("the range is longer than 31 days", "explain a part of it")


def _fields(
    indicator: str, terms: list[Operand], of: Terms, plant: Plant, measured: Range
) -> tuple[Sums, dict[str, Collection[str] | None]]:
    """Return the sum of each field that an indicator's terms are made of, and of which machines it is: None for all."""
    amounts: Sums = {}
    whose: dict[str, Collection[str] | None] = {}
    stages = plant.stages(measured.asset)
    machines: Collection[str] | None
    for term in terms:
        sums = {PLAN: of["PPQ"]} if term.name == "PPQ" else of.of(term.operation) or {}
        place = of.context.place(term.operation)
        machines = stages[place] if stages and place is not None else None
        if term.operation == "metered":
            machines = metered_machines(measured)
        for field in term.fields:
            amounts[field], whose[field] = sums.get(field, 0), machines
    for field in _BY_OPERATION.get(indicator, ()):
        amounts[field], whose[field] = of.sums.get(field, 0), None
    return amounts, whose


def _contributions(machine: str, reported: Iterable[Part]) -> list[Contribution]:
    """Join neighbours that only a minute's end parts, and write them for people."""
    joined: dict[str, list[Part]] = {}
    for part in reported:
        row = joined.setdefault(part.field, [])
        last = row[-1] if row else None
        if (
            last is not None
            and last.end == part.start
            and last.start < last.end
            and part.start < part.end
            and (last.reported_state, last.product, last.shift) == (part.reported_state, part.product, part.shift)
            and _as_much(last, part)
        ):
            row[-1] = part._replace(start=last.start, amount=last.amount + part.amount)
        else:
            row.append(part)
    return [
        Contribution(
            machine=machine,
            field=part.field,
            amount=part.amount / NANO,
            from_=instants.format_rfc3339(part.start),
            to=instants.format_rfc3339(part.end),
            state=part.reported_state.state,
            reason=part.reported_state.reason,
            product=part.product,
            shift=part.shift,
            booking=part.booking.id if part.booking else "",
            booked=bookings.in_words(part.booking) if part.booking else "",
        )
        for row in joined.values()
        for part in row
    ]


def _as_much(one: Part, other: Part) -> bool:
    """Return whether two parts have the same rate, but for rounding: as many people, the same stock."""
    lengths = one.end - one.start, other.end - other.start
    return abs(one.amount * lengths[1] - other.amount * lengths[0]) <= 2 * max(lengths)


def _planned(plan: Planned) -> Contribution:
    return Contribution(
        machine=plan.machine,
        field=PLAN,
        amount=plan.pieces / NANO,
        from_=instants.format_rfc3339(plan.start),
        to=instants.format_rfc3339(plan.end),
        state=plan.by,
        reason=plan.how,
        product=plan.product,
        shift=NO_SHIFT,
    )


async def _measurements_of(
    capability: Capability, store: Store, measured: Range, known: Mapping[str, History]
) -> list[Contribution]:
    """Return the measurements of the characteristic that a capability is of."""
    return [
        _measured(one, known.get(one.asset))
        for one in await measurements(store, measured)
        if (one.asset, one.characteristic) == (capability.asset, capability.characteristic)
    ]


def _measured(measurement: Measurement, history: History | None) -> Contribution:
    at = instants.format_rfc3339(measurement.at)
    reported_state = UNKNOWN if history is None else history.state_at(measurement.at - 1)
    return Contribution(
        machine=measurement.asset,
        field=measurement.characteristic,
        amount=measurement.value,
        from_=at,
        to=at,
        state=reported_state.state,
        reason=reported_state.reason,
        product=NO_PRODUCT,
        shift=NO_SHIFT,
    )
