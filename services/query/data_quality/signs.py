"""Signs of life that are not read with a machine's other events: telemetry, alarms and the like.

They are many, and only one of them matters: the first after a machine went offline, which ends that. So it is looked
for where a machine is offline, and nothing else of them is read.
"""

from typing import Final

from broker.contract.events import FELL_SILENT, AnyEvent
from broker.contract.instants import FOR_EVER
from broker.contract.topics import Kind
from services.ledger import presence
from services.ledger.history import HOLDING, History
from services.ledger.track import Track
from services.store.interface import Store

OTHERS: Final[tuple[Kind, ...]] = ("telemetry", "quality", "event", "reply")
"""The kinds that a machine sends beside those of the ledger."""
ALL: Final[tuple[Kind, ...]] = (*(kind for kind in HOLDING if kind != "status"), *OTHERS)


async def first_signs(  # noqa: PLR0917  (it is a part of reading a history)
    store: Store,
    machine: str,
    statuses: Track[presence.Report],
    signs: presence.Signs,
    end: int,
    silent_ns: int | None = presence.AS_MARKED,
    kinds: tuple[Kind, ...] = OTHERS,
) -> list[AnyEvent]:
    """Return the messages of these kinds that end an offline of a machine, up to `end`.

    Args:
        store: where they are.
        machine: its asset path.
        statuses: its reports of being online and offline.
        signs: its signs of life that are known.
        end: until when they are looked for.
        silent_ns: how long it may be silent; None where the plant sets no limit.
        kinds: where they are looked for.
    """
    if all(report.online for report in statuses.entries):
        return []
    ranges = presence.offline_ranges(statuses, signs, silent_ns)
    if not ranges or ranges[0][0] + 1 >= end or not await store.events(kinds, machine, ranges[0][0] + 1, end, limit=1):
        return []  # most machines send nothing else, and each range is a question of its own
    found: list[AnyEvent] = []
    for start, until in ranges:
        last = end if until is None else min(until, end)
        if start + 1 < last:
            found += await store.events(kinds, machine, start + 1, last, limit=1)
    return found


async def signs_around_marks(
    store: Store, machine: str, statuses: Track[presence.Report], signs: presence.Signs, silent_ns: int | None
) -> list[AnyEvent]:
    """Return the messages of the other kinds around each mark of a silence: from the one on it counts, to the other."""
    found: list[AnyEvent] = []
    if not silent_ns:
        return found
    for at, report in zip(statuses.times, statuses.entries, strict=True):
        if report.received_ms == FELL_SILENT:
            place = signs.place_at(at)
            since = signs.times[place] if place >= 0 else -FOR_EVER
            following = signs.next_after(at)
            until = at + silent_ns + 1 if following is None else following
            found += await store.events(OTHERS, machine, since + 1, at + 1, limit=1, newest_first=True)
            found += await store.events(OTHERS, machine, at + 1, until, limit=1)
    return found


async def add_first_signs(
    store: Store, machine: str, history: History, end: int, kinds: tuple[Kind, ...] = OTHERS
) -> None:
    """Add to a history the messages from which its machine's silences count, and those that end an offline."""
    statuses, signs, silent_ns = history.statuses, history.signs, history.silent_ns
    for event in await signs_around_marks(store, machine, statuses, signs, silent_ns):
        history.put(event, event.at, 0)
    for event in await first_signs(store, machine, statuses, signs, end, silent_ns, kinds):
        history.put(event, event.at, 0)
