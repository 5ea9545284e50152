"""How pages cut time into production days: where the first shift of a day usually starts, in the zone of each site.

InfluxQL counts an offset in elapsed hours from a midnight of the zone. From the midnight before, a day on which clocks
change would begin an hour early or late. Days that begin after the clocks have changed (`_CHANGED_S`) are counted back
from the midnight that follows, so that they begin at their time of day all year; so are weeks.
"""

from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from broker.plant.plant import Plant
from dashboards.names import HOUR, LEDGER
from dashboards.queries import RANGE, Cut, scope

WEEK: Final = "7d, -3d"
"""From Monday on. InfluxQL's weeks begin on Thursday, the first day of 1970; clocks change on a Sunday."""

_HOUR_S: Final = 3_600
_DAY_S: Final = 24 * _HOUR_S
_CHANGED_S: Final = 3 * _HOUR_S
"""The time of day by which clocks have changed."""


class _Days(NamedTuple):
    zone: str
    start_s: int


def cuts(plant: Plant, by: tuple[str, ...], during: str = RANGE) -> list[Cut]:
    """Return one cut for all sites whose days begin alike, by these tags and production day."""
    return [cut for _, cut in _cuts(plant, by, during)]


def by_day(plant: Plant, by: tuple[str, ...], during: str) -> list[tuple[Cut, str]]:
    """Return such cuts, each with the data source of the coarsest rows that such days can be made of."""
    return [(cut, HOUR if _is_of_hours(days) else LEDGER) for days, cut in _cuts(plant, by, during)]


def _cuts(plant: Plant, by: tuple[str, ...], during: str) -> list[tuple[_Days, Cut]]:
    sites: dict[_Days, list[str]] = {}
    for site in dict.fromkeys(path.split("/")[0] for path in plant.assets):
        calendar = plant.calendar_of(site)
        starts = [shift.start_s for shift in calendar.rules.shifts] if calendar else []
        sites.setdefault(_Days(plant.time_zone_of(site), min(starts, default=0)), []).append(site)
    if not sites:
        sites[_Days("UTC", 0)] = []
    return [
        (
            days,
            Cut(by, _every(days.start_s), where=_where(found) if len(sites) > 1 else "", during=during, zone=days[0]),
        )
        for days, found in sites.items()
    ]


def _where(sites: list[str]) -> str:
    return scope(more=f'"site" =~ /^({"|".join(sites)})$/')


def _every(start_s: int) -> str:
    offset_s = start_s - _DAY_S if start_s >= _CHANGED_S else start_s
    return f"1d, {offset_s // _HOUR_S}h" if offset_s % _HOUR_S == 0 else f"1d, {offset_s}s"


def _is_of_hours(days: _Days) -> bool:
    """Return whether such days begin with an hour of UTC, as the rows by hour do, in winter and in summer."""
    offsets = (datetime(2026, month, 1, tzinfo=ZoneInfo(days.zone or "UTC")).utcoffset() for month in (1, 7))
    return not any((days.start_s - offset.total_seconds()) % _HOUR_S for offset in offsets if offset is not None)
