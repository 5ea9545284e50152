"""Which order is on a machine: what its jobs tell, whatever order they come in.

A start puts an order on, and ends the one before it. An end takes off the order that it names (any, if it names none);
the end of another order, such as one that comes late, when the next has begun, changes nothing.
"""

from typing import Final

from services.ledger.entries import Order
from services.ledger.track import Track

ANY: Final = ""
"""The name in an end that says no order: it ends whichever is on."""


def takes_off(named: str, order: str) -> bool:
    """Tell whether an end takes an order off, by the name in it."""
    return named in {ANY, order}


class Orders(Track[Order | None]):
    """The order that is on from each instant at which a job was told; None where none is."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        super().__init__()
        self._told: list[Order | str] = []

    def tell(self, at: int, told: Order | str) -> bool:
        """Take in an order that starts, or the name of one that ends; False if that was known."""
        place = self.place_at(at)
        if place >= 0 and self.times[place] == at:
            if self._told[place] == told:
                return False
            self._told[place] = told
        else:
            place += 1
            self.times.insert(place, at)
            self.entries.insert(place, None)
            self._told.insert(place, told)
        self._resolve(place)
        return True

    def begun_at(self, at: int) -> Order | None:
        """Return the order that starts at this very instant."""
        place = self.place_at(at)
        told = self._told[place] if place >= 0 and self.times[place] == at else None
        return told if isinstance(told, Order) else None

    def start_after(self, time: int) -> int | None:
        """Return when the first order after `time` starts: until then, what is told at `time` may matter."""
        for place in range(self.place_at(time) + 1, len(self.times)):
            if isinstance(self._told[place], Order):
                return self.times[place]
        return None

    def forget(self, before: int) -> None:
        """Drop what is before `before`, but for what is in force then."""
        place = self.place_at(before)
        if place > 0:
            super().forget(before)
            del self._told[:place]
            self._told[0] = self.entries[0] or ANY

    def _resolve(self, place: int) -> None:
        """Find which order is on from this place up to the next start."""
        on = self.entries[place - 1] if place else None
        for each in range(place, len(self.times)):
            told = self._told[each]
            if isinstance(told, Order):
                if each > place:
                    break
                on = told
            elif on is not None and takes_off(told, on.order):
                on = None
            self.entries[each] = on
