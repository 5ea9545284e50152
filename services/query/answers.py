"""Answers: the indicators of an asset over a range, as every screen, file and command shows them.

There is one way to a number: the ledger of the range (`ranges`), then the pure functions of its sum
(`services.ledger.indicators.indicators`). What is printed, served and drawn is this answer, unrounded.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from broker.contract import instants
from broker.contract.events import State, StateChange
from broker.contract.payloads import KpiWarning
from broker.plant.plant import Loss, Plant
from services.ledger.fields import NANO, to_units
from services.ledger.indicators.bottleneck import Bottleneck
from services.ledger.indicators.capability import Capability
from services.ledger.indicators.findings import Finding, found
from services.ledger.indicators.indicators import Context
from services.ledger.indicators.losses import six_big_losses, waterfall
from services.ledger.indicators.undefined import good_not_reported, never_counted, uncounted, unrated
from services.ledger.indicators.warnings import data_quality_warnings
from services.query.composition import compose, is_to_check, notes_of
from services.query.contexts import bottleneck_of, full_context
from services.query.data_quality.caveats import Caveat, caveats_of
from services.query.data_quality.silences import presence_warnings
from services.query.ranges import Range, measure
from services.store.interface import Store

OEE_FAMILY: Final = ("oee", "nee", "teep", "availability", "effectiveness", "quality_ratio")
"""The indicators that a machine of which something is not reported takes from all the others."""


class Reason(msgspec.Struct, frozen=True):
    """Planned time lost to one reason, and how often it began."""

    state: str
    reason: str
    seconds: float
    entries: float


class Step(msgspec.Struct, frozen=True):
    """One step of the waterfall from calendar time down to fully productive time."""

    name: str
    seconds: float


class Rated(msgspec.Struct, frozen=True):
    """The indicators of the OEE family over those machines that report all that OEE needs.

    Attributes:
        indicators: by name, unrounded.
        without: the machines that are left out.
        why: what is missing of each of them, in words.
        warnings: the same as data.
        implausible: as in the answer.
    """

    indicators: dict[str, float | None]
    without: list[str]
    why: list[str]
    warnings: list[KpiWarning]
    implausible: dict[str, str] = msgspec.field(default_factory=dict)


class Constraint(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """The machine of a line that was active longest without a pause, and from when to when that was (RFC 3339)."""

    machine: str
    from_: str
    to: str


class Group(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """What part of a range an answer is of.

    Attributes:
        by: hour, day, shift, shift-name, order, product or machine.
        name: of the product, shift or order, `-` for time without one; path of the machine; date of the production day;
            when the hour began.
        from_: RFC 3339, when it was on last: that order, the product's newest order, the newest shift of the name; of a
            day, hour or single shift when it began.
        to: RFC 3339, until when.
        day: the production day of a day or single shift, a date; '' of others.
    """

    by: str
    name: str
    from_: str
    to: str
    day: str = ""


class Answer(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """The indicators of an asset over a range; encoded, it is the document that `kpi show --json` prints.

    Attributes:
        from_: RFC 3339.
        to: RFC 3339, as asked.
        counted_to: RFC 3339, until when it is counted: `to`, or now if that is earlier.
        coverage: 1 − unknown ÷ calendar time; None where there is no time at all.
        indicators: by name, unrounded; None where one is not defined.
        ledger: the sums behind them, in the units of their names.
        reasons: largest first.
        waterfall: from calendar time down to fully productive time; adds up exactly.
        capabilities: of each measured characteristic.
        machines: the machines that are counted.
        notes: what seems wrong in the data, and of each indicator that is None, why it is not defined.
        warnings: the notes as data, in the same order.
        implausible: the indicators whose value cannot be, each with the code of the warning that says why: they are not
            to be presented as figures.
        caveats: the machines that spoil figures of a total, each with what it is
            (`services.query.data_quality.caveats`).
        rated: the OEE family without the machines with something never reported; None where there are none of them, or
            no others. `indicators` have no OEE then if pieces cannot be rated, or most of the running time is not
            counted, as it would be wrong; else they have one with the time of those machines in it.
        six_big_losses: seconds by loss, None for one that cannot be known; None in an answer by product or shift, as
            the ledger does not store reasons by these.
        good_output: good pieces that came out: of a line, those of its last operation; None where that is not known, or
            none was ever reported.
        planned: good pieces planned up to now (`services.query.planning`); None where there is no plan.
        constraint: of a line whose flow is reported; `bottleneck_oee` is by its operation.
        group: what part of the range it is of; None for the whole of it.
    """

    asset: str
    from_: str
    to: str
    counted_to: str
    coverage: float | None
    indicators: dict[str, float | None]
    ledger: dict[str, float]
    reasons: list[Reason]
    waterfall: list[Step]
    capabilities: list[Capability]
    machines: list[str]
    notes: list[str]
    warnings: list[KpiWarning]
    implausible: dict[str, str] = msgspec.field(default_factory=dict)
    caveats: list[Caveat] = msgspec.field(default_factory=list)
    rated: Rated | None = None
    six_big_losses: dict[str, float | None] | None = None
    good_output: float | None = None
    planned: float | None = None
    constraint: Constraint | None = None
    group: Group | None = None

    @property
    def to_check(self) -> list[str]:
        """The notes without those that say why an indicator that is seldom reported is not defined."""
        return notes_of(filter(is_to_check, self.warnings))

    def document(self) -> dict[str, Any]:
        """Return the answer as plain values, ready for JSON."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


