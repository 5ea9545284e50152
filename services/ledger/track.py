"""A track: the entries of one series in order of time, one an instant."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Generic, TypeVar

Entry = TypeVar("Entry")


class Track(Generic[Entry]):
    """Entries by time. A later write at the same instant replaces the earlier one.

    Attributes:
        times: nanoseconds, ascending.
        entries: what holds from that time on (or was read at it), one for each time.
    """

    __slots__ = ("entries", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.entries: list[Entry] = []

    def put(self, at: int, entry: Entry) -> bool:
        """Add an entry; False if it was there already."""
        times = self.times
        if not times or at > times[-1]:
            times.append(at)
            self.entries.append(entry)
            return True
        place = bisect_left(times, at)
        if times[place] == at:
            if self.entries[place] == entry:
                return False
            self.entries[place] = entry
            return True
        times.insert(place, at)
        self.entries.insert(place, entry)
        return True

    def at(self, time: int) -> Entry | None:
        """Return the newest entry at or before `time`."""
        place = bisect_right(self.times, time)
        return self.entries[place - 1] if place else None

    def place_at(self, time: int) -> int:
        """Return the place of the newest entry at or before `time`; -1 if there is none."""
        return bisect_right(self.times, time) - 1

    def next_after(self, time: int) -> int | None:
        """Return the time of the first entry after `time`."""
        place = bisect_right(self.times, time)
        return self.times[place] if place < len(self.times) else None

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, Entry | None]]:
        """Yield (from, to, entry as of then), covering [start, end) without gaps; None where nothing is known yet."""
        place = bisect_right(self.times, start) - 1
        count = len(self.times)
        while start < end:
            stop = min(self.times[place + 1], end) if place + 1 < count else end
            yield start, stop, self.entries[place] if place >= 0 else None
            start, place = stop, place + 1

    def drop_before(self, before: int) -> None:
        """Drop the entries before `before`, except the newest of them, which still holds then."""
        place = bisect_right(self.times, before) - 1
        if place > 0:
            del self.times[:place]
            del self.entries[:place]
