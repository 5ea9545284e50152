"""Line: one line as it flows, where its time went, which machine holds it back, hour by hour."""

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import LINE, MACHINE
from dashboards.page import levels, link_to, link_to_wall, page
from dashboards.pages import factor_tables, losses, parts
from dashboards.queries import Cut, indicator, total


def page_of(plant: Plant) -> dashboard.Dashboard:
    """Return the page."""
    return page(
        LINE,
        "One line: states on one time axis, which machine holds it back, where the time went, hour by hour.",
        [
            Section(
                "$site / $area / $line",
                [*parts.headline(plant, "line"), parts.good(), parts.scrap(), parts.energy(), parts.change()],
            ),
            Section(
                "States and orders",
                [parts.state_ribbons(("machine",), size=(24, 7)), parts.orders_ribbon(("machine",))],
            ),
            Section("The constraint of the line", [_machines(plant), parts.time_spent("machine", size=(24, 7))]),
            Section(
                "Where the time went",
                [parts.waterfall(), parts.stop_reasons(plant), losses.losses(plant), losses.stops(plant, ("machine",))],
            ),
            Section("Plan", [losses.plan(plant)]),
            Section(
                "Hour by hour",
                [
                    _hours(),
                    parts.pieces_by_time(("machine",)),
                    parts.oee_trend(("machine",), "machine", plant),
                    parts.alarms(size=(24, 8)),
                ],
            ),
        ],
        levels("site", "area", "line"),
        wall="line/${site}/${area}/${line}",
    )


def _machines(plant: Plant) -> Tile:
    here = ("$site", "$area", "$line", "machine")
    places: dict[str, tuple[str, Object]] = {
        "machine": ("Machine", {"links": [link_to(MACHINE, *here), link_to_wall(*here)], "custom.width": 130}),
    }
    return panels.table(
        "Machines, the one that waits least on top",
        "A machine that neither starves nor is blocked sets the pace of the line: it is the constraint, and a minute"
        " won there is a minute won for the line. Click its name for more.",
        factor_tables.factors(("machine",), plant, "machine"),
        factor_tables.factor_columns(places),
        sort=("Waiting", False),
        size=(24, 7),
    )


def _hours() -> Tile:
    cut = Cut(every="1h")
    sums = {
        "good": "good",
        "scrap": "scrap",
        "running": "running_s",
        "setup": "setup_s",
        "waiting": 'sum("starved_s") + sum("blocked_s") + sum("idle_s")',
        "down": "down_s",
    }
    duration: Object = {"unit": looks.SECONDS}
    return panels.table(
        "Hour by hour",
        "What each hour gave, and how the machines spent it, all machines together; the newest hour is on top.",
        [Ask(total(sums, cut), table=True), Ask(indicator("oee", cut), table=True)],
        {
            "good": ("Good", {"unit": looks.PIECES, "decimals": 0}),
            "scrap": ("Scrap", {"unit": looks.PIECES, "decimals": 0}),
            "oee": ("OEE", {"unit": looks.RATIO, "decimals": 1} | factor_tables.marked("oee")),
            "running": ("Running", duration),
            "setup": ("Set-up", duration),
            "waiting": ("Waiting, idle", duration),
            "down": ("Down", duration),
        },
        by_time="Hour",
        sort=("Hour", True),
        size=(24, 8),
    )
