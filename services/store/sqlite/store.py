"""The embedded store: a SQLite file, written by one thread and read by a few.

`SqliteStore` hands its calls to threads: writes to the one that owns the writing connection, queries to a few readers
with connections of their own, which see the last commit and never delay the writer. Cancellation ends a query early; a
write that has begun is finished.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Self, TypeVar

import structlog

from broker.contract.events import AnyEvent
from broker.contract.topics import Kind
from services.ledger.fields import Sums
from services.store.interface import (
    Batch,
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
from services.store.retention import StoreStatus
from services.store.sqlite import ledger as sqlite_ledger
from services.store.sqlite.file import explained, open_reader
from services.store.sqlite.presence import FilesChangedError, SharedLock, check_whole, missing
from services.store.sqlite.reading import Reading
from services.store.sqlite.status import status
from services.store.sqlite.writing import NO_TURN, Writing

QUERY_LIMIT_S: Final = 30.0
"""How long a query may take."""
ROW_LIMIT: Final = 1_000_000
"""How many rows an answer may have."""
READERS: Final = 4
"""How many queries run at once; the others wait."""

_INSTRUCTIONS_BETWEEN_CHECKS: Final = 20_000

_log = structlog.get_logger("corridor.store")

T = TypeVar("T")


class SqliteStore:
    """An open SQLite store; see `services.store.interface.Store`, which it implements. Made by `open`."""

    def __init__(
        self,
        path: Path,
        *,
        query_limit_s: float = QUERY_LIMIT_S,
        row_limit: int = ROW_LIMIT,
        turn: AbstractContextManager[object] = NO_TURN,
    ) -> None:
        self.path, self._turn = path, turn
        self._query_limit_s = query_limit_s
        self._row_limit = row_limit
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._own = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._writing: Writing | None = None
        self._files_lock = SharedLock()

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        query_limit_s: float = QUERY_LIMIT_S,
        row_limit: int = ROW_LIMIT,
        turn: AbstractContextManager[object] = NO_TURN,
    ) -> Self:
        """Open a file; create or migrate it where needed.

        Args:
            path: the file.
            query_limit_s: how long a query may take.
            row_limit: how many rows an answer may have.
            turn: what a write holds while it is in the file, where several processes take turns.

        Raises:
            StoreError: it cannot be opened; the text has the reason and a hint.
        """
        store = cls(path, query_limit_s=query_limit_s, row_limit=row_limit, turn=turn)
        try:
            store._writing = await store._on_writer(lambda: Writing(path, turn=turn))
        except BaseException:
            await store.close()
            raise
        return store

    async def write(self, batch: Batch) -> None:
        """Write a batch; it is durable when this returns."""
        await self._on_writer(lambda: self._present_writing().write(batch))

    async def events(
        self,
        kinds: Sequence[Kind],
        asset: str,
        start: int,
        end: int,
        *,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[AnyEvent]:
        """Return events with start ≤ at < end, in order of (time, asset, kind, series), at most `limit`."""
        return await self._query(
            lambda reading: reading.events(kinds, asset, start, end, limit, newest_first=newest_first)
        )

    async def latest_before(self, kinds: Sequence[Kind], asset: str, at: int) -> list[AnyEvent]:
        """Return, of each machine, kind and series under `asset`, the newest event before `at` (if any)."""
        return await self._query(lambda reading: reading.latest_before(kinds, asset, at))

    async def traced(self, field: Trace, names: Sequence[str], asset: str = "") -> list[AnyEvent]:
        """Return the part events under `asset` whose `field` is one of these names."""
        return await self._query(lambda reading: reading.traced(field, names, asset))

    async def downsampled(self, asset: str, signal: str, start: int, end: int, points: int) -> list[Bucket]:
        """Return a machine's signal over start ≤ at < end in at most `points` buckets of equal length."""
        return await self._query(lambda reading: reading.downsampled(asset, signal, start, end, points))

    async def rows(self, asset: str, start: int, end: int, resolution: Resolution = "minute") -> list[LedgerRow]:
        """Return the rows with start ≤ row.start < end by (start, asset, product, shift), empty ones left out."""
        return await self._query(lambda reading: reading.rows(asset, start, end, resolution))

    async def totals(
        self, asset: str, start: int, end: int, resolution: Resolution = "minute"
    ) -> dict[tuple[str, str, str], Sums]:
        """Return the exact sums of those rows by (machine, product, shift)."""
        return await self._query(lambda reading: reading.totals(asset, start, end, resolution))

    async def reasons(self, asset: str, start: int, end: int) -> list[ReasonRow]:
        """Return the reason rows with start ≤ row.start < end, summed by machine, state and reason."""
        return await self._query(lambda reading: reading.reasons(asset, start, end))

    async def reason_rows(self, asset: str, start: int, end: int) -> list[ReasonRow]:
        """Return the reason rows with start ≤ row.start < end as written, empty ones left out."""
        return await self._query(lambda reading: reading.reason_rows(asset, start, end))

    async def watermark(self, asset: str) -> dict[str, int]:
        """Return, of each machine, the start of its newest ledger minute: up to there rows are complete."""
        return await self._query(lambda reading: reading.watermark(asset))

    async def machines(self, asset: str = "") -> list[Machine]:
        """Return every machine that has reported, ordered by path."""
        return await self._query(lambda reading: reading.machines(asset))

    async def signals(self, asset: str) -> list[Signal]:
        """Return the signals of the machines under `asset`."""
        return await self._query(lambda reading: reading.signals(asset))

    async def series(self) -> list[NamedSeries]:
        """Return every series of which an event is stored, but those of kinds by id."""
        return await self._query(lambda reading: reading.series())

    async def rejected(self, start: int, end: int, *, limit: int = 1_000) -> list[Rejected]:
        """Return rejected messages with start ≤ at < end, newest first."""
        return await self._query(lambda reading: reading.rejected(start, end, limit))

    async def metadata(self, name: str) -> str | None:
        """Return a named text of the store, such as the plant description that its ledger was computed with."""
        return await self._query(lambda reading: reading.metadata(name))

    async def set_metadata(self, name: str, text: str) -> None:
        """Store a named text."""
        await self._on_writer(lambda: self._present_writing().set_metadata(name, text))

    async def apply_retention(self, *, events_before: int, minutes_before: int) -> int:
        """Delete raw events, rejected messages and ledger minutes that are older than these times.

        It is done in small steps, between which others write. Hours and days of the ledger stay.

        Returns:
            How many rows were deleted.
        """
        gone = 0
        while step := await self._on_writer(
            lambda: self._present_writing().apply_retention(events_before=events_before, minutes_before=minutes_before)
        ):
            gone += step
        return gone

    async def check(self) -> None:
        """Check that the store answers.

        Raises:
            StoreError: it does not.
        """
        await self.metadata("health")

    async def status(self) -> StoreStatus:
        """Return what the store holds."""
        return await self._query(lambda reading: status(reading.connection, self.path))

    async def close(self) -> None:
        """Finish what is being written, and close."""
        await asyncio.shield(asyncio.to_thread(self._close))

    def _close(self) -> None:
        self._readers.shutdown(wait=True)
        self._writer.shutdown(wait=True)
        self._close_all()

    def _close_all(self) -> None:
        self._own = threading.local()
        while self._connections:
            self._connections.pop().close()
        if self._writing is not None:
            self._writing.close()
            self._writing = None

    def _present_writing(self) -> Writing:
        """Return the writer, reopened where the file was replaced; on the writer's thread.

        Raises:
            StoreError: there is no file, or it cannot be used.
        """
        try:
            return self._checked_writing()
        except FilesChangedError as change:
            with self._files_lock.exclusive():
                self._reopen(change)
            return self._checked_writing()

    def _checked_writing(self) -> Writing:
        writing = self._writing
        if writing is None:
            raise FilesChangedError(f"{self.path}: the store is not open")
        writing.presence.check()
        return writing

    def _reopen(self, change: FilesChangedError) -> None:
        """Open the file that is there now; a missing file is not created, for it may come back."""
        if not self.path.exists():
            raise missing(self.path) from change
        if self._writing is not None and self._writing.presence.file_is_same:
            self._writing.save()
        else:
            if self._writing is not None:
                self._writing.presence.put_side_files_aside()
            check_whole(self.path)
        self._close_all()
        self._writing = Writing(self.path, existing=True, turn=self._turn)
        _log.warning("the store was reopened", cause=str(change))

    async def _on_writer(self, work: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._submit(self._writer, work))

    async def _query(self, query: Callable[[Reading], T]) -> T:
        try:
            return await self._query_once(query)
        except FilesChangedError:
            await self._on_writer(self._present_writing)
            return await self._query_once(query)

    async def _query_once(self, query: Callable[[Reading], T]) -> T:
        nobody_waits = threading.Event()
        answer = self._submit(self._readers, lambda: self._answer(query, nobody_waits))
        try:
            return await asyncio.wrap_future(answer)
        finally:
            nobody_waits.set()

    def _submit(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> Future[T]:
        try:
            return threads.submit(work)
        except RuntimeError as error:
            raise StoreError(f"{self.path}: the store is closed; open it again") from error

    def _answer(self, query: Callable[[Reading], T], nobody_waits: threading.Event) -> T:
        """Answer a query on a reader's thread.

        Raises:
            FilesChangedError: the file is another one than that which was opened.
        """
        with self._files_lock.shared():
            self._checked_writing()
            return self._run_query(query, nobody_waits)

    def _run_query(self, query: Callable[[Reading], T], nobody_waits: threading.Event) -> T:
        deadline = time.monotonic() + self._query_limit_s

        def is_over() -> bool:
            return nobody_waits.is_set() or time.monotonic() > deadline

        connection = self._reader()
        try:
            connection.set_progress_handler(is_over, _INSTRUCTIONS_BETWEEN_CHECKS)
            connection.execute("BEGIN")
            return query(Reading(connection, is_over, self._row_limit))
        except TimeoutError as error:
            raise self._too_long() from error
        except sqlite3.Error as error:
            if is_over():
                raise self._too_long() from error
            raise explained(error, self.path) from error
        finally:
            connection.set_progress_handler(None, 0)
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _too_long(self) -> StoreError:
        return StoreError(
            f"{self.path}: the query took more than {self._query_limit_s:g} s;"
            " ask for a shorter time, fewer machines, or a coarser resolution"
        )

    def _reader(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = open_reader(self.path)
            sqlite_ledger.prepare(connection)
            self._own.connection = connection
            self._connections.append(connection)
        return connection
