"""Panels of charts: lines and bars over time, ribbons, bars by size or by period, a waterfall, a histogram."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboards import looks
from dashboards.grafana import Ask, Tile, dashboard
from dashboards.names import LEVELS
from dashboards.panels.basis import (
    LEGEND,
    NO_LEGEND,
    WITHOUT_TIME,
    colour,
    defaults_of,
    panel_of,
    series_of,
    set_override,
    transformations,
)

LEGIBLE: Final = 100
"""So many values of what goes up and down by the hour can be distinguished."""
MANY: Final = 300
"""So many values of what goes up and down by the minute are a line, and no block of colour."""
_STACK: Final = {"mode": "normal", "group": "A"}


def trend(
    title: str,
    says: str,
    asks: Sequence[Ask],
    unit: str,
    *,
    interval: str = "1m",
    most: int | None = None,
    top: float | None = None,
    limits: bool = False,
    colours: Mapping[str, str] | None = None,
    points: bool = False,
    size: tuple[int, int] = (12, 8),
) -> Tile:
    """Return lines over time, of `most` intervals at most (else: one a pixel), none shorter than `interval`.

    Series whose name begins with `target` are dashed; `points` shows single values.
    With `limits`, series have thresholds of their own (`dashboards.signals`), and the axis is not from zero on.
    """
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 0,
        "showPoints": "always" if points else "auto",
        "pointSize": 4,
        "spanNulls": False,
        **({"thresholdsStyle": {"mode": "dashed"}} if limits else {"axisSoftMin": 0}),
        **({"axisSoftMax": top} if top is not None else {}),
    }
    panel = series_of(title, says, asks, unit, custom)
    panel.interval, panel.max_data_points = interval, most
    if limits:
        defaults_of(panel).thresholds = looks.thresholds(looks.PLAIN_STEPS)
    set_override(
        panel,
        "/^target /",
        {
            "color": looks.fixed(looks.WAIT),
            "custom.lineStyle": {"fill": "dash", "dash": [6, 4]},
            "custom.showPoints": "auto",
        },
        "byRegexp",
    )
    colour(panel, colours)
    return Tile(panel, *size)


def bars(
    title: str,
    says: str,
    asks: Sequence[Ask],
    unit: str,
    *,
    interval: str = "1h",
    colours: Mapping[str, str] | None = None,
    size: tuple[int, int] = (12, 8),
) -> Tile:
    """Return stacked bars over time, none for less than `interval`, and no more than can be distinguished."""
    custom = {
        "drawStyle": "bars",
        "lineWidth": 0,
        "fillOpacity": 80,
        "barAlignment": 1,
        "showPoints": "never",
        "stacking": _STACK,
        "axisSoftMin": 0,
    }
    panel = series_of(title, says, asks, unit, custom)
    panel.interval, panel.max_data_points = interval, LEGIBLE
    colour(panel, colours)
    return Tile(panel, *size)


def ribbon(
    title: str,
    says: str,
    asks: Sequence[Ask],
    mappings: Sequence[Any] = (),
    *,
    names: bool = False,
    size: tuple[int, int] = (24, 8),
) -> Tile:
    """Return ribbons of what lasts until it changes: a row for each series, a colour for each value.

    With `names` the values (of what has no mapping) are names without end, such as of orders, and written on them.
    """
    options = {
        "mergeValues": True,
        "showValue": "auto" if names else "never",
        "rowHeight": 0.8,
        "alignValue": "left",
        "legend": LEGEND if mappings and not names else NO_LEGEND,
        "tooltip": {"mode": "single"},
    }
    panel = panel_of("state-timeline", title, says, asks, options)
    defaults = defaults_of(panel)
    defaults.custom = {"fillOpacity": 90, "lineWidth": 0}
    defaults.mappings = [*mappings, *(looks.by_last_letter() if names else ())]
    defaults.no_value = "no data"
    return Tile(panel, *size)


def ranking(
    title: str,
    says: str,
    ask: Ask,
    field: str,
    unit: str,
    *,
    colour: str = looks.WAIT,
    most: int = 7,
    words: Mapping[str, Sequence[Any]] | None = None,
    size: tuple[int, int] = (8, 10),
) -> Tile:
    """Return bars by size, the largest first: a Pareto.

    Each bar is named by the text columns of its row, whose values `words` writes otherwise, by column.
    """
    options = {
        "reduceOptions": {"values": True, "calcs": ["lastNotNull"], "limit": most, "fields": f"/^{field}$/"},
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "text",
        "namePlacement": "top",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 40,
    }
    panel = panel_of("bargauge", title, says, [ask], options)
    defaults = defaults_of(panel)
    defaults.unit, defaults.min_val, defaults.no_value = unit, 0, "none in this range"
    defaults.thresholds = looks.thresholds(((None, colour),))
    panel.transformations = transformations(
        [
            WITHOUT_TIME,
            {"id": "organize", "options": {"indexByName": _in_order(field), "excludeByName": {}, "renameByName": {}}},
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": field, "desc": True}]}},
        ]
    )
    for column, mappings in (words or {}).items():
        set_override(panel, column, {"mappings": looks.as_list(mappings)})
    return Tile(panel, *size)


def _in_order(field: str) -> dict[str, int]:
    """Return the places of the columns that name a bar: a path as it is read, for InfluxDB sorts tags by their name."""
    return {name: place for place, name in enumerate((*LEVELS, "reason", "state", field))}


def shares(
    title: str,
    says: str,
    ask: Ask,
    by: str,
    colours: Mapping[str, str],
    *,
    unit: str = looks.SECONDS,
    size: tuple[int, int] = (12, 8),
) -> Tile:
    """Return a bar for each value of the tag `by`, made of one column after another: `colours` by column, in order."""
    options = {
        "orientation": "horizontal",
        "xField": by,
        "stacking": "percent",
        "showValue": "never",
        "barWidth": 0.8,
        "groupWidth": 0.7,
        "fullHighlight": False,
        "xTickLabelRotation": 0,
        "xTickLabelSpacing": 0,
        "legend": LEGEND,
        "tooltip": {"mode": "multi", "sort": "none"},
    }
    panel = panel_of("barchart", title, says, [ask], options)
    defaults = defaults_of(panel)
    defaults.custom = {"fillOpacity": 90, "lineWidth": 0, "axisGridShow": False}
    defaults.unit, defaults.no_value = unit, "no data"
    panel.transformations = transformations([WITHOUT_TIME])
    colour(panel, colours)
    return Tile(panel, *size)


def by_period(
    title: str,
    says: str,
    asks: Sequence[Ask],
    unit: str,
    *,
    period: str,
    colours: Mapping[str, str] | None = None,
    top: float | None = None,
    size: tuple[int, int] = (12, 8),
) -> Tile:
    """Return bars side by side for each period, such as a day.

    They are categories and not a time axis: so they show their own range whatever the page's is.

    Args:
        title: of the panel.
        says: what it means.
        asks: queries of time series; one bar each.
        unit: of the bars.
        period: how the beginning of a period is written, such as `MMM D`.
        colours: of the bars, by their name.
        top: the end of the axis.
        size: in the grid.
    """
    options = {
        "orientation": "vertical",
        "xField": "Time",
        "stacking": "none",
        "showValue": "never",
        "barWidth": 0.9,
        "groupWidth": 0.7,
        "fullHighlight": False,
        "xTickLabelRotation": 0,
        "xTickLabelSpacing": 100,
        "legend": LEGEND,
        "tooltip": {"mode": "multi", "sort": "none"},
    }
    panel = panel_of("barchart", title, says, asks, options)
    defaults = defaults_of(panel)
    defaults.custom = {"fillOpacity": 90, "lineWidth": 0}
    defaults.unit, defaults.no_value = unit, "no data"
    defaults.min_val, defaults.max_val = 0, top
    defaults.color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.PALETTE_CLASSIC)
    set_override(panel, "Time", {"unit": f"time:{period}"})
    colour(panel, colours)
    return Tile(panel, *size)


def waterfall(title: str, says: str, ask: Ask, *, size: tuple[int, int] = (16, 10)) -> Tile:
    """Return a waterfall of a query that gives two rows, the lower and the upper edge of each step.

    The steps are the columns; turned over, the least of each is where its bar begins, the range how high it is.
    """
    options = {
        "orientation": "vertical",
        "xField": "Field",
        "stacking": "normal",
        "showValue": "never",
        "barWidth": 0.9,
        "groupWidth": 0.7,
        "fullHighlight": False,
        "xTickLabelRotation": -45,
        "xTickLabelSpacing": 0,
        "legend": NO_LEGEND,
        "tooltip": {"mode": "multi", "sort": "none"},
    }
    panel = panel_of("barchart", title, says, [ask], options)
    defaults = defaults_of(panel)
    defaults.custom = {"fillOpacity": 90, "lineWidth": 0}
    defaults.unit, defaults.no_value = looks.HOURS, "no data"
    panel.transformations = transformations(
        [
            WITHOUT_TIME,
            {
                "id": "reduce",
                "options": {"mode": "seriesToRows", "reducers": ["min", "range"], "includeTimeField": False},
            },
        ]
    )
    hidden = {"tooltip": True, "legend": True, "viz": False}
    set_override(
        panel,
        "Min",
        {"color": looks.fixed("transparent"), "custom.fillOpacity": 0, "custom.hideFrom": hidden},
    )
    set_override(panel, "Range", {"color": looks.fixed(looks.PRODUCTIVE), "displayName": "Time"})
    return Tile(panel, *size)


def histogram(title: str, says: str, ask: Ask, *, size: tuple[int, int] = (8, 8)) -> Tile:
    """Return how often values of each size came."""
    options = {"bucketCount": 30, "combine": False, "legend": LEGEND, "tooltip": {"mode": "multi", "sort": "none"}}
    panel = panel_of("histogram", title, says, [ask], options)
    defaults = defaults_of(panel)
    defaults.custom = {"fillOpacity": 60, "lineWidth": 1}
    defaults.no_value = "no data"
    return Tile(panel, *size)
