"""Cumulative counters and meters: what each reading added, and which readings a new one can change.

The rules (`counter` in the contract): the first reading ever sets the base and adds nothing; a higher one adds the
difference; a lower one is a reset and adds its own value, unless the counter is back at or above its former value
within 60 s: then the readings in between are a glitch, which adds nothing. What a reading at *t* added was counted
before *t*, so it belongs to the moment just before.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from services.ledger.fields import NANO
from services.ledger.track import Track

DIP_NS: Final = 60 * NANO

Readings = Track[int]
"""Totals in 10⁻⁹ of the unit."""


def increments(readings: Readings, start: int, end: int) -> Iterator[tuple[int, int | None]]:
    """Yield (time, added) for readings with start < time ≤ end that add something, (time, None) where a glitch begins.

    The base at `start` follows from the readings of the two minutes before it and the one before them: a glitch is over
    after one minute, and after it the base no longer depends on how it began.
    """
    times, totals = readings.times, readings.entries
    place = max(readings.place_at(start - 2 * DIP_NS), 0)
    last = readings.place_at(end)
    if place > last:
        return
    base = totals[place]
    place += 1
    while place <= last:
        total = totals[place]
        if total < base:
            back = _back(readings, place, base)
            if back is not None:
                if times[place] > start:
                    yield times[place], None
                place = back
                continue
            added = total
        else:
            added = total - base
        if added and times[place] > start:
            yield times[place], added
        base = total
        place += 1


def touched(readings: Readings, at: int) -> list[int]:
    """Return the times of the readings of which the increment may change when one at `at` is added or replaced."""
    times = readings.times
    place = readings.place_at(at)
    if place + 1 == len(times) and (place == 0 or readings.entries[place] >= readings.entries[place - 1]):
        # The newest, and no drop; it may still end a glitch that began within the last minute.
        first = place
        while first > 0 and times[first - 1] >= at - DIP_NS:
            first -= 1
        if all(readings.entries[i] <= readings.entries[i + 1] for i in range(max(first - 1, 0), place)):
            return [at]
    first = bisect_left(times, at - DIP_NS)
    following = readings.next_after(at)
    last = readings.place_at((following if following is not None else at) + DIP_NS) + 1
    return times[first : last + 1]


def _back(readings: Readings, dropped: int, base: int) -> int | None:
    """Return the index at which a counter that dropped at index `dropped` is back at its former value, if in time."""
    deadline = readings.times[dropped] + DIP_NS
    for place in range(dropped + 1, len(readings.times)):
        if readings.times[place] > deadline:
            return None
        if readings.entries[place] >= base:
            return place
    return None
