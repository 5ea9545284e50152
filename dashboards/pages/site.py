"""Site: one site, its lines and machines, hour by hour."""

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import LEVELS, LINE, SITE
from dashboards.page import levels, link_to, link_to_wall, page
from dashboards.pages import factor_tables, losses, parts
from dashboards.queries import POWER_EVERY, power

_LINE = ("area", "line")


def page_of(plant: Plant) -> dashboard.Dashboard:
    """Return the page."""
    return page(
        SITE,
        "One site: its lines side by side, what they made, what they lost and why.",
        [
            Section("$site", [*parts.headline(plant), parts.good(), parts.scrap(), parts.energy(), parts.change()]),
            Section(
                "Lines",
                [
                    _lines(plant),
                    parts.oee_trend(_LINE, "line", plant),
                    parts.pieces_by_time(_LINE),
                    parts.time_spent(_side_by_side(plant)),
                    _power(),
                ],
            ),
            Section("Machines", [parts.state_ribbons(("area", "line", "machine"))]),
            Section("Why", [losses.losses(plant), losses.stops(plant, LEVELS[1:]), parts.alarms(LEVELS[1:])]),
        ],
        levels("site"),
    )


def _lines(plant: Plant) -> Tile:
    here = ("$site", "area", "line")
    places: dict[str, tuple[str, Object]] = {
        "area": ("Area", {"custom.width": 140}),
        "line": ("Line", {"links": [link_to(LINE, *here), link_to_wall(*here)], "custom.width": 120}),
    }
    return factor_tables.lines(_LINE, plant, places)


def _side_by_side(plant: Plant) -> str:
    """Return what the bars of a site are of: its lines, or its areas if two of them have a line of one name."""
    lines = [path.split("/") for path in plant.lines()]
    return "line" if len({(site, line) for site, _, line in lines}) == len(lines) else "area"


def _power() -> Tile:
    return panels.trend(
        "Electrical power",
        "Mean electrical power of each line, from the meters of its machines.",
        [Ask(power(_LINE), alias="$tag_area/$tag_line")],
        looks.POWER,
        interval=POWER_EVERY,
        most=panels.MANY,
    )
