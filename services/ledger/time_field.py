"""The ledger's field that a second belongs to, by the machine's state, its order and the calendar."""

from functools import lru_cache
from typing import Final, NamedTuple

from broker.contract.events import State
from broker.plant.calendar import NO_SHIFT
from services.ledger.fields import Sums, add
from services.ledger.rules import TimeRanges
from services.ledger.stops import STOPS, WORKING

STOPPED: Final = frozenset(f"{state}_s" for state in STOPS)
"""Fields of the time of stops: it is summed by reason even where none was reported. A set-up is its own reason."""


class TimeFields(NamedTuple):
    """What a piece of time adds to.

    Attributes:
        fields: of the ledger, but for that of micro-stops.
        is_by_reason: whether it is summed by its reason, too.
        is_lost: whether it is lost in a stop, which may be short.
    """

    fields: tuple[str, ...]
    is_by_reason: bool
    is_lost: bool


def time_field(state: State, planned: bool | None, *, has_order: bool) -> str:
    """Return the ledger's field for a second in this state; `planned` is None where there is no calendar."""
    if state in ("off", "maintenance"):
        return f"{state}_s"
    if state == "unknown":
        return "unknown_planned_s" if planned else "unknown_s"
    if planned is False and state not in WORKING:
        return "off_s"
    if state == "idle" and not has_order:
        return "no_order_s"
    return f"{state}_s"


@lru_cache(1_024)
def fields_of_time(
    state: State, planned: bool | None, *, has_reason: bool, has_order: bool, is_uncounted: bool
) -> TimeFields:
    """Return all that a second in this state adds to.

    Args:
        state: of the machine.
        planned: by the calendar; None where there is none.
        has_reason: whether a reason was reported with the state.
        has_order: whether an order was on.
        is_uncounted: whether no produced pieces had ever been counted.
    """
    field = time_field(state, planned, has_order=has_order)
    more = {
        "between_s": state == "running",
        "uncounted_s": state == "running" and is_uncounted,
        "repair_s": state == "down",
        "overtime_s": planned is False and state in WORKING,
        "order_s": has_order,
    }
    fields = (field, *(name for name, is_so in more.items() if is_so))
    is_by_reason = field in STOPPED or (has_reason and field in (f"{state}_s", "no_order_s"))
    return TimeFields(fields, is_by_reason, is_lost=state in STOPS and planned is not False)


def unknown_time(start: int, end: int, calendar: TimeRanges | None) -> dict[str, Sums]:
    """Return the time of a machine of which nothing is known over [start, end), by shift."""
    if end <= start:
        return {}
    if calendar is None:
        return {NO_SHIFT: {"unknown_s": end - start}}
    found: dict[str, Sums] = {}
    for each in calendar.time_ranges(start, end):
        add(
            found.setdefault(each.shift, {}),
            {time_field("unknown", each.planned, has_order=False): each.end - each.start},
        )
    return found
