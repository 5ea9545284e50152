"""The kinds of panels that pages are made of, in one style: a title, a sentence that says what it means, and queries.

Each function returns a tile: the panel and its size in the grid of 24 columns, chosen to be legible on a laptop and on
a wall.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboards import looks
from dashboards.grafana import Ask, Object, Tile, dashboard, override, queries
from dashboards.looks import PLAIN_STEPS, Steps

_LAST: Final = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_LEGEND: Final = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
NO_LEGEND: Final = {"displayMode": "hidden", "placement": "bottom", "showLegend": False, "calcs": []}
_TOOLTIP: Final = {"mode": "multi", "sort": "desc"}
_STACK: Final = {"mode": "normal", "group": "A"}
_TIME_PX: Final = 190
"""So wide is a moment, with its date, in the widest of the ways that people write it."""
_DAY_PX: Final = 110
_LEAST_PX: Final = 64
"""A column without a width of its own is not narrower; Grafana's 150 would push the last ones out of sight."""
WITHOUT_TIME: Final[Object] = {"id": "filterFieldsByName", "options": {"exclude": {"names": ["Time"]}}}


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
        "reduceOptions": _LAST,
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "value",
        "justifyMode": "center",
    }
    panel = _panel("stat", title, says, [ask], options)
    defaults = _defaults(panel)
    defaults.unit, defaults.decimals, defaults.no_value = unit, decimals, none
    defaults.mappings = list(mappings) or None
    defaults.thresholds = looks.thresholds(steps)
    defaults.color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS)
    return Tile(panel, *size)


def changes(title: str, says: str, asks: Sequence[Ask], *, size: tuple[int, int] = (24, 4)) -> Tile:
    """Return several numbers side by side, each with its name: shares of what was before, less is orange."""
    options = {
        "reduceOptions": _LAST,
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "value_and_name",
        "justifyMode": "center",
        "orientation": "vertical",
    }
    panel = _panel("stat", title, says, asks, options)
    defaults = _defaults(panel)
    defaults.unit, defaults.decimals, defaults.no_value = looks.RATIO, 1, "no data"
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
    return Tile(_panel("alertlist", "Alerts", says, [], options), *size)


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
    panel = _panel("stat", title, says, [ask], options)
    defaults = _defaults(panel)
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
    panel = _panel("stat", title, says, [ask], options)
    defaults = _defaults(panel)
    defaults.unit, defaults.no_value = looks.AGO, "never"
    return Tile(panel, *size)


