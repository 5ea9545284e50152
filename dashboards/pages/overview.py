"""Corridor overview: all sites at a glance, and where to look first."""

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import HOUR, LINE, OVERVIEW, RAW, SITE
from dashboards.page import levels, link_to, link_to_wall, page
from dashboards.pages import parts
from dashboards.queries import Cut, how_many, indicator, power

_LINE = ("site", "area", "line")


def page_of(plant: Plant) -> dashboard.Dashboard:
    """Return the page."""
    return page(
        OVERVIEW,
        "All sites: how productive they are now and were over the range, what stopped them, what energy it took.",
        [
            Section("Now and over the range", [*parts.headline(plant), parts.good(), _down_now(), parts.energy()]),
            Section("Lines", [_lines(plant), parts.oee_trend(plant, _LINE, _TREND_SAYS), parts.time_spent("site")]),
            Section("Machines", [parts.state_ribbons()]),
            Section("Losses and energy", [parts.stop_reasons(), _power(), _days(plant)]),
        ],
        levels(),
    )


_TREND_SAYS = "OEE of each line in each interval; dashed is the lowest target of all lines."


def _down_now() -> Tile:
    return panels.number(
        "Machines down",
        "How many machines are down at the end of the range.",
        Ask(how_many("state", "state", "\"state\" = 'down'"), source=RAW),
        "none",
        steps=((None, looks.PLAIN), (1, looks.DOWN)),
    )


def _lines(plant: Plant) -> Tile:
    places: dict[str, tuple[str, Object]] = {
        "site": ("Site", {"links": [link_to(SITE, "site")], "custom.width": 120}),
        "area": ("Area", {"custom.width": 120}),
        "line": ("Line", {"links": [link_to(LINE, *_LINE), link_to_wall(*_LINE)], "custom.width": 100}),
    }
    return panels.table(
        "Lines",
        "Each line over the range; click its name for the line's page or the live wall.",
        parts.factors(_LINE),
        parts.factor_columns(plant, places),
        sort=("OEE", False),
        size=(24, 6),
    )


def _power() -> Tile:
    return panels.trend(
        "Electrical power",
        "Mean electrical power of each site, from its meters.",
        [Ask(power(("site",)), alias="$tag_site")],
        looks.POWER,
        size=(16, 10),
    )


def _days(plant: Plant) -> Tile:
    tile = panels.trend(
        "OEE by day, 30 days",
        "OEE of each site by day (UTC) over the last 30 days, whatever range is chosen.",
        [Ask(indicator("oee", Cut(("site",), "1d", rows="ledger_day")), alias="$tag_site", source=HOUR)],
        looks.RATIO,
        interval="1d",
        target=looks.target_of(plant, "oee"),
        top=1,
        points=True,
        size=(24, 7),
    )
    tile.panel.time_from = "30d"
    return tile
