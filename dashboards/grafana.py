"""The quirks of Grafana and of its SDK, in one place, so that a page reads as a list of what it shows.

The SDK (`grafana-foundation-sdk`, pinned: an unpinned one resolves to a far older schema) has no query of InfluxDB's in
InfluxQL, does not pack a grid whose rows are not full, gives panels no ids, and makes alert rules in the form of the
HTTP interface only. It warns of its classic model on import, so it is
imported here alone. What it has are classes that reject unknown keys; all dashboards go through them.
"""

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from dashboards.names import CONTACT, LEDGER
from dashboards.provisioned import interpolated

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it would rather have its second model, which 13 alone loads
    from grafana_foundation_sdk.cog import variants
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models import alerting, common, dashboard

__all__ = ["Ask", "InfluxQuery", "Section", "Tile", "alerting", "complete", "dashboard", "plain"]

COLUMNS: Final = 24
"""The width of Grafana's grid."""
SCHEMA_VERSION: Final = 42
"""Of the classic model: what today's Grafana validates, and 9 to 13 load."""
_MIXED: Final = "-- Mixed --"
"""The source of a panel whose queries have different ones."""
EXPRESSION: Final = "__expr__"
"""The source of alert rules' reduce and math steps."""

NOTIFICATIONS: Final = {
    "receiver": CONTACT,
    "group_by": ["alertname", "grafana_folder", "site", "area", "line"],
    "group_wait": "30s",
    "group_interval": "5m",
    "repeat_interval": "4h",
}
"""Whom the rules of the file notify, and how often; Grafana wants the first two of the labels that it groups by."""

Object = dict[str, Any]


class Ask(NamedTuple):
    """A query of a panel.

    Attributes:
        query: InfluxQL.
        alias: what each series is called: `$col`, `$tag_machine`.
        source: the data source's uid.
        table: the answer is wanted as rows, with a column for each tag, rather than as series.
    """

    query: str
    alias: str = "$col"
    source: str = LEDGER
    table: bool = False


class Tile(NamedTuple):
    """A panel and its size: width in columns of the grid, height in its rows of about 30 px."""

    panel: dashboard.Panel
    width: int
    height: int


class Section(NamedTuple):
    """A heading, and the tiles under it, in reading order."""

    title: str
    tiles: Sequence[Tile]


class InfluxQuery(variants.Dataquery):
    """A query in InfluxQL, as Grafana's data source wants it."""

    def __init__(self, ask: Ask, name: str, more: Object | None = None) -> None:
        self._ask, self._name, self._more = ask, name, more or {}

    def to_json(self) -> dict[str, object]:
        """Return the query as JSON has it."""
        return target(self._ask, self._name) | self._more


def target(ask: Ask, name: str) -> Object:
    """Return a query as it stands in a panel, an annotation or an alert rule."""
    return {
        "datasource": {"type": "influxdb", "uid": ask.source},
        "refId": name,
        "query": ask.query,
        "rawQuery": True,
        "resultFormat": "table" if ask.table else "time_series",
        **({} if ask.table else {"alias": ask.alias}),
    }


def source(uid: str) -> common.DataSourceRef:
    """Return a reference to a data source."""
    return common.DataSourceRef(type_val="influxdb", uid=uid)


def pack(sections: Iterable[Section]) -> list[dashboard.Panel | dashboard.RowPanel]:
    """Place the tiles of each section from left to right, line by line under its heading, and number all panels."""
    placed: list[dashboard.Panel | dashboard.RowPanel] = []
    top = 0
    for section in sections:
        heading = dashboard.GridPos(x=0, y=top, w=COLUMNS, h=1)
        row = dashboard.RowPanel(title=section.title, collapsed=False, grid_pos=heading, panels=[])
        row.id_val = len(placed) + 1
        placed.append(row)
        top += 1
        left = tallest = 0
        for tile in section.tiles:
            if left + tile.width > COLUMNS:
                left, top, tallest = 0, top + tallest, 0
            tile.panel.id_val = len(placed) + 1
            tile.panel.grid_pos = dashboard.GridPos(x=left, y=top, w=tile.width, h=tile.height)
            placed.append(tile.panel)
            left += tile.width
            tallest = max(tallest, tile.height)
        top += tallest
    return placed


def queries(panel: dashboard.Panel, asks: Sequence[Ask]) -> None:
    """Give a panel its queries, named A, B, C …; a panel has one data source, or each query its own."""
    panel.targets = [InfluxQuery(ask, _letters(place)) for place, ask in enumerate(asks)]
    sources = {ask.source for ask in asks}
    panel.datasource = source(sources.pop() if len(sources) == 1 else _MIXED)


def properties(settings: Mapping[str, object]) -> list[dashboard.DynamicConfigValue]:
    """Return settings of a field in the form of an override: `unit`, `custom.width`."""
    return [dashboard.DynamicConfigValue(id_val=name, value=value) for name, value in settings.items()]


def override(name: str, settings: Mapping[str, object], matcher: str = "byName") -> Any:
    """Return an override of the fields of this name (or of what else `matcher` goes by)."""
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val=matcher, options=name), properties=properties(settings)
    )


def plain(built: object) -> Object:
    """Return what the SDK built as plain JSON values."""
    values: Object = json.loads(json.dumps(built, cls=JSONEncoder))
    return values


def complete(built: dashboard.Dashboard) -> Object:
    """Return a dashboard as plain JSON values, with all that Grafana expects filled in by the SDK.

    Raises:
        ValueError: it has a key that the SDK does not know.
    """
    register_default_plugins()
    given = plain(built)
    completed = plain(dashboard.Dashboard.from_json(given))
    lost = list(_lost(given, completed, built.uid or ""))
    if lost:
        raise ValueError(f"Grafana's SDK does not know {', '.join(lost)}")
    for panel in completed["panels"]:
        if panel.get("datasource", {}).get("uid") == _MIXED:
            panel["datasource"]["type"] = "datasource"  # only now: the SDK reads a panel's queries by this
    return completed


def rule_file(groups: Sequence[alerting.RuleGroup], folder: str) -> Object:
    """Return alert rules in the form that Grafana provisions from files.

    There a dollar sign begins a variable of the environment and is doubled, but in the fields that Grafana takes as
    they are (`provisioned.AS_WRITTEN`). Each rule names its contact point, so that no file has to replace the tree of
    notification policies.
    """
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group["title"],
                "folder": folder,
                "interval": f"{group['interval']}s",
                "rules": [_rule_in_file(rule) for rule in group["rules"]],
            }
            for group in map(plain, groups)
        ],
    }


def _letters(place: int) -> str:
    """Return A to Z, then AA, AB and so on."""
    more, last = divmod(place, 26)
    return (_letters(more - 1) if more else "") + chr(ord("A") + last)


def _lost(given: Any, stored: Any, where: str) -> Iterator[str]:
    """Yield where a key of `given` is not in `stored`."""
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(stored, dict) or key not in stored:
                yield f"{where}.{key}"
            else:
                yield from _lost(value, stored[key], f"{where}.{key}")
    elif isinstance(given, list):
        for place, (one, other) in enumerate(zip(given, stored, strict=True)):
            yield from _lost(one, other, f"{where}[{place}]")


def _rule_in_file(rule: Object) -> Object:
    stored = {
        name: value
        for name, value in rule.items()
        if name not in {"id", "folderUID", "orgID", "ruleGroup", "provenance", "updated"}
    }
    escaped: Object = interpolated(
        stored | {"notification_settings": NOTIFICATIONS}, lambda text: text.replace("$", "$$")
    )
    return escaped
