"""What the ledger writer makes of the order in which messages came: when an offline counts, and what ends it.

An offline is stored with the time from which it counts, so that whoever reads it later needs no more than the stored
events (`services.ledger.presence`). Messages of kinds that another service stores are looked for where a machine is
offline.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from broker.contract.events import NS_PER_S, WE_WERE_AWAY, AnyEvent, Status
from broker.contract.instants import FOR_EVER
from services.kpi.machine import Machine
from services.ledger import presence
from services.ledger.history import HOLDING
from services.ledger.track import Track
from services.query.data_quality.signs import OTHERS
from services.store.interface import Store

AWAY_NS: Final = 2 * NS_PER_S
"""Rows are written each second; a service of which they end earlier was away."""


def is_placed_late(event: AnyEvent) -> bool:
    """Return whether an event counts from a time that depends on what came before it: a live offline."""
    return isinstance(event, Status) and not event.online and event.received_ms > 0


def placed(events: Iterable[AnyEvent], machines: Mapping[str, Machine]) -> list[AnyEvent]:
    """Return events in the order in which they came, each offline at the time from which it counts."""
    found: list[AnyEvent] = []
    with_them: dict[str, presence.Signs] = {}
    for event in events:
        each = event
        if is_placed_late(event):
            signs = [with_them[event.asset]] if event.asset in with_them else []
            signs += [machines[event.asset].history.signs] if event.asset in machines else []
            froms = (presence.offline_from(event.at, event.received_ms, known, as_they_came=True) for known in signs)
            at = max([event.at, *froms])
            each = msgspec.structs.replace(event, at=at) if at != event.at else event
        elif presence.is_sign(event) and event.received_ms:
            presence.put_sign(with_them.setdefault(event.asset, Track()), event.at, event.received_ms)
        found.append(each)
    return found


async def stored_offlines(store: Store, events: Iterable[AnyEvent], redelivered: Iterable[AnyEvent]) -> set[int]:
    """Return the ids of those offlines that the broker delivers again, and that are stored or in the batch already.

    They may be stored with a later time than their own, and what came after them must not place them once more.

    Args:
        store: where they may be.
        events: the batch, in the order in which they came.
        redelivered: those of the batch that the broker marks.
    """
    found: set[int] = set()
    earlier = {(event.asset, event.at): id(event) for event in reversed(list(filter(is_placed_late, events)))}
    for event in filter(is_placed_late, redelivered):
        since = await store.events(("status",), event.asset, event.at, FOR_EVER)
        is_stored = any(is_placed_late(status) for status in since)
        if is_stored or earlier.get((event.asset, event.at)) != id(event):
            found.add(id(event))
    return found


def with_absence(events: Sequence[AnyEvent], machines: Mapping[str, Machine], left: dict[str, int]) -> list[AnyEvent]:
    """Return events with an offline before those that waited in the broker while the service was away.

    What has no time of its own happened somewhere in that absence: its machine is unknown from its last message before
    on. What has one is placed by it.

    Args:
        events: in the order in which they came, soon after the service is there again.
        machines: their histories.
        left: until when each machine was followed before the absence; taken out with its first message.
    """
    found: list[AnyEvent] = []
    for event in events:
        until = left.pop(event.asset, None) if event.kind in HOLDING else None
        newest = _newest_sign(machines.get(event.asset))
        if (
            until is not None
            and newest is not None
            and event.time_source == "receipt"
            and event.at - until > AWAY_NS
            and newest < event.at
        ):
            away = Status(asset=event.asset, at=newest, online=False, simulated=event.simulated)
            found.append(msgspec.structs.replace(away, received_ms=WE_WERE_AWAY))
        found.append(event)
    return found


def _newest_sign(machine: Machine | None) -> int | None:
    return machine.history.signs.times[-1] if machine is not None and machine.history.signs.times else None


def ends_offline(machine: Machine | None, event: AnyEvent) -> bool:
    """Return whether an event of a kind that the ledger is not computed from ends an offline of its machine."""
    if machine is None or event.kind not in OTHERS or machine.history.links.at(event.at) is not False:
        return False
    ranges = presence.offline_ranges(machine.history.statuses, machine.history.signs)
    return any(start < event.at and (end is None or event.at < end) for start, end in ranges)


async def signs_of_life(store: Store, machines: Mapping[str, Machine]) -> list[AnyEvent]:
    """Return of each machine that is offline the first message since, of the kinds that another service stores."""
    offline = {
        asset: machine
        for asset, machine in machines.items()
        if machine.history.links.entries and not machine.history.links.entries[-1]
    }
    if not offline:
        return []
    newest = {machine.asset: machine.last for machine in await store.machines()}
    found: list[AnyEvent] = []
    for asset, machine in offline.items():
        start = presence.offline_ranges(machine.history.statuses, machine.history.signs)[-1][0]
        if newest.get(asset, 0) > start:
            found += await store.events(OTHERS, asset, start + 1, FOR_EVER, limit=1)
    return found
