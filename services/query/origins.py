"""Who reported for a machine over a range: its simulation or a real device, and the moments when that changed.

Every event of a simulation has a mark. While a machine is handed over, messages of both may overlap for a moment:
changes that follow each other within a few seconds are one.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from broker.contract.events import NS_PER_MS, NS_PER_S, AnyEvent
from broker.contract.topics import Kind
from services.store.interface import Store

_KINDS: Final[tuple[Kind, ...]] = ("status", "state", "count")
"""What simulation and devices report most often."""
_BRIEF_NS: Final = 5 * NS_PER_S
_MOST_EVENTS: Final = 50_000


class Origin(msgspec.Struct, frozen=True):
    """Who reported from when to when, times in ms since 1970-01-01 UTC.

    Attributes:
        start: when it reported first, or the begin of the range.
        end: when the other took over, or when it reported last.
        simulated: whether it was the simulation.
    """

    start: int
    end: int
    simulated: bool


async def origins(store: Store, machine: str, start: int, end: int) -> list[Origin]:
    """Return who reported for a machine over [start, end), in order; nothing where nobody did."""
    before = max(await store.latest_before(_KINDS, machine, start), key=lambda event: event.at, default=None)
    events = await store.events(_KINDS, machine, start, end, limit=_MOST_EVENTS, newest_first=True)
    return origins_of([*([before] if before else []), *reversed(events)], start)


def origins_of(events: Iterable[AnyEvent], start: int) -> list[Origin]:
    """Return who reported, from events in order of time."""
    runs: list[tuple[int, int, bool]] = []
    for event in events:
        if runs and runs[-1][2] == event.simulated:
            runs[-1] = (runs[-1][0], event.at, event.simulated)
        else:
            runs.append((event.at, event.at, event.simulated))
    merged, place = runs[:1], 1
    while place < len(runs):
        # Changes that follow each other at once are one, at the time of the first.
        changed = runs[place][0]
        while place + 1 < len(runs) and runs[place + 1][0] - runs[place][0] < _BRIEF_NS:
            place += 1
        _, last, simulated = runs[place]
        if simulated == merged[-1][2]:
            merged[-1] = (merged[-1][0], last, simulated)
        else:
            merged.append((changed, last, simulated))
        place += 1
    ends = [*(first for first, _, _ in merged[1:]), *(last for _, last, _ in merged[-1:])]
    return [
        Origin(max(first, start) // NS_PER_MS, max(until, start) // NS_PER_MS, simulated)
        for (first, _, simulated), until in zip(merged, ends, strict=True)
    ]
