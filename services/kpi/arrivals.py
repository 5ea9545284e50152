"""What the ledger writer makes of the order in which messages came: when an offline counts, and what ends it.

An offline is stored with the time from which it counts, so that whoever reads it later needs no more than the stored
events (`services.ledger.presence`). Messages of kinds that another service stores are looked for where a machine is
offline.
"""

from collections.abc import Iterable, Mapping

import msgspec

from broker.contract.events import AnyEvent, Status
from services.kpi.machine import Machine
from services.ledger import presence
from services.ledger.track import Track
from services.query.histories import FOR_EVER
from services.query.signs import OTHERS
from services.store.interface import Store


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
            at = max([event.at, *(presence.offline_from(event.at, event.received_ms, known) for known in signs)])
            each = msgspec.structs.replace(event, at=at) if at != event.at else event
        elif presence.is_sign(event) and event.received_ms:
            presence.put_sign(with_them.setdefault(event.asset, Track()), event.at, event.received_ms)
        found.append(each)
    return found


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
