"""Ledger rows of many machines in columns, as the columnar builder makes them, to be written without an object each.

They are the rows, no two with the same key and none empty: an engine reads them one by one, or takes the columns.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple, TypeVar, overload

import numpy as np

from broker.contract.events import STATES
from services.ledger.columnar.columns import NO_ORDER, Whole
from services.ledger.columnar.made import Made
from services.ledger.fields import FIELDS
from services.store.interface import LedgerRow, ReasonRow


class OfMachine(NamedTuple):
    """The rows of one machine, in columns of equal length, in order of time.

    Attributes:
        asset: the machine's path.
        keys: what is no sum: start, product, shift and order; of rows by reason start, state and reason.
        sums: a column for each field; of ledger rows for each that is not zero in all of them.
    """

    asset: str
    keys: tuple[list[Any], ...]
    sums: dict[str, list[int]]


Row = TypeVar("Row", bound=LedgerRow | ReasonRow)


class _Columns(Sequence[Row]):
    """Rows.

    Args:
        made: the rows in columns, those of a machine together.
        machine: of each row the place of its machine.
        machines: paths of the machines whose rows are meant; rows of others are left out.
    """

    def __init__(self, made: Made, machine: Whole, machines: AbstractSet[str]) -> None:
        self._made = made
        ends = np.searchsorted(machine, np.arange(len(made.columns.machines)), "right").tolist()
        self._ranges = {
            one.asset: range(begin, end)
            for one, begin, end in zip(made.columns.machines, [0, *ends[:-1]], ends, strict=True)
            if one.asset in machines and end > begin
        }

    def __len__(self) -> int:
        return sum(map(len, self._ranges.values()))

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        return list(self)[index]


class RowColumns(_Columns[LedgerRow]):
    """Ledger rows."""

    def __init__(self, made: Made, machines: AbstractSet[str]) -> None:
        super().__init__(made, made.machine, machines)
        assert NO_ORDER == -1, "the last of the orders' texts is that of none"
        self._texts = [
            np.array(texts, object) for texts in (made.columns.products, made.shifts, (*made.columns.orders, ""))
        ]

    def __iter__(self) -> Iterator[LedgerRow]:
        for asset, keys, sums in self.by_machine():
            amounts = zip(*sums.values(), strict=True) if sums else iter([()] * len(keys[0]))
            for start, product, shift, order in zip(*keys, strict=True):
                of_row = zip(sums, next(amounts), strict=True)
                yield LedgerRow(
                    asset, start, product, shift, {field: amount for field, amount in of_row if amount}, order
                )

    def by_machine(self) -> Iterator[OfMachine]:
        """Yield the rows of one machine after the other, in order of their keys."""
        made = self._made
        for asset, places in self._ranges.items():
            rows = slice(places.start, places.stop)
            codes = (made.product[rows], made.shift[rows], made.order[rows])
            product, shift, order = (texts[of].tolist() for texts, of in zip(self._texts, codes, strict=True))
            sums = made.sums[rows]
            fields = np.flatnonzero(sums.any(axis=0)).tolist()
            yield OfMachine(
                asset,
                (made.start[rows].tolist(), product, shift, order),
                {FIELDS[field]: sums[:, field].tolist() for field in fields},
            )


class ReasonColumns(_Columns[ReasonRow]):
    """Rows by reason."""

    def __init__(self, made: Made, machines: AbstractSet[str]) -> None:
        super().__init__(made, made.reason_machine, machines)
        self._texts = [np.array(texts, object) for texts in (STATES, made.columns.reasons)]

    def __iter__(self) -> Iterator[ReasonRow]:
        for asset, keys, sums in self.by_machine():
            yield from (ReasonRow(asset, *row) for row in zip(*keys, *sums.values(), strict=True))

    def by_machine(self) -> Iterator[OfMachine]:
        """Yield the rows of one machine after the other."""
        made = self._made
        for asset, places in self._ranges.items():
            rows = slice(places.start, places.stop)
            codes = (made.reason_state[rows], made.reason[rows])
            state, reason = (texts[of].tolist() for texts, of in zip(self._texts, codes, strict=True))
            sums = {"seconds": made.seconds[rows].tolist(), "entries": made.entries[rows].tolist()}
            yield OfMachine(asset, (made.reason_start[rows].tolist(), state, reason), sums)
