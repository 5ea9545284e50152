"""The cumulative readings of one field, and what each of them is and added."""

from typing import Final

from services.ledger.readings.kinds import HANDED_OVER, LEFT_OUT, NEW_BASE, PRODUCTION, UNCLASSIFIED
from services.ledger.track import Track

RECENT: Final = 10
"""So many increments before a jump are compared with it."""
_NO_INCREMENT: Final = LEFT_OUT | {NEW_BASE, HANDED_OVER}


class Series(Track[int]):
    """Readings by time: totals in 10⁻⁹ of the unit.

    Attributes:
        field: the ledger's field that they add to.
        kinds: what each reading is (`kinds`).
        simulated: whether each reading is of a simulation; what another owner counted shows nothing about it.
        added: what each reading adds to the field.
        is_falling: whether the readings fell since they last rose: a later one may change what those are.
        is_whole: whether none before the first can change what those that are here are, or add.
        fixed: so many at the beginning are not classified again, as those before them were dropped.
    """

    __slots__ = ("added", "field", "fixed", "is_falling", "is_whole", "kinds", "simulated")

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field
        self.kinds: list[int] = []
        self.simulated: list[bool] = []
        self.added: list[int] = []
        self.is_falling = False
        self.is_whole = True
        self.fixed = 0

    def put(self, at: int, entry: int, *, simulated: bool = False) -> bool:
        """Add a reading, unclassified; False if it was there already."""
        times = self.times
        if not times or at > times[-1]:
            times.append(at)
            self.entries.append(entry)
            self.kinds.append(UNCLASSIFIED)
            self.added.append(0)
            self.simulated.append(simulated)
            return True
        is_new = super().put(at, entry)
        place = self.place_at(at)
        if len(self.kinds) < len(times):
            self.kinds.insert(place, UNCLASSIFIED)
            self.added.insert(place, 0)
            self.simulated.insert(place, simulated)
        elif is_new or self.simulated[place] != simulated:
            self.kinds[place] = UNCLASSIFIED
            self.simulated[place] = simulated
        else:
            return False
        return True

    def is_handed_over(self, earlier: int, later: int) -> bool:
        """Return whether two readings, by their places, are of two owners: one simulated, one real."""
        return self.simulated[earlier] != self.simulated[later]

    def base_before(self, place: int) -> int:
        """Return the place of the newest reading before `place` that is not left out; -1 if there is none."""
        place -= 1
        while place >= 0 and self.kinds[place] in LEFT_OUT:
            place -= 1
        return place

    def recent_before(self, place: int) -> list[int]:
        """Return the newest increments before `place`, oldest first; the first of a base or owner is none."""
        found: list[int] = []
        place -= 1
        while place > 0 and len(found) < RECENT:
            if self.kinds[place] not in _NO_INCREMENT:
                found.append(self.added[place])
            place -= 1
        return found[::-1]

    def top_before(self, place: int) -> int:
        """Return the first place of those up to `place` over which the readings do not rise."""
        totals = self.entries
        while place > 0 and totals[place - 1] >= totals[place]:
            place -= 1
        return place

    def other_after(self, place: int) -> int | None:
        """Return the place of the next reading of the same owner that differs from that at `place`."""
        totals, total = self.entries, self.entries[place]
        for other in range(place + 1, len(totals)):
            if self.is_handed_over(place, other):
                return None
            if totals[other] != total:
                return other
        return None

    def note_end(self) -> None:
        """Find whether the readings fell since they last rose."""
        last = len(self.times) - 1
        if last < 0:
            return
        self.is_falling = self.entries[self.top_before(last)] > self.entries[last]

    def trim(self, count: int) -> None:
        """Drop so many readings from the beginning; the next is no dip or spike."""
        self.fixed = 1
        del self.times[:count], self.entries[:count], self.kinds[:count], self.added[:count], self.simulated[:count]

    def thin(self, gone: set[int]) -> None:
        """Drop the readings at these times."""
        places = [place for place, at in enumerate(self.times) if at not in gone]
        self.times[:] = [self.times[place] for place in places]
        self.entries[:] = [self.entries[place] for place in places]
        self.kinds[:] = [self.kinds[place] for place in places]
        self.added[:] = [self.added[place] for place in places]
        self.simulated[:] = [self.simulated[place] for place in places]

    def is_flat(self, place: int) -> bool:
        """Return whether a reading is between two that are equal to it, and adds nothing."""
        totals = self.entries
        return (
            0 < place < len(totals) - 1
            and totals[place - 1] == totals[place] == totals[place + 1]
            and self.kinds[place] == PRODUCTION
        )
