"""Site: one site, its lines and machines, hour by hour."""

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import LINE, SITE
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
                    parts.time_spent("line"),
                    _power(),
                ],
            ),
            Section("Machines", [parts.state_ribbons(("area", "line", "machine"))]),
            Section("Why", [losses.losses(plant), losses.stops(plant), parts.alarms()]),
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


def _power() -> Tile:
    return panels.trend(
        "Electrical power",
        "Mean electrical power of each line, from the meters of its machines.",
        [Ask(power(_LINE), alias="$tag_area/$tag_line")],
        looks.POWER,
        interval=POWER_EVERY,
        most=panels.MANY,
    )
