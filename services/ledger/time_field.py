"""The ledger's field that a second belongs to, by the machine's state, its order and the calendar."""

from typing import Final

from broker.plant.calendar import NO_SHIFT
from services.ledger.entries import Order
from services.ledger.fields import Sums, add
from services.ledger.rules import TimeRanges
from services.ledger.state_timeline import UNKNOWN, ReportedState
from services.ledger.stops import STOPS, WORKING

STOPPED: Final = frozenset(f"{state}_s" for state in STOPS)
"""Fields of the time of stops: it is summed by reason even where none was reported. A set-up is its own reason."""


def time_field(reported_state: ReportedState, order: Order | None, planned: bool | None) -> str:
    """Return the ledger's field for a second in this state; `planned` is None where there is no calendar."""
    state = reported_state.state
    if state in ("off", "maintenance"):
        return f"{state}_s"
    if state == "unknown":
        return "unknown_planned_s" if planned else "unknown_s"
    if planned is False and state not in WORKING:
        return "off_s"
    if state == "idle" and order is None:
        return "no_order_s"
    return f"{state}_s"


def unknown_time(start: int, end: int, calendar: TimeRanges | None) -> dict[str, Sums]:
    """Return the time of a machine of which nothing is known over [start, end), by shift."""
    if end <= start:
        return {}
    if calendar is None:
        return {NO_SHIFT: {"unknown_s": end - start}}
    found: dict[str, Sums] = {}
    for each in calendar.time_ranges(start, end):
        add(found.setdefault(each.shift, {}), {time_field(UNKNOWN, None, each.planned): each.end - each.start})
    return found
