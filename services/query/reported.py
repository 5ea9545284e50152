"""What a machine reported over a range, without any calendar: time in each state, and pieces by counter.

It is computed from the events alone, to compare it with the ground truth of a simulation.
"""

import msgspec

from broker.contract.events import COUNTERS, State
from services.ledger.counters import increments
from services.ledger.history import KINDS, History, lookback_ns
from services.query.paging import pages
from services.query.signs import add_first_signs
from services.store.interface import Store


class Reported(msgspec.Struct, frozen=True):
    """What one machine reported.

    Attributes:
        states: nanoseconds in each state; together they are the whole range.
        pieces: what each counter counted, in 10⁻⁹; the range's start excluded, its end included.
    """

    states: dict[State, int]
    pieces: dict[str, int]


async def reported(store: Store, machine: str, start: int, end: int, short_ns: int) -> Reported:
    """Return what a machine reported over start ≤ t < end.

    Args:
        store: where the events are.
        machine: its asset path.
        start: nanoseconds since 1970-01-01 UTC.
        end: the same.
        short_ns: the plant's limit of micro-stops.
    """
    since = start - lookback_ns(short_ns)
    history = History(start)
    for event in await store.latest_before(KINDS, machine, since):
        history.put(event, event.at, 0)
    async for page in pages(store, KINDS, machine, since, end + 1):
        for event in page:
            history.put(event, event.at, 0)
    await add_first_signs(store, machine, history, end)
    states: dict[State, int] = {}
    for begin, until, reported_state in history.intervals(start, end):
        states[reported_state.state] = states.get(reported_state.state, 0) + until - begin
    pieces = {
        counter: sum(added or 0 for _, added in increments(history.readings[counter, ""], start, end))
        for counter in COUNTERS
        if (counter, "") in history.readings
    }
    return Reported(states, pieces)
