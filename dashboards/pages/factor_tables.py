"""Tables of OEE and its factors: a row for each line, machine, shift or product, beside pieces and stops."""

from collections.abc import Mapping, Sequence
from typing import Final

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Tile
from dashboards.pages.parts import TITLES
from dashboards.queries import Cut, indicator, total
from dashboards.targets import COLUMN, GAP, Level, columns_of

_COLOURED: Final[Object] = {"type": "color-text"}
_INK: Final[Object] = {
    "custom.cellOptions": _COLOURED,
    "thresholds": looks.as_object(looks.thresholds(looks.PLAIN_STEPS)),
}
"""A number in plain ink, but what cannot be in its colour."""
_FAR_BELOW_POINTS: Final = -15
_TO_TARGET: Final[Object] = {
    "unit": looks.POINTS,
    "decimals": 1,
    "custom.width": 100,
    "custom.cellOptions": _COLOURED,
    "mappings": looks.as_list(looks.nothing("–")),
    "thresholds": looks.as_object(
        looks.thresholds(((None, looks.DOWN), (_FAR_BELOW_POINTS, looks.WAIT), (0, looks.PLAIN)))
    ),
}
_MADE_WHILE_OFF: Final[Object] = {
    "unit": looks.PIECES,
    "decimals": 0,
    "custom.width": 125,
    "custom.cellOptions": _COLOURED,
    "thresholds": looks.as_object(looks.thresholds(((None, looks.PLAIN), (2, looks.ATTENTION)))),
}
"""Pieces counted while the machine reported off: its OEE and effectiveness cannot be."""

TABLE_SUMS: Final = {
    "good": "good",
    "scrap": "scrap",
    "down": "down_s",
    "waiting": 'sum("starved_s") + sum("blocked_s")',
    "produced_off": "produced_off",
}
"""The sums in a table of lines, machines, shifts or products."""


def factors(by: Sequence[str], plant: Plant | None = None, level: Level = "line") -> list[Ask]:
    """Return the queries of a table with OEE, its factors, good pieces, stops and coverage of each value of tags.

    Of lines or machines (`level`) of a plant, also the target of each, and how far it is from it.
    """
    names = (*TITLES, "coverage")
    return [
        *(Ask(indicator(name, Cut(by)), table=True) for name in names),
        *(columns_of(plant, by, level) if plant else ()),
        Ask(total(TABLE_SUMS, Cut(by)), table=True),
    ]


def factor_columns(first: Mapping[str, tuple[str, Object]]) -> dict[str, tuple[str, Object]]:
    """Return the columns of such a table, after those that say what a row is about."""
    ratio: Object = {"unit": looks.RATIO, "decimals": 1, "custom.width": 95}
    bar = ratio | {
        "min": 0,
        "max": 1,
        "color": looks.fixed(looks.RUN),
        "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
        "custom.width": 100,
    }
    duration: Object = {"unit": looks.SECONDS, "custom.width": 100}
    return {
        **first,
        "oee": ("OEE", ratio | marked("oee") | _INK | {"custom.width": 65}),
        COLUMN: ("Target", ratio | {"custom.width": 65}),
        GAP: ("To target", _TO_TARGET),
        "availability": ("Availability", bar),
        "effectiveness": ("Effectiveness", bar | marked("effectiveness") | {"custom.width": 110}),
        "quality_ratio": ("Quality", bar | marked("quality_ratio") | {"custom.width": 90}),
        "good": ("Good", {"unit": looks.PIECES, "decimals": 0, "custom.width": 76}),
        "scrap": ("Scrap", {"unit": looks.PIECES, "decimals": 0, "custom.width": 60}),
        "down": ("Down", duration),
        "waiting": ("Waiting", duration),
        "coverage": ("Time known", ratio | {"custom.width": 100}),
        "produced_off": ("Made while off", _MADE_WHILE_OFF),
    }


def lines(by: Sequence[str], plant: Plant, places: Mapping[str, tuple[str, Object]]) -> Tile:
    """Return the table of lines: a row each value of these tags, which begins with the columns of its places."""
    return panels.table(
        "Lines",
        "Each line over the range; click its name for the line's page or the live wall.",
        factors(by, plant),
        factor_columns(places),
        sort=("OEE", False),
        size=(24, 9),
    )


def marked(name: str) -> Object:
    """Return the setting of a column in which what cannot be is shown as such."""
    mappings = looks.as_list(looks.cannot_be(name))
    return {"mappings": mappings} if mappings else {}
