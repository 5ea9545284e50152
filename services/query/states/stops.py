"""Stops: when which machine stood, for how long and why, one after another.

A stop is time in a state that loses planned time (down, starved, blocked, idle, setup) for one reason; the timeline is
the ledger's own, so the stops of a reason agree with its time where a machine was planned throughout.
"""

from typing import Final

import msgspec

from broker.contract.errors import ContractError
from broker.contract.instants import format_rfc3339
from services.ledger.fields import NANO
from services.ledger.history import History
from services.ledger.stops import STOPS
from services.query.constraint import timelines
from services.store.interface import Store
from services.store.resolutions import DAY

LONGEST_NS: Final = 31 * DAY
"""Stops are listed for ranges up to a month: they are read from single events."""
MOST_STOPS: Final = 20_000
LISTED: Final = STOPS | {"setup"}


class Stop(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """One stop.

    Attributes:
        asset: the machine.
        from_: when it began, RFC 3339; the begin of the range if that is later.
        to: when it ended, RFC 3339; null while it lasts.
        seconds: how long it was, within the range.
        state: the state.
        reason: as reported, '' where none was.
        order: on the machine when it began, '' for none.
        product: of that order.
    """

    asset: str
    from_: str
    to: str | None
    seconds: float
    state: str
    reason: str
    order: str
    product: str


async def stops(store: Store, asset: str, start: int, end: int, *, reason: str | None = None) -> list[Stop]:
    """Return the stops of every machine under `asset` over [start, end), the newest first.

    Args:
        store: where the events are.
        asset: an asset path; '' for everything.
        start: nanoseconds since 1970-01-01 UTC.
        end: the same; a stop that reaches it lasts.
        reason: those for this reason only, '' for those without one; None for all.

    Raises:
        ContractError: the range is longer than a month, or there are too many stops.
    """
    if end - start > LONGEST_NS:
        raise ContractError("the range is longer than 31 days", "list the stops of a part of it")
    found: list[tuple[int, Stop]] = []
    for machine, history in sorted((await timelines(store, asset, start, end)).items()):
        found += _of(machine, history, start, end, reason)
        if len(found) > MOST_STOPS:
            raise ContractError(
                f"there are more than {MOST_STOPS} stops in this range", "ask for fewer machines, or a shorter range"
            )
    return [stop for _, stop in sorted(found, key=lambda each: (-each[0], each[1].asset))]


def _of(machine: str, history: History, start: int, end: int, reason: str | None) -> list[tuple[int, Stop]]:
    joined: list[tuple[int, int, str, str]] = []
    for first, last, reported in history.intervals(start, end):
        if joined and joined[-1][2:] == (reported.state, reported.reason):
            joined[-1] = (joined[-1][0], last, *joined[-1][2:])
        else:
            joined.append((first, last, reported.state, reported.reason))
    found = []
    for first, last, state, why in joined:
        if state not in LISTED or reason not in {None, why}:
            continue
        order = history.jobs.at(first)
        stop = Stop(
            machine,
            format_rfc3339(first),
            None if last >= end else format_rfc3339(last),
            (last - first) / NANO,
            state,
            why,
            "" if order is None else order.order,
            "" if order is None else order.product,
        )
        found.append((first, stop))
    return found
