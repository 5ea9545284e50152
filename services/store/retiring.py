"""Retired machines: they belong to history, not to the present, until they report again.

Metadata in the store holds since when. It applies as long as nothing newer is stored of the machine, so the machine
comes back by itself; the time between counts as unknown, as if it had been offline.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from broker.contract.events import Status
from services.store.interface import Batch, Machine, Store

NOTE: Final = "retired"
"""The name of the metadata in the store."""

_decoder: Final = msgspec.json.Decoder(dict[str, int])


async def retired(store: Store, machines: Iterable[Machine] | None = None) -> dict[str, int]:
    """Return the retired machines, and since when, nanoseconds.

    Args:
        store: to read from.
        machines: the store's machines, if they have been read already.
    """
    note = await store.metadata(NOTE)
    if note is None:
        return {}
    since = _decoder.decode(note)
    if not since:
        return {}
    if machines is None:
        machines = await store.machines()
    return {
        machine.asset: since[machine.asset]
        for machine in machines
        if machine.asset in since and machine.last <= since[machine.asset]
    }


async def retire(store: Store, machines: Iterable[Machine], now: int) -> dict[str, int]:
    """Retire machines; one that is retired already has the time it had.

    Args:
        store: to write to.
        machines: which, as the store has them.
        now: the present; where a machine's clock was ahead, it is retired after its last event.

    Returns:
        Those that were not retired before, and since when.
    """
    before = await retired(store)
    new = {machine.asset: max(now, machine.last + 1) for machine in machines if machine.asset not in before}
    simulated = {machine.asset: machine.simulated for machine in machines}
    await store.write(
        Batch(
            events=[Status(asset=asset, at=at, online=False, simulated=simulated[asset]) for asset, at in new.items()]
        )
    )
    await store.set_metadata(NOTE, msgspec.json.encode(before | new).decode())
    return new
