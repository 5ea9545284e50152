"""A past for simulated machines that have none, made up as fast as it goes: so the first screen has a shift to show."""

from collections.abc import Callable

from broker.plant.plant import Plant
from edge.simulation.simulator import Simulator
from services.kpi.ledger_writer import LedgerWriter
from services.store.interface import Store


async def make(
    simulator: Simulator,
    plant: Plant,
    store: Store,
    between: tuple[int, int],
    report: Callable[[float, float], None] = lambda _done, _total: None,
) -> None:
    """Simulate the machines over a time range, from its first to before its second instant, and store the events.

    Args:
        simulator: a new one (`Simulator.is_new`), which afterwards goes on without a seam.
        plant: what the ledger is made with.
        store: where to; it knows none of the machines.
        between: nanoseconds since 1970-01-01 UTC.
        report: gets how much is done, of how much.
    """
    start, end = between
    reached = start
    writer = LedgerWriter(store, plant, lambda: reached)
    for events in simulator.backfill(start, end):
        if events:
            reached = max(reached, events[-1].at)
            await writer.store_events(events)
            await writer.advance()  # it forgets what is long past
        report(reached - start, end - start)
    reached = end
    await writer.advance()
    await writer.finish()
