"""Targets of lines and machines in queries: a page knows them by name, and shows those of what is chosen."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from broker.plant.plant import Plant
from dashboards import looks
from dashboards.grafana import Ask
from dashboards.names import LEVELS
from dashboards.queries import EVERY, RANGE, Cut, grouped, indicator, scope

Level = Literal["line", "machine"]

COLUMN: Final = "target"
GAP: Final = "gap"
"""OEE less its target, in points."""


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
    """Return the targets of an indicator that the plant's assets of a level have.

    A machine that is not in the plant file has the target of its line, as everywhere in Corridor.
    """
    by_value: dict[float, list[str]] = {}
    for line in plant.lines():
        for value, condition in _of_line(plant, name, level, line):
            by_value.setdefault(value, []).append(condition)
    return [Target(value, f"({' OR '.join(conditions)})") for value, conditions in sorted(by_value.items())]


def of_others(plant: Plant, name: str, level: Level) -> Target:
    """Return the target by whose colours all others are shown, though they have none: the lowest of the plant's."""
    unlike = []
    for line in plant.lines():
        site, area, last = line.split("/")
        elsewhere = f"\"site\" != '{site}' OR \"area\" != '{area}' OR \"line\" != '{last}'"
        if name in plant.targets(line):
            unlike.append(f"({elsewhere})")
        elif level == "machine" and (own := _deviating(plant, name, line)):
            unlike.append(f'({elsewhere} OR "machine" !~ {_among(own)})')
    return Target(looks.target_of(plant, name), " AND ".join(unlike) or "\"site\" != ''")


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


def columns_of(plant: Plant, by: Sequence[str], level: Level) -> list[Ask]:
    """Ask for the target of OEE of each value of these tags, and how many points OEE is above it."""
    return [
        Ask(
            f'SELECT 0 * "oee" + {one.value} AS "{COLUMN}", 100 * ("oee" - {one.value}) AS "{GAP}"'
            f" FROM ({indicator('oee', Cut(by, where=scope(more=one.where)))}){grouped(by)}",
            table=True,
        )
        for one in targets(plant, "oee", level)
    ]


def by_target(plant: Plant, name: str, level: Level) -> list[tuple[Target, Ask]]:
    """Ask for an indicator once for each target of it: of one line or machine, one of the queries has an answer."""
    return [
        (one, Ask(indicator(name, Cut(where=scope(more=one.where))), alias=one.title))
        for one in (*targets(plant, name, level), of_others(plant, name, level))
    ]


def _of_line(plant: Plant, name: str, level: Level, line: str) -> Iterator[tuple[float, str]]:
    """Yield the targets of a line, or of its machines, each with the condition that a row is of what has it."""
    here = " AND ".join(f"\"{tag}\" = '{value}'" for tag, value in zip(LEVELS, line.split("/"), strict=False))
    own = _deviating(plant, name, line) if level == "machine" else {}
    target = plant.targets(line).get(name)
    if target is not None:
        yield target, f'({here} AND "machine" !~ {_among(own)})' if own else f"({here})"
    for value in dict.fromkeys(own.values()):
        yield value, f'({here} AND "machine" =~ {_among([one for one, its in own.items() if its == value])})'


def _deviating(plant: Plant, name: str, line: str) -> dict[str, float]:
    """Return the machines of a line that have another target than it, by their name."""
    usual = plant.targets(line).get(name)
    found = {path: plant.targets(path).get(name) for path in plant.children(line)}
    return {path.rpartition("/")[2]: its for path, its in found.items() if its is not None and its != usual}


def _among(machines: Iterable[str]) -> str:
    return f"/^({'|'.join(machines)})$/"
