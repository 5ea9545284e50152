"""The constraint of a line over a range: which of its machines was active longest without a pause.

The ledger stores sums, in which one long period looks like many short ones; so it is computed from the events.
"""

from collections.abc import Iterable
from typing import Final

from broker.contract.events import AnyEvent
from broker.contract.topics import Kind
from services.ledger.history import History
from services.ledger.indicators.bottleneck import Bottleneck, bottleneck
from services.query.data_quality.signs import ALL, add_first_signs
from services.query.histories import as_of
from services.store.interface import Store

TIMELINE: Final[tuple[Kind, ...]] = ("state", "status", "job")
"""The kinds of event that a machine's timeline is computed from."""


async def timelines(store: Store, asset: str, start: int, end: int) -> dict[str, History]:
    """Return the history of each machine under `asset` over start ≤ t < end, of states and orders only."""
    found: dict[str, History] = {}
    _put(found, await as_of(store, TIMELINE, asset, start), start)
    _put(found, await store.events(TIMELINE, asset, start, end), start)
    for machine, history in found.items():
        await add_first_signs(store, machine, history, end, ALL)
    return found


async def constraint(store: Store, asset: str, start: int, end: int) -> Bottleneck | None:
    """Return the bottleneck of the machines under `asset` over start ≤ t < end; None where there is but one."""
    found = await timelines(store, asset, start, end)
    if len(found) < 2:
        return None
    return bottleneck(
        {
            machine: [
                (first, last, reported_state.state) for first, last, reported_state in history.intervals(start, end)
            ]
            for machine, history in sorted(found.items())
        }
    )


def _put(found: dict[str, History], events: Iterable[AnyEvent], origin: int) -> None:
    for event in events:
        if event.asset not in found:
            found[event.asset] = History(origin)
        found[event.asset].put(event, event.at, 0)
