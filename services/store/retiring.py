"""Retired machines: they are history, and no part of the present, until they speak again.

A note in the store says since when. It holds for as long as nothing newer is stored of the machine, so it comes back
by itself; the time between then counts as unknown, as if it had been offline.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from broker.contract.events import Status
from services.store.interface import Batch, Machine, Store

NOTE: Final = "retired"
"""The name of the note in the store."""

_decoder: Final = msgspec.json.Decoder(dict[str, int])


async def retired(store: Store, machines: Iterable[Machine] | None = None) -> dict[str, int]:
    """Return the retired machines, and since when, nanoseconds.

    Args:
        store: with the note.
        machines: what the store knows of machines, if that has been asked already.
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
    """Retire machines; one that is retired already stays so since then.

    Args:
        store: where they stand.
        machines: which, as the store knows them.
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
