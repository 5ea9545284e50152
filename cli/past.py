"""A past for simulated machines that have none, made up as fast as it goes: so the first screen has a shift to show."""

from collections.abc import Callable, Sequence

import structlog

from broker.contract.codec import encode
from broker.contract.events import AnyEvent
from broker.plant.plant import Plant
from edge.simulation.simulator import Simulator
from services.intake.steps import Step, write_step
from services.kpi.ledger_writer import LedgerWriter
from services.store.failures import is_unforeseen
from services.store.interface import Store

_log = structlog.get_logger("corridor.past")


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
            await _store(events, writer, store)
            await writer.advance()  # it drops what is long past from memory
        report(reached - start, end - start)
    reached = end
    await writer.advance()
    await writer.finish()


async def _store(events: Sequence[AnyEvent], writer: LedgerWriter, store: Store) -> None:
    """Store events with their ledger; one that fails in a way that nobody foresaw is rejected, alone."""
    try:
        await writer.store_events(events)
    except Exception as error:
        if not is_unforeseen(error):
            raise
        meant = {encode(event): [event] for event in events}
        step = Step([*events], [], [*meant])
        for one in await write_step(step, meant.__getitem__, writer.store_events, store):
            _log.warning("an event of the past is rejected", topic=one.topic, reason=one.reason)
