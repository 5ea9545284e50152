"""Pieces booked by hand: which booking of an id counts, what it adds, and a machine's bookings in order of time.

Of the bookings of one id the one that was booked last counts; where two were booked at the same instant, the one that
is greater by its time and content, so that any order of arrival gives the same ledger. The ledger writer stores the
others as void (`services.kpi.bookings`): every stored booking that is not void counts, whatever else is known of its
id. What was booked at *t* belongs to the moment just before it, as what a counter counted does.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from broker.contract import instants
from broker.contract.events import COUNTERS, Adjust
from services.ledger import entries


def rank(booking: Adjust) -> tuple[object, ...]:
    """Return what decides between bookings of one id: the greater one counts."""
    amounts = [(value is not None, value or 0.0) for value in (getattr(booking, field) for field in COUNTERS)]
    return instants.parse(booking.booked), booking.at, amounts, booking.reason, booking.by, booking.void


def voided(booking: Adjust) -> Adjust:
    """Return a booking as one that does not count."""
    return msgspec.structs.replace(booking, void=True)


def in_words(booking: Adjust) -> str:
    """Return in one line what was booked, why and by whom."""
    if booking.void:
        return f"taken back: booking {booking.id}"
    amounts = [(field, getattr(booking, field)) for field in COUNTERS]
    parts = [
        f"{amount:+.10g} {field.replace('_', ' ')}".replace("-", "−") for field, amount in amounts if amount is not None
    ]
    parts += [text for text in (booking.reason, f"by {booking.by}" if booking.by else "") if text]
    return f"booked by hand: {', '.join(parts)} (booking {booking.id})"


class Bookings:
    """The bookings of one machine, by time and id; a later one of the same time and id replaces the earlier."""

    __slots__ = ("_bookings", "_keys")

    def __init__(self) -> None:
        self._keys: list[tuple[int, str]] = []
        self._bookings: dict[tuple[int, str], Adjust] = {}

    def put(self, booking: Adjust) -> bool:
        """Add a booking; return whether it is new here or adds something else than what it replaces."""
        key = (booking.at, booking.id)
        before = self._bookings.get(key)
        if before is None:
            insort(self._keys, key)
        self._bookings[key] = booking
        return before is None or entries.booked(before) != entries.booked(booking)

    def within(self, start: int, end: int) -> Iterator[Adjust]:
        """Yield the bookings with start < time ≤ end, in order of time and id."""
        first, last = (bisect_left(self._keys, (time + 1, "")) for time in (start, end))
        return (self._bookings[key] for key in self._keys[first:last])

    def drop_before(self, before: int) -> None:
        """Drop the bookings before `before`: none holds beyond its instant."""
        place = bisect_left(self._keys, (before, ""))
        for key in self._keys[:place]:
            del self._bookings[key]
        del self._keys[:place]
