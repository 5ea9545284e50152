# ruff: noqa: S608  (names of tables and columns come from sqlite_schema, values are parameters)
"""Writing the sums: minute rows, and the hours, days and weeks that are over (`ledger` says how they agree)."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, NamedTuple

from services.store.interface import LedgerRow, ReasonRow
from services.store.row_columns import OfMachine, ReasonColumns, RowColumns
from services.store.sqlite import whole_hours
from services.store.sqlite.ledger import SIZES_NS, SUMMED, Summed, as_stored, summed_up
from services.store.sqlite.schema import LEDGER, NOTHING, REASONS, Family

_MARK: Final = {
    resolution: f"INSERT OR IGNORE INTO ledger_dirty (asset, resolution, start) VALUES (?, '{resolution}', ?)"
    for resolution in SUMMED
}


class SumsWriter:
    """Writes minute rows, and refreshes the hours, days and weeks that are over.

    Args:
        connection: the writer's.
        asset_id: returns a machine's id.
    """

    def __init__(self, connection: sqlite3.Connection, asset_id: Callable[[str], int]) -> None:
        self._connection, self._asset_id = connection, asset_id
        self._refreshed: set[int] = set()
        """The machines of which at most the newest hour, day and week were dirty when they were last written here."""

    def clear(self) -> None:
        """Drop what is known of the file: a transaction has failed."""
        self._refreshed.clear()

    def prepared(self, rows: Sequence[LedgerRow], reasons: Sequence[ReasonRow]) -> "Prepared":
        """Return what can be done without a transaction."""
        given = Prepared([], [], [], [])
        if isinstance(rows, RowColumns):
            given.columns.extend((one, whole_hours.sums(one)) for one in rows.by_machine())
        else:
            given.rows.extend(rows)
        if isinstance(reasons, ReasonColumns):
            given.reason_columns.extend(reasons.by_machine())
        else:
            given.reasons.extend(reasons)
        return given

    def write(self, given: "Prepared") -> None:
        """Write rows within the running transaction; an empty one deletes its row."""
        ids, connection = _Ids(self._asset_id), self._connection
        by_row = [
            (ids[row.asset], Summed(row.start, row.product, row.shift, row.order, row.sums)) for row in given.rows
        ]
        by_reason = [
            (
                ids[row.asset],
                Summed(row.start, row.state, row.reason, "", {"seconds": row.seconds, "entries": row.entries}),
            )
            for row in given.reasons
        ]
        _write(connection, LEDGER, by_row)
        _write(connection, REASONS, by_reason)
        starts = {(asset, row.start) for rows in (by_row, by_reason) for asset, row in rows}
        filled: dict[int, dict[int, list[Summed]]] = {}
        for rows, hours in given.columns:
            asset = ids[rows.asset]
            _insert_columns(connection, LEDGER, asset, rows)
            filled[asset] = whole_hours.filled(connection, asset, rows, hours)
            starts.update((asset, hour) for hour in hours)
        for rows in given.reason_columns:
            _insert_columns(connection, REASONS, ids[rows.asset], rows)
            starts.update((ids[rows.asset], start) for start in rows.keys[0])
        # Whoever marks a time refreshes those before it. So where all were marked already, there is nothing to refresh.
        written = set(ids.values())
        new = written - self._refreshed
        for asset in written if self._mark(starts, is_known=not new) else new:
            _refresh(self._connection, asset, filled.get(asset, {}))
        self._refreshed |= written

    def _mark(self, starts: set[tuple[int, int]], *, is_known: bool) -> bool:
        """Mark the hours, days and weeks of machines that these times are in as dirty.

        Args:
            starts: machines and times.
            is_known: whether all were written here before: then the day and the week of a dirty hour are dirty.

        Returns:
            Whether an hour was not dirty.
        """
        marks, is_new = starts, False
        for resolution in SUMMED:  # each is a whole number of the one before
            size = SIZES_NS[resolution]
            marks = {(asset, start // size * size) for asset, start in marks}
            is_new |= self._connection.executemany(_MARK[resolution], marks).rowcount > 0
            if is_known and not is_new:
                break
        return is_new


class Prepared(NamedTuple):
    """Rows that are to be written.

    Attributes:
        rows: each by itself.
        columns: by machine, with the sums of the hours that they are in, by start.
        reasons: rows by reason, each by itself.
        reason_columns: by machine.
    """

    rows: list[LedgerRow]
    columns: list[tuple[OfMachine, dict[int, list[Summed]]]]
    reasons: list[ReasonRow]
    reason_columns: list[OfMachine]


def _refresh(connection: sqlite3.Connection, asset: int, known: Mapping[int, list[Summed]]) -> None:
    """Refresh the dirty rows of a machine within the running transaction, all but the newest.

    Args:
        connection: the writer's.
        asset: the machine's id.
        known: hours of which the sums are known, by their start.
    """
    for resolution in SUMMED:
        hours = known if resolution == "hour" else {}
        marked = connection.execute(
            "SELECT start FROM ledger_dirty WHERE asset = ? AND resolution = ? ORDER BY start", (asset, resolution)
        ).fetchall()
        due = [start for (start,) in marked if start < marked[-1][0] or start in hours]
        if due:
            _recompute(connection, asset, due, resolution, hours)


def refresh_rollups_before(connection: sqlite3.Connection, before: int) -> None:
    """Refresh the dirty rows of all machines that end by a time, within the running transaction.

    So no day or week is refreshed of which an hour stays dirty.
    """
    for resolution in SUMMED:
        marked = connection.execute(
            "SELECT asset, start FROM ledger_dirty WHERE resolution = ? AND start <= ?",
            (resolution, before - SIZES_NS[resolution]),
        ).fetchall()
        starts: dict[int, list[int]] = {}
        for asset, start in marked:
            starts.setdefault(asset, []).append(start)
        for asset, of_asset in starts.items():
            _recompute(connection, asset, of_asset, resolution, {})


def _recompute(
    connection: sqlite3.Connection,
    asset: int,
    starts: Sequence[int],
    resolution: str,
    known: Mapping[int, list[Summed]],
) -> None:
    """Recompute hours, days or weeks of a machine."""
    named = [(asset, start) for start in starts]
    for family in (LEDGER, REASONS):
        given = known if family is LEDGER else {}
        read = [start for start in starts if start not in given]
        made = [(asset, row) for row in summed_up(connection, family, asset, read, resolution)]
        made += [(asset, row) for start in starts for row in given.get(start, ())]
        connection.executemany(f"DELETE FROM {family.name}_{resolution} WHERE asset = ? AND start = ?", named)
        _insert(connection, family, resolution, made)
    connection.executemany(
        f"DELETE FROM ledger_dirty WHERE asset = ? AND start = ? AND resolution = '{resolution}'", named
    )


def _write(connection: sqlite3.Connection, family: Family, rows: list[tuple[int, Summed]]) -> None:
    last = {(asset, *row[:3]): row for asset, row in rows}
    empty = [key for key, row in last.items() if not any(row.sums.values())]
    written = {key: last[key] for key in last.keys() - empty} if empty else last
    _insert(connection, family, "minute", [(key[0], row) for key, row in written.items()])
    if empty:
        connection.executemany(
            f"DELETE FROM {family.name}_minute"
            f" WHERE asset = ? AND start = ? AND {family.keys[0]} = ? AND {family.keys[1]} = ?",
            empty,
        )


def _insert_columns(connection: sqlite3.Connection, family: Family, asset: int, rows: OfMachine) -> None:
    values = zip(repeat(asset, len(rows.keys[0])), *rows.keys, *rows.sums.values(), strict=True)
    connection.executemany(_insertion(family, "minute", tuple(rows.sums)), values)


def _insert(connection: sqlite3.Connection, family: Family, resolution: str, rows: list[tuple[int, Summed]]) -> None:
    """Insert rows, each without the columns that it has no sum for: most, and their default is 0."""
    by_columns: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    has_carried = family.carried != NOTHING
    for asset, (start, first, second, carried, sums) in rows:
        head = (asset, start, first, second, carried) if has_carried else (asset, start, first, second)
        by_columns.setdefault(tuple(sums), []).append((*head, *sums.values()))
    for summed, values in by_columns.items():
        statement = _insertion(family, resolution, summed)
        try:
            connection.executemany(statement, values)
        except OverflowError:
            connection.executemany(statement, [[as_stored(value) for value in row] for row in values])


@lru_cache(1_024)
def _insertion(family: Family, resolution: str, summed: tuple[str, ...]) -> str:
    """Return the statement that inserts rows with these sums."""
    carried = (family.carried,) if family.carried != NOTHING else ()
    columns = ("asset", "start", *family.keys, *carried, *summed)
    return (
        f"INSERT OR REPLACE INTO {family.name}_{resolution} ({', '.join(columns)})"
        f" VALUES ({', '.join('?' * len(columns))})"
    )


class _Ids(dict[str, int]):
    """The ids of machines, each asked for once."""

    def __init__(self, asset_id: Callable[[str], int]) -> None:
        self._asset_id = asset_id

    def __missing__(self, path: str) -> int:
        found = self[path] = self._asset_id(path)
        return found
