"""The shift calendar of a simulated machine: whether it is planned to work now, and until when."""

from collections.abc import Sequence
from typing import Final, Protocol

from broker.contract.events import NS_PER_S
from broker.plant.calendar import NO_SHIFT, TimeRange
from edge.simulation.floor.timeline import NEVER

_AHEAD_NS: Final = 2 * 86_400 * NS_PER_S
_FOR_EVER: Final = TimeRange(0, NEVER, NO_SHIFT, planned=True)


class TimeRangeSource(Protocol):
    """What divides a time range by shift and planned time: a plant's calendar."""

    def time_ranges(self, start: int, end: int) -> Sequence[TimeRange]:
        """Return ranges that cover start ≤ t < end without a gap."""


class Shifts:
    """One machine's calendar, asked with times that only grow.

    Args:
        calendar: None for a machine that is always planned to work.
    """

    def __init__(self, calendar: TimeRangeSource | None) -> None:
        self._calendar = calendar
        self._time_ranges: list[TimeRange] = []
        self._current = _FOR_EVER if calendar is None else TimeRange(0, 0, NO_SHIFT, planned=False)

    @property
    def always(self) -> bool:
        """Whether there is no calendar."""
        return self._calendar is None

    def at(self, now: int) -> TimeRange:
        """Return the range that holds `now`. Its start may be cut; its end is a change, or two days ahead."""
        if now >= self._current.end:
            self._current = self._find(now)
        return self._current

    def _find(self, now: int) -> TimeRange:
        while self._time_ranges:
            found = self._time_ranges.pop()
            if found.start <= now < found.end:
                return found
        assert self._calendar is not None  # without one the current range never ends
        self._time_ranges = list(reversed(self._calendar.time_ranges(now, now + _AHEAD_NS)))
        return self._time_ranges.pop()
