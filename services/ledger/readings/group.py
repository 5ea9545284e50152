"""The readings of what is reported together: the counters of a machine, a meter, a quantity of a material.

They are classified as they come in: a new reading changes only what it can. A group need not hold all readings ever;
it finds whether it holds enough of them, and drops those that no later reading can need.
"""

from bisect import bisect_right
from collections.abc import Iterable
from operator import sub
from typing import Final

from broker.contract.events import COUNTERS
from services.ledger.readings.classification import LARGE, SPIKE_NS, UNKNOWN_DIP_NS, classify
from services.ledger.readings.kinds import LEFT_OUT, PRODUCTION, SKIPPED, UNCLASSIFIED
from services.ledger.readings.limits import Possible
from services.ledger.readings.series import RECENT, Series

_NEEDED: Final = RECENT + 2
"""So many accepted readings before a place are enough to know the increments before it."""


class Group:
    """Series whose readings are classified together.

    Attributes:
        series: by field, in the order of the contract, whichever came first.
    """

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}

    def put(
        self, at: int, totals: Iterable[tuple[str, int]], possible: Possible, *, simulated: bool = False
    ) -> set[int]:
        """Add the readings of a message; return the times of those that are another kind now or add another amount."""
        new = [series for field, total in totals if (series := self._of(field)).put(at, total, simulated=simulated)]
        if not new:
            return set()
        if all(map(_ends_plainly, new)) and not self._has_others(at, new):
            for series in new:
                _take_plain(series)
            return {at}
        return self.classify(possible, at, at)

    def add(self, at: int, field: str, total: int, *, simulated: bool = False) -> None:
        """Add a reading that is classified later, with all others (`classify_all`)."""
        self._of(field).put(at, total, simulated=simulated)

    def classify(self, possible: Possible, since: int, until: int) -> set[int]:
        """Classify again what changes from `since` to `until` affect; return the times of the readings that differ."""
        each = list(self.series.values())
        until = max((_accepted_after(series, until) for series in each), default=until)
        return classify(each, possible, self._beginning(since), until)

    def classify_all(self, possible: Possible) -> None:
        """Classify all readings: those among which nothing falls or leaps at once, the others by the rules."""
        odd: set[int] = set()
        for series in self.series.values():
            times, totals = series.times, series.entries
            series.added[:] = [0, *map(sub, totals[1:], totals)]
            series.kinds[:] = [PRODUCTION] * len(totals)
            series.is_falling = False
            series.fixed = 0
            is_one_owner = len(set(series.simulated)) == 1
            if is_one_owner and min(series.added) >= 0 and max(series.added) <= LARGE:
                continue
            for place, more in enumerate(series.added):
                is_seam = not is_one_owner and place > 0 and series.is_handed_over(place - 1, place)
                if is_seam or more < 0 or (more > LARGE and _is_more(series, place, possible)):
                    odd.add(times[place])
        each = list(self.series.values())
        for at in sorted(odd):
            classify(each, possible, self._beginning(at), at)

    # ---- Whether enough is known ----

    def lacks_past(self, start: int, possible: Possible) -> bool:
        """Return whether readings before the first could change what those after `start` are or add."""
        return any(not series.is_whole and _lacks_past(series, start, possible) for series in self.series.values())

    def lacks_future(self, start: int, end: int, possible: Possible) -> bool:
        """Return whether readings after the last could change what those in start < t ≤ end are or add."""
        return any(start < at <= end for series in self.series.values() for at in _open(series, possible))

    # ---- Dropping what is past ----

    def drop_before(self, before: int) -> None:
        """Drop the readings that matter to none from `before` on, nor to one that comes late after it."""
        if all(len(series.times) <= 2 * _NEEDED for series in self.series.values()):
            return
        falling = [at for series in self.series.values() if (at := _fallen_since(series, before)) is not None]
        before = min(before, *falling) if falling else before
        for series in self.series.values():
            place = series.place_at(before)
            if place > 0 and (place := _needed_from(series, place)):
                series.trim(place)
        self._thin(before)

    def _thin(self, before: int) -> None:
        """Drop readings within a time over which nothing changed, but the last of them."""
        flat: set[int] = set()
        needed: set[int] = set()
        for series in self.series.values():
            last = series.place_at(before) - 2 * RECENT
            for place, at in enumerate(series.times):
                (flat if place < last and series.is_flat(place) else needed).add(at)
        if flat := flat - needed:
            for series in self.series.values():
                series.thin(flat)

    # ---- Where classification begins ----

    def _of(self, field: str) -> Series:
        series = self.series.get(field)
        if series is None:
            series = Series(field)
            self.series = dict(sorted([*self.series.items(), (field, series)], key=_place_of_field))
        return series

    def _beginning(self, since: int) -> int:
        """Return from when on readings may be another kind if one at `since` is."""
        beginning = min((_affected_from(series, since) for series in self.series.values()), default=since)
        while True:
            outside = min((_outside(series, beginning) for series in self.series.values()), default=beginning)
            if outside == beginning:
                return beginning
            beginning = outside

    def _has_others(self, at: int, new: list[Series]) -> bool:
        """Return whether other fields have a reading at this instant, or later."""
        return len(new) < len(self.series) and any(
            series.times[-1] >= at for series in self.series.values() if series not in new
        )