def trend(
    title: str,
    says: str,
    asks: Sequence[Ask],
    unit: str,
    *,
    interval: str = "1m",
    top: float | None = None,
    colours: Mapping[str, str] | None = None,
    points: bool = False,
    size: tuple[int, int] = (12, 8),
) -> Tile:
    """Return lines over time; series whose name begins with `target` are dashed, `points` shows single values."""
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 0,
        "showPoints": "always" if points else "auto",
        "pointSize": 4,
        "spanNulls": False,
        "axisSoftMin": 0,
        **({"axisSoftMax": top} if top is not None else {}),
    }
    panel = _series(title, says, asks, unit, custom)
    panel.interval = interval
    _override(
        panel,
        "/^target /",
        {
            "color": looks.fixed(looks.WAIT),
            "custom.lineStyle": {"fill": "dash", "dash": [6, 4]},
            "custom.showPoints": "never",
        },
        "byRegexp",
    )
    _colour(panel, colours)
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
    """Return stacked bars over time."""
    custom = {
        "drawStyle": "bars",
        "lineWidth": 0,
        "fillOpacity": 80,
        "barAlignment": 1,
        "showPoints": "never",
        "stacking": _STACK,
        "axisSoftMin": 0,
    }
    panel = _series(title, says, asks, unit, custom)
    panel.interval = interval
    _colour(panel, colours)
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
        "legend": _LEGEND if mappings and not names else NO_LEGEND,
        "tooltip": {"mode": "single"},
    }
    panel = _panel("state-timeline", title, says, asks, options)
    defaults = _defaults(panel)
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
    most: int = 10,
    size: tuple[int, int] = (8, 10),
) -> Tile:
    """Return bars by size, the largest first: a Pareto. Each bar is named by the text columns of its row."""
    options = {
        "reduceOptions": {"values": True, "calcs": ["lastNotNull"], "limit": most, "fields": f"/^{field}$/"},
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "text",
        "namePlacement": "left",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 40,
    }
    panel = _panel("bargauge", title, says, [ask], options)
    defaults = _defaults(panel)
    defaults.unit, defaults.min_val, defaults.no_value = unit, 0, "none in this range"
    defaults.thresholds = looks.thresholds(((None, colour),))
    panel.transformations = _transformations(
        [WITHOUT_TIME, {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": field, "desc": True}]}}]
    )
    return Tile(panel, *size)


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
        "legend": _LEGEND,
        "tooltip": {"mode": "multi", "sort": "none"},
    }
    panel = _panel("barchart", title, says, [ask], options)
    defaults = _defaults(panel)
    defaults.custom = {"fillOpacity": 90, "lineWidth": 0, "axisGridShow": False}
    defaults.unit, defaults.no_value = unit, "no data"
    panel.transformations = _transformations([WITHOUT_TIME])
    _colour(panel, colours)
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
        "legend": _LEGEND,
        "tooltip": {"mode": "multi", "sort": "none"},
    }
    panel = _panel("barchart", title, says, asks, options)
    defaults = _defaults(panel)
    defaults.custom = {"fillOpacity": 90, "lineWidth": 0}
    defaults.unit, defaults.no_value = unit, "no data"
    defaults.min_val, defaults.max_val = 0, top
    defaults.color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.PALETTE_CLASSIC)
    _override(panel, "Time", {"unit": f"time:{period}"})
    _colour(panel, colours)
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
    panel = _panel("barchart", title, says, [ask], options)
    defaults = _defaults(panel)
    defaults.custom = {"fillOpacity": 90, "lineWidth": 0}
    defaults.unit, defaults.no_value = looks.SECONDS, "no data"
    panel.transformations = _transformations(
        [
            WITHOUT_TIME,
            {
                "id": "reduce",
                "options": {"mode": "seriesToRows", "reducers": ["min", "range"], "includeTimeField": False},
            },
        ]
    )
    hidden = {"tooltip": True, "legend": True, "viz": False}
    _override(
        panel,
        "Min",
        {"color": looks.fixed("transparent"), "custom.fillOpacity": 0, "custom.hideFrom": hidden},
    )
    _override(panel, "Range", {"color": looks.fixed(looks.PRODUCTIVE), "displayName": "Time"})
    return Tile(panel, *size)


