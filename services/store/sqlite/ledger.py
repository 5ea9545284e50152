# ruff: noqa: S608  (names of tables and columns come from sqlite_schema, values are parameters)
"""The sums in the SQLite store: minute rows as written, and roll-ups by hour, day and week that always agree with them.

An hour's row is the sum of its minutes, a day's the sum of its hours and a week's of its days; none is incremented.
Writing a minute marks its hour, day and week as dirty (`ledger_dirty`). Reading replaces dirty rows by the sums of
their finer rows, so every answer is exact and no reader has to write. The writer refreshes dirty rows, all but the
newest of each machine: the minutes of the running hour change each second, and each change would refresh it.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Self

from services.ledger.fields import Sums, add, nonzero
from services.store.sqlite.schema import Family

SIZES_NS: Final = {
    "minute": 60_000_000_000,
    "hour": 3_600_000_000_000,
    "day": 86_400_000_000_000,
    "week": 604_800_000_000_000,
}
"""The time range of a row at each resolution. Weeks count from 1970-01-01 UTC, a Thursday; they are internal, and make
long ranges fast."""
SUMMED: Final = ("hour", "day", "week")
"""The resolutions whose rows are sums of finer ones."""
_FINER: Final = {"week": "day", "day": "hour", "hour": "minute"}


class Interval(NamedTuple):
    """The rows of one machine (by its id) with start ≤ row.start < end, at one resolution."""

    asset: int
    start: int
    end: int
    resolution: str

    def finer(self, start: int) -> Self:
        """Return the finer rows that the hour (day, week) which begins at `start` is the sum of."""
        return self._replace(start=start, end=start + SIZES_NS[self.resolution], resolution=_FINER[self.resolution])


class Summed(NamedTuple):
    """One row of sums of one machine: its keys, what it carries, and its sums without zeros."""

    start: int
    first: str
    second: str
    carried: str
    sums: Sums


class WholeSum:
    """A `SUM` for SQLite that cannot overflow: a sum beyond 64 bits is returned as text."""

    def __init__(self) -> None:
        self.total = 0

    def step(self, value: int | str) -> None:
        """Add one value."""
        self.total += int(value)

    def finalize(self) -> int | str:
        """Return the sum."""
        return as_stored(self.total)


def prepare(connection: sqlite3.Connection) -> None:
    """Register the functions that the statements here need."""
    connection.create_aggregate("whole_sum", 1, WholeSum)  # type: ignore[arg-type]  # it may return text as well


def as_stored(value: int | str) -> int | str:
    """Return a value as SQLite can hold it: a sum beyond 64 bits as text."""
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


def rows(connection: sqlite3.Connection, family: Family, interval: Interval) -> list[Summed]:
    """Return the rows of an interval in order, as exact as the minutes."""
    stale = _stale(connection, interval)
    found = connection.execute(
        f"SELECT start, {', '.join(family.keys)}, {family.carried}, {', '.join(family.sums)}"
        f" FROM {family.name}_{interval.resolution} WHERE asset = ? AND start >= ? AND start < ?",
        interval[:3],
    )
    answer = [_summed(family, row) for row in found if row[0] not in stale]
    for start in stale:
        answer += [row._replace(start=start) for row in _sums(connection, family, interval.finer(start))]
    answer.sort(key=lambda row: row[:3])
    return answer


def totals(connection: sqlite3.Connection, family: Family, interval: Interval) -> dict[tuple[str, str], Sums]:
    """Return the sums of an interval's rows by their keys; whole weeks of days are read from the weeks' rows."""
    found: dict[tuple[str, str], Sums] = {}
    for piece in _by_week(interval) if interval.resolution == "day" else [interval]:
        for row in _sums(connection, family, piece):
            add(found.setdefault((row.first, row.second), {}), row.sums)
    return {key: nonzero(sums) for key, sums in found.items()}


def _by_week(days: Interval) -> list[Interval]:
    """Split an interval of days into whole weeks, and days at its ends."""
    day, week = SIZES_NS["day"], SIZES_NS["week"]
    first, last = -(-days.start // week) * week, -(-days.end // day) * day // week * week
    if first >= last:
        return [days]
    return [days._replace(end=first), Interval(days.asset, first, last, "week"), days._replace(start=last)]


def _sums(connection: sqlite3.Connection, family: Family, interval: Interval) -> list[Summed]:
    """Return the sums of an interval's rows by their keys, with the newest start and that row's order."""
    found = {row[1:3]: row for row in _clean_sums(connection, family, interval)}
    for start in _stale(connection, interval):
        for row in _sums(connection, family, interval.finer(start)):
            old = found.setdefault(row[1:3], row)
            if old is row:
                continue
            add(old.sums, row.sums)
            if row.start > old.start:
                found[row[1:3]] = row._replace(sums=old.sums)
    return list(found.values())


def _clean_sums(
    connection: sqlite3.Connection, family: Family, interval: Interval, by_ns: int | None = None
) -> Iterator[Summed]:
    """Return the sums of the rows that are not dirty; with `by_ns`, of each time of that length by itself."""
    grouped = "" if by_ns is None else f"(start - ?2) / {by_ns}, "
    keys = ", ".join(family.keys)
    unmarked = "start NOT IN (SELECT start FROM ledger_dirty WHERE asset = ?1 AND resolution = ?4)"

    def ask(function: str) -> list[Sequence[Any]]:
        summed = ", ".join(f"{function}({column})" for column in family.sums)
        # With a single max(), SQLite reads bare columns from the row that has it: the order is the newest row's.
        return connection.execute(
            f"SELECT max(start), {keys}, {family.carried}, {summed} FROM {family.name}_{interval.resolution}"
            f" WHERE asset = ?1 AND start >= ?2 AND start < ?3 AND {unmarked} GROUP BY {grouped}{keys}",
            interval,
        ).fetchall()

    try:
        answer = ask("sum")
        # A sum over text is a float, and not exact.
        exact = all(isinstance(amount, int) for row in answer for amount in row[4:])
    except sqlite3.OperationalError as error:
        if "integer overflow" not in str(error):
            raise
        exact = False
    return (_summed(family, row) for row in (answer if exact else ask("whole_sum")))


def _summed(family: Family, row: Sequence[Any]) -> Summed:
    sums = {name: int(amount) for name, amount in zip(family.sums, row[4:], strict=True) if amount}
    return Summed(row[0], row[1], row[2], row[3], sums)


def _stale(connection: sqlite3.Connection, interval: Interval) -> set[int]:
    """Return the starts of the dirty hours (days, weeks) in an interval; minutes are never dirty."""
    marked = connection.execute(
        "SELECT start FROM ledger_dirty WHERE asset = ?1 AND start >= ?2 AND start < ?3 AND resolution = ?4", interval
    )
    return {start for (start,) in marked}


def summed_up(
    connection: sqlite3.Connection, family: Family, asset: int, starts: Sequence[int], resolution: str
) -> Iterator[Summed]:
    """Yield the rows of hours, days or weeks of a machine, as the sums of finer ones."""
    size = SIZES_NS[resolution]
    if _FINER[resolution] == "minute":  # never dirty, so hours that follow each other are summed at once
        for run in _runs(starts, size):
            minutes = Interval(asset, run[0], run[-1] + size, "minute")
            for row in _clean_sums(connection, family, minutes, by_ns=size):
                yield row._replace(start=row.start // size * size)
        return
    for start in starts:
        for row in _sums(connection, family, Interval(asset, start, start, resolution).finer(start)):
            yield row._replace(start=start)


def _runs(starts: Iterable[int], size: int) -> list[list[int]]:
    """Return sorted starts, in lists of those without a gap between."""
    found: list[list[int]] = []
    for start in sorted(starts):
        if found and start == found[-1][-1] + size:
            found[-1].append(start)
        else:
            found.append([start])
    return found
