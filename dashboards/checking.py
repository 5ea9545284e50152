"""Validates generated files: against Grafana's published JSON Schemas, and for what those do not see.

Grafana swallows most mistakes without a word: an unknown unit is shown as no unit, an undefined variable as its own
name, an unknown transformation leaves an empty panel. So each file is also looked through for these faults: a unit,
colour name, reducer or transformation that Grafana does not have, panels that overlap or stick out of the grid, a query
with unknown keys or without text, a variable that the page does not define, thresholds whose first step is not open.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import fastjsonschema
import yaml

from dashboards import provisioned
from dashboards.names import SOURCES
from dashboards.provisioned import AS_WRITTEN, RULES, Object

SCHEMAS: Final = Path(__file__).parent / "schema"

_COLUMNS: Final = 24
_UNPUBLISHED: Final = frozenset({"alertlist"})
"""Kinds of panels of which Grafana publishes no schema; they show Grafana's own state, and ask nothing."""
_TARGET_KEYS: Final = frozenset({"datasource", "refId", "query", "rawQuery", "resultFormat", "alias", "hide"})
_ANNOTATION_KEYS: Final = _TARGET_KEYS | {
    "fromAnnotations",
    "queryType",
    "textColumn",
    "tagsColumn",
    "timeEndColumn",
    "titleColumn",
}
_FREE_UNITS: Final = ("suffix:", "prefix:", "time:", "si:", "count:", "currency:", "bool:")
_COLOUR: Final = re.compile(
    r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3}(?:[0-9a-fA-F]{2})?)?|rgba?\([\d., ]+\)|text|transparent|panel-bg"
    r"|(?:(?:super-light|light|semi-dark|dark)-)?(?:red|orange|yellow|green|blue|purple)"
)
_COLOUR_KEYS: Final = frozenset({"color", "fixedColor", "iconColor"})
_SINGLE_DOLLAR: Final = re.compile(r"(?<!\$)\$(?!\$)(?:\$\$)*(?!\$)")
_PERCENTILE: Final = re.compile(r"p[1-9]\d?")
_VARIABLE: Final = re.compile(r"\$\{(\w+)|\$(\w+)|\[\[(\w+)")
_BUILT_IN: Final = re.compile(
    r"timeFilter|__interval(?:_ms)?|__from|__to|__url_time_range|__data|__field|__value|__all|col|measurement|m|tag_\w+"
)


class Fault(NamedTuple):
    """What is wrong with a file, where, and what to do about it."""

    file: str
    place: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.place}: {self.problem}"


def all_faults(root: Path) -> Iterator[Fault]:
    """Return the faults of all pages and alert rules under `root`."""
    for page in provisioned.pages(root):
        yield from faults(f"{page['uid']}.json", page)
    for group in provisioned.rule_groups(root):
        yield from rule_faults(RULES.name, group)
    for place, problem in _dollars(yaml.safe_load((root / RULES).read_text(encoding="utf-8")), "the file"):
        yield Fault(RULES.name, place, problem)


def faults(file: str, page: dict[str, Any]) -> list[Fault]:
    """Return all faults of a dashboard."""
    found = [(where, problem) for validate in _VALIDATORS for where, problem in validate(page)]
    return [Fault(file, where, problem) for where, problem in dict.fromkeys(found)]


def rule_faults(file: str, group: Object) -> list[Fault]:
    """Return all faults of a group of alert rules, in the form of Grafana's interface."""
    return [Fault(file, place, problem) for place, problem in _rule_faults(group)]


Found = Iterator[tuple[str, str]]


def _rule_faults(group: Object) -> Found:
    yield from _validated("alerting", "RuleGroup", group, f"group {group['title']!r}")
    for rule in group["rules"]:
        place = f"rule {rule['title']!r}"
        models = {step["refId"]: step["model"] for step in rule["data"]}
        if rule["condition"] not in models:
            yield place, f"its condition {rule['condition']} is none of its steps"
        if not any(model.get("type") == "reduce" for model in models.values()):
            yield place, "no step reduces a series to a number"
        for model in models.values():
            if model.get("type") == "reduce" and model["reducer"] not in _registry("alert_reducers"):
                yield place, f"there is no reducer {model['reducer']!r}"
        asked = [model for model in models.values() if "type" not in model]
        yield from _target_faults(place, asked, _TARGET_KEYS | {"intervalMs", "maxDataPoints"})


