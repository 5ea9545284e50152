"""The state of a service: whether broker and store work, and what it has done so far.

One place for each fact: `/healthz` and `/metrics` read it here. A service writes through
`Vitals.store`, which records the result of each write.
"""

import asyncio
import inspect
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, cast

from broker.source import Carrier
from services.store.interface import Batch, Store, StoreError
from services.store.rejections import Tally

LONGEST_S: Final = 10.0
"""A store that takes longer than this to answer a small query, or to store anything that waits, fails; seconds."""
LATE_S: Final = 60.0
"""A tick that ended longer ago than this, seconds, is late."""
MOST_SHOWN: Final = 20
"""Machines that are set aside, in the answer of `/healthz`."""


class Waiting(Protocol):
    """What waits on disk for the broker: the spool of a gateway."""

    @property
    def waiting(self) -> int:
        """Messages in it."""

    @property
    def bytes(self) -> int:
        """Its size on disk."""

    @property
    def dropped(self) -> int:
        """Messages that were dropped because it was full."""


class Lossy(Protocol):
    """A source that may have no more what it was to be asked for."""

    @property
    def lost(self) -> int:
        """What of it was lost."""


class Vitals:
    """What is known of one running service.

    Args:
        service: its name: `ingest`, `kpi`, `simulate`, `wall`.
        carrier: of its messages.
        store: what it writes to or reads; None for a service that has none.

    Attributes:
        rejected: rejected messages that were stored or counted, by reason class.
        rows: rows written, by kind.
        writes: batches written.
        write_seconds: spent on writing, failures included.
        failures: attempts to write a batch that failed.
        ticks: how often the ledger grew with time.
        tick_seconds: spent on it.
        set_aside: machines whose ledger stands still because the program fails on their events, and how it fails.
        spool: of a gateway, what waits on disk; None of a service that has none.
        lossy: of a gateway, a source that may lose what is not read in time; None of any other.
    """

    def __init__(self, service: str, carrier: Carrier, store: Store | None = None) -> None:
        self.service = service
        self.carrier = carrier
        self.rejected = Tally()
        self.rows: dict[str, int] = {"events": 0, "ledger": 0, "reasons": 0, "rejected": 0}
        self.writes = 0
        self.write_seconds = 0.0
        self.failures = 0
        self._unwritten: StoreError | None = None
        self._unread: StoreError | None = None
        self._failing_since = 0.0
        self.written_at: float | None = None
        self.ticks = 0
        self.tick_seconds = 0.0
        self.set_aside: Mapping[str, str] = {}
        self.spool: Waiting | None = None
        self.lossy: Lossy | None = None
        self._store = store
        self._ticked_at: float | None = None
        self._taken = carrier.acknowledged
        self._taken_at = time.monotonic()

    @property
    def has_store(self) -> bool:
        """Whether the service has a store at all."""
        return self._store is not None

    @property
    def failure(self) -> StoreError | None:
        """Why the store did not take or give what was last asked of it; None if it did."""
        return self._unwritten or self._unread

    @property
    def store(self) -> Store:
        """The store, for the service to use."""
        assert self._store is not None, "a service without a store asked for it"
        return cast("Store", _Watched(self._store, self))

    def written(self, batch: Batch, seconds: float) -> None:
        """Record that a batch was written."""
        self.writes += 1
        self.write_seconds += seconds
        self._unwritten = self._unread = None
        self.written_at = time.time()
        for kind, rows in (
            ("events", batch.event_count),
            ("ledger", len(batch.rows)),
            ("reasons", len(batch.reasons)),
            ("rejected", len(batch.rejected)),
        ):
            self.rows[kind] += rows
        for message in batch.rejected:
            self.rejected.add(message.reason)

    def failed(self, error: StoreError, seconds: float) -> None:
        """Record that a batch could not be written."""
        self.failures += 1
        self.write_seconds += seconds
        self._begin_to_fail()
        self._unwritten = error

    def read(self) -> None:
        """Record that the store answered. Whether it takes anything is another question: a full disk can be read."""
        self._unread = None

    def unread(self, error: StoreError) -> None:
        """Record that the store could not be read: until it can, a service that starts waits for it."""
        self._begin_to_fail()
        self._unread = error

    def ticked(self, seconds: float, set_aside: Mapping[str, str]) -> None:
        """Record that the ledger has grown with time, but for machines that are set aside."""
        self.set_aside = set_aside
        self.ticks += 1
        self.tick_seconds += seconds
        self._ticked_at = time.monotonic()

    async def troubles(self) -> dict[str, str]:
        """Return what is wrong, by part (`broker`, `store`, `queue`, `tick`): '' where nothing is."""
        now = time.monotonic()
        carrier = self.carrier
        if not carrier.waiting or carrier.acknowledged != self._taken:
            self._taken, self._taken_at = carrier.acknowledged, now
        found = {"broker": "" if carrier.connected else "the broker is not connected"}
        if self._store is None:
            return found
        found["store"] = await self._trouble_of(self._store)
        stuck_s = now - self._taken_at
        found["queue"] = (
            f"{carrier.waiting} messages have waited for the store for {stuck_s:.0f} s" if stuck_s > LONGEST_S else ""
        )
        if self._ticked_at is not None:
            late_s = now - self._ticked_at
            found["tick"] = f"the ledger has not grown for {late_s:.0f} s" if late_s > LATE_S else ""
        return found

    def _begin_to_fail(self) -> None:
        if self.failure is None:
            self._failing_since = time.monotonic()

    async def _trouble_of(self, store: Store) -> str:
        if self.failure is not None:
            since_s = time.monotonic() - self._failing_since
            return f"the store: {self.failure} (it has taken nothing for {since_s:.0f} s, and is tried again and again)"
        try:
            async with asyncio.timeout(LONGEST_S):
                await store.check()
        except TimeoutError:
            return f"the store has not answered for {LONGEST_S:g} s"
        except StoreError as error:
            return f"the store: {error}"
        return ""


async def health(services: Sequence[Vitals]) -> dict[str, object]:
    """Return the answer of `/healthz`: `pass` or `fail`, a line for each problem and warning, each service's parts."""
    parts = {one.service: await one.troubles() for one in services}
    wrong = [f"{name}: {trouble}" for name, troubles in parts.items() for trouble in troubles.values() if trouble]
    return {
        "status": "fail" if wrong else "pass",
        "problems": wrong,
        "warnings": [
            f"{one.service}: the ledger of {machine} stands still ({failure}); report it"
            for one in services
            for machine, failure in itertools.islice(one.set_aside.items(), MOST_SHOWN)
        ],
        "services": {
            name: {part: trouble or "ok" for part, trouble in troubles.items()} for name, troubles in parts.items()
        },
    }


class _Watched:
    """A store that reports to `Vitals` whether it took and gave what was asked of it."""

    def __init__(self, store: Store, vitals: Vitals) -> None:
        self._inner, self._vitals = store, vitals

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._reading(found) if inspect.iscoroutinefunction(found) else found

    def _reading(self, read: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def reading(*args: Any, **named: Any) -> Any:
            try:
                answer = await read(*args, **named)
            except StoreError as error:
                self._vitals.unread(error)
                raise
            self._vitals.read()
            return answer

        return reading

    async def write(self, batch: Batch) -> None:
        began = time.perf_counter()
        try:
            await self._inner.write(batch)
        except StoreError as error:
            self._vitals.failed(error, time.perf_counter() - began)
            raise
        self._vitals.written(batch, time.perf_counter() - began)
