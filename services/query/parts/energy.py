"""The electricity that a machine needed for a part, from its meter.

The meter's total is taken to rise evenly between two readings. Parts of one load share what the load needed.
"""

from itertools import pairwise
from typing import Final

from broker.contract.events import NS_PER_MS, NS_PER_S, Meter, Part
from broker.contract.units import SUMMED
from services.store.interface import Events

METER: Final = "electricity"
_AROUND_NS: Final = 20 * 60 * NS_PER_S
"""How far from the range a reading may be; back-filled machines report their meters seldom."""


async def energy_kwh(events: Events, machine: str, start: int, end: int) -> float | None:
    """Return a part's share of a machine's electricity over [start, end], kW·h; None where it is not known.

    Args:
        events: where the readings are.
        machine: the machine.
        start: when it began on the part, nanoseconds since 1970-01-01 UTC.
        end: when it had finished.
    """
    found = await events.events(("meter", "part"), machine, start - _AROUND_NS, end + _AROUND_NS)
    readings = [
        (event.at, event.total * factor)
        for event in found
        if isinstance(event, Meter) and event.name == METER and (factor := SUMMED[METER].get(event.unit))
    ]
    before, after = _total_at(readings, start), _total_at(readings, end)
    if before is None or after is None or after < before:
        return None
    together = sum(isinstance(event, Part) and _began(event, start, end) for event in found)
    return (after - before) / max(1, together)


def _began(part: Part, start: int, end: int) -> bool:
    """Whether a part was begun at an instant, with the load of the part that ended at `end`."""
    if part.seconds is None:
        return False
    begun = part.at - round(part.seconds * NS_PER_S)
    return abs(begun - start) < NS_PER_MS and abs(part.at - end) < NS_PER_S


def _total_at(readings: list[tuple[int, float]], at: int) -> float | None:
    """Return a total between two readings."""
    for (before, low), (after, high) in pairwise(readings):
        if before <= at <= after:
            return low + (high - low) * (at - before) / (after - before)
    return None
