"""Maintenance: how often machines fail, how long they are down, and what wears."""

from typing import Final

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import LEVELS, MACHINE, MAINTENANCE, RAW
from dashboards.page import levels, link_to, link_to_wall, page
from dashboards.pages import parts
from dashboards.queries import EVERY, RANGE, Cut, grouped, indicator, reasons, scope, total

_LONG: Final = "30d"
"""Failures are rare: some panels look at so much, whatever range is chosen."""


def page_of(plant: Plant) -> dashboard.Dashboard:  # noqa: ARG001  (all pages are made in the same way)
    """Return the page."""
    return page(
        MAINTENANCE,
        "Reliability of machines, what made them fail, corrective against planned maintenance, and signs of wear.",
        [
            Section("Over the range", _numbers()),
            Section("Reliability", [_by_machine(), _failures()]),
            Section("Down and maintained", [_hours(), parts.alarms(size=(12, 9))]),
            Section(
                "Condition",
                [
                    _condition("Wear", "wear", "Wear of tools, brushes and pins, each in its own unit."),
                    _condition("Vibration", "vibration", "Vibration velocity, mm/s; ISO 20816-3 alarms from 4.5."),
                    _condition("Temperatures", ".*temp", "Spindles, gears, coolant, baths, °C."),
                    _condition("Pressure drop of filters", ".*-dp", "A filter that clogs, mbar."),
                ],
            ),
        ],
        levels(),
        since="now-7d",
    )


def _numbers() -> list[Tile]:
    size = (4, 4)
    return [
        panels.number(
            "Failures", "How often a machine went down.", Ask(total({"n": "failures"})), "none", decimals=0, size=size
        ),
        panels.number(
            "Mean time to failure",
            "Time up over failures and one, as the standard has it (no. 32).",
            Ask(indicator("mean_time_to_failure")),
            looks.SECONDS,
            decimals=1,
            size=size,
        ),
        panels.number(
            "Mean operating time between failures",
            "Operating time over failures and one, as the standard has it (no. 31).",
            Ask(indicator("mean_operating_time_between_failures")),
            looks.SECONDS,
            decimals=1,
            size=size,
        ),
        panels.number(
            "Mean time to restoration",
            "Time in failure over failures and one, as the standard has it (no. 33).",
            Ask(indicator("mean_time_to_restoration")),
            looks.SECONDS,
            decimals=1,
            size=size,
        ),
        panels.number(
            "Corrective maintenance",
            "Corrective over all maintenance time (no. 34): the less, the better it is planned.",
            Ask(indicator("corrective_maintenance_ratio")),
            looks.RATIO,
            decimals=1,
            none="none in this range",
            size=size,
        ),
        panels.number(
            "Planned maintenance",
            "Time in planned maintenance, all machines together.",
            Ask(total({"seconds": "maintenance_s"})),
            looks.SECONDS,
            decimals=1,
            size=size,
        ),
    ]


def _by_machine() -> Tile:
    duration: Object = {"unit": looks.SECONDS, "decimals": 1}
    cut = Cut(LEVELS)
    places: dict[str, tuple[str, Object]] = {
        "site": ("Site", {}),
        "area": ("Area", {}),
        "line": ("Line", {}),
        "machine": ("Machine", {"links": [link_to(MACHINE, *LEVELS), link_to_wall(*LEVELS)]}),
    }
    return panels.table(
        "Reliability by machine",
        "MTBF and MTTR as they are reckoned in practice: time up, and time in failure, over failures. A machine that"
        " did not fail has neither.",
        [
            Ask(total({"failures": "failures", "down": "repair_s", "planned": "maintenance_s"}, cut), table=True),
            Ask(indicator("mtbf_practice", cut), table=True),
            Ask(indicator("mttr_practice", cut), table=True),
            Ask(indicator("microstop_ratio", cut), table=True),
        ],
        places
        | {
            "failures": ("Failures", {"decimals": 0}),
            "mtbf_practice": ("MTBF", duration),
            "mttr_practice": ("MTTR", duration),
            "down": ("Down", duration),
            "planned": ("Planned maintenance", duration),
            "microstop_ratio": ("Micro-stops", {"unit": looks.RATIO, "decimals": 1}),
        },
        sort=("Down", True),
        size=(16, 9),
    )


def _failures() -> Tile:
    tile = panels.ranking(
        "What made machines fail, 30 days",
        "Time down by reported reason (a machine alone: without one), over the last 30 days.",
        Ask(reasons(("machine", "reason"), ("down",)), table=True),
        "seconds",
        looks.SECONDS,
        colour=looks.DOWN,
        size=(8, 9),
    )
    tile.panel.time_from = _LONG
    return tile


def _hours() -> Tile:
    return panels.bars(
        "Time down and maintained",
        "Time in failure, and in planned maintenance, of all machines, in each interval.",
        [Ask(total({"Down": "repair_s", "Planned maintenance": "maintenance_s"}, Cut(every=EVERY)))],
        looks.SECONDS,
        interval="1h",
        colours={"Down": looks.DOWN, "Planned maintenance": looks.ACT},
        size=(12, 9),
    )


def _condition(title: str, signals: str, says: str) -> Tile:
    by = ("line", "machine", "signal")
    chosen = scope(more=f'"signal" =~ /^({signals}|.*-{signals})$/')
    query = f'SELECT max("value") AS "value" FROM "telemetry" WHERE {RANGE} AND {chosen}{grouped(by, EVERY)}'
    return panels.trend(
        title,
        f"{says} The highest value of each interval.",
        [Ask(query, alias="$tag_line/$tag_machine $tag_signal", source=RAW)],
        "none",
        interval="1m",
    )
