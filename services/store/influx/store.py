"""The store of a plant: an InfluxDB (1.x, 2.x or 3.x), written in line protocol and queried in InfluxQL.

`InfluxStore` has three buckets (1.x: databases) that `corridor store init` creates: raw events, the ledger's minutes,
and its hours and days. Writes run one after the other, queries a few at once. InfluxDB itself applies retention.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Final, Self

import structlog

from broker.contract.events import AnyEvent
from broker.contract.topics import Kind
from services.ledger.fields import Sums, add, nonzero
from services.store import due
from services.store.influx.address import Address
from services.store.influx.http import InfluxServer
from services.store.influx.ledger_reading import LedgerReading
from services.store.influx.ledger_rows import LEDGER, REASONS
from services.store.influx.names import SCHEMA, SCHEMA_METADATA, Buckets
from services.store.influx.reading import Reading
from services.store.influx.status import status
from services.store.influx.writing import Writing
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
from services.store.resolutions import layers
from services.store.retention import StoreStatus

QUERY_LIMIT_S: Final = 30.0
"""How long a query may take."""
ROW_LIMIT: Final = 1_000_000
"""How many rows an answer may have."""

_log = structlog.get_logger("corridor.store")


class InfluxStore:
    """An open InfluxDB store; see `services.store.interface.Store`, which it implements. Made by `open`."""

    def __init__(self, address: Address, *, query_limit_s: float = QUERY_LIMIT_S, row_limit: int = ROW_LIMIT) -> None:
        self.address = address
        self.buckets = Buckets.of(address.database)
        self.server = InfluxServer(address, query_limit_s=query_limit_s)
        self._writing = Writing(self.server, self.buckets)
        self._reading = Reading(self.server, self.buckets, row_limit)
        self._ledger = LedgerReading(self.server, self.buckets, row_limit)
        self._one_writes = asyncio.Lock()

    @classmethod
    async def open(cls, address: Address, *, query_limit_s: float = QUERY_LIMIT_S, row_limit: int = ROW_LIMIT) -> Self:
        """Open a store that is set up, and see that it is healthy.

        Raises:
            StoreError: it is not; the text has the reason and a hint.
        """
        store = cls(address, query_limit_s=query_limit_s, row_limit=row_limit)
        try:
            await store.check()
        except BaseException:
            await store.server.close()
            raise
        return store

    async def check(self) -> None:
        """Check that every bucket answers, and that this program knows its schema.

        Raises:
            StoreError: something is wrong.
        """
        for bucket in self.buckets:
            # A SHOW would succeed without a bucket.
            await self.server.query(bucket, 'SELECT * FROM "note" LIMIT 1')
        version = await self.metadata(SCHEMA_METADATA)
        if version is not None and int(version) > SCHEMA:
            raise StoreError(
                f"{self.address} was made by a newer version of Corridor (its schema is {version}, this program knows"
                f" {SCHEMA}); run that version or a newer one, or name another bucket"
            )

    async def write(self, batch: Batch) -> None:
        """Write a batch; it is durable when this returns."""
        async with self._one_writes:
            await self._writing.write(batch)

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
        with _first_error():
            return await self._reading.events.events(kinds, asset, start, end, limit, newest_first=newest_first)

    async def latest_before(self, kinds: Sequence[Kind], asset: str, at: int) -> list[AnyEvent]:
        """Return, of each machine, kind and series under `asset`, the newest event before `at` (if any)."""
        with _first_error():
            return await self._reading.events.latest_before(kinds, asset, at)

    async def traced(self, field: Trace, names: Sequence[str], asset: str = "") -> list[AnyEvent]:
        """Return the part events under `asset` whose `field` is one of these names."""
        with _first_error():
            return await self._reading.events.traced(field, names, asset)

    async def downsampled(self, asset: str, signal: str, start: int, end: int, points: int) -> list[Bucket]:
        """Return a machine's signal over start ≤ at < end in at most `points` buckets of equal length."""
        return await self._reading.downsampled(asset, signal, start, end, points)

    async def rows(self, asset: str, start: int, end: int, resolution: Resolution = "minute") -> list[LedgerRow]:
        """Return the rows with start ≤ row.start < end by (start, asset, product, shift), empty ones left out."""
        found = await self._ledger.rows(LEDGER, asset, start, end, resolution)
        found.sort(key=lambda row: (row.start, row.asset, row.first, row.second))
        return [LedgerRow(row.asset, row.start, row.first, row.second, row.sums, row.order) for row in found]

    async def totals(
        self, asset: str, start: int, end: int, resolution: Resolution = "minute"
    ) -> dict[tuple[str, str, str], Sums]:
        """Return the exact sums of those rows by (machine, product, shift)."""
        totals: dict[tuple[str, str, str], Sums] = {}
        for row in await self._ledger.rows(LEDGER, asset, start, end, resolution):
            add(totals.setdefault((row.asset, row.first, row.second), {}), row.sums)
        return {key: nonzero(sums) for key, sums in sorted(totals.items())}

    async def reasons(self, asset: str, start: int, end: int) -> list[ReasonRow]:
        """Return the reason rows with start ≤ row.start < end, summed by machine, state and reason."""
        totals: dict[tuple[str, str, str], Sums] = {}
        for begin, until, resolution in layers(start, end):
            for row in await self._ledger.rows(REASONS, asset, begin, until, resolution):
                add(totals.setdefault((row.asset, row.first, row.second), {}), row.sums)
        return [
            ReasonRow(path, start, state, reason, sums.get("seconds", 0), sums.get("entries", 0))
            for (path, state, reason), sums in sorted(totals.items())
        ]

    async def reason_rows(self, asset: str, start: int, end: int) -> list[ReasonRow]:
        """Return the reason rows with start ≤ row.start < end as written, empty ones left out."""
        found = await self._ledger.rows(REASONS, asset, start, end, "minute")
        found.sort(key=lambda row: (row.start, row.asset, row.first, row.second))
        return [
            ReasonRow(
                row.asset, row.start, row.first, row.second, row.sums.get("seconds", 0), row.sums.get("entries", 0)
            )
            for row in found
        ]

    async def watermark(self, asset: str) -> dict[str, int]:
        """Return, of each machine, the start of its newest ledger minute: up to there rows are complete."""
        return due.complete_up_to(await self._ledger.watermark(asset), await self._reading.metadata(due.NOTE))

    async def machines(self, asset: str = "") -> list[Machine]:
        """Return every machine that has reported, ordered by path."""
        return await self._reading.machines(asset)

    async def signals(self, asset: str) -> list[Signal]:
        """Return the signals of the machines under `asset`."""
        return await self._reading.signals(asset)

    async def series(self) -> list[NamedSeries]:
        """Return every series of which an event is stored, but those of kinds by id."""
        return await self._reading.series()

    async def rejected(self, start: int, end: int, *, limit: int = 1_000) -> list[Rejected]:
        """Return rejected messages with start ≤ at < end, newest first."""
        return await self._reading.rejected(start, end, limit)

    async def metadata(self, name: str) -> str | None:
        """Return a named text of the store, such as the plant description that its ledger was computed with."""
        return await self._reading.metadata(name)

    async def set_metadata(self, name: str, text: str) -> None:
        """Store a named text."""
        async with self._one_writes:
            await self._writing.set_metadata(name, text)

    async def status(self) -> StoreStatus:
        """Return what the store holds."""
        return await status(self.server, self.buckets, self._reading)

    async def apply_retention(self, *, events_before: int, minutes_before: int) -> int:  # noqa: ARG002
        """Refresh hours and days of the ledger that a writer which ended left dirty; return 0.

        InfluxDB itself applies retention.
        """
        async with self._one_writes:
            await self._writing.refresh_rollups()
        return 0

    async def close(self) -> None:
        """Finish what is being written, and close."""
        async with self._one_writes:
            try:
                await self._writing.finish()
            except StoreError as error:
                _log.warning("hours and days of the ledger are behind, answers are not", error=str(error))
            finally:
                await self.server.close()


@contextlib.contextmanager
def _first_error() -> Iterator[None]:
    """Raise the first of several errors alone: queries that run together fail together."""
    try:
        yield
    except ExceptionGroup as errors:
        first: Exception = errors.subgroup(StoreError) or errors
        while isinstance(first, ExceptionGroup):
            first = first.exceptions[0]
        raise first from None
