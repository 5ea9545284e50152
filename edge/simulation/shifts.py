"""The shift calendar as a simulated machine lives by it: is it planned to work now, and until when is that so."""

from collections.abc import Sequence
from typing import Final, Protocol

from broker.contract.events import NS_PER_S
from broker.plant.calendar import NO_SHIFT, TimeRange
from edge.simulation.timeline import NEVER

_AHEAD_NS: Final = 2 * 86_400 * NS_PER_S
_FOR_EVER: Final = TimeRange(0, NEVER, NO_SHIFT, planned=True)


class TimeRangeSource(Protocol):
    """What knows the spans of a time range: a plant's calendar."""

    def time_ranges(self, start: int, end: int) -> Sequence[TimeRange]:
        """Return spans that cover start ≤ t < end without a gap."""


class Shifts:
    """One machine's calendar, asked with times that only grow.

    Args:
        calendar: None for a machine that is always planned to work.
    """

    def __init__(self, calendar: TimeRangeSource | None) -> None:
        self._calendar = calendar
        self._time_ranges: list[TimeRange] = []
        self._duration_text = _FOR_EVER if calendar is None else TimeRange(0, 0, NO_SHIFT, planned=False)

    @property
    def always(self) -> bool:
        """Whether there is no calendar."""
        return self._calendar is None

    def at(self, now: int) -> TimeRange:
        """Return the span that `now` is in. Its start may be cut; its end is an edge, or two days ahead."""
        if now >= self._duration_text.end:
            self._duration_text = self._find(now)
        return self._duration_text

    def _find(self, now: int) -> TimeRange:
        while self._time_ranges:
            span = self._time_ranges.pop()
            if span.start <= now < span.end:
                return span
        assert self._calendar is not None  # a machine without one never comes to the end of its span
        self._time_ranges = list(reversed(self._calendar.time_ranges(now, now + _AHEAD_NS)))
        return self._time_ranges.pop()