async def answer(store: Store, plant: Plant, asset: str, start: int, end: int, *, now: int) -> Answer:
    """Return the indicators of `asset` over start ≤ t < end, as far as it has happened.

    Args:
        store: where ledger and events are.
        plant: calendars, ideal cycles, reasons.
        asset: an asset path; '' for everything.
        start: nanoseconds since 1970-01-01 UTC.
        end: the same.
        now: the present.
    """
    measured = await measure(store, plant, asset, start, end, now=now)
    bottleneck = await bottleneck_of(store, plant, measured)
    context = await full_context(store, plant, measured, bottleneck)
    return build_answer(
        measured,
        plant,
        context,
        await lasting_states(store, measured),
        asked_end=end,
        bottleneck=bottleneck,
        present=await presence_warnings(store, measured),
    )


def build_answer(
    measured: Range,
    plant: Plant,
    context: Context,
    lasting: Mapping[str, tuple[State, int]],
    *,
    asked_end: int,
    bottleneck: Bottleneck | None = None,
    group: Group | None = None,
    present: Sequence[KpiWarning] = (),
) -> Answer:
    """Return the indicators of a ledger over a range.

    Args:
        measured: the ledger.
        plant: which loss a reason is, and how many pieces machines count together.
        context: what indicators need besides.
        lasting: of each machine, the state that it last reported, and how long before the end.
        asked_end: the end that was asked for, which may be to come.
        bottleneck: of the line.
        group: what part of a range the ledger is of.
        present: what seems wrong with when messages of the machines were received.
    """
    sums = measured.total()
    load_size = plant.load_size(measured.asset)
    composed = compose(measured.asset, sums, context, measured.end - measured.start, load_size)
    warnings = list(composed.expected)
    rated = _rated(measured, load_size)
    if rated is not None:
        without = found("rated-without", len(rated.without), machines="; ".join(rated.why))
        warnings.append(without.of_answer(measured.asset))
    contradictions = data_quality_warnings(measured.by_machine(), lasting, plant.load_size)
    warnings += [*composed.contradictions(contradictions), *contradictions, *present]
    warnings += composed.seldom
    by_reason = group is None or group.by in {"machine", "order"}
    return Answer(
        asset=measured.asset,
        from_=instants.format_rfc3339(measured.start),
        to=instants.format_rfc3339(asked_end),
        counted_to=instants.format_rfc3339(measured.end),
        coverage=composed.coverage,
        indicators=composed.indicators,
        ledger=to_units(sums),
        reasons=_reasons(measured),
        waterfall=[Step(step.name, step.amount / NANO) for step in waterfall(sums)],
        capabilities=list(context.capabilities),
        machines=list(measured.machines),
        notes=notes_of(warnings),
        warnings=warnings,
        implausible=composed.codes,
        caveats=caveats_of(measured, plant),
        rated=rated,
        six_big_losses=_six_big_losses(measured, plant) if by_reason else None,
        good_output=_good_output(measured, context),
        planned=None if context.planned is None else context.planned / NANO,
        constraint=_constraint(bottleneck) if bottleneck else None,
        group=group,
    )


