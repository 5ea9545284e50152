"""Single events in the ledger's terms: orders, people, stocks, and the totals of counters and meters.

Amounts are in 10⁻⁹ of the ledger's units. Both builders of rows, `rows` and `columnar`, read events here. A quantity
outside the contract's bounds, which an older store may hold, counts as not reported: it is in no sum.
"""

from typing import Final, NamedTuple

from broker.contract.events import (
    COUNTERS,
    QUANTITY_LIMIT,
    SHORTEST_CYCLE_S,
    Adjust,
    Count,
    Job,
    Labour,
    Material,
    Meter,
)
from broker.contract.units import SUMMED, ucum
from services.ledger.fields import MATERIAL_TOTALS, NANO

_METER_FIELDS: Final = {
    "electricity": "electricity_kwh",
    "compressed-air": "air_m3",
    "water": "water_m3",
    "gas": "gas_m3",
}
"""The field that each meter's total adds to, whatever its unit (`broker.contract.units.SUMMED`)."""


class Order(NamedTuple):
    """The order on a machine: `ideal_ns` is nanoseconds a piece, None where not reported."""

    order: str
    product: str
    ideal_ns: int | None


Reading = tuple[str, str, int]
"""The ledger's field that a cumulative total adds to, its source ('' for a counter), and the total."""


def job(event: Job) -> Order | str:
    """Return the order that starts, or the name of the one that ends."""
    if event.phase != "start":
        return event.order
    return Order(event.order, event.product or "-", _nano(ideal_cycle_s(event)))


def ideal_cycle_s(event: Job) -> float | None:
    """Return the ideal cycle of an order, seconds a piece."""
    cycle = quantity(event.ideal_cycle)
    return cycle if cycle is not None and cycle >= SHORTEST_CYCLE_S else None


def people(event: Labour) -> tuple[int, int] | None:
    """Return how many people are there, and how many of them work."""
    present = _nano(event.present)
    return None if present is None else (present, _nano(event.working) or 0)


def stock(event: Material) -> int | None:
    """Return the stock on hand, if it is reported."""
    return _nano(event.stock)


def readings(event: Count | Meter | Material) -> list[Reading]:
    """Return the cumulative totals of an event; none of a meter of another name, or in a unit that is not known."""
    if isinstance(event, Meter):
        factor = SUMMED.get(event.name, {}).get(ucum(event.unit))
        total = _nano(event.total, factor)
        return [] if total is None else [(_METER_FIELDS.get(event.name, ""), event.name, total)]
    fields, source = (COUNTERS, "") if isinstance(event, Count) else (MATERIAL_TOTALS, event.name)
    return [
        (field, source, total)
        for field in fields
        if (value := getattr(event, field)) is not None and (total := _nano(value)) is not None
    ]


def booked(event: Adjust) -> list[tuple[str, int]]:
    """Return the fields that a booking adds to, and how much; nothing of one that is void."""
    amounts = [] if event.void else [(field, _nano(getattr(event, field))) for field in COUNTERS]
    return [(field, amount) for field, amount in amounts if amount]


def quantity(value: float | None) -> float | None:
    """Return a reported quantity; None if it is outside the contract's bounds."""
    return value if value is not None and abs(value) <= QUANTITY_LIMIT else None


def _nano(value: float | None, factor: float | None = 1.0) -> int | None:
    known = quantity(value)
    return None if known is None or factor is None else round(known * factor * NANO)
