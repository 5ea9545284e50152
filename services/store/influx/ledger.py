"""The sums in the InfluxDB store: minutes as written, and roll-ups by hour and day, which are sums of these.

In the database a sum is a float in its field's unit, as dashboards want it; in the program it is an integer of 10⁻⁹.
Reading rounds, which is exact up to about 4.5 million units a row; the few sums that a float cannot hold are stored in
the text field `exact` as well, and read from there. A row that no longer applies is overwritten with zeros; `rows` is 1
in rows that apply, so that the others can be left out.

Before a minute is written, its hour and day are marked as dirty in `ledger_mark` (`mark` is the time of that, `settled`
the mark for which the row was last refreshed). Reading sums dirty hours from their minutes and dirty days from their
hours, so every answer is exact, whoever died when. Once a minute the writer refreshes the dirty rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import structlog

from broker.contract.events import NS_PER_S
from services.ledger.fields import FIELDS, NANO, Sums, add, nonzero
from services.store.influx.http import InfluxServer, Series
from services.store.influx.lines import asset_tags, number, series, text, untag
from services.store.influx.names import Buckets
from services.store.influx.queries import OF_MACHINE, asset_of, between, literal, name, select, under
from services.store.interface import LedgerRow, ReasonRow, Resolution, StoreError

SIZES_NS: Final[dict[Resolution, int]] = {
    "minute": 60 * NS_PER_S,
    "hour": 3_600 * NS_PER_S,
    "day": 86_400 * NS_PER_S,
}
_FINER: Final[dict[Resolution, Resolution]] = {"day": "hour", "hour": "minute"}
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


class Family(NamedTuple):
    """Sums that are stored by minute, hour and day.

    Attributes:
        measurement: of minutes and hours; that of the days ends in `_day`.
        keys: the tags that distinguish the rows of one machine and minute.
        sums: the fields that add.
    """

    measurement: str
    keys: tuple[str, str]
    sums: tuple[str, ...]


LEDGER: Final = Family("ledger", ("product", "shift"), FIELDS)
REASONS: Final = Family("ledger_reason", ("state", "reason"), ("seconds", "entries"))
FAMILIES: Final = (LEDGER, REASONS)


class Row(NamedTuple):
    """One row of sums: whose, its keys, the order that it carries, and its sums without zeros."""

    asset: str
    start: int
    first: str
    second: str
    order: str
    sums: Sums


Place = tuple[str, int]
"""A machine's hour or day."""


class Portion(NamedTuple):
    """Hours (or days) that are read at once: those of an asset path with start ≤ hour < end."""

    asset: str
    start: int
    end: int
    resolution: Resolution


# ---- Reading ----


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
        for begin, until in _intervals({at for _, at in stale}, size):
            fine = await self.made_of(family, _narrowed(asset, stale), begin, until, resolution)
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
        bucket, measurement = _place(self._buckets, family, resolution)
        # Grouped, it takes the server half the time that merging the series takes.
        group = [*family.keys, *OF_MACHINE]
        statement = select(columns, measurement, conditions, group=group, limit=self._row_limit + 1)
        rows = [row for one in await self._server.query(bucket, statement) for row in _rows(family, one)]
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


def summed(rows: Iterable[Row], span_ns: int) -> list[Row]:
    """Return the sums of rows by machine, time range and keys, with the order of the newest that has any sums."""
    found: dict[tuple[str, int, str, str], Row] = {}
    newest: dict[tuple[str, int, str, str], int] = {}
    for row in rows:
        start = row.start // span_ns * span_ns
        key = (row.asset, start, row.first, row.second)
        old = found.get(key)
        if old is None:
            found[key] = row._replace(start=start, sums=dict(row.sums))
            newest[key] = row.start if row.sums else -(2**63)
            continue
        add(old.sums, row.sums)
        if row.sums and row.start > newest[key]:
            found[key] = old._replace(order=row.order)
            newest[key] = row.start
    return [row._replace(sums=nonzero(row.sums)) for row in found.values()]


def too_many(limit: int) -> StoreError:
    """Return the error for an answer that is too large."""
    return StoreError(
        f"the answer has more than {limit:,} rows; ask for a shorter time, fewer machines, or a coarser resolution"
    )


# ---- Writing ----


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
        for begin, until in _intervals({at for _, at in days}, SIZES_NS["day"]):
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


def line(family: Family, row: Row, resolution: Resolution) -> str:
    """Return the line of a row."""
    exact: list[str] = []
    fields = [f"rows={1 if any(row.sums.values()) else 0}"]
    for field in family.sums:
        amount = row.sums.get(field, 0)
        if not amount:
            fields.append(f"{field}=0")
            continue
        value = amount / NANO
        fields.append(f"{field}={value!r}")
        if round(value * NANO) != amount:
            exact.append(f"{field}:{amount}")
    if family is LEDGER:
        fields.append(f"order={text(row.order)}")
    fields.append(f'exact="{",".join(exact)}"')
    tags = [*asset_tags(row.asset), *zip(family.keys, (row.first, row.second), strict=True)]
    return f"{series(_measurement(family, resolution), tags)} {','.join(fields)} {row.start}"


def _rows(family: Family, found: Series) -> Iterator[Row]:
    """Return the rows of one series of an answer."""
    asset = asset_of(found.tags[level] for level in OF_MACHINE)
    first, second = (untag(found.tags[key]) for key in family.keys)
    for at, *values, order, exact in found.values:
        sums = {field: round(value * NANO) for field, value in zip(family.sums, values, strict=True) if value}
        for part in exact.split(",") if exact else ():
            field, _, amount = part.partition(":")
            sums[field] = int(amount)
        yield Row(asset, at, first, second, order or "", sums)


def _place(buckets: Buckets, family: Family, resolution: Resolution) -> tuple[str, str]:
    return buckets.minutes if resolution == "minute" else buckets.hours, _measurement(family, resolution)


def _measurement(family: Family, resolution: Resolution) -> str:
    return f"{family.measurement}_day" if resolution == "day" else family.measurement


def _mark_series(resolution: Resolution, place: Place) -> str:
    return series("ledger_mark", [*asset_tags(place[0]), ("resolution", resolution)])


def _narrowed(asset: str, places: Iterable[Place]) -> str:
    """Return the machine if all places are of one, else the asset path."""
    machines = {machine for machine, _ in places}
    return machines.pop() if len(machines) == 1 else asset


def _intervals(starts: Iterable[int], span_ns: int, longest: int = 100) -> Iterator[tuple[int, int]]:
    """Join neighbouring hours (or days) into time ranges of at most `longest` of them."""
    first = last = None
    for start in sorted(starts):
        if first is None or last is None:
            first = last = start
        elif start == last + span_ns and start - first < longest * span_ns:
            last = start
        else:
            yield first, last + span_ns
            first = last = start
    if first is not None and last is not None:
        yield first, last + span_ns


def _portions(due: Iterable[Place], resolution: Resolution) -> Iterator[Portion]:
    """Split dirty rows into portions to be read at once: of one machine, or of all in the same time range."""
    places = set(due)
    longest = max(1, _MACHINE_HOURS_AT_ONCE // max(1, len({asset for asset, _ in places})))
    for begin, until in _intervals({at for _, at in places}, SIZES_NS[resolution], longest):
        within = [place for place in places if begin <= place[1] < until]
        yield Portion(_narrowed("", within), begin, until, resolution)