def _dollars(value: Any, place: str, *, is_as_written: bool = False) -> Found:
    """Yield where a dollar sign does not reach Grafana as one, or as two."""
    match value:
        case str() if is_as_written and "$$" in value:
            yield place, f"here Grafana takes $$ as it is written, as two dollar signs: {value}"
        case str() if not is_as_written and _SINGLE_DOLLAR.search(value):
            yield place, f"a $ that is not doubled is a variable of the environment: {value}"
        case dict():
            for name, part in value.items():
                yield from _dollars(part, name, is_as_written=is_as_written or name in AS_WRITTEN)
        case list():
            for part in value:
                yield from _dollars(part, place, is_as_written=is_as_written)


def _schema(page: dict[str, Any]) -> Found:
    """Validate a dashboard, and the options of each panel against the schema of its kind."""
    yield from _validated("dashboard", "", page | {"panels": []}, "the dashboard")
    for panel in page.get("panels", ()):
        yield from _validated("dashboard", "RowPanel" if panel["type"] == "row" else "Panel", panel, _name(panel))
    for panel in _panels(page):
        if panel["type"] in _UNPUBLISHED:
            continue
        kind = panel["type"].replace("-", "")
        if not (SCHEMAS / f"{kind}.jsonschema.json").exists():
            yield _name(panel), f"there is no schema of {panel['type']}; put {kind}.jsonschema.json into {SCHEMAS}"
            continue
        yield from _validated(kind, "Options", panel.get("options", {}), f"{_name(panel)}, options")
        custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom")
        if custom is not None:
            yield from _validated(kind, "FieldConfig", custom, f"{_name(panel)}, custom field settings")


def _validated(kind: str, definition: str, value: Any, place: str) -> Found:
    try:
        _validator(kind, definition)(value)
    except fastjsonschema.JsonSchemaValueException as error:
        yield place, f"{error.message} (Grafana's schema {kind})"


@cache
def _validator(kind: str, definition: str) -> Callable[[Any], Any]:
    schema = json.loads((SCHEMAS / f"{kind}.jsonschema.json").read_text(encoding="utf-8"))
    if definition:
        schema["$ref"] = f"#/definitions/{definition}"
    validator: Callable[[Any], Any] = fastjsonschema.compile(_meant(schema))
    return validator