def table(
    title: str,
    says: str,
    asks: Sequence[Ask],
    columns: Mapping[str, tuple[str, Object]],
    *,
    by_time: str = "",
    time_unit: str = "dateTimeAsLocal",
    sort: tuple[str, bool] | None = None,
    none: str = "none in this range",
    keyed: Sequence[Object] = (),
    more: Sequence[Object] = (),
    size: tuple[int, int] = (24, 8),
) -> Tile:
    """Return a table.

    Args:
        title: of the panel.
        says: what it means.
        asks: queries whose rows are joined by the columns that they share.
        columns: of those that the queries give, which to show, in this order: name → heading, settings.
        by_time: what the time of the rows is called, which then also identifies them; else it is left out.
        time_unit: how it is written.
        sort: by which heading, and whether the greatest comes first.
        none: what is written where there is no row.
        keyed: transformations of the rows of each query, which give them the columns that they are joined by.
        more: transformations of the joined rows, before their columns are chosen.
        size: in the grid.
    """
    shown: dict[str, tuple[str, Object]] = dict(columns)
    if by_time:
        width = _DAY_PX if time_unit.startswith("time:") else _TIME_PX
        shown = {"Time": (by_time, {"unit": time_unit, "custom.width": width}), **shown}
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "sortBy": [{"displayName": sort[0], "desc": sort[1]}] if sort else [],
    }
    panel = _panel("table", title, says, asks, options)
    defaults = _defaults(panel)
    defaults.no_value = none
    defaults.custom = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "minWidth": _LEAST_PX}
    _override(panel, "/.*/", {"noValue": "–"}, "byRegexp")
    steps: list[Object] = list(keyed) if by_time or keyed else [WITHOUT_TIME]
    if len(asks) > 1:
        steps.append({"id": "merge", "options": {}})
    steps.extend(more)
    steps.append({"id": "filterFieldsByName", "options": {"include": {"names": list(shown)}}})
    steps.append(
        {
            "id": "organize",
            "options": {
                "indexByName": {name: place for place, name in enumerate(shown)},
                "renameByName": {name: heading for name, (heading, _) in shown.items()},
                "excludeByName": {},
                "includeByName": {},
            },
        }
    )
    panel.transformations = _transformations(steps)
    for heading, settings in shown.values():
        if settings:
            _override(panel, heading, settings)
    return Tile(panel, *size)


def histogram(title: str, says: str, ask: Ask, *, size: tuple[int, int] = (8, 8)) -> Tile:
    """Return how often values of each size came."""
    options = {"bucketCount": 30, "combine": False, "legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "none"}}
    panel = _panel("histogram", title, says, [ask], options)
    defaults = _defaults(panel)
    defaults.custom = {"fillOpacity": 60, "lineWidth": 1}
    defaults.no_value = "no data"
    return Tile(panel, *size)


def by_regexp(tile: Tile, pattern: str, values: Mapping[str, object]) -> None:
    """Give the fields whose names match `/pattern/` settings."""
    _override(tile.panel, pattern, values, "byRegexp")


def by_name(tile: Tile, name: str, values: Mapping[str, object]) -> None:
    """Give the fields of this name settings."""
    _override(tile.panel, name, values)


def _panel(kind: str, title: str, says: str, asks: Sequence[Ask], options: Object) -> dashboard.Panel:
    panel = dashboard.Panel(type_val=kind, title=title, description=says, options=options)
    panel.field_config = dashboard.FieldConfigSource(defaults=dashboard.FieldConfig(), overrides=[])
    if asks:
        queries(panel, asks)
    return panel


def _series(title: str, says: str, asks: Sequence[Ask], unit: str, custom: Object) -> dashboard.Panel:
    panel = _panel("timeseries", title, says, asks, {"legend": _LEGEND, "tooltip": _TOOLTIP})
    defaults = _defaults(panel)
    defaults.unit, defaults.custom, defaults.no_value = unit, custom, "no data"
    defaults.color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.PALETTE_CLASSIC)
    return panel


def _defaults(panel: dashboard.Panel) -> dashboard.FieldConfig:
    assert panel.field_config is not None
    assert panel.field_config.defaults is not None
    return panel.field_config.defaults


def _colour(panel: dashboard.Panel, colours: Mapping[str, str] | None) -> None:
    for name, colour in (colours or {}).items():
        _override(panel, name, {"color": looks.fixed(colour)})


def _override(panel: dashboard.Panel, name: str, values: Mapping[str, object], matcher: str = "byName") -> None:
    assert panel.field_config is not None
    assert panel.field_config.overrides is not None
    panel.field_config.overrides.append(override(name, values, matcher))


def _transformations(steps: Sequence[Object]) -> list[dashboard.DataTransformerConfig]:
    return [
        dashboard.DataTransformerConfig(
            id_val=step["id"],
            options=step["options"],
            filter_val=dashboard.MatcherConfig(id_val=limit["id"], options=limit["options"])
            if (limit := step.get("filter"))
            else None,
        )
        for step in steps
    ]
