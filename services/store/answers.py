"""Answers: the indicators of an asset over a range, as every screen, file and command shows them.

There is one way to a number: the ledger of the range (`ranges`), then the pure functions of its sum
(`services.ledger.indicators`). What is printed, served and drawn is this answer, unrounded.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from broker import instants
from broker.events import Measurement, State, StateChange
from broker.plant import Plant
from services.ledger.capability import Capability, capabilities
from services.ledger.doubts import doubts
from services.ledger.fields import NANO, Sums, add, to_units
from services.ledger.indicators import Context, coverage, evaluate
from services.ledger.losses import waterfall
from services.store.interface import Store
from services.store.ranges import Range, measure

CORE: Final = ("oee", "availability", "effectiveness", "quality_ratio")
"""The indicators whose absence is explained in the notes."""


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
        notes: why an indicator is not defined, and what seems wrong in the data.
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
    found = capabilities(await _measurements(store, measured))
    lasting = await _lasting(store, measured)
    return judge(measured, _context(plant, measured, found), lasting, asked_end=end)


async def context_of(store: Store, plant: Plant, measured: Range) -> Context:
    """Return what the indicators of a range need besides its sums."""
    return _context(plant, measured, capabilities(await _measurements(store, measured)))


def judge(measured: Range, context: Context, lasting: Mapping[str, tuple[State, int]], *, asked_end: int) -> Answer:
    """Return the indicators of a ledger over a range."""
    sums = measured.total()
    evaluation = evaluate(sums, context)
    core = [f"{name} is not defined: {evaluation.reasons[name]}" for name in CORE if name in evaluation.reasons]
    return Answer(
        asset=measured.asset,
        from_=instants.format_rfc3339(measured.start),
        to=instants.format_rfc3339(asked_end),
        counted_to=instants.format_rfc3339(measured.end),
        coverage=coverage(sums),
        indicators=evaluation.values,
        ledger=to_units(sums),
        reasons=_reasons(measured),
        waterfall=[Step(step.name, step.amount / NANO) for step in waterfall(sums)],
        capabilities=list(context.capabilities),
        machines=list(measured.machines),
        notes=core + doubts({machine: measured.of_machine(machine) for machine in measured.machines}, lasting),
    )


async def _measurements(store: Store, measured: Range) -> list[Measurement]:
    """Return what was measured in a range; as with counts, a part measured at t was made before t."""
    events = await store.events(("quality",), measured.asset, measured.start + 1, measured.end + 1)
    return [event for event in events if isinstance(event, Measurement)]


async def _lasting(store: Store, measured: Range) -> dict[str, tuple[State, int]]:
    """Return the state that each machine last told, and how long before the end of the range."""
    told = await store.before(("state",), measured.asset, measured.end)
    return {event.asset: (event.state, measured.end - event.at) for event in told if isinstance(event, StateChange)}


def _context(plant: Plant, measured: Range, found: list[Capability]) -> Context:
    operations: list[Sums] = []
    for stage in plant.stages(measured.asset):
        sums: Sums = {}
        for machine in stage:
            add(sums, measured.of_machine(machine))
        operations.append(sums)
    return Context(operations=tuple(operations), capabilities=tuple(found))


def _reasons(measured: Range) -> list[Reason]:
    total: dict[tuple[str, str], tuple[int, int]] = {}
    for (_, state, reason), (seconds, entries) in measured.reasons.items():
        before = total.get((state, reason), (0, 0))
        total[state, reason] = (before[0] + seconds, before[1] + entries)
    ordered = sorted(total.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    return [Reason(*key, seconds / NANO, entries / NANO) for key, (seconds, entries) in ordered if seconds or entries]
