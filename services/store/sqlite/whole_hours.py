"""Hours of which one batch writes all minutes: they are summed from the batch, without reading the minutes again."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from services.ledger.fields import add, nonzero
from services.store.row_columns import OfMachine
from services.store.sqlite.ledger import SIZES_NS, Summed

_HOUR_NS: Final = SIZES_NS["hour"]


def filled_by(connection: sqlite3.Connection, asset: int, rows: OfMachine) -> dict[int, list[Summed]]:
    """Return the rows of the hours that these minutes fill, by the hour's start.

    Args:
        connection: of the running transaction, in which the minutes are written.
        asset: the machine's id.
        rows: the minutes, in order of time.
    """
    starts, *_ = rows.keys
    first = starts[0] // _HOUR_NS * _HOUR_NS
    written = Counter(start // _HOUR_NS * _HOUR_NS for start in starts)
    stored = connection.execute(
        "SELECT ?1 + (start - ?1) / ?2 * ?2, count(*) FROM ledger_minute"
        " WHERE asset = ?3 AND start >= ?1 AND start < ?4 GROUP BY 1",
        (first, _HOUR_NS, asset, max(written) + _HOUR_NS),
    )
    filled: dict[int, dict[tuple[str, str], Summed]] = {hour: {} for hour, n in stored if written[hour] == n}
    for run in _runs(rows):
        if (of_hour := filled.get(run.start)) is not None:
            before = of_hour.get((run.first, run.second))
            if before is not None:
                add(run.sums, before.sums)
            of_hour[run.first, run.second] = run
    return {
        hour: [row._replace(sums=nonzero(row.sums)) for row in of_hour.values()] for hour, of_hour in filled.items()
    }


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
