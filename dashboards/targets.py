"""Targets of lines and machines in queries: a page knows them by name, and shows those of what is chosen."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from broker.plant.plant import Plant
from dashboards import looks
from dashboards.grafana import Ask
from dashboards.names import LEVELS
from dashboards.queries import EVERY, RANGE, Cut, grouped, indicator, scope

Level = Literal["line", "machine"]

COLUMN: Final = "target"
_DEPTH: Final[dict[Level, int]] = {"line": 3, "machine": 4}


def zone_of(plant: Plant) -> str:
    """Return the time zone by which the plant's days begin: that of its first line, '' (UTC) if it has none.

    A query has one zone; a page of lines in several goes by that of the first.
    """
    return next((zone for line in plant.lines() if (zone := plant.time_zone_of(line))), "")


class Target(NamedTuple):
    """A target, and the condition that a row is of an asset that has it."""

    value: float
    where: str

    @property
    def title(self) -> str:
        """What a line in a chart is called."""
        return f"target {self.value * 100:g} %"


def targets(plant: Plant, name: str, level: Level) -> list[Target]:
    """Return the targets of an indicator that the plant's assets of a level have, and that of all others."""
    paths = plant.lines() if level == "line" else plant.machines()
    by_value: dict[float, list[str]] = {}
    for path in paths:
        by_value.setdefault(looks.target_of(plant, name, path), []).append(path)
    of_others = looks.target_of(plant, name)
    found = [Target(value, _any(assets, level)) for value, assets in sorted(by_value.items()) if value != of_others]
    return [
        *found,
        Target(of_others, _none([path for path in paths if path not in by_value.get(of_others, ())], level)),
    ]


def lines_of(plant: Plant, level: Level) -> list[Ask]:
    """Ask for the targets of OEE as level lines over time, of what is chosen alone."""
    return [
        Ask(
            f'SELECT 0 * sum("running_s") + {one.value} AS "{COLUMN}" FROM "ledger"'
            f" WHERE {RANGE} AND {scope(more=one.where)}{grouped((), EVERY)}",
            alias=one.title,
        )
        for one in targets(plant, "oee", level)
    ]


def column_of(plant: Plant, by: Sequence[str], level: Level) -> list[Ask]:
    """Ask for the target of OEE of each value of these tags."""
    return [
        Ask(
            f'SELECT 0 * sum("running_s") + {one.value} AS "{COLUMN}" FROM "ledger"'
            f" WHERE {RANGE} AND {scope(more=one.where)}{grouped(by)}",
            table=True,
        )
        for one in targets(plant, "oee", level)
    ]


def by_target(plant: Plant, name: str, level: Level) -> list[tuple[Target, Ask]]:
    """Ask for an indicator once for each target of it: of one line or machine, one of the queries has an answer."""
    return [
        (one, Ask(indicator(name, Cut(where=scope(more=one.where))), alias=one.title))
        for one in targets(plant, name, level)
    ]


def _any(paths: Sequence[str], level: Level) -> str:
    return "(" + " OR ".join(_is(path, level) for path in paths) + ")"


def _none(paths: Sequence[str], level: Level) -> str:
    unlike = ["(" + " OR ".join(f"\"{tag}\" != '{value}'" for tag, value in _tags(path, level)) + ")" for path in paths]
    return " AND ".join(unlike) or "\"site\" != ''"


def _is(path: str, level: Level) -> str:
    return "(" + " AND ".join(f"\"{tag}\" = '{value}'" for tag, value in _tags(path, level)) + ")"


def _tags(path: str, level: Level) -> list[tuple[str, str]]:
    return list(zip(LEVELS[: _DEPTH[level]], path.split("/"), strict=True))
