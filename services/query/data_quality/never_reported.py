"""What was never reported: fields of the ledger that are zero because no machine sends them.

A ratio whose numerator is not reported is undefined, not 0. The ledger's sums do not show the difference, so the events
are read, but only where it matters: where a numerator is zero and its denominator is not.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from broker.contract.events import AnyEvent, Count, Labour, Material
from services.ledger import entries
from services.ledger.fields import Sums
from services.store.interface import Store

_OVER: Final = {
    "produced": ("order_s",),
    "scrap": ("produced", "planned_scrap"),
    "rework": ("produced",),
    "first_pass": ("inspected",),
    "good": ("consumed",),
    "integrated_good": ("consumed",),
    "lost_production": ("consumed",),
    "lost_storage": ("consumed",),
    "lost_other": ("consumed",),
    "throughput": ("stock_known_s",),
    "work_s": ("attendance_s",),
}
"""Numerators, and the denominators of each."""


async def not_reported(store: Store, asset: str, end: int, *ledgers: Sums) -> frozenset[str]:
    """Return the fields that no machine under `asset` has reported up to `end`, of those that matter in the sums."""
    wanted = _missing(ledgers)
    return await all_not_reported(store, asset, end) & wanted if wanted else frozenset()


def not_among(fields: AbstractSet[str], *ledgers: Sums) -> frozenset[str]:
    """Return what `not_reported` does, where the fields that any machine ever reported are known."""
    return frozenset(_missing(ledgers) - fields)


async def all_not_reported(store: Store, asset: str, end: int) -> frozenset[str]:
    """Return all numerators that no machine under `asset` has reported up to `end`."""
    left = set(_OVER)
    for event in await store.latest_before(("count", "material", "labour"), asset, end + 1):
        left -= reported(event)
    return frozenset(left)


async def is_output_not_reported(store: Store, operation: Iterable[str], end: int) -> bool:
    """Return whether no machine of an operation has reported good pieces up to `end`."""
    for machine in operation:
        if "good" not in await all_not_reported(store, machine, end):
            return False
    return True


async def ever_counted(store: Store, machine: str, end: int) -> bool:
    """Return whether a machine has counted pieces up to `end`; a count of 0 is one."""
    return not {"produced", "good"} <= await all_not_reported(store, machine, end)


def reported(event: AnyEvent) -> set[str]:
    """Return the fields of the ledger that a count, material or labour event reports."""
    match event:
        case Count() | Material():
            return {field for field, _, _ in entries.readings(event)}
        case Labour() if event.working is not None:
            return {"work_s"}
        case _:
            return set()


def _missing(ledgers: Iterable[Sums]) -> set[str]:
    """Return the numerators that are zero while their denominators are not."""
    return {
        field
        for sums in ledgers
        for field, below in _OVER.items()
        if not sums.get(field, 0) and any(sums.get(each, 0) for each in below)
    }
