"""Which order runs on a machine: what follows from its jobs, in whatever order they arrive.

A start begins an order, and ends the one before it. An end ends the order that it names (any, if it names none); the
end of another order, such as a late one after the next has begun, changes nothing.
"""

from typing import Final

from services.ledger.entries import Order
from services.ledger.track import Track

ANY: Final = ""
"""The name in an end that names no order: it ends whichever runs."""


def ends_order(named: str, order: str) -> bool:
    """Return whether an end, by the name in it, ends an order."""
    return named in {ANY, order}


class Orders(Track[Order | None]):
    """The order that runs from each instant at which a job was reported; None where none does."""

    __slots__ = ("_reported",)

    def __init__(self) -> None:
        super().__init__()
        self._reported: list[Order | str] = []

    def report(self, at: int, reported: Order | str) -> bool:
        """Add an order that starts, or the name of one that ends; return False if that was known."""
        place = self.place_at(at)
        if place >= 0 and self.times[place] == at:
            if self._reported[place] == reported:
                return False
            self._reported[place] = reported
        else:
            place += 1
            self.times.insert(place, at)
            self.entries.insert(place, None)
            self._reported.insert(place, reported)
        self._resolve(place)
        return True

    def begun_at(self, at: int) -> Order | None:
        """Return the order that starts at this instant."""
        place = self.place_at(at)
        reported = self._reported[place] if place >= 0 and self.times[place] == at else None
        return reported if isinstance(reported, Order) else None

    def start_after(self, time: int) -> int | None:
        """Return when the first order after `time` starts: until then, a job reported at `time` may matter."""
        for place in range(self.place_at(time) + 1, len(self.times)):
            if isinstance(self._reported[place], Order):
                return self.times[place]
        return None

    def drop_before(self, before: int) -> None:
        """Drop entries before `before`, except the one that holds then."""
        place = self.place_at(before)
        if place > 0:
            super().drop_before(before)
            del self._reported[:place]
            self._reported[0] = self.entries[0] or ANY

    def _resolve(self, place: int) -> None:
        """Find which order runs from this index up to the next start."""
        on = self.entries[place - 1] if place else None
        for each in range(place, len(self.times)):
            reported = self._reported[each]
            if isinstance(reported, Order):
                if each > place:
                    break
                on = reported
            elif on is not None and ends_order(reported, on.order):
                on = None
            self.entries[each] = on
