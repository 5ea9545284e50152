"""Panels of tables: rows of several queries, joined, in the columns that are to be shown."""

from collections.abc import Mapping, Sequence
from typing import Final

from dashboards.grafana import Ask, Object, Tile
from dashboards.panels.basis import (
    WITHOUT_TIME,
    defaults_of,
    panel_of,
    set_override,
    transformations,
)

_WRAPPED: Final[Object] = {"custom.cellOptions": {"type": "auto", "wrapText": True}, "custom.wrapText": True}
"""Texts that are too long for their column go on in the next line; Grafana 12.3 on has the second of the settings."""
_TIME_PX: Final = 190
"""So wide is a moment, with its date, in the widest of the ways that people write it."""
_DAY_PX: Final = 110
_LEAST_PX: Final = 64
"""A column without a width of its own is not narrower; Grafana's 150 would push the last ones out of sight."""


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
    panel = panel_of("table", title, says, asks, options)
    defaults = defaults_of(panel)
    defaults.no_value = none
    defaults.custom = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "minWidth": _LEAST_PX}
    set_override(panel, "/.*/", {"noValue": "–"}, "byRegexp")
    set_override(panel, "string", _WRAPPED, "byType")
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
    panel.transformations = transformations(steps)
    for heading, settings in shown.values():
        if settings:
            set_override(panel, heading, settings)
    return Tile(panel, *size)
