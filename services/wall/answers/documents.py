"""What the wall's HTTP interface answers with, where the store or a question has no document of its own.

Times are RFC 3339 in what people read and epoch milliseconds in series that screens draw.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from broker.contract.events import NS_PER_MS, AnyEvent
from broker.contract.instants import format_rfc3339
from broker.contract.topics import LEVELS
from broker.plant.plant import Plant
from services.store import interface
from services.store.interface import Machine
from services.wall.live.live_state import LiveState


class Asset(msgspec.Struct, frozen=True):
    """An asset of the tree.

    Attributes:
        path: its asset path.
        level: site, area, line or machine.
        title: its name for people.
        state: its state; a group has that of the machine under it that needs attention most.
        since: from when, RFC 3339; null where it is unknown.
        reason: why, '' where none is reported.
        last_seen: when it last reported, RFC 3339; null for a group, and for one that has not.
        simulated: whether it is simulated; null where it has not reported.
        silent: a machine that has not spoken for long.
        retired: since when it is retired, RFC 3339; null for one that is not.
    """

    path: str
    level: str
    title: str
    state: str
    since: str | None
    reason: str
    last_seen: str | None
    simulated: bool | None
    silent: bool
    retired: str | None = None


class Series(msgspec.Struct, frozen=True):
    """A signal over a range, downsampled to what a screen can show; times in ms, each the start of its bucket.

    Attributes:
        signal: which.
        unit: UCUM, '' unknown.
        at: the starts of the buckets.
        least: least value of each bucket.
        mean: mean value of each bucket.
        greatest: greatest value of each bucket.
        text: last text of each bucket, for signals that are texts.
    """

    signal: str
    unit: str
    at: list[int]
    least: list[float | None]
    mean: list[float | None]
    greatest: list[float | None]
    text: list[str | None] | None = None


class Constraint(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """The bottleneck of a line: the machine that was active longest without a pause, and from when to when (RFC 3339).

    Both are null where no machine was active, or there is but one.
    """

    asset: str
    machine: str | None
    from_: str | None
    to: str | None


class Rejected(msgspec.Struct, frozen=True):
    """A rejected message, or the count of several that are not stored themselves.

    Attributes:
        at: when it came, the first of them, RFC 3339.
        topic: its topic; of several the filter that they match.
        reason: why; of several how many there are, and what they have in common.
        payload: its first bytes as text; of several ''.
        size: how many bytes it had, all of them together.
        count: how many there are.
    """

    at: str
    topic: str
    reason: str
    payload: str
    size: int
    count: int


def series_of(signal: interface.Signal, intervals: Sequence[interface.Bucket]) -> Series:
    """Return a signal's values over the intervals of a range."""
    return Series(
        signal.signal,
        signal.unit,
        [interval.at // NS_PER_MS for interval in intervals],
        [interval.least for interval in intervals],
        [interval.mean for interval in intervals],
        [interval.greatest for interval in intervals],
        [interval.text for interval in intervals] if signal.kind == "text" else None,
    )


def rejected_document(message: interface.Rejected) -> Rejected:
    """Return a rejected message with its first bytes as text."""
    return Rejected(
        format_rfc3339(message.at),
        message.topic,
        message.reason,
        "" if message.is_count else message.payload.decode("utf-8", "backslashreplace"),
        message.size,
        message.count,
    )


def asset_of(live_state: LiveState, plant: Plant, path: str) -> Asset:
    """Return an asset of the tree as it is now."""
    machine = live_state.machines.get(path)
    current_state = live_state.current_state(path)
    assert current_state is not None, "every path of the live state has a state"
    return Asset(
        path=path,
        level=LEVELS[path.count("/")],
        title=plant.title(path),
        state=current_state.state,
        since=None if current_state.since is None else format_rfc3339(current_state.since),
        reason=current_state.reason,
        last_seen=None if machine is None or machine.seen is None else format_rfc3339(machine.seen),
        simulated=None if machine is None else machine.simulated,
        silent=machine is not None and machine.silent,
    )


def retired_asset(plant: Plant, machine: Machine, at: int) -> Asset:
    """Return a machine that was retired at a time, nanoseconds."""
    return Asset(
        path=machine.asset,
        level="machine",
        title=plant.title(machine.asset),
        state="unknown",
        since=format_rfc3339(at),
        reason="",
        last_seen=format_rfc3339(machine.last),
        simulated=machine.simulated,
        silent=True,
        retired=format_rfc3339(at),
    )


def event_document(event: AnyEvent) -> dict[str, Any]:
    """Return an event with its kind and time (RFC 3339); what was not reported is left out."""
    reported = {"kind": event.kind, "asset": event.asset, "at": format_rfc3339(event.at)}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if name not in reported and value is not None and value != "":
            reported[name] = value
    return reported
