"""The writing half of the SQLite store: one connection, used by one thread, one transaction a batch.

What every batch needs (ids and attributes of series and machines) is cached in memory; the cache is cleared when a
transaction fails. Another process may write to the same file: rows of `asset` and `series` are never renumbered, and
series of commands, which retention deletes, are not cached.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, NamedTuple

from broker.contract.events import AnyEvent, Sample
from broker.contract.retained import may_be_stored
from services.store.interface import Batch, Rejected, RowError, StoreError
from services.store.rejections import Rejections
from services.store.sqlite import ledger as sqlite_ledger
from services.store.sqlite import retention as sqlite_retention
from services.store.sqlite.events import FORMS, report
from services.store.sqlite.file import PATIENCE_S, explained, open_writer
from services.store.sqlite.ledger_writing import SumsWriter
from services.store.sqlite.presence import Presence
from services.store.sqlite.registry import Registry
from services.store.sqlite.retention import PASSING
from services.store.sqlite.samples import insert_samples

SeriesKey = tuple[str, str, str]
NO_TURN: Final = nullcontext()
"""What a writer waits for that need not wait for others."""

_OF_A_ROW: Final = (
    OverflowError,
    UnicodeEncodeError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
)
"""Errors for a value that does not fit its column or its binding, not for the file."""


class Writing:
    """The writer of a file. Not for more than one thread at once.

    Args:
        path: the file.
        patience_s: how long to wait for another writer.
        existing: whether the file must be there already.
        turn: what a transaction holds, where several writers take turns.
    """

    def __init__(
        self,
        path: Path,
        *,
        patience_s: float = PATIENCE_S,
        existing: bool = False,
        turn: AbstractContextManager[object] = NO_TURN,
    ) -> None:
        self._path, self._turn = path, turn
        self._connection = open_writer(path, patience_s=patience_s, existing=existing)
        self.presence = Presence(path)
        sqlite_ledger.prepare(self._connection)
        self._registry = Registry(self._connection)
        self._series: dict[SeriesKey, int] = {}
        self._reported: dict[SeriesKey, tuple[str, str]] = {}
        self._sums = SumsWriter(self._connection, self._asset)
        self._rejections = Rejections()

    def write(self, batch: Batch) -> None:
        """Write a batch, all of it or nothing, durable when this returns.

        Raises:
            StoreError: it cannot be written.
        """
        draft = self._rejections.draft() if batch.rejected else None
        with self._explained():
            sums = self._sums.prepared(batch.rows, batch.reasons)
            rows, unknown = self._sorted(batch.events, self._known_series)
        with self._transaction() as connection:
            for run in batch.samples:
                self._registry.add_run(run)
            self._write_events(connection, rows, unknown)
            if draft is not None:
                self._write_rejected(connection, draft.rows(batch.rejected))
            if batch.rows or batch.reasons:
                self._sums.write(sums)
        if draft is not None:
            draft.commit()

    def set_metadata(self, name: str, text: str) -> None:
        """Store a named text."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO note (name, text) VALUES (?, ?)", (name, text))

    def apply_retention(self, *, events_before: int, minutes_before: int) -> int:
        """Delete some of what is older than these times; return how many rows, 0 when none is left."""
        with self._transaction() as connection:
            return sqlite_retention.step(connection, events_before=events_before, minutes_before=minutes_before)

    def save(self) -> None:
        """Checkpoint: move what was committed into the file itself, so that it needs no file beside it.

        Raises:
            StoreError: not all of it could be moved.
        """
        try:
            busy, committed, moved = self._connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        except sqlite3.Error as error:
            raise explained(error, self._path) from error
        if busy or committed != moved:
            raise StoreError(f"{self._path}: another program reads the file, so it cannot be reopened; stop it")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._turn, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("COMMIT")
            self.presence.check()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Roll back what failed, and raise it as the store's error."""
        try:
            yield
        except BaseException as error:
            self._roll_back()
            if isinstance(error, _OF_A_ROW):
                raise RowError(f"{self._path}: a value that SQLite cannot hold: {error}") from error
            if isinstance(error, sqlite3.Error):
                raise explained(error, self._path) from error
            raise

    def _roll_back(self) -> None:
        """Roll back a transaction that failed, and clear the caches."""
        for memory in (self._registry, self._series, self._reported, self._sums):
            memory.clear()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _sorted(
        self, events: Iterable[AnyEvent], series_id: Callable[[SeriesKey], int | None]
    ) -> tuple["_Rows", list[AnyEvent]]:
        """Return the rows of events, and the events whose series are not known."""
        found, unknown = _Rows({}, {}), list[AnyEvent]()
        rows, reported = found
        touch, asset_of = self._registry.touch, self._registry.asset
        for event in events:
            if event.time_source == "retained" and not may_be_stored(event):
                continue
            kind = event.kind
            key = (event.asset, kind, event.series)
            series = None if kind == "telemetry" else series_id(key)
            if series is None:
                unknown.append(event)
                continue
            form, at, simulated = FORMS[kind], event.at, event.simulated
            rows.setdefault(kind, []).append((series, at, simulated, *form.values(event)))
            touch(asset_of(event.asset), at, at, simulated=simulated)
            if form.fields:
                reported[key] = ("", self._fields_reported(key, event, reported))
        return found, unknown

    def _write_events(self, connection: sqlite3.Connection, known: "_Rows", unknown: Sequence[AnyEvent]) -> None:
        more, samples = self._sorted(unknown, self._series_id)
        for sample in samples:
            assert isinstance(sample, Sample)
            self._registry.add_sample(sample)
        insert_samples(connection, *self._registry.take_samples())
        for rows, _ in (known, more):
            for kind, of_kind in rows.items():
                connection.executemany(FORMS[kind].insert, of_kind)
        self._registry.write()
        self._report(connection, known.reported | more.reported)

    def _write_rejected(self, connection: sqlite3.Connection, rejected: Iterable[Rejected]) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO rejected (time, topic, reason, payload, bytes, count) VALUES (?, ?, ?, ?, ?, ?)",
            [(one.at, one.topic, one.reason, one.payload, one.size, one.count) for one in rejected],
        )

    def _report(self, connection: sqlite3.Connection, reported: dict[SeriesKey, tuple[str, str]]) -> None:
        """Store units and types of signals, and fields of counts, where they are new; '' does not clear a unit."""
        for key, (unit, value_type) in reported.items():
            known = self._reported.get(key)
            if known and known[1] == value_type and (not unit or known[0] == unit):
                continue
            (row,) = connection.execute(
                "UPDATE series SET unit = CASE ?1 WHEN '' THEN unit ELSE ?1 END, type = ?2 WHERE id = ?3"
                " RETURNING unit, type",
                (unit, value_type, self._series[key]),
            ).fetchall()
            self._reported[key] = row

    def _fields_reported(self, key: SeriesKey, event: AnyEvent, reported: dict[SeriesKey, tuple[str, str]]) -> str:
        """Return which fields of a count or material have ever been reported, those of this event included."""
        _, known = reported.get(key) or self._reported.get(key) or self._reported_before(key)
        return report(known, FORMS[event.kind].fields, event)

    def _reported_before(self, key: SeriesKey) -> tuple[str, str]:
        (row,) = self._connection.execute("SELECT unit, type FROM series WHERE id = ?", (self._series[key],)).fetchall()
        return str(row[0]), str(row[1])

    def _asset(self, path: str) -> int:
        """Return a machine's id; a new machine gets one."""
        return self._registry.asset(path).id

    def _known_series(self, key: SeriesKey) -> int | None:
        """Return the id of a series of which nothing has to be asked of the file."""
        return self._series.get(key) if not FORMS[key[1]].fields or key in self._reported else None

    def _series_id(self, key: SeriesKey) -> int:
        """Return the id of a series; a new series gets one."""
        if known := self._series.get(key):
            return known
        path, kind, name = key
        asset = self._asset(path)
        self._connection.execute(
            "INSERT OR IGNORE INTO series (asset, kind, name) VALUES (?, ?, ?)", (asset, kind, name)
        )
        (found,) = self._connection.execute(
            "SELECT id FROM series WHERE asset = ? AND kind = ? AND name = ?", (asset, kind, name)
        ).fetchone()
        if kind not in PASSING:
            self._series[key] = found
        return int(found)


class _Rows(NamedTuple):
    """Rows of events by kind, and which fields of a series were ever reported, with them."""

    rows: dict[str, list[tuple[Any, ...]]]
    reported: dict[SeriesKey, tuple[str, str]]