def _meant(schema: Any) -> Any:
    """Return a schema as it is meant: where anything goes it asks for an object, and its alternatives overlap."""
    if isinstance(schema, list):
        return [_meant(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "object" and schema.get("additionalProperties") == {} and "properties" not in schema:
        return {}
    return {"anyOf" if key == "oneOf" else key: _meant(part) for key, part in schema.items()}


def _units(page: dict[str, Any]) -> Found:
    for place, key, value in _walk(page):
        unit = value if key == "unit" else value.get("value") if _is_override(value, "unit") else None
        if isinstance(unit, str) and unit not in _known_units() and not unit.startswith(_FREE_UNITS):
            yield place, f"the unit {unit!r} is none of Grafana's; schema/units.jsonschema.json lists them"


@cache
def _known_units() -> frozenset[str]:
    definitions = json.loads((SCHEMAS / "units.jsonschema.json").read_text(encoding="utf-8"))["definitions"]
    return frozenset(definition["const"] for definition in definitions.values())


@cache
def _registry(name: str) -> frozenset[str]:
    return frozenset(tomllib.loads((SCHEMAS / "registries.toml").read_text(encoding="utf-8"))[name])


def _colours(page: dict[str, Any]) -> Found:
    for place, key, value in _walk(page):
        if key in _COLOUR_KEYS and isinstance(value, str) and not _COLOUR.fullmatch(value):
            yield place, f"the colour {value!r} is none of Grafana's; write #rrggbb, or a name such as dark-red"


def _grid(page: dict[str, Any]) -> Found:
    taken: dict[tuple[int, int], str] = {}
    numbers: dict[int, str] = {}
    for panel in page.get("panels", ()):
        place, grid = _name(panel), panel.get("gridPos", {})
        left, top, width, height = (grid.get(key, 0) for key in "xywh")
        if left < 0 or left + width > _COLUMNS or width < 1 or height < 1:
            yield place, f"x {left} and width {width} do not fit into the grid of {_COLUMNS} columns"
            continue
        cells = [(x, y) for x in range(left, left + width) for y in range(top, top + height)]
        under = next((taken[cell] for cell in cells if cell in taken), None)
        if under is not None:
            yield place, f"it lies over {under}"
        taken.update(dict.fromkeys(cells, place))
        number = panel.get("id")
        if number is None or number in numbers:
            yield place, "it has no id" if number is None else f"its id {number} is that of {numbers[number]} too"
        numbers[number] = place


def _full_rows(page: dict[str, Any]) -> Found:
    """Yield the panels beside which a part of their row is empty; one that repeats fills it by itself."""
    widths: dict[int, int] = {}
    last: dict[int, dict[str, Any]] = {}
    for panel in page.get("panels", ()):
        top = panel.get("gridPos", {}).get("y", 0)
        widths[top] = widths.get(top, 0) + (_COLUMNS if panel.get("repeat") else panel.get("gridPos", {}).get("w", 0))
        last[top] = panel
    for top, width in widths.items():
        if width < _COLUMNS:
            yield _name(last[top]), f"beside it {_COLUMNS - width} of {_COLUMNS} columns of its row are empty"


def _targets(page: dict[str, Any]) -> Found:
    for panel in _panels(page):
        yield from _target_faults(_name(panel), panel.get("targets") or [], _TARGET_KEYS)
        if not panel.get("targets") and panel["type"] not in {"text", "row", *_UNPUBLISHED}:
            yield _name(panel), "it has no query"
        if not panel.get("description"):
            yield _name(panel), "it has no description: say in a sentence what it means"
    for annotation in page.get("annotations", {}).get("list", ()):
        yield from _target_faults(
            f"annotation {annotation['name']!r}", [annotation.get("target") or {}], _ANNOTATION_KEYS
        )


def _target_faults(place: str, targets: list[dict[str, Any]], known: frozenset[str]) -> Found:
    names: set[str] = set()
    for target in targets:
        if unknown := sorted(target.keys() - known):
            yield place, f"a query has the unknown key {unknown[0]!r}; there are {', '.join(sorted(known))}"
        if not str(target.get("query", "")).strip():
            yield place, "a query has no text"
        if target.get("datasource", {}).get("uid") not in SOURCES:
            yield place, f"a query asks none of the data sources {', '.join(SOURCES)}"
        name = target.get("refId")
        if name in names:
            yield place, f"two queries are called {name}"
        names.add(str(name))


def _variables(page: dict[str, Any]) -> Found:
    defined = {variable["name"] for variable in page.get("templating", {}).get("list", ())}
    for place, _, value in _walk(page):
        if not isinstance(value, str):
            continue
        for found in _VARIABLE.finditer(value):
            name = next(filter(None, found.groups()))
            if name not in defined and not _BUILT_IN.fullmatch(name):
                yield place, f"the variable ${name} is not defined on this page"


def _thresholds(page: dict[str, Any]) -> Found:
    for place, key, value in _walk(page):
        if key != "steps" or not isinstance(value, list):
            continue
        values = [step.get("value") for step in value]
        if not values or values[0] is not None:
            yield place, "the first threshold must be null, so that it holds for all that is lower"
        if None in values[1:] or sorted(values[1:]) != values[1:]:
            yield place, "thresholds must rise"


def _reducers(page: dict[str, Any]) -> Found:
    for place, key, value in _walk(page):
        if key not in {"calcs", "reducers", "reducer"} or not isinstance(value, str):
            continue
        if value not in _registry("reducers") and not _PERCENTILE.fullmatch(value):
            yield place, f"the reducer {value!r} is none of Grafana's: lastNotNull, mean, sum, …"


def _transformations(page: dict[str, Any]) -> Found:
    for panel in _panels(page):
        for step in panel.get("transformations") or ():
            if step.get("id") not in _registry("transformations"):
                yield _name(panel), f"the transformation {step.get('id')!r} is none of Grafana's"


_VALIDATORS: Final = (
    _schema,
    _units,
    _colours,
    _grid,
    _full_rows,
    _targets,
    _variables,
    _thresholds,
    _reducers,
    _transformations,
)


def _panels(page: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in page.get("panels", ()):
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels") or ()


def _name(panel: dict[str, Any]) -> str:
    return f"panel {panel.get('title', '')!r}"


def _is_override(value: Any, name: str) -> bool:
    return isinstance(value, dict) and value.get("id") == name


def _walk(value: Any, place: str = "the dashboard", key: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield each value within a page: in which panel (variable, …) it stands, its key, the value."""
    yield place, key, value
    if isinstance(value, dict):
        if "gridPos" in value:
            place = _name(value)
        for inner, part in value.items():
            yield from _walk(part, place, inner)
    elif isinstance(value, list):
        for part in value:
            yield from _walk(part, place, key if isinstance(part, str) else "")
