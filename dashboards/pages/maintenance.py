"""Maintenance: how often machines fail, how long they are down, and what wears."""

import re
from typing import Final

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import HOUR, LEVELS, MACHINE, MAINTENANCE, RAW
from dashboards.page import levels, link_to, link_to_wall, page
from dashboards.pages import parts
from dashboards.production_days import WEEK
from dashboards.queries import EVERY, RANGE, Cut, grouped, indicator, last_days, reasons, scope, total
from dashboards.signals import ALIAS, BY, among_others
from dashboards.targets import zone_of

_DAYS: Final = 30
_WEEKS: Final = 12
"""Failures are rare: some panels look at so much, whatever range is chosen."""


def page_of(plant: Plant) -> dashboard.Dashboard:
    """Return the page."""
    return page(
        MAINTENANCE,
        "Reliability of machines, what made them fail, corrective against planned maintenance, and signs of wear.",
        [
            Section("Over the range", _numbers()),
            Section("Reliability", [_by_machine(), _by_week(plant), _failures(plant)]),
            Section("Down and maintained", [_hours(), parts.alarms(LEVELS)]),
            Section(
                "Condition",
                [
                    _condition(plant, "Wear", "wear", "Wear of tools, brushes and pins, each in its own unit."),
                    _condition(plant, "Vibration", "vibration", "Vibration velocity; ISO 20816-3 alarms from 4.5."),
                    _condition(plant, "Temperatures", ".*temp", "Spindles, gears, coolant, baths.", size=(24, 10)),
                    _condition(
                        plant,
                        "Pressure drop of filters",
                        ".*-dp",
                        "A filter that clogs: its pressure drop rises.",
                        size=(24, 7),
                    ),
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
            "Failures",
            "How often a machine went down.",
            Ask(total({"n": "failures"})),
            looks.PIECES,
            decimals=0,
            size=size,
        ),
        panels.number(
            "Mean time to failure",
            "Time up over failures and one, as the standard has it (no. 32).",
            Ask(indicator("mean_time_to_failure")),
            looks.SECONDS,
            size=size,
        ),
        panels.number(
            "Time between failures",
            "Mean operating time between failures: operating time over failures and one, by the standard (no. 31).",
            Ask(indicator("mean_operating_time_between_failures")),
            looks.SECONDS,
            size=size,
        ),
        panels.number(
            "Mean time to restoration",
            "Time in failure over failures and one, as the standard has it (no. 33).",
            Ask(indicator("mean_time_to_restoration")),
            looks.SECONDS,
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
            size=size,
        ),
    ]


def _by_machine() -> Tile:
    duration: Object = {"unit": looks.SECONDS}
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
            "failures": ("Failures", {"unit": looks.PIECES, "decimals": 0}),
            "mtbf_practice": ("MTBF", duration),
            "mttr_practice": ("MTTR", duration),
            "down": ("Down", duration),
            "planned": ("Maintained", duration),
            "microstop_ratio": ("Micro-stops", {"unit": looks.RATIO, "decimals": 1}),
        },
        sort=("Down", True),
        size=(24, 9),
    )


def _failures(plant: Plant) -> Tile:
    return panels.ranking(
        f"What made machines fail, {_DAYS} days",
        f"Time down by reported reason (a machine alone: without one), over {_DAYS} days up to the end of the range.",
        Ask(reasons((*LEVELS, "reason"), ("down",), last_days(_DAYS)), table=True),
        "seconds",
        looks.SECONDS,
        colour=looks.DOWN,
        words={"reason": looks.reasons(plant)},
        size=(12, 9),
    )


def _by_week(plant: Plant) -> Tile:
    cut = Cut(every=WEEK, during=last_days(7 * _WEEKS), zone=zone_of(plant))
    return panels.by_period(
        f"Failures by week, {_WEEKS} weeks",
        "How often machines went down in each week from Monday on, over the weeks up to the end of the range.",
        [Ask(total({"Failures": "failures"}, cut), source=HOUR)],
        looks.PIECES,
        period="MMM D",
        colours={"Failures": looks.DOWN},
        size=(12, 9),
    )


def _hours() -> Tile:
    hours = {"Down": "repair_s", "Planned maintenance": "maintenance_s"}
    return panels.bars(
        "Time down and maintained",
        "Time in failure, and in planned maintenance, of all machines, in each interval.",
        [Ask(total({name: f'sum("{field}") / 3600' for name, field in hours.items()}, Cut(every=EVERY)))],
        looks.HOURS,
        interval="1h",
        colours={"Down": looks.DOWN, "Planned maintenance": looks.ACT},
        size=(24, 7),
    )


def _condition(plant: Plant, title: str, names: str, says: str, *, size: tuple[int, int] = (12, 8)) -> Tile:
    chosen = scope(more=f'"signal" =~ /^({names}|.*-{names})$/')
    query = f'SELECT max("value") AS "value" FROM "telemetry" WHERE {RANGE} AND {chosen}{grouped(BY, EVERY)}'
    tile = panels.trend(
        title,
        f"{says} The highest value of each interval.",
        [Ask(query, alias=ALIAS, source=RAW)],
        "none",
        interval="1m",
        size=size,
    )
    assert tile.panel.field_config is not None
    tile.panel.field_config.overrides = among_others(plant, re.compile(f"{names}|.*-{names}"))
    return tile
