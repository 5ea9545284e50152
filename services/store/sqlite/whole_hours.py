"""Hours of which one batch writes all minutes: they are summed from the batch, without reading the minutes again."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final

from services.ledger.fields import add, nonzero
from services.store.row_columns import OfMachine
from services.store.sqlite.ledger import SIZES_NS, Summed

_HOUR_NS: Final = SIZES_NS["hour"]


def sums(rows: OfMachine) -> dict[int, list[Summed]]:
    """Return the sums of minutes, which are in order of time, as rows of the hours that they are in, by start."""
    found: dict[int, dict[tuple[str, str], Summed]] = {}
    for run in _runs(rows):
        of_hour = found.setdefault(run.start, {})
        if (before := of_hour.get((run.first, run.second))) is not None:
            add(run.sums, before.sums)
        of_hour[run.first, run.second] = run
    return {hour: [row._replace(sums=nonzero(row.sums)) for row in of_hour.values()] for hour, of_hour in found.items()}


def filled(
    connection: sqlite3.Connection, asset: int, rows: OfMachine, hours: Mapping[int, list[Summed]]
) -> dict[int, list[Summed]]:
    """Return those of the hours in which a machine has no other minutes.

    Args:
        connection: of the running transaction, in which the minutes are written.
        asset: the machine's id.
        rows: the minutes.
        hours: their `sums`.
    """
    written = Counter(start // _HOUR_NS * _HOUR_NS for start in rows.keys[0])
    stored = connection.execute(
        "SELECT ?1 + (start - ?1) / ?2 * ?2, count(*) FROM ledger_minute"
        " WHERE asset = ?3 AND start >= ?1 AND start < ?4 GROUP BY 1",
        (min(hours), _HOUR_NS, asset, max(hours) + _HOUR_NS),
    )
    return {hour: hours[hour] for hour, count in stored if written[hour] == count}


def _runs(rows: OfMachine) -> Iterator[Summed]:
    """Yield the sums of those minutes that follow each other in one hour with one product and shift."""
    starts, products, shifts, orders = rows.keys
    hours = [start // _HOUR_NS * _HOUR_NS for start in starts]
    begin = 0
    for (hour, product, shift), run in groupby(zip(hours, products, shifts, strict=True)):
        end = begin + sum(1 for _ in run)
        sums = {field: sum(amounts[begin:end]) for field, amounts in rows.sums.items()}
        yield Summed(hour, product, shift, orders[end - 1], sums)
        begin = end
