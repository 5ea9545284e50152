"""Silences longer than the plant's `silent-after`, and the marks that are stored of them.

A mark is an offline somewhere in a silence (`services.ledger.presence`): where it stands does not matter, so the same
silences count in whatever order messages come, and with another `silent-after` later. What must hold is that each
silence has one, so it is looked for on both sides of every message, as time passes, and when rows are recomputed.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from broker.contract.events import FELL_SILENT, AnyEvent, Status
from broker.contract.instants import FOR_EVER
from broker.contract.topics import Kind
from broker.plant.plant import Plant
from services.kpi.machine import Machine
from services.ledger import presence
from services.ledger.history import HOLDING
from services.query.data_quality.signs import ALL, OTHERS
from services.query.paging import pages
from services.store.interface import Store

_READ: Final = 50
_STEPS: Final = 200
"""So many times the limit is looked back, in as many questions to the store, while others wait."""


class Silences:
    """What is noticed of silences as messages come and time passes.

    Args:
        store: has all earlier messages.
        plant: says how long a machine may be silent.
    """

    def __init__(self, store: Store, plant: Plant) -> None:
        self._store, self._plant = store, plant
        self._has_limits = any(asset.silent_after is not None for asset in plant.assets.values())
        self._newest: dict[str, int] = {}
        """Up to which message of a machine silences have been looked for, of the kinds of the ledger."""

    def reset(self) -> None:
        """Begin from the store: what was found may not be stored."""
        self._newest.clear()

    async def around(self, events: Sequence[AnyEvent]) -> list[AnyEvent]:
        """Return marks of the silences that begin or end with one of these events, which are not stored yet.

        Returns:
            Marks, and with each the stored messages of other kinds between which the silence is, if they are such.
        """
        if not self._has_limits:
            return []
        times: dict[str, set[int]] = {}
        simulated: set[str] = set()
        for event in events:
            if event.kind in HOLDING and presence.is_sign(event) and self._plant.silent_ns(event.asset) is not None:
                times.setdefault(event.asset, set()).add(event.at)
                simulated.update([event.asset] if event.simulated else [])
        found: list[AnyEvent] = []
        for asset, own in times.items():
            limit = self._plant.silent_ns(asset) or 0
            for start, end in await self._gaps(asset, own, limit):
                found += await _recently(self._store, asset, start, end, limit, simulated=asset in simulated)
        return found

    async def by_now(self, machines: Mapping[str, Machine], now: int) -> list[AnyEvent]:
        """Return marks of the machines that are silent by now for longer than their limit, as `around` does."""
        quiet: dict[str, int] = {}
        for asset, machine in machines.items() if self._has_limits else ():
            limit, newest = self._plant.silent_ns(asset), _newest_sign(machine)
            if limit is not None and newest is not None and newest + limit <= now and _is_connected(machine):
                quiet[asset] = self._newest.get(asset, newest)
        found: list[AnyEvent] = []
        for known in await self._store.machines() if quiet else ():
            limit, start = self._plant.silent_ns(known.asset) or 0, quiet.get(known.asset)
            if start is not None and max(start, known.last) + limit <= now:
                simulated = known.simulated
                found += await _recently(self._store, known.asset, start, now + 1, limit, simulated=simulated)
        return found

    async def _gaps(self, asset: str, own: set[int], limit: int) -> list[tuple[int, int]]:
        """Return the times that begin or end with one of its own, longer than the limit, in which no message is known.

        They lie between messages of the kinds of the ledger: in one, there may be several silences between the others'.
        """
        first, last = min(own), max(own)
        newest = self._newest.get(asset)
        self._newest[asset] = last if newest is None else max(last, newest)
        if newest is not None and abs(first - newest) <= limit and abs(last - newest) <= limit:
            return []
        times = set(own)
        stored = await self._store.events(HOLDING, asset, first, last + 1) if last - first > limit else ()
        times.update(event.at for event in stored if presence.is_sign(event))
        older = await _sign(self._store, asset, -FOR_EVER, first, HOLDING, newest_first=True)
        older = older or await _sign(self._store, asset, -FOR_EVER, first, newest_first=True)
        newer = await _sign(self._store, asset, last + 1, FOR_EVER, HOLDING)
        times.update(event.at for event in (older, newer) if event is not None)
        return [(earlier, later) for earlier, later in pairwise(sorted(times)) if later - earlier > limit]


async def within(store: Store, machine: str, start: int, end: int, limit: int, *, simulated: bool) -> list[AnyEvent]:
    """Return marks of all silences of a machine that reach into start ≤ t < end, longer than `limit`."""
    before = await _sign(store, machine, -FOR_EVER, start, newest_first=True)
    last = None if before is None else before.at
    found: list[AnyEvent] = []
    async for page in pages(store, HOLDING, machine, start, end):
        times = sorted({event.at for event in page if presence.is_sign(event)})
        for earlier, later in pairwise([*([] if last is None else [last]), *times]):
            if later - earlier > limit:
                found += await _between(store, machine, earlier, later, limit, simulated=simulated)
        last = times[-1] if times else last
    if last is not None and end - last > limit:
        found += await _between(store, machine, last, end, limit, simulated=simulated)
    return found


async def _gaps(store: Store, asset: str, own: set[int], machine: Machine | None, limit: int) -> list[tuple[int, int]]:
    """Return the times that begin or end with one of its own, longer than the limit, in which no message is known.

    They lie between messages of the kinds of the ledger: in one, there may be several silences between the others'.
    """
    first, last = min(own), max(own)
    times = set(own)
    if any(later - earlier > limit for earlier, later in pairwise(sorted(own))):
        stored = await store.events(HOLDING, asset, first, last + 1)
        times.update(event.at for event in stored if presence.is_sign(event))
    signs = None if machine is None or first < machine.history.since else machine.history.signs
    before = None if signs is None else signs.place_at(first - 1)
    if signs is None or before is None or before < 0 or first - signs.times[before] > limit:
        older = await _sign(store, asset, -FOR_EVER, first, HOLDING, newest_first=True)
        older = older or await _sign(store, asset, -FOR_EVER, first, newest_first=True)
        times.update([] if older is None else [older.at])
    after = None if signs is None else signs.next_after(last)
    if signs is None or (after is not None and after - last > limit):
        newer = await _sign(store, asset, last + 1, FOR_EVER, HOLDING)
        times.update([] if newer is None else [newer.at])
    return [(earlier, later) for earlier, later in pairwise(sorted(times)) if later - earlier > limit]


async def _recently(store: Store, machine: str, start: int, end: int, limit: int, *, simulated: bool) -> list[AnyEvent]:
    """Do as `_between`, but for what is so long ago that it was noticed as it came, or is left to recomputing."""
    if start < end - _STEPS * limit:
        sign = await _sign(store, machine, start, end - _STEPS * limit, newest_first=True)
        start = start if sign is None else sign.at
    return await _between(store, machine, start, end, limit, simulated=simulated)


async def _between(store: Store, machine: str, start: int, end: int, limit: int, *, simulated: bool) -> list[AnyEvent]:
    """Return marks of the silences from the sign of life at `start` on until `end`."""
    found: list[AnyEvent] = []
    last, sign = start, await _sign(store, machine, start, start + 1)
    while last + limit < end:
        newest = await _sign(store, machine, last + 1, last + limit + 1, newest_first=True)
        if newest is not None:
            last, sign = newest.at, newest
            continue
        mark = Status(asset=machine, at=last + limit, online=False, simulated=simulated, received_ms=FELL_SILENT)
        following = await _sign(store, machine, last + limit + 1, end)
        found += [event for event in (sign, following) if event is not None and event.kind in OTHERS]
        found.append(mark)
        if following is None:
            break
        last, sign = following.at, following
    return found


async def _sign(
    store: Store,
    machine: str,
    start: int,
    end: int,
    kinds: Sequence[Kind] = (*ALL, "status"),
    *,
    newest_first: bool = False,
) -> AnyEvent | None:
    """Return the first, or the newest, stored sign of life in start ≤ t < end."""
    for limit in (1, _READ):  # hardly any is not one: an offline, or what was retained
        for event in await store.events(kinds, machine, start, end, limit=limit, newest_first=newest_first):
            if presence.is_sign(event):
                return event
    return None


def _newest_sign(machine: Machine) -> int | None:
    return machine.history.signs.times[-1] if machine.history.signs.times else None


def _is_connected(machine: Machine) -> bool:
    """Return whether a machine is not known to be offline at its newest."""
    return not machine.history.links.times or machine.history.links.entries[-1]
