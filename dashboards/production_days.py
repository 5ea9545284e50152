"""How pages cut time into production days: where the first shift of a day usually starts, in the zone of each site.

On a day on which clocks change, InfluxQL counts the hours from midnight, so that it begins an hour early or late.
"""

from typing import Final

from broker.plant.plant import Plant
from dashboards.queries import Cut, scope

_HOUR_S: Final = 3_600


def cuts(plant: Plant, by: tuple[str, ...]) -> list[Cut]:
    """Return one cut for all sites whose days begin alike, by these tags and production day."""
    begins: dict[tuple[str, int], list[str]] = {}
    for site in dict.fromkeys(path.split("/")[0] for path in plant.assets):
        calendar = plant.calendar_of(site)
        starts = [shift.start_s for shift in calendar.rules.shifts] if calendar else []
        begins.setdefault((plant.time_zone_of(site), min(starts, default=0)), []).append(site)
    if len(begins) <= 1:
        zone, start_s = next(iter(begins), ("UTC", 0))
        return [Cut(by, _every(start_s), zone=zone)]
    return [
        Cut(by, _every(start_s), where=scope(more=f'"site" =~ /^({"|".join(sites)})$/'), zone=zone)
        for (zone, start_s), sites in begins.items()
    ]


def _every(start_s: int) -> str:
    return f"1d, {start_s // _HOUR_S}h" if start_s % _HOUR_S == 0 else f"1d, {start_s}s"
