"""A past for simulated machines that have none, made up as fast as it goes: so the first screen has a shift to show.

Events go straight to the store, with the rows that follow from them; nothing passes a broker.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec
import structlog

from broker.contract.codec import encode
from broker.contract.events import NS_PER_S, AnyEvent, Sample
from broker.contract.samples import Samples
from broker.plant.plant import Plant
from edge.simulation.simulator import Simulator
from services.intake.steps import Step, write_step
from services.kpi.past_ledger import PastLedger
from services.kpi.recompute import recompute
from services.store.failures import is_unforeseen
from services.store.interface import Batch, Store

_ROWS_EVERY_NS: Final = 5 * 3_600 * NS_PER_S
_OBJECTS: Final = 50_000
"""So many more objects than before, and the garbage collector looks at them: most live until they are written."""
_log = structlog.get_logger("corridor.past")


async def make(
    simulator: Simulator,
    plant: Plant,
    store: Store,
    between: tuple[int, int],
    report: Callable[[float, float], None] = lambda _done, _total: None,
    *,
    machines: Sequence[str] = ("",),
) -> None:
    """Simulate the machines over a time range, from its first to before its second instant, and store the events.

    A past that was interrupted is made to its end, from where it was interrupted.

    Args:
        simulator: a new one (`Simulator.is_new`), or one whose past is unfinished; it then goes on without a seam.
        plant: what the ledger is made with.
        store: where to; it knows none of the machines but those of an unfinished past.
        between: nanoseconds since 1970-01-01 UTC.
        report: gets how much is done, of how much.
        machines: of a past that was interrupted, whose rows are to be recomputed; '' for all in the store.
    """
    start, end = between
    is_resumed = simulator.is_past_unfinished
    ledger = PastLedger(plant)
    reached = rows_until = start
    with _collected_seldom():
        for events in simulator.backfill(start, end):
            if not events:
                continue
            samples, others = _apart(events)
            reached = max(reached, events[-1].at)
            rows = Batch()
            if not is_resumed:
                ledger.add(others)
                if reached - rows_until >= _ROWS_EVERY_NS:
                    rows, rows_until = ledger.rows(reached), reached
            ledger.unsure |= await _store(others, samples, rows, store)
            report(reached - start, end - start)
    if is_resumed:
        for machine in machines:
            await recompute(store, plant, machine, 0, end, now=end)
        return
    await store.write(ledger.rows(end, is_end=True))
    for machine in sorted(ledger.unsure):
        await recompute(store, plant, machine, 0, end, now=end)


@contextmanager
def _collected_seldom() -> Iterator[None]:
    """Let the garbage collector look less often meanwhile."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _apart(events: Sequence[AnyEvent]) -> tuple[Samples, list[AnyEvent]]:
    """Return the samples by signal, and the other events."""
    samples, others = Samples(), list[AnyEvent]()
    for event in events:
        if isinstance(event, Sample):
            samples.add(event)
        else:
            others.append(event)
    return samples, others


async def _store(events: Sequence[AnyEvent], samples: Samples, rows: Batch, store: Store) -> set[str]:
    """Store events and rows at once; an event that fails in a way that nobody foresaw is rejected, alone.

    Returns:
        The machines whose events were rejected.
    """
    try:
        await store.write(msgspec.structs.replace(rows, events=events, samples=samples.runs))
    except Exception as error:
        if not is_unforeseen(error):
            raise
    else:
        return set()
    everything = [*events, *(sample for run in samples.runs for sample in run)]
    meant = {encode(event): [event] for event in everything}
    rejected = await write_step(Step(everything, [], [*meant], Samples()), meant.__getitem__, store.write, store)
    topics = {one.topic for one in rejected}
    for one in rejected:
        _log.warning("an event of the past is rejected", topic=one.topic, reason=one.reason)
    await store.write(rows)
    return {event.asset for message, [event] in meant.items() if message.topic in topics}
