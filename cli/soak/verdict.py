"""The verdict on a soak: what was acknowledged against what is stored, and the ledger against a recomputed one.

What the broker has acknowledged must be stored once and as it was sent. What was sent and not acknowledged may be
stored or not, for nobody knows whether the broker had it. The ledger must be the one that all stored messages, made
once more from the devices' own record, give in an empty store.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from broker.contract.events import AnyEvent
from broker.contract.instants import FOR_EVER
from broker.contract.kinds import TABLE
from broker.contract.topics import KINDS, Kind
from broker.plant.plant import NO_PLANT
from cli.soak.devices import Device
from cli.soak.watch import LOOKED_AT
from services.kpi.recompute import recompute
from services.ledger.fields import TIME
from services.ledger.history import KINDS as LEDGER_KINDS
from services.ledger.history import MINUTE
from services.store.interface import Batch, Store
from services.store.sqlite.store import SqliteStore

_ALL_KINDS: Final[list[Kind]] = sorted(KINDS - {"kpi"})  # type: ignore[arg-type]  # they are Kinds
_SHOWN: Final = 10
_CHUNK: Final = 5_000

Key = tuple[str, str, int]
"""What identifies an event of a machine: kind, series, time."""


@dataclass
class Verdict:
    """What was found.

    Attributes:
        sent: messages that devices published.
        acknowledged: those that the broker has acknowledged.
        stored: events in the store.
        lost: acknowledged messages of which an event is not stored.
        undrained: those that are not stored yet: later than all that their service has stored of their device, in a
            soak that was ended before its services had stored all that waited. They are not lost.
        doubled: events that are stored more than once.
        changed: events that are stored otherwise than sent.
        strange: stored events that nobody sent.
        rows: of the ledger, compared.
        differing: rows that are not those of a recomputed ledger.
        shown: the first of each, in words.
    """

    sent: int = 0
    acknowledged: int = 0
    stored: int = 0
    lost: int = 0
    undrained: int = 0
    doubled: int = 0
    changed: int = 0
    strange: int = 0
    rows: int = 0
    differing: int = 0
    shown: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled or made otherwise; what is not drained is not lost."""
        return not (self.lost or self.doubled or self.changed or self.strange or self.differing)

    def show(self, line: str) -> None:
        """Add a line about a finding."""
        if len(self.shown) < _SHOWN:
            self.shown.append(line)


async def is_stored(store: Store, devices: Sequence[Device]) -> bool:
    """Return whether the last message of each device that was acknowledged is stored."""
    for device in devices:
        last = next((n for n in reversed(range(len(device.sent_at))) if device.acknowledged[n]), None)
        if last is None:
            continue
        for event in device.events(last):
            if not await store.events([event.kind], device.asset, event.at, event.at + 1):
                return False
    return True


async def newest_times(store: Store, devices: Sequence[Device]) -> int:
    """Return a number that grows as long as the services store what waits for them."""
    scope = devices[0].asset.partition("/")[0]
    return sum(event.at for event in await store.latest_before(LOOKED_AT, scope, FOR_EVER))


async def check(
    store: Store,
    devices: Sequence[Device],
    folder: Path,
    watch: Callable[[float, float], None] = lambda *_: None,
    *,
    drained: bool = True,
) -> Verdict:
    """Hold what is stored against what was sent. Nothing may be writing to the store.

    Args:
        store: the one that the services wrote to.
        devices: with their record.
        folder: where a fresh store is made.
        watch: gets how much is done, of how much.
        drained: the services had stored the last messages.
    """
    verdict = Verdict()
    fresh = await SqliteStore.open(folder / "recomputed.db")
    try:
        for number, device in enumerate(devices):
            stored = await _check_events(store, device, verdict, drained=drained)
            await _check_ledger(store, fresh, device, stored, verdict)
            watch(number + 1, len(devices))
    finally:
        await fresh.close()
    return verdict


async def _check_events(store: Store, device: Device, verdict: Verdict, *, drained: bool) -> list[AnyEvent]:
    """Check a device's events; return those of its messages that are stored."""
    there: dict[Key, AnyEvent] = {}
    for event in await store.events(_ALL_KINDS, device.asset, -FOR_EVER, FOR_EVER):
        key = (event.kind, event.series, event.at)
        verdict.stored += 1
        if key in there:
            verdict.doubled += 1
            verdict.show(f"doubled: {event}")
        there[key] = event
    stored: list[AnyEvent] = []
    missing: dict[str, list[int]] = {"ingest": [], "kpi": []}
    for n, acknowledged in enumerate(device.acknowledged):
        if n % _CHUNK == 0:
            await asyncio.sleep(0)
        verdict.sent += 1
        verdict.acknowledged += acknowledged
        is_missing, service = False, ""
        for event in device.events(n):
            service = TABLE[event.kind].stored_by
            found = there.pop((event.kind, event.series, event.at), None)
            is_missing |= found is None
            if found is not None:
                stored.append(found)
                if msgspec.structs.replace(found, received_ms=event.received_ms) != event:
                    verdict.changed += 1
                    verdict.show(f"changed: {event} is stored as {found}")
        if is_missing and acknowledged:
            missing[service].append(n)
        elif not is_missing:
            # What came later is there, so these are not on their way.
            _add_lost(verdict, device, missing[service])
    if drained:
        for waiting in missing.values():
            _add_lost(verdict, device, waiting)
    verdict.undrained += sum(map(len, missing.values()))
    verdict.strange += len(there)
    for event in there.values():
        verdict.show(f"nobody sent: {event}")
    return stored


def _add_lost(verdict: Verdict, device: Device, missing: list[int]) -> None:
    verdict.lost += len(missing)
    for n in missing:
        verdict.show(f"lost: message {n} of {device.asset}: {device.message(n)}")
    missing.clear()


async def _check_ledger(
    store: Store, fresh: SqliteStore, device: Device, events: list[AnyEvent], verdict: Verdict
) -> None:
    """Check a device's ledger rows."""
    asset = device.asset
    reported = [event for event in events if event.kind in LEDGER_KINDS]
    for first in range(0, len(reported), _CHUNK):
        await fresh.write(Batch(events=reported[first : first + _CHUNK]))
    live = await store.rows(asset, -FOR_EVER, FOR_EVER)
    reasons = await store.reason_rows(asset, -FOR_EVER, FOR_EVER)
    if live:
        newest = max(row.start for row in live)
        covered = sum(row.sums.get(each, 0) for row in live if row.start == newest for each in TIME)
        until = newest + min(covered, MINUTE)
        await recompute(fresh, NO_PLANT, asset, 0, until, now=until)
    reload = {
        **{(row.start, row.product, row.shift): row for row in await fresh.rows(asset, -FOR_EVER, FOR_EVER)},
        **{(row.start, row.state, row.reason): row for row in await fresh.reason_rows(asset, -FOR_EVER, FOR_EVER)},
    }
    verdict.rows += len(reload)
    for row in live:
        _compare(row, reload.pop((row.start, row.product, row.shift), None), verdict)
    for reason in reasons:
        _compare(reason, reload.pop((reason.start, reason.state, reason.reason), None), verdict)
    for missing in reload.values():
        _compare(None, missing, verdict)


def _compare(live: object, reload: object, verdict: Verdict) -> None:
    if live != reload:
        verdict.differing += 1
        verdict.show(f"the ledger has {live}, recomputed it is {reload}")
