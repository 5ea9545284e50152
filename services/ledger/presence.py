"""When a machine was connected: what follows from its status and its other messages, in whatever order they come.

An *offline* is what a broker publishes for a machine that is no longer connected: late, or composed when the machine
connected. So it counts from the later of its own time and the time of the newest message that was received before it.
Any other message of a machine is a *sign of life*: the first whose time is later ends the offline, from its own time
on. What was buffered, with a time before the offline, does not.

A *mark* is an offline that the service stores in a silence of a machine. Where it stands shows only that there was one:
the silence counts from the last sign before it, and as long as the plant allows.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from broker.contract.events import FELL_SILENT, FURTHEST_AHEAD_NS, NOT_LIVE, NS_PER_MS, AnyEvent, Status
from broker.contract.kinds import of_machines
from services.ledger.track import Track


class Report(NamedTuple):
    """A status: whether the machine is connected, and when that was received (milliseconds, 0 where not known)."""

    online: bool
    received_ms: int


Signs = Track[int]
"""The times of messages other than an offline, each with the time of receipt (milliseconds, 0 where not known)."""
UNKNOWN_RECEIPT: Final = 0
AS_MARKED: Final = 0
"""Silences count from their marks: the plant's limit is not known."""
_OF_MACHINES: Final = of_machines()


def is_sign(event: AnyEvent) -> bool:
    """Return whether an event shows that its machine lives: what a person books or commands does not."""
    return (
        event.kind in _OF_MACHINES
        and event.received_ms != NOT_LIVE
        and not (isinstance(event, Status) and not event.online)
    )


def put_sign(signs: Signs, at: int, received_ms: int) -> bool:
    """Add a sign of life; of several at one instant the first receipt that is known counts."""
    known = signs.at(at) if signs.times and signs.times[-1] >= at and signs.times[signs.place_at(at)] == at else None
    if known is not None and (not received_ms or UNKNOWN_RECEIPT < known <= received_ms):
        return False
    return signs.put(at, received_ms)


def put(statuses: Track[Report], signs: Signs, event: AnyEvent) -> bool:
    """Add what an event reports of the connection; return False if nothing."""
    is_new = is_sign(event) and put_sign(signs, event.at, event.received_ms)
    if isinstance(event, Status):
        is_new |= statuses.put(event.at, Report(event.online, event.received_ms))
    return is_new


def offline_from(at: int, received_ms: int, signs: Signs, *, as_they_came: bool = False) -> int:
    """Return from when on an offline counts that has this time, and was received then.

    With `as_they_came` the signs are those that came before it, so that those of the same millisecond count as well.
    """
    if received_ms <= UNKNOWN_RECEIPT:
        return at
    place = signs.place_at(at) + 1
    until = received_ms * NS_PER_MS + FURTHEST_AHEAD_NS + NS_PER_MS
    while place < len(signs.times) and signs.times[place] <= until:
        if UNKNOWN_RECEIPT < signs.entries[place] < received_ms + as_they_came:
            at = signs.times[place]
        place += 1
    return at


def silent_from(at: int, signs: Signs, limit_ns: int | None) -> int | None:
    """Return from when a silence with a mark at `at` counts; None if it does not last longer than the limit."""
    if limit_ns is None:
        return None
    last, following = signs.place_at(at), signs.next_after(at)
    since = at if last < 0 or limit_ns == AS_MARKED else signs.times[last] + limit_ns
    return since if following is None or since < following else None


def _offlines(statuses: Track[Report], signs: Signs, limit_ns: int | None) -> Iterator[tuple[int, int]]:
    """Yield from when each offline counts, and when it was received."""
    for at, report in zip(statuses.times, statuses.entries, strict=True):
        if report.online:
            continue
        if report.received_ms != FELL_SILENT:
            yield offline_from(at, report.received_ms, signs), report.received_ms
        elif (since := silent_from(at, signs, limit_ns)) is not None:
            yield since, UNKNOWN_RECEIPT


def links(statuses: Track[Report], signs: Signs, limit_ns: int | None = AS_MARKED) -> Track[bool]:
    """Return whether the machine was connected, from each instant on at which that changed or was reported.

    Args:
        statuses: its reports of being online and offline.
        signs: its signs of life.
        limit_ns: how long it may be silent; None where the plant sets no limit.
    """
    changes = [(at, True) for at, report in zip(statuses.times, statuses.entries, strict=True) if report.online]
    changes += [(at, False) for at, _ in _offlines(statuses, signs, limit_ns)]
    changes.sort(key=lambda change: (change[0], not change[1]))  # of one instant, the offline counts
    found: Track[bool] = Track()
    for place, (at, online) in enumerate(changes):
        found.put(at, online)
        sign = None if online else signs.next_after(at)
        if sign is not None and (place + 1 == len(changes) or sign < changes[place + 1][0]):
            found.put(sign, True)
    return found


def sign_threshold(at: int, received_ms: int, signs: Signs) -> int:
    """Return after which time a message of which the receipt is not known shows that an offline is over.

    A clock that is ahead gives messages from before the offline a later time; so the time of its receipt counts, by
    the machine's clock: that of its newest message then.
    """
    newest = signs.place_at(at)
    if received_ms <= UNKNOWN_RECEIPT or newest < 0 or signs.entries[newest] <= UNKNOWN_RECEIPT:
        return at
    ahead = max(0, signs.times[newest] - signs.entries[newest] * NS_PER_MS)
    return max(at, received_ms * NS_PER_MS + ahead)


def offline_ranges(
    statuses: Track[Report], signs: Signs, limit_ns: int | None = AS_MARKED
) -> list[tuple[int, int | None]]:
    """Return the time ranges in which a machine is offline: from after which time a sign would end it, until when."""
    found = links(statuses, signs, limit_ns)
    receipts = dict(_offlines(statuses, signs, limit_ns))
    return [
        (sign_threshold(at, receipts.get(at, 0), signs), found.next_after(at))
        for at, online in zip(found.times, found.entries, strict=True)
        if not online
    ]


def differences(one: Track[bool], other: Track[bool]) -> list[tuple[int, int | None]]:
    """Return the time ranges in which a machine is offline by one of the two, and not by the other."""
    found: list[tuple[int, int | None]] = []
    since: int | None = None
    for at in sorted({*one.times, *other.times}):
        differ = (one.at(at) is False) != (other.at(at) is False)
        if differ and since is None:
            since = at
        elif not differ and since is not None:
            found.append((since, at))
            since = None
    return [*found, (since, None)] if since is not None else found
