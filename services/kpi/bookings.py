"""Bookings as they are stored: of one id at most one counts, and each stands for itself.

A booking that replaces another of its id may be of another time, so no range of the store alone would show which of
them counts. So it is decided when they are written: those that are replaced are stored again as void. What is stored
in the end is the same in any order of arrival.
"""

from collections.abc import Sequence

from broker.contract.events import Adjust, AnyEvent
from broker.contract.instants import FOR_EVER
from services.ledger.bookings import rank, voided
from services.store.interface import Store

_OfId = dict[int, Adjust]
"""The bookings of one machine and id by their time."""


async def resolved(store: Store, events: Sequence[AnyEvent]) -> Sequence[AnyEvent]:
    """Return what is to be stored of these events: bookings with those that they replace, or that replace them."""
    new = {(event.asset, event.id) for event in events if isinstance(event, Adjust)}
    if not new:
        return events
    known: dict[tuple[str, str], _OfId] = {key: {} for key in new}
    for asset in {asset for asset, _ in new}:
        for stored in await store.events(("adjust",), asset, -FOR_EVER, FOR_EVER):
            if isinstance(stored, Adjust) and (stored.asset, stored.id) in known:
                known[stored.asset, stored.id][stored.at] = stored
    found: list[AnyEvent] = []
    for event in events:
        found += _put(event, known[event.asset, event.id]) if isinstance(event, Adjust) else [event]
    return found


def _put(booking: Adjust, known: _OfId) -> list[Adjust]:
    """Add a booking to those of its id; return what is to be written."""
    newest = max(known.values(), key=rank, default=None)
    same = known.get(booking.at)
    if same is not None and rank(same) >= rank(booking):
        return []
    if newest is not None and rank(newest) > rank(booking):
        changed = [voided(booking)]
    else:
        changed = [voided(other) for at, other in known.items() if at != booking.at and not other.void]
        changed.append(booking)
    known.update((each.at, each) for each in changed)
    return changed
