"""What a machine reported over a range, without any calendar: time in each state, and pieces by counter.

It is computed from the events alone, to compare it with the ground truth of a simulation.
"""

import msgspec

from broker.contract.events import COUNTERS, State
from broker.plant.plant import Plant
from services.ledger.history import History
from services.query.histories import histories
from services.store.interface import Store


class Reported(msgspec.Struct, frozen=True):
    """What one machine reported.

    Attributes:
        states: nanoseconds in each state; together they are the whole range.
        pieces: what each counter counted, in 10⁻⁹; the range's start excluded, its end included.
    """

    states: dict[State, int]
    pieces: dict[str, int]


async def reported(store: Store, plant: Plant, machine: str, start: int, end: int) -> Reported:
    """Return what a machine reported over start ≤ t < end.

    Args:
        store: where the events are.
        plant: ideal cycles, and what else the readings of counters are classified by.
        machine: its asset path.
        start: nanoseconds since 1970-01-01 UTC.
        end: the same.
    """
    history = (await histories(store, plant, machine, start, end)).get(
        machine, History(start, plant.silent_ns(machine))
    )
    states: dict[State, int] = {}
    for begin, until, reported_state in history.intervals(start, end):
        states[reported_state.state] = states.get(reported_state.state, 0) + until - begin
    pieces = {counter: 0 for counter in COUNTERS if history.cumulative.counter(counter)}
    for _, field, added in history.cumulative.added(start, end):
        if field in pieces:
            pieces[field] += added
    return Reported(states, pieces)
