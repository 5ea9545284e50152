"""What all panels have: their queries, settings of fields, transformations."""

from collections.abc import Mapping, Sequence
from typing import Final

from dashboards import looks
from dashboards.grafana import Ask, Object, Tile, dashboard, override, queries

LAST: Final = {"calcs": ["lastNotNull"], "fields": "", "values": False}
LEGEND: Final = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
NO_LEGEND: Final = {"displayMode": "hidden", "placement": "bottom", "showLegend": False, "calcs": []}
TOOLTIP: Final = {"mode": "multi", "sort": "desc"}
WITHOUT_TIME: Final[Object] = {"id": "filterFieldsByName", "options": {"exclude": {"names": ["Time"]}}}


def by_regexp(tile: Tile, pattern: str, values: Mapping[str, object]) -> None:
    """Give the fields whose names match `/pattern/` settings."""
    set_override(tile.panel, pattern, values, "byRegexp")


def by_name(tile: Tile, name: str, values: Mapping[str, object]) -> None:
    """Give the fields of this name settings."""
    set_override(tile.panel, name, values)


def renamed(tile: Tile, names: Mapping[str, str]) -> None:
    """Replace in the names of fields what matches `/pattern/`."""
    steps = [
        {"id": "renameByRegex", "options": {"regex": pattern, "renamePattern": name}} for pattern, name in names.items()
    ]
    tile.panel.transformations = [*(tile.panel.transformations or []), *transformations(steps)]


def panel_of(kind: str, title: str, says: str, asks: Sequence[Ask], options: Object) -> dashboard.Panel:
    """Return a panel of a kind, with its title, what it means, and its queries."""
    panel = dashboard.Panel(type_val=kind, title=title, description=says, options=options)
    panel.field_config = dashboard.FieldConfigSource(defaults=dashboard.FieldConfig(), overrides=[])
    if asks:
        queries(panel, asks)
    return panel


def series_of(title: str, says: str, asks: Sequence[Ask], unit: str, custom: Object) -> dashboard.Panel:
    """Return a panel of series over time."""
    panel = panel_of("timeseries", title, says, asks, {"legend": LEGEND, "tooltip": TOOLTIP})
    defaults = defaults_of(panel)
    defaults.unit, defaults.custom, defaults.no_value = unit, custom, "no data"
    defaults.color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.PALETTE_CLASSIC)
    return panel


def defaults_of(panel: dashboard.Panel) -> dashboard.FieldConfig:
    """Return the settings of all fields of a panel."""
    assert panel.field_config is not None
    assert panel.field_config.defaults is not None
    return panel.field_config.defaults


def colour(panel: dashboard.Panel, colours: Mapping[str, str] | None) -> None:
    """Give the fields of these names a colour."""
    for name, colour in (colours or {}).items():
        set_override(panel, name, {"color": looks.fixed(colour)})


def set_override(panel: dashboard.Panel, name: str, values: Mapping[str, object], matcher: str = "byName") -> None:
    """Give the fields of a name settings."""
    assert panel.field_config is not None
    assert panel.field_config.overrides is not None
    panel.field_config.overrides.append(override(name, values, matcher))


def transformations(steps: Sequence[Object]) -> list[dashboard.DataTransformerConfig]:
    """Return the steps that turn rows into what is shown."""
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
