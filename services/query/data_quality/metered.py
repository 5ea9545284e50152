"""Whose pieces the metered energy is divided by: those of the machines that have a meter.

Else a line of which one machine in three is metered would seem to need a third of the energy a piece. A meter that
stands by itself, an asset that counts neither time nor pieces, is that of the whole, and so are the pieces.
"""

from collections.abc import Iterable, Mapping

from services.ledger.fields import Sums, add
from services.query.ranges import Range

_FIELDS = ("produced", "good", "electricity_kwh")


def is_metered(sums: Sums) -> bool:
    """Return whether a machine's electricity is metered."""
    return bool(sums.get("electricity_kwh", 0))


def stands_by_itself(measured: Range) -> bool:
    """Return whether a meter in a range is of no machine."""
    return any(is_metered(sums) for (asset, _, _), sums in measured.parts.items() if asset not in measured.machines)


def metered_machines(measured: Range) -> frozenset[str] | None:
    """Return the machines whose pieces energy is divided by; None where it is those of all."""
    if stands_by_itself(measured):
        return None
    return frozenset(machine for machine, sums in measured.by_machine().items() if is_metered(sums))


def metered_sums(measured: Range) -> Sums | None:
    """Return what energy is divided by; None where it is the whole."""
    machines = metered_machines(measured)
    if machines is None:
        return None
    totals = measured.by_machine()
    return sum_of_metered(totals[machine] for machine in machines)


def sum_of_metered(parts: Iterable[Mapping[str, int]]) -> Sums:
    """Return the energy of metered machines, and the pieces that it was for."""
    total: Sums = {}
    for sums in parts:
        add(total, {field: sums.get(field, 0) for field in _FIELDS})
    return total
