"""How samples go into the table of telemetry: many rows a statement.

Running a statement costs more than storing a sample, so one statement takes many of them. Most signals are numbers;
their statement leaves the column of texts out, for each value that is bound costs as well.
"""

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

FIELDS: Final = 4
"""Of a sample: the id of its series, its time, simulated or not (0 or 1, for a `bool` binds slowly), and its value."""

_SIZES: Final = (200, 20, 1)
"""How many rows a statement may have: few sizes, for making a new statement costs as much as running it; more rows take
no less time."""


def insert_samples(
    connection: sqlite3.Connection, numbers: Sequence[float | str], with_texts: Sequence[float | str]
) -> None:
    """Insert samples, the fields of one after those of another; of those of a series and instant the last wins.

    In order of series and time it is fastest.

    Args:
        connection: of the running transaction.
        numbers: samples of series that have no text here.
        with_texts: samples of the others.
    """
    _insert(connection, numbers, "value")
    rows = zip(*(with_texts[field::FIELDS] for field in range(FIELDS)), strict=True)
    of_texts = [(*row[:-1], *_number_or_text(row[-1])) for row in rows]
    _insert(connection, list(chain.from_iterable(of_texts)), "value, text")


def _insert(connection: sqlite3.Connection, values: Sequence[float | str | None], columns: str) -> None:
    fields = FIELDS + columns.count(",")
    first = 0
    for size in _SIZES:
        statement = _statement(columns, size)
        while len(values) - first >= size * fields:
            connection.execute(statement, values[first : first + size * fields])
            first += size * fields


@lru_cache
def _statement(columns: str, rows: int) -> str:
    row = f"({', '.join('?' * (4 + columns.count(',')))})"
    values = ", ".join([row] * rows)
    return f"INSERT OR REPLACE INTO telemetry (series, time, simulated, {columns}) VALUES {values}"  # noqa: S608


def _number_or_text(value: float | str) -> tuple[float | None, str | None]:
    return (None, value) if isinstance(value, str) else (value, None)
