"""The fields of the ledger: sums that add over minutes and over assets, in any order.

In the program each is an integer of 10⁻⁹ of the unit in its name (nanoseconds, 10⁻⁹ pieces, 10⁻⁹ kW·h): integers add
exactly in any order, which floats do not. Outside (store, API, screens) they are floats of the unit.
"""

from typing import Final

from broker.contract.events import COUNTERS

NANO: Final = 1_000_000_000

FARTHEST: Final = 10**60
"""No sum of valid quantities reaches this. One that does was computed from an invalid number, before quantities were
bounded."""

Sums = dict[str, int]
"""Sums by field, in 10⁻⁹ of the field's unit. A field that is left out is zero."""

KNOWN_PLANNED: Final = ("running_s", "setup_s", "starved_s", "blocked_s", "idle_s", "no_order_s", "down_s")
"""Planned time of which the state is known; together it is the planned busy time, PBT."""
PLANNED: Final = (*KNOWN_PLANNED, "unknown_planned_s")
NOT_PLANNED: Final = ("maintenance_s", "off_s", "unknown_s")
TIME: Final = (*PLANNED, *NOT_PLANNED)
"""Every second of a machine is in exactly one of these."""
MARKS: Final = ("overtime_s", "order_s", "microstop_s", "microstops", "uncounted_s")
"""Parts of the time above. `uncounted_s` is running time before the first count of produced pieces ever received: what
was made in it is not known."""
PIECES: Final = (
    *COUNTERS,
    "unrated",
    "produced_off",
    "dips",
    "corrections",
    "roll_overs",
    "resets",
    "spikes",
    "new_bases",
)
"""Pieces as counted. `unrated` are those produced without a known ideal cycle, `produced_off` those produced while the
machine reported off. `dips` and what follows it are no pieces but messages of counters, meters or materials in which
something else than production was seen (`readings`)."""
IDEAL: Final = ("ideal_s", "ideal_good_s")
RELIABILITY: Final = ("failures", "repairs", "repair_s", "between_s")
PEOPLE: Final = ("attendance_s", "work_s")
UTILITIES: Final = ("electricity_kwh", "air_m3", "water_m3", "gas_m3")
MATERIAL_TOTALS: Final = (
    "consumed",
    "integrated_good",
    "lost_production",
    "lost_storage",
    "lost_other",
    "throughput",
)
"""The cumulative quantities of a material."""
MATERIAL: Final = (*MATERIAL_TOTALS, "stock_s", "stock_known_s")
"""Quantities of material. `stock_s` is ∫ stock dt, `stock_known_s` the time over which the stock was known."""

FIELDS: Final = (*TIME, *MARKS, *PIECES, *IDEAL, *RELIABILITY, *PEOPLE, *UTILITIES, *MATERIAL)


def add(total: Sums, more: Sums) -> None:
    """Add `more` to `total`, in place."""
    for field, amount in more.items():
        if field in total:
            total[field] += amount
        else:
            total[field] = amount


def difference(before: Sums, after: Sums) -> Sums:
    """Return what to add to `before` for `after`, without the fields that are the same."""
    found = {field: more for field, amount in after.items() if (more := amount - before.get(field, 0))}
    found.update({field: -amount for field, amount in before.items() if amount and field not in after})
    return found


def nonzero(sums: Sums) -> Sums:
    """Return sums without those that came to nothing, as rows have them."""
    return {field: amount for field, amount in sums.items() if amount}


def bounded(sums: Sums) -> Sums:
    """Return sums that fit a float: those beyond the bound are set to it."""
    if all(-FARTHEST < amount < FARTHEST for amount in sums.values()):
        return sums
    return {field: max(-FARTHEST, min(amount, FARTHEST)) for field, amount in sums.items()}


def to_units(sums: Sums) -> dict[str, float]:
    """Return every field as a float of its unit, zeros included."""
    return {field: sums.get(field, 0) / NANO for field in FIELDS}


def from_units(values: dict[str, float]) -> Sums:
    """Return the sums of these floats (the inverse of `to_units`), zeros left out."""
    return {field: amount for field, value in values.items() if (amount := round(value * NANO))}
