"""Micro-stops: which stops are short.

A stop is unbroken time in which a machine neither runs nor is set up, whatever states and reasons follow each other in
it. Unknown time within it that is shorter than the limit, such as a connection that was lost for a moment, does not cut
it in two; longer unknown time does. A stop that still lasts is not short.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from broker.contract.events import State

WORKING: Final = frozenset({"running", "setup"})
STOPS: Final = frozenset({"starved", "blocked", "idle", "down"})
"""The states of which the time is lost in a stop; off and maintenance can be part of one."""

Segment = tuple[int, int | None, State]
"""From when, until when (None while it lasts), and the state; the same state may go on in the next."""


class Segments(Protocol):
    """What is needed of a timeline of states."""

    def segments_back(self, time: int) -> Iterator[Segment]:
        """Yield the segment around `time`, then the one before it, and so on, to the beginning of time."""

    def segments_on(self, time: int) -> Iterator[Segment]:
        """Yield the segment around `time`, then the one after it, and so on, to the one that lasts."""


class Stop(NamedTuple):
    """A short stop.

    Attributes:
        first: when the first of its states that counts as lost time (`STOPS`) began.
        end: nanoseconds.
    """

    first: int
    end: int


def short_stop(timeline: Segments, time: int, short_ns: int) -> Stop | None:
    """Return the stop around `time`, at which the machine is in one of `STOPS`; None if it is not short."""
    first = end = time
    for _, until, _ in _in_stop(timeline.segments_on(time), short_ns):  # first of all: most that are looked at last
        if until is None or until - time >= short_ns:
            return None
        end = until
    for begin, _, state in _in_stop(timeline.segments_back(time), short_ns):
        if state in STOPS:
            first = begin
        if end - begin >= short_ns:
            return None
    return Stop(first, end)


def affected(timeline: Segments, at: int, following: int | None, now: int, short_ns: int) -> tuple[int, int]:
    """Return the time in which stops may be short, or no longer be, after the timeline has changed.

    Args:
        timeline: as it is now.
        at: from when it has changed.
        following: until when; None where the change lasts.
        now: until when the ledger reaches.
        short_ns: below this length a stop is short.
    """
    first, last = at, following if following is not None else now
    end: int | None = None
    for begin, until, _ in _in_stop(timeline.segments_back(at - 1), short_ns):
        end = (at if until is None else min(until, at)) if end is None else end
        if end - begin >= short_ns:  # it is long, whatever follows
            first = at
            break
        first = begin
    start: int | None = None
    if following is not None:
        for begin, until, _ in _in_stop(timeline.segments_on(following), short_ns):
            start = max(begin, following) if start is None else start
            last = now if until is None else until
            if last - start >= short_ns:  # the same, whatever was before
                last = following
                break
    return first, max(first, last)


def _in_stop(segments: Iterator[Segment], short_ns: int) -> Iterator[Segment]:
    """Yield the segments that belong to the stop that the first is part of, without unknown time."""
    gap = 0
    for start, end, state in segments:
        if state in WORKING:
            return
        if state != "unknown":
            gap = 0
            yield start, end, state
            continue
        if end is None:
            return
        gap += end - start
        if gap >= short_ns:
            return
