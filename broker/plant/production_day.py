"""The production day: from where the first shift of a local day starts to where that of the next day does.

So a night shift belongs to the day on which it starts, whole. A day without a shift begins when days usually do;
without a calendar it begins at midnight.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from broker.contract.events import NS_PER_S
from broker.plant.calendar import Calendar

_AROUND = timedelta(days=2)
"""Local dates this far from an instant's date are looked at, as a day may begin up to a day after its midnight."""


class ProductionDay(NamedTuple):
    """A production day, start ≤ t < end, nanoseconds since 1970-01-01 UTC."""

    day: date
    start: int
    end: int


class ShiftOfDay(NamedTuple):
    """One shift of one production day, whole, nanoseconds since 1970-01-01 UTC."""

    name: str
    day: date
    start: int
    end: int


def production_days(calendar: Calendar | None, time_zone: str, start: int, end: int) -> Iterator[ProductionDay]:
    """Yield the production days that overlap [start, end), whole, in order.

    Args:
        calendar: whose shifts are meant; None where there are none.
        time_zone: whose midnights are meant then, an IANA zone.
        start: nanoseconds since 1970-01-01 UTC.
        end: the same.
    """
    zone = ZoneInfo(calendar.time_zone if calendar else time_zone)
    day = _date(start, zone) - _AROUND
    begins = _begins(calendar, zone, day)
    while begins < end:
        following = day + timedelta(days=1)
        ends = _begins(calendar, zone, following)
        if ends > start and begins < ends:
            yield ProductionDay(day, begins, ends)
        day, begins = following, ends


def shifts_of_days(calendar: Calendar, start: int, end: int) -> list[ShiftOfDay]:
    """Return the shifts that overlap [start, end), whole, in order, each with the local day on which it starts."""
    zone = ZoneInfo(calendar.time_zone)
    return [
        ShiftOfDay(window.name, _date(window.start, zone), window.start, window.end)
        for window in calendar.shifts(start, end)
    ]


def _begins(calendar: Calendar | None, zone: ZoneInfo, day: date) -> int:
    if calendar is None:
        return round(datetime.combine(day, datetime.min.time(), zone).timestamp()) * NS_PER_S
    worked = [shift.start_s for shift, _ in calendar.shifts_on(day)] or [each.start_s for each in calendar.rules.shifts]
    return calendar.instant(day, min(worked, default=0))


def _date(at: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at // NS_PER_S, UTC).astimezone(zone).date()
