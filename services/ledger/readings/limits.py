"""What a machine can have counted between two readings, and where its counters begin again."""

from bisect import bisect_right
from collections.abc import Callable
from typing import Final, NamedTuple

from broker.contract.events import COUNTERS
from services.ledger.entries import Order
from services.ledger.fields import NANO
from services.ledger.track import Track

_PIECES: Final = frozenset(COUNTERS)
_NO_PRODUCT: Final = "-"
_RANGES: Final = (2**15, 2**16, 2**31, 2**32, *(10**digits for digits in range(4, 16)))
"""Where counters commonly begin again from zero; their greatest value is one less."""
_IN_WATT_HOURS: Final = (2**15, 2**16, 2**31, 2**32)
"""Where meters that count W·h begin again, beside powers of ten."""


class Limits(NamedTuple):
    """What is known of a machine beforehand.

    Attributes:
        ideal_ns: nanoseconds a piece of a product, where the order has none; None where it is not known.
        max_power: the greatest electric power, 10⁻⁹ kW.
        counter_max: the greatest value of its counters and meters, 10⁻⁹.
    """

    ideal_ns: Callable[[str], int | None] = lambda _: None
    max_power: int | None = None
    counter_max: int | None = None


UNLIMITED: Final = Limits()


class Possible:
    """What can have been counted, given the orders that were on the machine.

    Args:
        limits: what is known of the machine.
        orders: its orders.
    """

    def __init__(self, limits: Limits, orders: Track[Order | None]) -> None:
        self._limits, self._orders = limits, orders
        self._ranges = tuple(NANO * size for size in _RANGES)
        if limits.counter_max is not None:
            self._ranges = (limits.counter_max + NANO, *self._ranges)
        self._energy_ranges = (*self._ranges, *(NANO * size // 1_000 for size in _IN_WATT_HOURS))

    def ranges(self, field: str) -> tuple[int, ...]:
        """Return where the counter of a field may begin again, 10⁻⁹, that of the plant file first."""
        return self._energy_ranges if field == "electricity_kwh" else self._ranges

    def between(self, field: str, start: int, end: int) -> int | None:
        """Return the most that `field` can have counted from `start` to `end`, 10⁻⁹; None where that is unknown.

        Pieces: half as much again as at the ideal cycle (the shortest of those in force meanwhile), and one more.
        Energy: half as much again as at the greatest power.
        """
        if field in _PIECES:
            ideal_ns = self._shortest_cycle(start, end)
            return None if ideal_ns is None else 3 * (end - start) * NANO // (2 * ideal_ns) + NANO
        if field == "electricity_kwh" and self._limits.max_power is not None:
            return 3 * (end - start) * self._limits.max_power // (2 * 3_600 * NANO)
        return None

    def _shortest_cycle(self, start: int, end: int) -> int | None:
        """Return the shortest ideal cycle in force in start ≤ t < end, nanoseconds a piece."""
        orders = self._orders
        first, last = orders.place_at(start), bisect_right(orders.times, end - 1)
        running = orders.entries[max(first, 0) : last]
        if first < 0:
            running = [None, *running]
        cycles = [ideal_ns for order in running if (ideal_ns := self._ideal_ns(order))]
        return min(cycles, default=None)

    def _ideal_ns(self, order: Order | None) -> int | None:
        if order is not None and order.ideal_ns is not None:
            return order.ideal_ns
        return self._limits.ideal_ns(order.product if order is not None else _NO_PRODUCT)
