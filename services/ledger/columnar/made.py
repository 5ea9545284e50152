"""Rows of many machines in columns, and how they become those of `rows.build`."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from broker.contract.events import STATES
from services.ledger.columnar.columns import NO_ORDER, Columns, Whole
from services.ledger.fields import FIELDS
from services.ledger.rows import Rows


class Made(NamedTuple):
    """Rows in columns.

    Attributes:
        columns: what they were built from, with the texts.
        shifts: names of shifts.
        machine: of each row, the place of its machine.
        start: the first nanosecond of its minute.
        product: its product.
        shift: its shift.
        order: its newest order, or `NO_ORDER`.
        sums: of each row, the amounts in the order of `FIELDS`.
        reason_machine: of each row by reason, the place of its machine.
        reason_start: the first nanosecond of its minute.
        reason_state: the state's code.
        reason: its text.
        seconds: nanoseconds in it.
        entries: how often it was entered, in 10⁻⁹.
    """

    columns: Columns
    shifts: tuple[str, ...]
    machine: Whole
    start: Whole
    product: Whole
    shift: Whole
    order: Whole
    sums: Whole
    reason_machine: Whole
    reason_start: Whole
    reason_state: Whole
    reason: Whole
    seconds: Whole
    entries: Whole

    def rows(self) -> dict[str, Rows]:
        """Return the rows of each machine, as `rows.build` does; a field that is zero is left out."""
        machines = self.columns.machines
        found = {machine.asset: Rows({}, {}, {}) for machine in machines}
        keys = self._keys()
        places, fields = np.nonzero(self.sums)
        amounts = self.sums[places, fields].tolist()
        ends = np.cumsum(np.bincount(places, minlength=len(self.start))).tolist()
        names = [FIELDS[field] for field in fields.tolist()]
        first = 0
        orders = [*self.columns.orders, ""]
        for machine, key, order, end in zip(self.machine.tolist(), keys, self.order.tolist(), ends, strict=True):
            rows = found[machines[machine].asset]
            rows.sums[key] = dict(zip(names[first:end], amounts[first:end], strict=True))
            if order != NO_ORDER:
                rows.orders[key] = orders[order]
            first = end
        reasons = zip(
            self.reason_machine.tolist(),
            self.reason_start.tolist(),
            self.reason_state.tolist(),
            self.reason.tolist(),
            self.seconds.tolist(),
            self.entries.tolist(),
            strict=True,
        )
        for machine, start, state, reason, seconds, entries in reasons:
            rows = found[machines[machine].asset]
            rows.reasons[start, STATES[state], self.columns.reasons[reason]] = (seconds, entries)
        return found

    def _keys(self) -> Iterator[tuple[int, str, str]]:
        products, shifts = self.columns.products, self.shifts
        keys = zip(self.start.tolist(), self.product.tolist(), self.shift.tolist(), strict=True)
        return ((start, products[product], shifts[shift]) for start, product, shift in keys)
