"""Whether a ledger grows: then a service is writing it."""

import asyncio
from typing import Final

from services.ledger.fields import TIME
from services.ledger.history import MINUTE
from services.store.interface import Store

_PROBED: Final = 20
_DAY_NS: Final = 24 * 60 * MINUTE
LEFT_NS: Final = 60 * MINUTE
"""How much of a ledger that a service is writing is left to that service."""


async def grows(store: Store, asset: str, end: int, *, now: int, wait_s: float) -> bool:
    """Return whether a ledger grows while this waits: then a service is writing it.

    Args:
        store: which.
        asset: an asset path.
        end: until when rows are to be made; one that ends long before the ledger does needs no answer.
        now: the present; a ledger that ends a day before is not being written.
        wait_s: how long to wait; a service lets its ledger grow each second, or each ten with many machines.
    """
    newest = max((await store.watermark(asset)).values(), default=0)
    if newest < now - _DAY_NS or end < newest - 2 * LEFT_NS:
        return False
    before = await _reach(store, asset)
    await asyncio.sleep(wait_s)
    return before != await _reach(store, asset)


async def _reach(store: Store, asset: str) -> dict[str, int]:
    """Return until when the rows of some machines reach."""
    watermark = await store.watermark(asset)
    newest = sorted(watermark, key=lambda machine: -watermark[machine])[:_PROBED]
    return {machine: await end_of_rows(store, machine, watermark[machine]) for machine in newest}


async def end_of_rows(store: Store, machine: str, newest: int) -> int:
    """Return until when a machine's rows reach, whose newest minute is this: they show how much of it is over."""
    rows = await store.rows(machine, newest, newest + MINUTE)
    return newest + min(sum(row.sums.get(field, 0) for row in rows for field in TIME), MINUTE)
