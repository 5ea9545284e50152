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
    target: float | None = None,
    top: float | None = None,
    colours: Mapping[str, str] | None = None,
    points: bool = False,
    size: tuple[int, int] = (12, 8),
) -> Tile:
    """Return lines over time; `target` is drawn as a dashed line, `points` shows single values."""
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
        **({"thresholdsStyle": {"mode": "dashed"}} if target is not None else {}),
    }
    panel = _series(title, says, asks, unit, custom)
    panel.interval = interval
    if target is not None:
        _defaults(panel).thresholds = looks.thresholds(((None, looks.PLAIN), (target, looks.WAIT)))
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
    title: str, says: str, asks: Sequence[Ask], mappings: Sequence[Any] = (), *, size: tuple[int, int] = (24, 8)
) -> Tile:
    """Return ribbons of what lasts until it changes: a row for each series, a colour for each value."""
    options = {
        "mergeValues": True,
        "showValue": "never" if mappings else "auto",
        "rowHeight": 0.8,
        "alignValue": "left",
        "legend": _LEGEND if mappings else NO_LEGEND,
        "tooltip": {"mode": "single"},
    }
    panel = _panel("state-timeline", title, says, asks, options)
    defaults = _defaults(panel)
    defaults.custom = {"fillOpacity": 90, "lineWidth": 0}
    defaults.mappings, defaults.no_value = list(mappings), "no data"
    if not mappings:
        defaults.color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.PALETTE_CLASSIC)
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
        size: in the grid.
    """
    shown: dict[str, tuple[str, Object]] = dict(columns)
    if by_time:
        shown = {"Time": (by_time, {"unit": time_unit, "custom.width": 160}), **shown}
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "sortBy": [{"displayName": sort[0], "desc": sort[1]}] if sort else [],
    }
    panel = _panel("table", title, says, asks, options)
    defaults = _defaults(panel)
    defaults.no_value = "–"
    defaults.custom = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False}
    steps: list[Object] = [] if by_time else [WITHOUT_TIME]
    if len(asks) > 1:
        steps.append({"id": "merge", "options": {}})
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
    assert tile.panel.field_config is not None
    assert tile.panel.field_config.overrides is not None
    tile.panel.field_config.overrides.append(override(pattern, values, "byRegexp"))


def _panel(kind: str, title: str, says: str, asks: Sequence[Ask], options: Object) -> dashboard.Panel:
    panel = dashboard.Panel(type_val=kind, title=title, description=says, options=options)
    panel.field_config = dashboard.FieldConfigSource(defaults=dashboard.FieldConfig(), overrides=[])
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


def _override(panel: dashboard.Panel, name: str, values: Mapping[str, object]) -> None:
    assert panel.field_config is not None
    assert panel.field_config.overrides is not None
    panel.field_config.overrides.append(override(name, values))


def _transformations(steps: Sequence[Object]) -> list[dashboard.DataTransformerConfig]:
    return [dashboard.DataTransformerConfig(id_val=step["id"], options=step["options"]) for step in steps]
