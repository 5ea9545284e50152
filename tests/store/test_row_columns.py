"""Rows in columns are the same rows, and an engine that writes columns makes of them what it makes of the rows."""

from collections.abc import Sequence
from contextlib import closing
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from broker.contract.events import STATES
from broker.plant.plant import NO_PLANT
from services.ledger.columnar.columns import Codes, ColumnBuilder, Slice
from services.ledger.columnar.made import Made
from services.ledger.fields import FIELDS
from services.ledger.rules import Rules
from services.ledger.state_timeline import UNKNOWN
from services.store.interface import LedgerRow, ReasonRow
from services.store.row_columns import ReasonColumns, RowColumns
from services.store.sqlite.file import open_writer
from services.store.sqlite.ledger import SIZES_NS, Interval, Summed, prepare, rows
from services.store.sqlite.ledger_writing import SumsWriter
from services.store.sqlite.schema import LEDGER, REASONS
from tests.properties import examples

MACHINES: Final = ("sheffield/shop/line-1/lathe", "sheffield/shop/line-1/mill", "sheffield/shop/line-1/saw")
MINUTE: Final = SIZES_NS["minute"]
SUMS: Final = st.dictionaries(
    st.sampled_from(["running_s", "good", "consumed"]), st.integers(-(2**62), 2**62).filter(bool), min_size=1
)
ROWS: Final = st.dictionaries(
    st.tuples(
        st.sampled_from(MACHINES),
        st.integers(50, 130).map(lambda minute: minute * MINUTE),
        st.sampled_from(["-", "bolt"]),
        st.sampled_from(["day", "night"]),
    ),
    st.tuples(SUMS, st.sampled_from(["", "wo-1", "wo-2"])),
    max_size=40,
).map(lambda rows: [LedgerRow(*key, *rest) for key, rest in sorted(rows.items())])


def in_columns(given: Sequence[LedgerRow]) -> Made:
    """Return rows in columns as the builder makes them, those of a machine together and in order of time."""
    builder, products, shifts, orders = ColumnBuilder(), Codes(), Codes(), Codes("wo-1", "wo-2")
    for machine in MACHINES:
        builder.put(Slice(machine, 0, 1, Rules.of(NO_PLANT, machine), UNKNOWN), [])
    columns = {
        "machine": [MACHINES.index(row.asset) for row in given],
        "start": [row.start for row in given],
        "product": [products[row.product] for row in given],
        "shift": [shifts[row.shift] for row in given],
        "order": [orders[row.order] if row.order else -1 for row in given],
    }
    sums = np.array([[row.sums.get(field, 0) for field in FIELDS] for row in given], np.int64)
    ones = np.ones(len(given), np.int64)
    return Made(
        columns=builder.columns()._replace(products=products.texts(), orders=orders.texts()),
        shifts=shifts.texts(),
        sums=sums.reshape(len(given), len(FIELDS)),
        **{name: np.array(values, np.int64) for name, values in columns.items()},
        reason_machine=np.array(columns["machine"], np.int64),
        reason_start=np.array(columns["start"], np.int64),
        reason_state=ones,
        reason=0 * ones,
        seconds=60 * ones,
        entries=ones,
    )


@hypothesis.given(ROWS, st.sets(st.sampled_from(MACHINES)))
@examples(100)
def test_they_are_the_rows_of_the_machines_that_are_meant(given: list[LedgerRow], machines: set[str]) -> None:
    meant = [row for row in given if row.asset in machines]
    found = RowColumns(in_columns(given), machines)
    assert list(found) == meant
    assert len(found) == len(meant)
    assert found[1:3] == meant[1:3]
    assert bool(found) == bool(meant)
    by_reason = ReasonColumns(in_columns(given), machines)
    assert list(by_reason) == reasons(meant)
    assert (len(by_reason), by_reason[1:3]) == (len(meant), reasons(meant)[1:3])
    if meant:
        assert (found[-1], by_reason[-1]) == (meant[-1], reasons(meant)[-1])


def reasons(given: Sequence[LedgerRow]) -> list[ReasonRow]:
    """Return the rows by reason that `in_columns` has: a minute in one state."""
    return [ReasonRow(row.asset, row.start, STATES[1], "", 60, 1) for row in given]


def written(path: Path, batches: Sequence[tuple[Sequence[LedgerRow], Sequence[ReasonRow]]]) -> list[list[Summed]]:
    """Write batches; return the rows of each machine that are read at each resolution."""
    with closing(open_writer(path)) as connection:
        prepare(connection)
        writer = SumsWriter(connection, MACHINES.index)
        for batch in batches:
            writer.write(writer.prepared(*batch))
        asked = product((LEDGER, REASONS), range(len(MACHINES)), SIZES_NS)
        return [
            rows(connection, family, Interval(machine, 0, 200 * MINUTE, resolution))
            for family, machine, resolution in asked
        ]


@pytest.mark.slow
@hypothesis.given(st.lists(ROWS, min_size=1, max_size=3))
@examples(60)
def test_a_file_holds_the_same_hours_days_and_weeks(batches: list[list[LedgerRow]]) -> None:
    made, every = [in_columns(batch) for batch in batches], set(MACHINES)
    with TemporaryDirectory() as folder:
        by_row = written(Path(folder) / "rows.db", [(batch, reasons(batch)) for batch in batches])
        by_column = written(
            Path(folder) / "columns.db", [(RowColumns(one, every), ReasonColumns(one, every)) for one in made]
        )
    assert by_column == by_row


def test_an_hour_that_other_minutes_are_in_is_summed_from_all_of_them(tmp_path: Path) -> None:
    def minute(number: int, good: int) -> LedgerRow:
        return LedgerRow(MACHINES[0], number * MINUTE, "-", "day", {"good": good})

    first, second = [minute(60, 1)], [minute(61, 2), minute(120, 4)]
    with closing(open_writer(tmp_path / "corridor.db")) as connection:
        prepare(connection)
        writer = SumsWriter(connection, MACHINES.index)
        writer.write(writer.prepared(first, []))
        writer.write(writer.prepared(RowColumns(in_columns(second), set(MACHINES)), []))
        hours = connection.execute(f"SELECT start / {60 * MINUTE}, good FROM ledger_hour ORDER BY 1").fetchall()
    assert hours == [(1, 3), (2, 4)]
