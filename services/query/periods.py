"""The parts that a range is cut into by the calendar: hours, production days, and each shift of each day."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S
from broker.plant.calendar import NO_SHIFT, Calendar
from broker.plant.plant import Plant
from broker.plant.production_day import production_days, shifts_of_days
from services.query.asked_range import Range, cut

Cut = Literal["hour", "day", "shift"]
MOST_PERIODS: Final = 1_000
_HOUR_NS: Final = 3_600 * NS_PER_S


class Period(NamedTuple):
    """A part of a range, within it.

    Attributes:
        name: of the shift, `-` outside any; of a day its date; of an hour when it began, RFC 3339, where the asset is.
        day: the production day that it belongs to, a date; '' of an hour and outside any shift.
        start: nanoseconds since 1970-01-01 UTC.
        end: the same.
    """

    name: str
    day: str
    start: int
    end: int


def calendar_over(plant: Plant, asset: str, machines: Iterable[str]) -> Calendar | None:
    """Return the calendar of an asset; of one that has none, that of the first of its machines that has one."""
    calendars = (plant.calendar_of(path) for path in (asset, *machines))
    return next((calendar for calendar in calendars if calendar is not None), None)


def periods(plant: Plant, asset: str, machines: Iterable[str], by: Cut, between: tuple[int, int]) -> list[Period]:
    """Return the parts of a range, in order.

    Hours and days cover it; shifts leave out the time outside any (`gaps`). Where there is no calendar a day begins at
    midnight, and there are no shifts.

    Args:
        plant: calendars and time zones.
        asset: whose.
        machines: those under it.
        by: what it is cut into.
        between: its start and its end.

    Raises:
        ContractError: there would be too many.
        RangeError: the same, of hours.
    """
    start, end = between
    zone, calendar = plant.time_zone_of(asset), calendar_over(plant, asset, machines)
    if start >= end:
        return []
    if by == "hour":
        return [Period(_local(first, zone), "", first, last) for first, last in cut(Range(start, end), _HOUR_NS, zone)]
    found: list[Period] = []
    if by == "day":
        for day in production_days(calendar, zone, start, end):
            found.append(Period(str(day.day), str(day.day), max(day.start, start), min(day.end, end)))
            _check(len(found))
    elif calendar is not None:
        for shift in shifts_of_days(calendar, start, end):
            found.append(Period(shift.name, str(shift.day), max(shift.start, start), min(shift.end, end)))
            _check(len(found))
    return found


def gaps(found: Iterable[Period], between: tuple[int, int]) -> list[Period]:
    """Return the time of a range that is in none of the periods, which are in order."""
    at, end = between
    left: list[Period] = []
    for period in found:
        if at < period.start:
            left.append(Period(NO_SHIFT, "", at, period.start))
        at = max(at, period.end)
    if at < end:
        left.append(Period(NO_SHIFT, "", at, end))
    return left


def _check(count: int) -> None:
    if count > MOST_PERIODS:
        raise ContractError(f"more than {MOST_PERIODS} shifts or days are too many", "ask for a shorter range")


def _local(at: int, zone: str) -> str:
    return datetime.fromtimestamp(at // NS_PER_S, UTC).astimezone(ZoneInfo(zone)).isoformat()
