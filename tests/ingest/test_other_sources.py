"""The services on a log in memory instead of an MQTT session: what is not acknowledged is read again from the log."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.contract.codec import encode
from broker.contract.events import Sample, StateChange
from broker.contract.instants import parse as instant
from broker.contract.message import Message, Publication
from broker.contract.topics import PREFIX, REJECTED
from broker.plant.plant import NO_PLANT
from services.ingest.service import ingest
from services.kpi.service import serve_productivity
from services.store.interface import Batch, StoreError
from services.store.sqlite.store import SqliteStore

MILL = "sheffield/machining/line-1/mill-1"
BEGAN = instant("2026-11-02T08:00:00Z")
S = 1_000_000_000
FOR_EVER = 2**62


class LogBatch:
    """Some messages of the log; to acknowledge them is to commit."""

    def __init__(self, log: "Log", until: int) -> None:
        self.messages = log.messages[log.committed : until]
        self._log, self._until = log, until

    def acknowledge(self) -> None:
        self._log.committed = self._until
        self._log.commits.append((self._until, self._log.store.written))


class Log:
    """A log with one consumer, which reads on from what it has committed, two messages at a time, and ends."""

    def __init__(self, store: "CountingStore", *messages: Message) -> None:
        self.messages, self.store = messages, store
        self.committed = 0
        self.commits: list[tuple[int, int]] = []

    async def batches(self) -> AsyncIterator[LogBatch]:
        while self.committed < len(self.messages):
            yield LogBatch(self, min(self.committed + 2, len(self.messages)))


class CountingStore(SqliteStore):
    """A store that counts the events that are durable, and from the second batch on is away while `away`."""

    written = 0
    away: StoreError | None = None
    was_away: asyncio.Event

    async def write(self, batch: Batch) -> None:
        if self.written and self.away:
            self.was_away.set()
            raise self.away
        await super().write(batch)
        self.written += batch.event_count + len(batch.rejected)


class Published:
    """What was published, and a word when a topic has come."""

    def __init__(self, awaited: str = "") -> None:
        self.topics: list[str] = []
        self.came = asyncio.Event()
        self._awaited = awaited

    async def publish(self, *publications: Publication) -> None:
        self.topics += [each.topic for each in publications]
        if self._awaited in self.topics:
            self.came.set()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[CountingStore]:
    opened = await CountingStore.open(tmp_path / "corridor.db")
    assert isinstance(opened, CountingStore)
    yield opened
    await opened.close()


def samples(number: int) -> list[Message]:
    return [encode(Sample(asset=MILL, at=BEGAN + n * S, signal="load", value=n)) for n in range(number)]


async def stored(store: CountingStore) -> set[float | str]:
    events = await store.events(["telemetry"], "", 0, FOR_EVER)
    return {event.value for event in events if isinstance(event, Sample)}


async def test_ingest_commits_what_is_stored_and_rejects_what_is_not_of_the_contract(store: CountingStore) -> None:
    log = Log(store, *samples(3), Message(f"{PREFIX}/{MILL}/telemetry/Load", b"1", received_at=BEGAN))
    published = Published()
    await ingest(log, published, store, now=lambda: BEGAN)
    assert log.commits == [(2, 2), (4, 4)]
    assert await stored(store) == {0, 1, 2}
    assert published.topics == [f"{PREFIX}/{REJECTED}"]


async def test_what_was_not_committed_is_read_again_by_the_next_process(store: CountingStore) -> None:
    log = Log(store, *samples(4))
    store.away, store.was_away = StoreError("the store is away"), asyncio.Event()
    first = asyncio.create_task(ingest(log, Published(), store, now=lambda: BEGAN))
    async with asyncio.timeout(20):
        await store.was_away.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert log.commits == [(2, 2)]
    store.away = None
    await ingest(log, Published(), store, now=lambda: BEGAN)
    assert log.commits == [(2, 2), (4, 4)]
    assert await stored(store) == {0, 1, 2, 3}


async def test_kpi_keeps_the_ledger_of_a_log_and_publishes_its_indicators(store: CountingStore) -> None:
    log = Log(
        store,
        encode(StateChange(asset=MILL, at=BEGAN, state="running")),
        encode(StateChange(asset=MILL, at=BEGAN + 300 * S, state="idle")),
    )
    published = Published(f"{PREFIX}/{MILL}/kpi/hour")
    serving = asyncio.create_task(serve_productivity(log, published, store, NO_PLANT, lambda: BEGAN + 600 * S))
    async with asyncio.timeout(20):
        await published.came.wait()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert log.commits == [(2, 2)]
    assert sum(row.sums.get("running_s", 0) for row in await store.rows(MILL, 0, FOR_EVER)) == 300 * S
