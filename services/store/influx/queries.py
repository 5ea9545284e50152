"""InfluxQL: the clauses that all queries are built from. Names and texts are quoted here, and nowhere else."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from broker.contract.topics import LEVELS
from services.store.influx.lines import asset_tags, tag, untag

LAST_INSTANT: Final = 2**63 - 2
"""The latest time that InfluxDB knows, nanoseconds since 1970."""

OF_MACHINE: Final = LEVELS
"""The tags that name a machine."""


def name(identifier: str) -> str:
    """Quote the name of a measurement, tag or field."""
    escaped = identifier.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def literal(text: str) -> str:
    """Quote a text."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def under(asset: str) -> list[str]:
    """Return the conditions that select the machines under an asset path; none for ''."""
    if not asset:
        return []
    return [f"{name(level)} = {literal(tag(value))}" for level, value in asset_tags(asset)]


def between(start: int, end: int) -> list[str]:
    """Return the conditions of start ≤ time < end."""
    return [f"time >= {max(start, -LAST_INSTANT)}", f"time < {min(end, LAST_INSTANT)}"]


def select(
    columns: Iterable[str],
    measurement: str,
    conditions: Sequence[str],
    *,
    group: Iterable[str] = (),
    newest_first: bool = False,
    limit: int | None = None,
) -> str:
    """Write a SELECT.

    Args:
        columns: fields and tags, or functions of them already quoted (they contain a parenthesis).
        measurement: of the rows.
        conditions: all of them must hold.
        group: tags; a limit is then that of each group.
        newest_first: begin with the latest.
        limit: so many rows at most.
    """
    selected = ", ".join(column if "(" in column else name(column) for column in columns)
    grouped = ", ".join(part if "(" in part else name(part) for part in group)
    return (
        f"SELECT {selected} FROM {name(measurement)}"  # noqa: S608  (everything is quoted)
        f"{' WHERE ' if conditions else ''}{' AND '.join(conditions)}"
        f"{' GROUP BY ' if grouped else ''}{grouped}"
        f"{' ORDER BY time DESC' if newest_first else ''}"
        f"{f' LIMIT {limit}' if limit is not None else ''}"
    )


def asset_of(levels: Iterable[Any]) -> str:
    """Return the asset path of a row's tags site, area, line, machine."""
    return "/".join(untag(level) for level in levels if level)
