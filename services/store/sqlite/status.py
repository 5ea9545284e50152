# ruff: noqa: S608  (names of tables come from sqlite_schema)
"""What a SQLite store holds."""

import shutil
import sqlite3
from pathlib import Path
from typing import Final

from services.store.retention import Held, StoreStatus
from services.store.sqlite.events import FORMS

COUNTED_BYTES: Final = 2 * 1024**3
"""Rows are counted in files up to this size; counting reads the whole table."""


def status(connection: sqlite3.Connection, path: Path) -> StoreStatus:
    """Return what the store of this connection holds."""
    files = (path, path.with_name(f"{path.name}-wal"))
    size = sum(file.stat().st_size for file in files if file.exists())
    counted = size <= COUNTED_BYTES
    events = {}
    for kind, form in FORMS.items():
        of_kind = f"FROM {form.table} WHERE series IN (SELECT id FROM series WHERE kind = '{kind}')"
        # The ends of each series are found by its key; min() over all would read every row.
        oldest, newest = connection.execute(
            f"SELECT min(oldest), max(newest) FROM (SELECT"
            f" (SELECT min(time) FROM {form.table} WHERE series = s.id) AS oldest,"
            f" (SELECT max(time) FROM {form.table} WHERE series = s.id) AS newest"
            f" FROM series s WHERE kind = ?)",
            (kind,),
        ).fetchone()
        if oldest is not None:
            events[kind] = Held(_count(connection, of_kind) if counted else None, oldest, newest)
    oldest, newest = connection.execute(
        "SELECT min(oldest), max(newest) FROM (SELECT"
        " (SELECT min(start) FROM ledger_minute WHERE asset = a.id) AS oldest,"
        " (SELECT max(start) FROM ledger_minute WHERE asset = a.id) AS newest FROM asset a)"
    ).fetchone()
    return StoreStatus(
        engine="sqlite",
        place=str(path),
        size=size,
        free=shutil.disk_usage(path.parent).free,
        version=_count(connection, "", "user_version FROM pragma_user_version"),
        machines=_count(connection, "FROM asset WHERE first IS NOT NULL"),
        events=events,
        minutes=Held(_count(connection, "FROM ledger_minute") if counted else None, oldest, newest),
        rejected=Held(
            _count(connection, "FROM rejected", "coalesce(sum(count), 0) "),
            *connection.execute("SELECT min(time), max(time) FROM rejected").fetchone(),
        ),
    )


def _count(connection: sqlite3.Connection, chosen: str, what: str = "count(*) ") -> int:
    return int(connection.execute(f"SELECT {what}{chosen}").fetchone()[0])
