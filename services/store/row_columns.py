"""Ledger rows of many machines in columns, as the columnar builder makes them, to be written without an object each."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, overload

import numpy as np

from services.ledger.columnar.columns import NO_ORDER
from services.ledger.columnar.made import Made
from services.ledger.fields import FIELDS
from services.store.interface import LedgerRow


class OfMachine(NamedTuple):
    """The rows of one machine, in columns of equal length.

    Attributes:
        asset: the machine's path.
        keys: the columns start, product, shift and order, as in `LedgerRow`.
        sums: a column for each field that is not zero in all rows.
    """

    asset: str
    keys: tuple[list[int], list[str], list[str], list[str]]
    sums: dict[str, list[int]]


class RowColumns(Sequence[LedgerRow]):
    """A sequence of rows, no two with the same key and none empty, which an engine may take in columns instead.

    Args:
        made: the rows in columns, those of a machine together.
        machines: paths of the machines whose rows are meant; rows of others are left out.
    """

    def __init__(self, made: Made, machines: AbstractSet[str]) -> None:
        self._made = made
        ends = np.searchsorted(made.machine, np.arange(len(made.columns.machines)), "right").tolist()
        begins = [0, *ends[:-1]]
        self._ranges = {
            machine.asset: range(begin, end)
            for machine, begin, end in zip(made.columns.machines, begins, ends, strict=True)
            if machine.asset in machines and end > begin
        }
        products, shifts, orders = made.columns.products, made.shifts, (*made.columns.orders, "")
        assert NO_ORDER == -1, "the last of the orders' texts is that of none"
        self._texts = [np.array(texts, object) for texts in (products, shifts, orders)]

    def __len__(self) -> int:
        return sum(map(len, self._ranges.values()))

    @overload
    def __getitem__(self, index: int) -> LedgerRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[LedgerRow]: ...
    def __getitem__(self, index: int | slice) -> LedgerRow | list[LedgerRow]:
        return list(self)[index]

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
