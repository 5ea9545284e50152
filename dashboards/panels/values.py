"""Panels of single values: a number, a word, how long ago something was; and the list of alerts."""

from collections.abc import Sequence
from typing import Any

from dashboards import looks
from dashboards.grafana import Ask, Tile, dashboard
from dashboards.looks import PLAIN_STEPS, Steps
from dashboards.panels.basis import LAST, defaults_of, panel_of


def number(
    title: str,
    says: str,
    ask: Ask,
    unit: str,
    *,
    steps: Steps = PLAIN_STEPS,
    decimals: int | None = None,
    none: str = "no data",
    mappings: Sequence[Any] = (),
    size: tuple[int, int] = (3, 4),
) -> Tile:
    """Return one number, large, unless it is one of those that `mappings` show as a word."""
    options = {
        "reduceOptions": LAST,
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "value",
        "justifyMode": "center",
    }
    panel = panel_of("stat", title, says, [ask], options)
    defaults = defaults_of(panel)
    defaults.unit, defaults.decimals, defaults.no_value = unit, decimals, none
    defaults.mappings = list(mappings) or None
    defaults.thresholds = looks.thresholds(steps)
    defaults.color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS)
    return Tile(panel, *size)


def changes(title: str, says: str, asks: Sequence[Ask], *, size: tuple[int, int] = (24, 4)) -> Tile:
    """Return several numbers side by side, each with its name: shares of what was before, less is orange."""
    options = {
        "reduceOptions": LAST,
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "value_and_name",
        "justifyMode": "center",
        "orientation": "vertical",
    }
    panel = panel_of("stat", title, says, asks, options)
    defaults = defaults_of(panel)
    defaults.unit, defaults.decimals, defaults.no_value = looks.RATIO, 1, "no data"
    defaults.mappings = looks.nothing("no data")
    defaults.thresholds = looks.thresholds(((None, looks.WAIT), (0, looks.PLAIN)))
    defaults.color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS)
    return Tile(panel, *size)


def alerts(*, size: tuple[int, int] = (24, 5)) -> Tile:
    """Return the list of Corridor's alerts that fire, wait to fire, or are in error."""
    options = {
        "alertName": "",
        "alertInstanceLabelFilter": '{corridor="yes"}',
        "dashboardAlerts": False,
        "groupBy": [],
        "groupMode": "default",
        "maxItems": 20,
        "sortOrder": 3,
        "stateFilter": {"error": True, "firing": True, "noData": False, "normal": False, "pending": True},
        "viewMode": "list",
    }
    says = (
        "Corridor's alert rules that fire or wait to fire, and those that Grafana could not evaluate: nothing is good."
    )
    return Tile(panel_of("alertlist", "Alerts", says, [], options), *size)


def word(
    title: str,
    says: str,
    ask: Ask,
    field: str,
    mappings: Sequence[Any] = (),
    *,
    size: tuple[int, int] = (3, 4),
) -> Tile:
    """Return one word: a state, an order."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": f"/^{field}$/", "values": False},
        "colorMode": "background_solid" if mappings else "none",
        "graphMode": "none",
        "textMode": "value",
        "justifyMode": "center",
    }
    panel = panel_of("stat", title, says, [ask], options)
    defaults = defaults_of(panel)
    defaults.mappings, defaults.no_value = list(mappings), "no data"
    defaults.thresholds = looks.thresholds(((None, looks.UNKNOWN),))
    return Tile(panel, *size)


def moment(title: str, says: str, ask: Ask, *, size: tuple[int, int] = (4, 4)) -> Tile:
    """Return how long ago the newest row of a query was."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "/^Time$/", "values": False},
        "colorMode": "none",
        "graphMode": "none",
        "textMode": "value",
        "justifyMode": "center",
    }
    panel = panel_of("stat", title, says, [ask], options)
    defaults = defaults_of(panel)
    defaults.unit, defaults.no_value = looks.AGO, "never"
    return Tile(panel, *size)