def _place_of_field(item: tuple[str, Series]) -> int:
    return COUNTERS.index(item[0]) if item[0] in COUNTERS else 0


def _is_more(series: Series, place: int, possible: Possible) -> bool:
    most = possible.between(series.field, series.times[place - 1], series.times[place])
    return most is not None and series.added[place] > most


def _ends_plainly(series: Series) -> bool:
    """Return whether the newest reading is the last, and changes nothing about those before it."""
    if series.kinds[-1] != UNCLASSIFIED:
        return False
    totals = series.entries
    if len(totals) < 2:
        return True
    if series.is_handed_over(-2, -1):
        return False
    rise = totals[-1] - totals[-2]
    return not rise or (0 < rise <= LARGE and not series.is_falling)


def _take_plain(series: Series) -> None:
    totals = series.entries
    rise = totals[-1] - totals[-2] if len(totals) > 1 else 0
    series.kinds[-1], series.added[-1] = PRODUCTION, rise
    if rise:
        series.is_falling = False


def _accepted_after(series: Series, at: int) -> int:
    """Return when the first reading after `at` comes that is not left out; `at` if there is none."""
    for place in range(bisect_right(series.times, at), len(series.times)):
        if series.kinds[place] not in LEFT_OUT:
            return series.times[place]
    return at


def _affected_from(series: Series, since: int) -> int:
    """Return when the first reading before `since` comes of which what it is may depend on one at `since` or later."""
    place = series.place_at(since - 1)
    if place < 0:
        return since
    totals = series.entries
    top = series.top_before(place)
    is_followed_by_fall = place + 1 < len(totals) and totals[place + 1] < totals[place]
    if totals[top] > totals[place] or is_followed_by_fall or series.kinds[top] in LEFT_OUT:
        return series.times[top]
    return since


def _outside(series: Series, at: int) -> int:
    """Return this instant, or where the dip or spike begins that it is within."""
    place = series.place_at(at - 1) + 1
    if place == len(series.times) or series.kinds[place] != SKIPPED:
        return at
    while place > 0 and series.kinds[place] == SKIPPED:
        place -= 1
    return series.times[place]


def _fallen_since(series: Series, before: int) -> int | None:
    """Return from when on the readings did not rise up to `before`, if they fell meanwhile."""
    place = series.place_at(before)
    top = series.top_before(place) if place >= 0 else place
    return series.times[top] if place >= 0 and series.entries[top] > series.entries[place] else None


def _needed_from(series: Series, place: int) -> int:
    """Return from which place on the readings of a series matter to those after `place`; it is not left out, or 0."""
    place = series.top_before(place)
    accepted = 0
    while place > 0 and accepted < _NEEDED:
        place -= 1
        accepted += series.kinds[place] not in LEFT_OUT
    return place


def _lacks_past(series: Series, start: int, possible: Possible) -> bool:
    """Return whether readings before the first, which is the newest of before, could change what later ones are.

    They could show the first to be part of a dip, if the series is back where it may have been before; or of a spike,
    if it falls soon; and a jump may need more increments to be compared with.
    """
    totals, times = series.entries, series.times
    changed = series.other_after(0)
    if changed is None:
        return False
    rise = totals[changed] - totals[0]
    is_soon = times[changed] - times[0] <= UNKNOWN_DIP_NS
    if rise < 0:
        back = _next_rise(series, changed)
        if changed == 1 or is_soon or (back is not None and totals[back] >= totals[0]):
            return True
    elif times[changed] > start:
        most = possible.between(series.field, times[changed - 1], times[changed])
        if is_soon if most is None else rise > most:
            return True
    if any(_lacks_recent(series, place, possible) for place in range(changed, len(totals) - 1)):
        return True
    series.is_whole = sum(kind not in LEFT_OUT for kind in series.kinds[changed:]) > _NEEDED
    return False


def _lacks_recent(series: Series, place: int, possible: Possible) -> bool:
    """Return whether a reading jumps and is followed by one that fell back, but not enough increments are known."""
    totals, times = series.entries, series.times
    if totals[place] <= totals[place - 1] or totals[place + 1] > totals[place]:
        return False
    base = series.base_before(place)
    recent = series.recent_before(place)
    return (
        base >= 0
        and len(recent) < RECENT
        and totals[place] - totals[base] > 10 * max(recent, default=0)
        and possible.between(series.field, times[base], times[place]) is None
    )


def _next_rise(series: Series, place: int) -> int | None:
    totals = series.entries
    return next((later for later in range(place + 1, len(totals)) if totals[later] > totals[later - 1]), None)


def _open(series: Series, possible: Possible) -> list[int]:
    """Return the times of the readings at the end of a series that a later one may show to be a dip or a spike."""
    totals, times = series.entries, series.times
    last = len(times) - 1
    top = series.top_before(last)
    found = [times[place] for place in range(top + 1, last + 1) if totals[place] < totals[place - 1]]
    base = series.base_before(top)
    if base < 0 or (last > top and times[last] - times[top] > SPIKE_NS):
        return found
    rise = totals[top] - totals[base]
    most = possible.between(series.field, times[base], times[top])
    if rise > (10 * max(series.recent_before(top), default=0) if most is None else most):
        found.append(times[top])
    return found
