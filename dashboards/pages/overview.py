"""Corridor overview: all sites at a glance, and where to look first."""

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import LEVELS, LINE, OVERVIEW, RAW, SITE
from dashboards.page import levels, link_to, link_to_wall, page
from dashboards.pages import factor_tables, losses, parts
from dashboards.production_days import by_day
from dashboards.queries import POWER_EVERY, how_many, indicator, last_days, power

_LINE = ("site", "area", "line")


def page_of(plant: Plant) -> dashboard.Dashboard:
    """Return the page."""
    return page(
        OVERVIEW,
        "All sites: how productive they are now and were over the range, what stopped them, what energy it took.",
        [
            Section(
                "Now and over the range",
                [*parts.headline(plant), parts.good(), _down_now(), parts.energy(), parts.change()],
            ),
            Section("Alerts", [panels.alerts()]),
            Section("Lines", [_lines(plant), parts.oee_trend(("site",), "site"), parts.time_spent("site")]),
            Section("Machines", [parts.state_ribbons()]),
            Section(
                "Losses and energy",
                [losses.losses(plant, size=(8, 9)), losses.stops(plant, LEVELS, size=(16, 9)), _power(), _days(plant)],
            ),
        ],
        levels(),
    )


def _down_now() -> Tile:
    return panels.number(
        "Machines down",
        "How many machines are down at the end of the range.",
        Ask(how_many("state", "state", "\"state\" = 'down'"), source=RAW),
        looks.PIECES,
        steps=((None, looks.PLAIN), (1, looks.DOWN)),
        decimals=0,
    )


def _lines(plant: Plant) -> Tile:
    places: dict[str, tuple[str, Object]] = {
        "site": ("Site", {"links": [link_to(SITE, "site")], "custom.width": 100}),
        "area": ("Area", {"custom.width": 105}),
        "line": ("Line", {"links": [link_to(LINE, *_LINE), link_to_wall(*_LINE)], "custom.width": 80}),
    }
    return factor_tables.lines(_LINE, plant, places)


def _power() -> Tile:
    return panels.trend(
        "Electrical power",
        "Mean electrical power of each site, from its meters.",
        [Ask(power(("site",)), alias="$tag_site")],
        looks.POWER,
        interval=POWER_EVERY,
        most=panels.MANY,
        size=(24, 7),
    )


def _days(plant: Plant) -> Tile:
    return panels.by_period(
        "OEE by day, 30 days",
        "OEE of each site by production day, which begins with its first shift in the site's time zone, over the 30"
        " days up to the end of the range.",
        [
            Ask(indicator("oee", cut), alias="$tag_site", source=source)
            for cut, source in by_day(plant, ("site",), last_days(30))
        ],
        looks.RATIO,
        period="MMM D",
        top=1,
        size=(24, 7),
    )
