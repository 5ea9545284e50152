"""The file of a SQLite store: opening it, migrating its schema, and explaining SQLite's errors.

The file is in WAL mode: readers see the last commit and never wait for the writer, in this process or another. A
commit is on the disk when it returns (`synchronous=FULL`), so what was acknowledged survives a killed process and a
power cut. Two processes may write to one file; each waits for the other up to `PATIENCE_S`.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from broker import private_files
from services.ledger.fields import FIELDS
from services.store.interface import StoreError
from services.store.sqlite.schema import INDEXES, LEDGER, MEASUREMENTS, RESOLUTIONS, STEPS, create_measurement, views

APPLICATION_ID: Final = 0x436F7272
"""Marks a SQLite file as Corridor's ("Corr")."""
PATIENCE_S: Final = 15.0
"""How long a writer waits for another one."""

_CHECKPOINT_PAGES: Final = 4_000
_WAL_LIMIT_BYTES: Final = 64 * 1024 * 1024
_CACHE_KIB: Final = 32 * 1024
_STATEMENTS: Final = 1_024
"""Prepared statements that are held: rows of the ledger are inserted by one for each set of columns."""


def open_writer(path: Path, *, patience_s: float = PATIENCE_S, existing: bool = False) -> sqlite3.Connection:
    """Open the file for writing; create it (unless it must be `existing`) and migrate it where needed.

    Raises:
        StoreError: it is not a store, newer than this program, or cannot be written to.
    """
    try:
        private_files.make_folder(path.parent)
    except OSError as error:
        raise StoreError(
            f"{path.parent}: the folder cannot be made: {error.strerror}; choose another folder for the store"
        ) from error
    connection: sqlite3.Connection | None = None
    try:
        if not existing:
            with suppress(OSError):  # SQLite reports it
                private_files.make_file(path)  # its -wal and -shm take their rights from it
        uri = f"{path.absolute().as_uri()}?mode={'rw' if existing else 'rwc'}"
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=patience_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )
        check_ours(connection, path)
        _into_wal_mode(connection, path, patience_s)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        bring_up_to_date(connection, path)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise explained(error, path) from error
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading only; a writer must have opened it before.

    Raises:
        StoreError: it cannot be read.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        return sqlite3.connect(uri, uri=True, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise explained(error, path) from error


def check_ours(connection: sqlite3.Connection, path: Path, *, newest: int = len(STEPS)) -> int:
    """Return the file's schema version, 0 for an empty file.

    Raises:
        StoreError: the file is another program's, or made by a newer Corridor.
    """
    # Tables first: another process may be making them, and the mark comes with them.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID and tables:
        raise StoreError(f"{path}: this is another program's SQLite file; choose another file for the store")
    if version > newest:
        raise StoreError(
            f"{path}: the store has schema {version}, this program knows up to {newest};"
            " use the Corridor that made it or a newer one, or another file"
        )
    return int(version)


def bring_up_to_date(
    connection: sqlite3.Connection, path: Path, steps: Sequence[Callable[[], list[str]]] = STEPS
) -> None:
    """Create the tables, or migrate those of an older schema after copying the file; all of it or nothing.

    Raises:
        StoreError: the copy cannot be made, or the file is newer.
    """
    version = check_ours(connection, path, newest=len(steps))
    if 0 < version < len(steps):
        _copy(connection, path, version)
    if (
        version == len(steps)
        and not missing_columns(connection)
        and not _missing_fields(connection)
        and _has_counts(connection)
        and not missing_indexes(connection)
    ):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = check_ours(connection, path, newest=len(steps))
        for step in steps[version:]:
            for statement in step():
                connection.execute(statement)
        for statement in missing_columns(connection):
            connection.execute(statement)
        for resolution, field in _missing_fields(connection):
            connection.execute(f"ALTER TABLE {LEDGER.name}_{resolution} ADD COLUMN {field} NOT NULL DEFAULT 0")
        if not _has_counts(connection):
            connection.execute("ALTER TABLE rejected ADD COLUMN count INTEGER NOT NULL DEFAULT 1")
        for statement in missing_indexes(connection):
            connection.execute(statement)
        for name, query in views().items():
            connection.execute(f"DROP VIEW IF EXISTS {name}")
            connection.execute(f"CREATE VIEW {name} AS {query}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def missing_columns(connection: sqlite3.Connection) -> list[str]:
    """Return what gives a file the tables and columns of kinds and fields that are younger than it."""
    statements: list[str] = []
    for table, columns in MEASUREMENTS.items():
        there = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}
        if not there:
            statements.append(create_measurement(table))
            continue
        for column in columns:
            if column.split()[0].strip('"') not in there:
                default = " DEFAULT ''" if "TEXT NOT NULL" in column else " DEFAULT 0" if "NOT NULL" in column else ""
                statements.append(f"ALTER TABLE {table} ADD COLUMN {column}{default}")
    return statements


def missing_indexes(connection: sqlite3.Connection) -> list[str]:
    """Return what gives a file the indexes that are younger than it."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
    return [f"CREATE INDEX {name} ON {of}" for name, of in INDEXES.items() if name not in there]


def explained(error: sqlite3.Error, path: Path) -> StoreError:
    """Return a `StoreError` with what an error of SQLite means for this file, and a hint."""
    name = getattr(error, "sqlite_errorname", None) or ""
    for beginning, meaning in _MEANINGS.items():
        if name.startswith(beginning):
            return StoreError(f"{path}: {meaning}")
    return StoreError(f"{path}: {error}{f' ({name})' if name else ''}")


_MEANINGS: Final = {
    "SQLITE_FULL": "the disk is full, nothing of this batch was written; make room on it, and writing goes on",
    "SQLITE_NOTADB": "this is not a SQLite file; choose another file, or move this one away",
    "SQLITE_CORRUPT": "the file is damaged; stop the services, make a copy, and repair it with"
    " `sqlite3 FILE .recover | sqlite3 NEW`, or move it away to begin afresh",
    "SQLITE_READONLY_DBMOVED": "the file was moved or replaced while it was open; put it back",
    "SQLITE_READONLY": "the file or its folder is read-only; make both writable for this user",
    "SQLITE_PERM": "this user may not use the file; make it and its folder writable for this user",
    "SQLITE_CANTOPEN": "the file cannot be opened; see that its folder is there and writable for this user,"
    " and that it is not a folder itself",
    "SQLITE_BUSY": f"another program held the file for more than {PATIENCE_S:.0f} s; stop it (a backup? a shell with"
    " an open transaction?), and writing goes on",
    "SQLITE_LOCKED": "another connection holds a table; try again",
    "SQLITE_IOERR": "the disk could not be read or written; see that it has room, and whether it is failing",
    "SQLITE_NOMEM": "there is not enough memory; ask for less, or give the process more",
    "SQLITE_TOOBIG": "a text or row is too large for SQLite",
}


def _into_wal_mode(connection: sqlite3.Connection, path: Path, patience_s: float) -> None:
    """Switch to WAL; SQLite does not wait here when another process switches at the same moment, so this does."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if not (error.sqlite_errorname or "").startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            if mode != "wal":
                raise StoreError(
                    f"{path}: this file system has no shared memory for SQLite; put the store on a local disk"
                )
            return


def _missing_fields(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return (resolution, field) of the ledger columns that an older file lacks."""
    missing: list[tuple[str, str]] = []
    for resolution in RESOLUTIONS:
        columns = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({LEDGER.name}_{resolution})")}
        missing += [(resolution, field) for field in FIELDS if field not in columns]
    return missing


def _has_counts(connection: sqlite3.Connection) -> bool:
    """Return whether rows of `rejected` can count several messages; older files lack the column."""
    return any(name == "count" for _, name, *_ in connection.execute("PRAGMA table_info(rejected)"))


def _copy(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Copy the file as it is to `corridor.db.schema-1`."""
    copy = path.with_name(f"{path.name}.schema-{version}")
    partial = copy.with_name(f"{copy.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        private_files.make_file(partial)
        with closing(sqlite3.connect(partial)) as target:
            connection.backup(target)
        partial.replace(copy)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise StoreError(
            f"{path}: schema {version} must be brought up to date, but its copy {copy} cannot be made: {error};"
            " make room for a file of the same size"
        ) from error
