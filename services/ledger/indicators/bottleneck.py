"""The bottleneck of a line, by the active period method: the machine that is active longest without interruption.

A machine that waits, starved or blocked or idle, is held up by another. One that runs, is set up or is being repaired
holds up the others: so the machine with the longest uninterrupted active period in a range is the bottleneck of that
range (C. Roser, M. Nakano, M. Tanaka, "A practical bottleneck detection method", Winter Simulation Conference, 2001).
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from broker.contract.events import State

ACTIVE: Final[frozenset[State]] = frozenset({"running", "setup", "down"})
"""States in which a machine waits for no other."""

Interval = tuple[int, int, State]
"""From, to (nanoseconds since 1970-01-01 UTC), and the state between."""


class Bottleneck(msgspec.Struct, frozen=True):
    """The machine with the longest active period, and from when to when that was."""

    machine: str
    start: int
    end: int


def bottleneck(intervals: Mapping[str, Iterable[Interval]]) -> Bottleneck | None:
    """Return the bottleneck of machines in a range; None where none was ever active.

    Of machines that are active equally long, the one named first is it.

    Args:
        intervals: of each machine, what state it was in over the range, in order of time.
    """
    longest: Bottleneck | None = None
    for machine, reported in intervals.items():
        for start, end in _active(reported):
            if longest is None or end - start > longest.end - longest.start:
                longest = Bottleneck(machine, start, end)
    return longest


def _active(intervals: Iterable[Interval]) -> list[tuple[int, int]]:
    """Return the active periods: adjoining active states are one."""
    periods: list[tuple[int, int]] = []
    for start, end, state in intervals:
        if state not in ACTIVE or start == end:
            continue
        if periods and periods[-1][1] == start:
            periods[-1] = (periods[-1][0], end)
        else:
            periods.append((start, end))
    return periods
