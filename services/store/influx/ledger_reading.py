"""Reads sums from the InfluxDB store: minutes as written, and roll-ups by hour and day, which are sums of these.

Dirty hours are summed from their minutes and dirty days from their hours (`ledger_writing`), so every answer is exact,
whoever died when.
"""

from typing import Final

from services.store.influx.http import InfluxServer
from services.store.influx.ledger_rows import (
    LEDGER,
    SIZES_NS,
    Family,
    Place,
    Row,
    bucket_and_measurement,
    joined_ranges,
    narrowed,
    rows_of,
    summed,
)
from services.store.influx.names import Buckets
from services.store.influx.queries import OF_MACHINE, asset_of, between, literal, name, select, under
from services.store.interface import Resolution, StoreError

_FINER: Final[dict[Resolution, Resolution]] = {"day": "hour", "hour": "minute"}


class LedgerReading:
    """Reads rows of sums.

    Args:
        server: where they are.
        buckets: in which.
        row_limit: how many rows an answer may have.
    """

    def __init__(self, server: InfluxServer, buckets: Buckets, row_limit: int) -> None:
        self._server, self._buckets, self._row_limit = server, buckets, row_limit

    async def rows(self, family: Family, asset: str, start: int, end: int, resolution: Resolution) -> list[Row]:
        """Return the rows with start ≤ row.start < end that apply, as exact as the minutes, in no order."""
        if resolution == "minute":
            return await self.stored(family, asset, start, end, resolution)
        # Marks are read first: a row that is refreshed between the two queries is then summed from its minutes.
        stale = set(await self.marked(asset, start, end, resolution))
        found = await self.stored(family, asset, start, end, resolution)
        if not stale:
            return found
        size = SIZES_NS[resolution]
        made: list[Row] = []
        known: set[Place] = set()
        for begin, until in joined_ranges({at for _, at in stale}, size):
            fine = await self.made_of(family, narrowed(asset, stale), begin, until, resolution)
            known |= {(row.asset, row.start // size * size) for row in fine}
            made += summed(fine, size)
        if resolution == "hour":
            stale &= known  # where no minute is left they have expired, and the hour's row stays as it is
        found = [row for row in found if (row.asset, row.start) not in stale]
        return found + [row for row in made if row.sums and (row.asset, row.start) in stale]

    async def made_of(self, family: Family, asset: str, start: int, end: int, resolution: Resolution) -> list[Row]:
        """Return the finer rows that hours (or days) are the sum of; minutes that do not apply are among them."""
        if resolution == "hour":
            return await self.stored(family, asset, start, end, "minute", empty=True)
        return await self.rows(family, asset, start, end, _FINER[resolution])

    async def stored(
        self, family: Family, asset: str, start: int, end: int, resolution: Resolution, *, empty: bool = False
    ) -> list[Row]:
        """Return the rows as stored, with those that do not apply if `empty`."""
        columns = (*family.sums, "order", "exact")
        conditions = [*under(asset), *between(start, end), *([] if empty else [f"{name('rows')} = 1"])]
        bucket, measurement = bucket_and_measurement(self._buckets, family, resolution)
        # Grouped, it takes the server half the time that merging the series takes.
        group = [*family.keys, *OF_MACHINE]
        statement = select(columns, measurement, conditions, group=group, limit=self._row_limit + 1)
        rows = [row for one in await self._server.query(bucket, statement) for row in rows_of(family, one)]
        if len(rows) > self._row_limit:
            raise too_many(self._row_limit)
        return rows

    async def marked(self, asset: str, start: int, end: int, resolution: Resolution) -> dict[Place, float]:
        """Return the marks in a time range whose rows are still dirty."""
        conditions = [f"resolution = {literal(resolution)}", "mark > settled", *under(asset), *between(start, end)]
        found = await self._server.query(self._buckets.hours, select(["mark", *OF_MACHINE], "ledger_mark", conditions))
        return {(asset_of(levels), at): float(mark) for one in found for at, mark, *levels in one.values}

    async def watermark(self, asset: str) -> dict[str, int]:
        """Return, of each machine, the start of its newest minute that applies."""
        found = await self._server.query(
            self._buckets.minutes,
            select(
                ["rows"],
                LEDGER.measurement,
                [f"{name('rows')} = 1", *under(asset)],
                group=OF_MACHINE,
                newest_first=True,
                limit=1,
            ),
        )
        return {asset_of(one.tags[level] for level in OF_MACHINE): one.values[0][0] for one in found}


def too_many(limit: int) -> StoreError:
    """Return the error for an answer that is too large."""
    return StoreError(
        f"the answer has more than {limit:,} rows; ask for a shorter time, fewer machines, or a coarser resolution"
    )


# ---- Writing ----
