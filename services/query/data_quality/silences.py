"""Machines that have fallen silent, and clocks that are off: what the receipt of messages shows beside their content.

Few machines are asked for more than their newest message: those of which that is older than `LEAST_NS`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Final

from broker.contract.events import NS_PER_MS, WE_WERE_AWAY, AnyEvent, StateChange, Status
from broker.contract.instants import FOR_EVER
from broker.contract.payloads import KpiWarning
from services.ledger.fields import NANO
from services.ledger.history import HOLDING, MINUTE
from services.ledger.indicators.amounts import duration
from services.ledger.indicators.findings import Finding, found
from services.query.data_quality.signs import ALL
from services.query.ranges import Range
from services.store.interface import Store

LEAST_NS: Final = 10 * MINUTE
"""A machine is silent after this time, …"""
USUALLY: Final = 10
"""… and so many times its usual interval."""
CLOCK_OFF_NS: Final = 30 * NANO
"""A clock that is off by less is not worth a note."""
LATE_NS: Final = 60 * MINUTE
"""A message is late if its time lies so far before its receipt."""
LONGEST_NS: Final = 31 * 60 * MINUTE
"""Late messages are looked for in ranges up to this length, of one machine: all its messages are read."""
_LOOKED_AT: Final = 60
"""So many messages show the usual interval of a machine."""
_MOST: Final = 40
"""So many machines are looked at, those that have been silent longest first."""
_STEADY_NS: Final = 10 * NANO
_ALIKE: Final = 3
"""An offset is the clock's if so many messages have it, but for a few seconds: what is delivered late varies."""


async def presence_warnings(store: Store, measured: Range) -> list[KpiWarning]:
    """Return what seems wrong with when messages of a range's machines were received, if it is worth a warning."""
    warnings = await _silent(store, measured)
    for machine, events in _by_machine(await store.latest_before(HOLDING, measured.asset, measured.end)).items():
        if machine in measured.machines and (finding := await _clock(store, machine, events, measured.end)):
            warnings.append(finding.of_machine(machine))
    warnings += await _absences(store, measured)
    if measured.machines == (measured.asset,) and measured.end - measured.start <= LONGEST_NS:
        warnings += await _late(store, measured)
    return warnings


async def _silent(store: Store, measured: Range) -> list[KpiWarning]:
    """Return the machines that reported nothing at the end of the range, longer than usual."""
    machines = [
        machine
        for machine in await store.machines(measured.asset)
        if machine.asset in measured.machines and measured.end - machine.last > LEAST_NS
    ]
    warnings: list[KpiWarning] = []
    for machine in sorted(machines, key=lambda machine: machine.last)[:_MOST]:
        newest = await store.events(
            (*ALL, "status"), machine.asset, -FOR_EVER, measured.end, limit=_LOOKED_AT, newest_first=True
        )
        if not newest or _is_known_to_be_away(newest):
            continue
        times = sorted({event.at for event in newest})
        if len(times) < 2:
            continue
        usual = round(median(after - before for before, after in pairwise(times)))
        silent = measured.end - times[-1]
        if silent > max(LEAST_NS, USUALLY * usual):
            since = datetime.fromtimestamp(times[-1] / NANO, UTC)
            finding = found(
                "machine-silent",
                silent / NANO,
                since=f"{since:%H:%M} UTC on {since:%Y-%m-%d}",
                duration=duration(silent),
                usual=duration(usual),
            )
            warnings.append(finding.of_machine(machine.asset))
    return warnings


async def _absences(store: Store, measured: Range) -> list[KpiWarning]:
    """Return of which machines time is unknown because the service that stores was away."""
    warnings: list[KpiWarning] = []
    for status in await store.events(("status",), measured.asset, measured.start, measured.end):
        if status.received_ms != WE_WERE_AWAY or status.asset not in measured.machines:
            continue
        first = await store.events(ALL, status.asset, status.at + 1, measured.end, limit=1)
        until = first[0].at if first else measured.end
        since = datetime.fromtimestamp(status.at / NANO, UTC)
        finding = found(
            "stored-late",
            (until - status.at) / NANO,
            duration=duration(until - status.at),
            since=f"{since:%Y-%m-%dT%H:%M:%SZ}",
        )
        warnings.append(finding.of_machine(status.asset))
    return warnings


def _is_known_to_be_away(newest_first: Sequence[AnyEvent]) -> bool:
    """Return whether a machine last reported offline or off, so that nothing is expected of it."""
    status = next((event for event in newest_first if isinstance(event, Status)), None)
    state = next((event for event in newest_first if isinstance(event, StateChange)), None)
    is_offline = status is not None and not status.online and all(event.at <= status.at for event in newest_first)
    return is_offline or (state is not None and state.state in ("off", "maintenance", "unknown"))


def _by_machine(events: Sequence[AnyEvent]) -> dict[str, list[AnyEvent]]:
    by_machine: dict[str, list[AnyEvent]] = {}
    for event in events:
        by_machine.setdefault(event.asset, []).append(event)
    return by_machine


def _offset(event: AnyEvent) -> int:
    """Return by how much the time of an event is ahead of its receipt, nanoseconds; 0 where that is not known."""
    return event.at - event.received_ms * NS_PER_MS if event.received_ms > 0 else 0


async def _clock(store: Store, machine: str, newest: Sequence[AnyEvent], end: int) -> Finding | None:
    """Return that the clock of a machine is off, if its newest messages have the same offset."""
    off = [event for event in newest if abs(_offset(event)) > CLOCK_OFF_NS]
    if not off:
        return None
    latest = max(off, key=lambda event: event.received_ms)
    if latest.received_ms < max(event.received_ms for event in newest) - LATE_NS // NS_PER_MS:
        return None  # it has been set since
    before = await store.events((latest.kind,), machine, -FOR_EVER, end, limit=_ALIKE, newest_first=True)
    offsets = [_offset(event) for event in before]
    if len(offsets) < _ALIKE or max(offsets) - min(offsets) > _STEADY_NS:
        return None
    offset = round(median(offsets))
    way = "ahead" if offset > 0 else "behind"
    return found("clock-off", offset / NANO, duration=duration(abs(offset)), way=way)


async def _late(store: Store, measured: Range) -> list[KpiWarning]:
    """Return the messages of a machine that came very late, while the others around them came on time."""
    events = await store.events(HOLDING, measured.asset, measured.start, measured.end)
    received = sorted((event for event in events if event.received_ms > 0), key=lambda event: event.received_ms)
    late = [
        event
        for place, event in enumerate(received)
        if _offset(event) < -LATE_NS
        and all(_offset(each) >= -LATE_NS for each in received[max(place - 2, 0) : place + 3] if each is not event)
    ]
    if not late:
        return []
    sent, came = (datetime.fromtimestamp(at, UTC) for at in (late[0].at / NANO, late[0].received_ms / 1_000))
    finding = found(
        "message-late",
        len(late),
        kind=late[0].kind,
        sent=f"{sent:%Y-%m-%dT%H:%M:%SZ}",
        came=f"{came:%Y-%m-%dT%H:%M:%SZ}",
        more=f" and {len(late) - 1} more" if len(late) > 1 else "",
    )
    return [finding.of_machine(measured.asset)]
