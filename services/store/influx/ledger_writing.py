"""Writes sums into the InfluxDB store: minutes as they come, hours and days from these.

Before a minute is written, its hour and day are marked as dirty in `ledger_mark` (`mark` is the time of that, `settled`
the mark for which the row was last refreshed). Once a minute the writer refreshes the dirty rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import structlog

from broker.contract.events import NS_PER_S
from services.store.influx.http import InfluxServer
from services.store.influx.ledger_reading import LedgerReading
from services.store.influx.ledger_rows import (
    FAMILIES,
    LEDGER,
    REASONS,
    SIZES_NS,
    Place,
    Row,
    joined_ranges,
    line,
    narrowed,
    summed,
)
from services.store.influx.lines import asset_tags, number, series
from services.store.influx.names import Buckets
from services.store.interface import LedgerRow, ReasonRow, Resolution, StoreError

_COARSE: Final[tuple[Resolution, ...]] = ("hour", "day")
REFRESH_AFTER_NS: Final = 60 * NS_PER_S
"""Dirty hours and days are refreshed this often."""
MANY_DIRTY: Final = 5_000
"""With so many dirty rows the refresh does not wait."""
OWN_DIRTY_NS: Final = 300 * NS_PER_S
"""A writer that goes on writing into an hour marks it again after this long."""
FOREIGN_DIRTY_NS: Final = 2 * OWN_DIRTY_NS
"""After this long another writer's mark may be cleared: that writer no longer writes there."""
_MACHINE_HOURS_AT_ONCE: Final = 500
_log = structlog.get_logger("corridor.store")


class Portion(NamedTuple):
    """Hours (or days) that are read at once: those of an asset path with start ≤ hour < end."""

    asset: str
    start: int
    end: int
    resolution: Resolution


class LedgerWriting:
    """Writes rows of sums. Not for more than one task at once."""

    def __init__(self, server: InfluxServer, buckets: Buckets) -> None:
        self._server, self._buckets = server, buckets
        self._reading = LedgerReading(server, buckets, row_limit=10**9)
        self._marks: dict[tuple[Resolution, Place], float] = {}
        """Marks that this writer has made and not cleared."""
        self._refreshed_at: int | None = None

    async def write(self, rows: Sequence[LedgerRow], reasons: Sequence[ReasonRow], now: int) -> None:
        """Write minute rows; one without sums clears its row."""
        given = [(LEDGER, Row(row.asset, row.start, row.product, row.shift, row.order, row.sums)) for row in rows]
        given += [
            (
                REASONS,
                Row(row.asset, row.start, row.state, row.reason, "", {"seconds": row.seconds, "entries": row.entries}),
            )
            for row in reasons
        ]
        if not given:
            return
        await self._mark_dirty({(row.asset, row.start) for _, row in given}, now)
        await self._send(self._buckets.minutes, [line(family, row, "minute") for family, row in given])

    async def refresh_rollups_sometimes(self, now: int) -> None:
        """Refresh dirty rows if it is time to; a failure is retried next time."""
        if self._refreshed_at is None:
            self._refreshed_at = now
        if now - self._refreshed_at < REFRESH_AFTER_NS and len(self._marks) < MANY_DIRTY:
            return
        self._refreshed_at = now
        try:
            await self.refresh_all_rollups(now)
        except StoreError as error:
            _log.warning("hours and days of the ledger are behind, answers are not", error=str(error))

    async def refresh_rollups(self) -> None:
        """Refresh the rows that this writer has marked."""
        await self._refresh(dict(self._marks))

    async def refresh_all_rollups(self, now: int) -> None:
        """Refresh all dirty rows, those that others have left as well."""
        old = (now - FOREIGN_DIRTY_NS) / NS_PER_S
        left: dict[tuple[Resolution, Place], float] = {}
        days = await self._reading.marked("", -(2**63), 2**63, "day")
        for begin, until in joined_ranges({at for _, at in days}, SIZES_NS["day"]):
            hours = await self._reading.marked("", begin, until, "hour")
            left.update({("hour", place): mark for place, mark in hours.items() if mark < old})
        left.update({("day", place): mark for place, mark in days.items() if mark < old})
        await self._refresh(left | self._marks)

    async def _mark_dirty(self, minutes: set[Place], now: int) -> None:
        """Mark hours and days as dirty, before anything in them changes."""
        moment = now / NS_PER_S
        lines: list[str] = []
        new: dict[tuple[Resolution, Place], float] = {}
        for resolution in _COARSE:
            size = SIZES_NS[resolution]
            for place in {(asset, at // size * size) for asset, at in minutes}:
                mark = self._marks.get((resolution, place))
                if mark is None or moment - mark > OWN_DIRTY_NS / NS_PER_S:
                    new[resolution, place] = moment
                    lines.append(f"{_mark_series(resolution, place)} mark={number(moment)},settled=0 {place[1]}")
        await self._send(self._buckets.hours, lines)
        self._marks.update(new)

    async def _refresh(self, marks: dict[tuple[Resolution, Place], float]) -> None:
        for resolution in _COARSE:
            due = {place: mark for (which, place), mark in marks.items() if which == resolution}
            for portion in _portions(due, resolution):
                part = {place: mark for place, mark in due.items() if portion.start <= place[1] < portion.end}
                if resolution == "day":
                    # A clean day means that its hours are clean.
                    for asset, at in await self._reading.marked(*portion[:3], "hour"):
                        part.pop((asset, at // SIZES_NS["day"] * SIZES_NS["day"]), None)
                if part:
                    await self._make(portion, part)

    async def _make(self, portion: Portion, due: dict[Place, float]) -> None:
        """Refresh the rows of hours (or days) from their finer rows, and clear their marks."""
        resolution = portion.resolution
        size = SIZES_NS[resolution]
        for family in FAMILIES:
            fine = await self._reading.made_of(family, *portion)
            made = {row[:4]: row for row in summed(fine, size) if (row.asset, row.start) in due}
            # Where no minute is left they have expired, and the hour's row stays as it is.
            known = {(row.asset, row.start // size * size) for row in fine} if resolution == "hour" else due.keys()
            for old in await self._reading.stored(family, *portion):
                if (old.asset, old.start) in due and (old.asset, old.start) in known:
                    made.setdefault(old[:4], old._replace(sums={}, order=""))
            await self._send(self._buckets.hours, [line(family, row, resolution) for row in made.values()])
        cleared = [
            f"{_mark_series(resolution, place)} settled={number(mark)} {place[1]}" for place, mark in due.items()
        ]
        await self._send(self._buckets.hours, cleared)
        for place in due:
            self._marks.pop((resolution, place), None)

    async def _send(self, bucket: str, lines: Sequence[str]) -> None:
        rejected = await self._server.write(bucket, lines)
        if rejected:
            raise StoreError(
                f"InfluxDB at {self._server.address.base} rejects a row of the ledger: {rejected[0].reason};"
                f" the line: {rejected[0].line[:200]}"
            )


def _mark_series(resolution: Resolution, place: Place) -> str:
    return series("ledger_mark", [*asset_tags(place[0]), ("resolution", resolution)])


def _portions(due: Iterable[Place], resolution: Resolution) -> Iterator[Portion]:
    """Split dirty rows into portions to be read at once: of one machine, or of all in the same time range."""
    places = set(due)
    longest = max(1, _MACHINE_HOURS_AT_ONCE // max(1, len({asset for asset, _ in places})))
    for begin, until in joined_ranges({at for _, at in places}, SIZES_NS[resolution], longest):
        within = [place for place in places if begin <= place[1] < until]
        yield Portion(narrowed("", within), begin, until, resolution)
