"""The context of an answer: what indicators of a range need besides its sums, read from events and the plant."""

from collections.abc import Iterable
from typing import Final

from broker.contract.events import Measurement
from broker.plant.plant import Plant
from services.ledger.fields import Sums, add
from services.ledger.indicators.bottleneck import Bottleneck
from services.ledger.indicators.capability import Capability, capabilities
from services.ledger.indicators.indicators import Context
from services.query.constraint import constraint
from services.query.data_quality.metered import metered_sums
from services.query.data_quality.never_reported import all_not_reported, is_output_not_reported, not_reported
from services.query.planning import planned_pieces
from services.query.ranges import Range
from services.store.interface import Store
from services.store.resolutions import DAY

CONSTRAINT_NS: Final = 31 * DAY
"""The constraint is sought over ranges up to a month: it must be read from single events."""


async def context_of(store: Store, plant: Plant, measured: Range, known: Context | None = None) -> Context:
    """Return what indicators of a range need besides its sums; `known` has what was never reported, if it is known."""
    return await full_context(store, plant, measured, await bottleneck_of(store, plant, measured), known)


async def never_reported(store: Store, plant: Plant, asset: str, end: int) -> Context:
    """Return a context that knows only what was never reported up to `end`, whatever the sums are."""
    stages = plant.stages(asset)
    return Context(
        not_reported=await all_not_reported(store, asset, end),
        output_not_reported=bool(stages) and await is_output_not_reported(store, stages[-1], end),
    )


async def full_context(
    store: Store,
    plant: Plant,
    measured: Range,
    bottleneck: Bottleneck | None,
    known: Context | None = None,
) -> Context:
    """Return what indicators of a range need, given its bottleneck; `known` as for `context_of`."""
    stages = plant.stages(measured.asset)
    operations = operations_of(plant, measured)
    if known is None:
        has_output = not stages or bool(operations[-1].get("good", 0))
        known = Context(
            not_reported=await not_reported(store, measured.asset, measured.end, measured.total()),
            output_not_reported=not has_output and await is_output_not_reported(store, stages[-1], measured.end),
        )
    return complete(
        known,
        plant,
        measured,
        operations,
        bottleneck=bottleneck,
        capable=capabilities(await measurements(store, measured)),
        planned=await planned_pieces(store, plant, measured),
    )


def complete(
    known: Context,
    plant: Plant,
    measured: Range,
    operations: tuple[Sums, ...],
    *,
    bottleneck: Bottleneck | None,
    capable: Iterable[Capability],
    planned: int | None,
) -> Context:
    """Return a context with all that indicators need, given what was never reported, and what was read of a range."""
    return Context(
        operations=operations,
        bottleneck=operation_of(plant, measured.asset, bottleneck),
        capabilities=tuple(capable),
        not_reported=known.not_reported,
        output_not_reported=known.output_not_reported,
        planned=planned,
        metered=metered_sums(measured),
    )


async def bottleneck_of(store: Store, plant: Plant, measured: Range) -> Bottleneck | None:
    """Return the bottleneck of a line whose flow is known; None for other assets and for very long ranges."""
    if not plant.stages(measured.asset) or measured.end - measured.start > CONSTRAINT_NS:
        return None
    return await constraint(store, measured.asset, measured.start, measured.end)


def operations_of(plant: Plant, measured: Range) -> tuple[Sums, ...]:
    """Return the sums of each operation of a line, a machine by itself being one; nothing where they are not known."""
    if measured.machines == (measured.asset,):
        return (measured.total(),)
    operations: list[Sums] = []
    totals = measured.by_machine()
    for stage in plant.stages(measured.asset):
        sums: Sums = {}
        for machine in stage:
            add(sums, totals.get(machine, {}))
        operations.append(sums)
    return tuple(operations)


def operation_of(plant: Plant, asset: str, bottleneck: Bottleneck | None) -> int | None:
    """Return the place of the bottleneck among the operations of a line; None where it is not one of them."""
    stages = plant.stages(asset)
    places = [place for place, stage in enumerate(stages) if bottleneck is not None and bottleneck.machine in stage]
    return places[0] if places else None


async def measurements(store: Store, measured: Range) -> list[Measurement]:
    """Return what was measured in a range; as with counts, a part measured at t was made before t."""
    events = await store.events(("quality",), measured.asset, measured.start + 1, measured.end + 1)
    return [event for event in events if isinstance(event, Measurement)]
