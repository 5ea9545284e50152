"""Rows of sums in the InfluxDB store: as lines to write, as answers read, and summed to coarser ones.

In the database a sum is a float in its field's unit, as dashboards want it; in the program it is an integer of 10⁻⁹.
Reading rounds, which is exact up to about 4.5 million units a row; the few sums that a float cannot hold are stored in
the text field `exact` as well, and read from there. A row that no longer applies is overwritten with zeros; `rows` is 1
in rows that apply, so that the others can be left out.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from broker.contract.events import NS_PER_S
from services.ledger.fields import FIELDS, NANO, Sums, add, nonzero
from services.store.influx.http import Series
from services.store.influx.lines import asset_tags, series, text, untag
from services.store.influx.names import Buckets
from services.store.influx.queries import OF_MACHINE, asset_of
from services.store.interface import Resolution

SIZES_NS: Final[dict[Resolution, int]] = {
    "minute": 60 * NS_PER_S,
    "hour": 3_600 * NS_PER_S,
    "day": 86_400 * NS_PER_S,
}


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
    return f"{series(measurement_of(family, resolution), tags)} {','.join(fields)} {row.start}"


def rows_of(family: Family, found: Series) -> Iterator[Row]:
    """Return the rows of one series of an answer."""
    asset = asset_of(found.tags[level] for level in OF_MACHINE)
    first, second = (untag(found.tags[key]) for key in family.keys)
    for at, *values, order, exact in found.values:
        sums = {field: round(value * NANO) for field, value in zip(family.sums, values, strict=True) if value}
        for part in exact.split(",") if exact else ():
            field, _, amount = part.partition(":")
            sums[field] = int(amount)
        yield Row(asset, at, first, second, order or "", sums)


def summed(rows: Iterable[Row], length_ns: int) -> list[Row]:
    """Return the sums of rows by machine, time range and keys, with the order of the newest that has any sums."""
    found: dict[tuple[str, int, str, str], Row] = {}
    newest: dict[tuple[str, int, str, str], int] = {}
    for row in rows:
        start = row.start // length_ns * length_ns
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


def bucket_and_measurement(buckets: Buckets, family: Family, resolution: Resolution) -> tuple[str, str]:
    """Return where rows of a resolution are."""
    return buckets.minutes if resolution == "minute" else buckets.hours, measurement_of(family, resolution)


def measurement_of(family: Family, resolution: Resolution) -> str:
    """Return the measurement of rows of a resolution."""
    return f"{family.measurement}_day" if resolution == "day" else family.measurement


def narrowed(asset: str, places: Iterable[Place]) -> str:
    """Return the machine if all places are of one, else the asset path."""
    machines = {machine for machine, _ in places}
    return machines.pop() if len(machines) == 1 else asset


def joined_ranges(starts: Iterable[int], length_ns: int, longest: int = 100) -> Iterator[tuple[int, int]]:
    """Join neighbouring hours (or days) into time ranges of at most `longest` of them."""
    first = last = None
    for start in sorted(starts):
        if first is None or last is None:
            first = last = start
        elif start == last + length_ns and start - first < longest * length_ns:
            last = start
        else:
            yield first, last + length_ns
            first = last = start
    if first is not None and last is not None:
        yield first, last + length_ns
