# ruff: noqa: S608  (names of tables and columns come from sqlite_schema, values are parameters)
"""The reading half of the SQLite store: its queries, each within one read transaction.

A query sees one state of the file, whatever is written meanwhile. Events are read one series at a time, each by its
key; with a limit no series is read beyond what can still be among the events wanted. A query that takes too long, or
finds too much, ends with an error.
"""

import sqlite3
from collections.abc import Callable, Sequence

from broker.contract.events import AnyEvent
from broker.contract.topics import Kind
from services.ledger.fields import Sums, add
from services.store import due
from services.store.interface import (
    Bucket,
    LedgerRow,
    Machine,
    NamedSeries,
    ReasonRow,
    Rejected,
    Resolution,
    Signal,
    StoreError,
    Trace,
)
from services.store.resolutions import layers
from services.store.sqlite import ledger as sqlite_ledger
from services.store.sqlite.events import FOR_EVER, FORMS, Series, reported
from services.store.sqlite.ledger import Interval
from services.store.sqlite.retention import PASSING
from services.store.sqlite.schema import LEDGER, REASONS


class Reading:
    """The queries of one reader.

    Attributes:
        connection: within a read transaction.
        is_over: whether the query has taken too long, or nobody waits for its answer.
        row_limit: how many rows an answer may have.
    """

    def __init__(self, connection: sqlite3.Connection, is_over: Callable[[], bool], row_limit: int) -> None:
        self.connection = connection
        self.is_over = is_over
        self.row_limit = row_limit

    def events(
        self, kinds: Sequence[Kind], asset: str, start: int, end: int, limit: int | None, *, newest_first: bool
    ) -> list[AnyEvent]:
        """Answer `Store.events`."""
        wanted = limit if limit is not None else self.row_limit + 1
        order = "DESC" if newest_first else "ASC"
        found: list[AnyEvent] = []
        for kind in dict.fromkeys(kinds):
            form = FORMS.get(kind)
            if form is None:
                continue
            statement = (
                f"SELECT {form.selected} FROM {form.table} WHERE series = ? AND time >= ? AND time < ?"
                f" ORDER BY time {order} LIMIT ?"
            )
            for series in self._series(kind, asset):
                rows = self.connection.execute(statement, (series.id, start, end, wanted))
                found += [form.event(series, row) for row in rows]
                if limit is not None and len(found) > 2 * limit + 1_000:
                    # Events after the last one wanted so far cannot be among the first `limit`.
                    found = _ordered(found, newest_first=newest_first)[:limit]
                    start, end = (found[-1].at, end) if newest_first else (start, found[-1].at + 1)
                elif limit is None:
                    self._check_size(len(found))
                self._check_time()
        return _ordered(found, newest_first=newest_first)[:limit]

    def latest_before(self, kinds: Sequence[Kind], asset: str, at: int) -> list[AnyEvent]:
        """Answer `Store.latest_before`."""
        found: list[AnyEvent] = []
        for kind in dict.fromkeys(kinds):
            form = FORMS.get(kind)
            if form is None:
                continue
            for series in self._series(kind, asset):
                newest: dict[int, AnyEvent] = {}
                # Each field of a count that was ever reported has its own newest event, which may be old.
                for field, until in (reported(series.type) if form.fields else {"": FOR_EVER}).items():
                    is_reported = f"AND {field} IS NOT NULL" if field else ""
                    rows = self.connection.execute(
                        f"SELECT {form.selected} FROM {form.table} WHERE series = ? AND time < ? {is_reported}"
                        " ORDER BY time DESC LIMIT 1",
                        (series.id, min(at, until + 1)),
                    )
                    newest.update((row[0], form.event(series, row)) for row in rows)
                found += newest.values()
                self._check_time()
            self._check_size(len(found))
        return _ordered(found, newest_first=False)

    def traced(self, field: Trace, names: Sequence[str], asset: str) -> list[AnyEvent]:
        """Answer `Store.traced`, by the indexes of the fields."""
        low, high = _range_of(asset)
        found: list[AnyEvent] = []
        for kind in ("part", "quality") if field == "part" else ("part",):
            form = FORMS[kind]
            columns = ", ".join(f'e."{column}"' for column in ("time", "simulated", *form.columns))
            statement = (
                f"SELECT s.id, a.path, s.name, s.unit, s.type, {columns} FROM {form.table} e"
                " JOIN series s ON s.id = e.series JOIN asset a ON a.id = s.asset"
                f" WHERE e.{field} = ?1 AND e.{field} <> '' AND (a.path = ?2 OR a.path >= ?3 AND a.path < ?4)"
            )
            for name in dict.fromkeys(names):
                rows = self.connection.execute(statement, (name, asset, low, high))
                found += [form.event(Series(*row[:5]), row[5:]) for row in rows]
                self._check_size(len(found))
                self._check_time()
        return _ordered(found, newest_first=False)

    def downsampled(self, asset: str, signal: str, start: int, end: int, points: int) -> list[Bucket]:
        """Answer `Store.downsampled`."""
        width = max(1, -(-(end - start) // max(1, points)))
        parameters = {"asset": asset, "signal": signal, "start": start, "end": end, "width": width}
        chosen = (
            "FROM telemetry WHERE series = (SELECT s.id FROM series s JOIN asset a ON a.id = s.asset"
            " WHERE a.path = :asset AND s.kind = 'telemetry' AND s.name = :signal) AND time >= :start AND time < :end"
        )
        numbers = self.connection.execute(
            f"SELECT (time - :start) / :width AS bucket, min(value), avg(value), max(value), count(*)"
            f" {chosen} AND value IS NOT NULL GROUP BY bucket",
            parameters,
        )
        buckets = {
            interval: Bucket(start + interval * width, least, mean, greatest, n)
            for interval, least, mean, greatest, n in numbers
        }
        texts = self.connection.execute(
            f"SELECT (time - :start) / :width AS bucket, max(time), text, count(*)"
            f" {chosen} AND text IS NOT NULL GROUP BY bucket",
            parameters,
        )
        for interval, _, text, n in texts:
            number = buckets.get(interval) or Bucket(start + interval * width, None, None, None, 0)
            buckets[interval] = Bucket(number.at, number.least, number.mean, number.greatest, number.n + n, text)
        return [buckets[interval] for interval in sorted(buckets)]

    def rows(self, asset: str, start: int, end: int, resolution: Resolution) -> list[LedgerRow]:
        """Answer `Store.rows`."""
        found: list[LedgerRow] = []
        for number, path in self._assets(asset):
            found += [
                LedgerRow(path, row.start, row.first, row.second, row.sums, row.carried)
                for row in sqlite_ledger.rows(self.connection, LEDGER, Interval(number, start, end, resolution))
            ]
            self._check_size(len(found))
            self._check_time()
        found.sort(key=lambda row: (row.start, row.asset, row.product, row.shift))
        return found

    def totals(self, asset: str, start: int, end: int, resolution: Resolution) -> dict[tuple[str, str, str], Sums]:
        """Answer `Store.totals`."""
        found: dict[tuple[str, str, str], Sums] = {}
        for number, path in self._assets(asset):
            totals = sqlite_ledger.totals(self.connection, LEDGER, Interval(number, start, end, resolution))
            found.update({(path, product, shift): sums for (product, shift), sums in sorted(totals.items())})
            self._check_time()
        return found

    def reasons(self, asset: str, start: int, end: int) -> list[ReasonRow]:
        """Answer `Store.reasons`, from the coarsest rows that fit."""
        found: list[ReasonRow] = []
        for number, path in self._assets(asset):
            total: dict[tuple[str, str], Sums] = {}
            for begin, until, resolution in layers(start, end):
                interval = Interval(number, begin, until, resolution)
                for key, sums in sqlite_ledger.totals(self.connection, REASONS, interval).items():
                    add(total.setdefault(key, {}), sums)
            found += [
                ReasonRow(path, start, state, reason, sums.get("seconds", 0), sums.get("entries", 0))
                for (state, reason), sums in sorted(total.items())
            ]
            self._check_size(len(found))
            self._check_time()
        return found

    def reason_rows(self, asset: str, start: int, end: int) -> list[ReasonRow]:
        """Answer `Store.reason_rows`."""
        found: list[ReasonRow] = []
        for number, path in self._assets(asset):
            found += [
                ReasonRow(
                    path, row.start, row.first, row.second, row.sums.get("seconds", 0), row.sums.get("entries", 0)
                )
                for row in sqlite_ledger.rows(self.connection, REASONS, Interval(number, start, end, "minute"))
            ]
            self._check_size(len(found))
            self._check_time()
        found.sort(key=lambda row: (row.start, row.asset, row.state, row.reason))
        return found

    def watermark(self, asset: str) -> dict[str, int]:
        """Answer `Store.watermark`."""
        newest = ((path, self._newest_minute(number)) for number, path in self._assets(asset))
        return due.complete_up_to({path: start for path, start in newest if start is not None}, self.metadata(due.NOTE))

    def machines(self, asset: str) -> list[Machine]:
        """Answer `Store.machines`."""
        low, high = _range_of(asset)
        rows = self.connection.execute(
            "SELECT path, first, last, simulated FROM asset"
            " WHERE (path = ?1 OR path >= ?2 AND path < ?3) AND first IS NOT NULL ORDER BY path",
            (asset, low, high),
        )
        return [Machine(path, first, last, bool(simulated)) for path, first, last, simulated in rows]

    def signals(self, asset: str) -> list[Signal]:
        """Answer `Store.signals`."""
        low, high = _range_of(asset)
        rows = self.connection.execute(
            "SELECT a.path, s.name, s.unit, s.type, (SELECT min(time) FROM telemetry WHERE series = s.id) AS first,"
            " (SELECT max(time) FROM telemetry WHERE series = s.id) FROM asset a JOIN series s ON s.asset = a.id"
            " WHERE (a.path = ?1 OR a.path >= ?2 AND a.path < ?3) AND s.kind = 'telemetry' AND first IS NOT NULL"
            " ORDER BY a.path, s.name",
            (asset, low, high),
        )
        return [Signal(*row) for row in rows]

    def series(self) -> list[NamedSeries]:
        """Answer `Store.series`."""
        rows = self.connection.execute(
            "SELECT a.path, s.kind, s.name FROM series s JOIN asset a ON a.id = s.asset"
            f" WHERE s.kind NOT IN ({', '.join('?' * len(PASSING))})",
            (*PASSING,),
        )
        return [NamedSeries(*row) for row in rows]

    def rejected(self, start: int, end: int, limit: int) -> list[Rejected]:
        """Answer `Store.rejected`."""
        rows = self.connection.execute(
            "SELECT time, topic, reason, payload, bytes, count FROM rejected WHERE time >= ? AND time < ?"
            " ORDER BY time DESC, topic DESC, payload DESC LIMIT ?",
            (start, end, min(limit, self.row_limit)),
        )
        return [Rejected(*row) for row in rows]

    def metadata(self, name: str) -> str | None:
        """Answer `Store.metadata`."""
        row = self.connection.execute("SELECT text FROM note WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _assets(self, asset: str) -> list[tuple[int, str]]:
        low, high = _range_of(asset)
        return self.connection.execute(
            "SELECT id, path FROM asset WHERE path = ?1 OR path >= ?2 AND path < ?3 ORDER BY path", (asset, low, high)
        ).fetchall()

    def _series(self, kind: str, asset: str) -> list[Series]:
        low, high = _range_of(asset)
        rows = self.connection.execute(
            "SELECT s.id, a.path, s.name, s.unit, s.type FROM asset a JOIN series s ON s.asset = a.id"
            " WHERE (a.path = ?1 OR a.path >= ?2 AND a.path < ?3) AND s.kind = ?4",
            (asset, low, high, kind),
        )
        return [Series(*row) for row in rows]

    def _newest_minute(self, asset: int) -> int | None:
        (newest,) = self.connection.execute("SELECT max(start) FROM ledger_minute WHERE asset = ?", (asset,)).fetchone()
        return newest if newest is None else int(newest)

    def _check_size(self, n: int) -> None:
        if n > self.row_limit:
            raise StoreError(
                f"the answer has more than {self.row_limit:,} rows; ask for a shorter time, fewer machines,"
                " or a coarser resolution"
            )

    def _check_time(self) -> None:
        if self.is_over():
            raise TimeoutError


def _range_of(asset: str) -> tuple[str, str]:
    """Return the bounds, in sort order, of the paths under an asset path; '0' follows '/'."""
    return (f"{asset}/", f"{asset}0") if asset else ("", "\U0010ffff")


def _ordered(events: list[AnyEvent], *, newest_first: bool) -> list[AnyEvent]:
    events.sort(key=lambda event: (event.at, event.asset, event.kind, event.series), reverse=newest_first)
    return events