async def lasting_states(store: Store, measured: Range) -> dict[str, tuple[State, int]]:
    """Return the state that each machine last reported, and how long before the end of the range."""
    reported = await store.latest_before(("state",), measured.asset, measured.end)
    return {event.asset: (event.state, measured.end - event.at) for event in reported if isinstance(event, StateChange)}


def rated_part(measured: Range) -> tuple[Range, dict[str, Finding]]:
    """Return what is left of a range without the machines of which OEE lacks something, and what of each of them."""
    missing: dict[str, Finding] = {}
    for machine, sums in measured.by_machine().items():
        finding = uncounted(sums) or never_counted(sums) or unrated(sums) or good_not_reported(sums)
        if finding:
            missing[machine] = finding
    part = Range(
        measured.asset,
        measured.start,
        measured.end,
        {key: sums for key, sums in measured.parts.items() if key[0] not in missing},
        {key: reported for key, reported in measured.reasons.items() if key[0] not in missing},
        tuple(machine for machine in measured.machines if machine not in missing),
        measured.simulated,
    )
    return part, missing


def _rated(measured: Range, load_size: float) -> Rated | None:
    """Return the OEE family over the machines that report all it needs, where that is some of them but not all."""
    part, missing = rated_part(measured)
    if not missing or not part.machines:
        return None
    composed = compose(part.asset, part.total(), Context(), part.end - part.start, load_size)
    values = {name: composed.indicators[name] for name in OEE_FAMILY}
    marked = {name: code for name, code in composed.codes.items() if name in values}
    warnings = [finding.of_machine(machine) for machine, finding in missing.items()]
    return Rated(values, list(missing), notes_of(warnings), warnings, marked)


def _good_output(measured: Range, context: Context) -> float | None:
    if context.output_not_reported:
        return None
    if context.operations:
        return context.operations[-1].get("good", 0) / NANO
    return measured.total().get("good", 0) / NANO if len(measured.machines) == 1 else None


def _six_big_losses(measured: Range, plant: Plant) -> dict[str, float | None]:
    reported = [
        (cast("State", state), reason, seconds) for (_, state, reason), (seconds, _) in measured.reasons.items()
    ]
    sums = measured.total()
    not_reported: set[Loss] = set()
    if unrated(sums) or uncounted(sums) or never_counted(sums):
        not_reported = {"speed", "startup-reject", "process-reject"}
    elif good_not_reported(sums):
        not_reported = {"startup-reject", "process-reject"}
    found = six_big_losses(sums, reported, plant.loss_of)
    return {loss: None if loss in not_reported else amount / NANO for loss, amount in found.items()}


def _constraint(found: Bottleneck) -> Constraint:
    return Constraint(found.machine, instants.format_rfc3339(found.start), instants.format_rfc3339(found.end))


def _reasons(measured: Range) -> list[Reason]:
    total: dict[tuple[str, str], tuple[int, int]] = {}
    for (_, state, reason), (seconds, entries) in measured.reasons.items():
        before = total.get((state, reason), (0, 0))
        total[state, reason] = (before[0] + seconds, before[1] + entries)
    ordered = sorted(total.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    return [Reason(*key, seconds / NANO, entries / NANO) for key, (seconds, entries) in ordered if seconds or entries]
