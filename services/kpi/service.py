"""The KPI service: stores states, counts and orders with the ledger, and publishes the indicators.

One lock orders what changes the ledger: batches from the broker, the passing of time, and what is due to be
recomputed, in small portions.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from broker.contract.topics import PREFIX
from broker.plant.plant import Plant
from broker.source import Publisher, Source
from services.intake.limits import Limits
from services.intake.routing import DeadLetters, write_with_retry
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.published.windows import READING_S, Windows
from services.store import failures
from services.store.interface import Rejected, Store

TICK_S: Final = 1.0
GATHER_S: Final = 0.1
"""Batches are stored at least this far apart, seconds; a lone message is stored at once. What they change is published
with the tick anyway, and a commit costs as much as ten events."""
WAITED_NS: Final = 3_000_000_000
"""What waited in the broker comes within this time after the start."""
MANY_MACHINES: Final = 1_000
SHARE_OF_MANY: Final = 10
"""Of more machines than that, a tick is for one in so many, in turn: so open minutes are rewritten each ten seconds."""
QUIET_NS: Final = 2_000_000_000
"""After the last late event of a machine its ledger is recomputed: late events come in numbers."""


async def serve_productivity(
    source: Source,
    publisher: Publisher,
    store: Store,
    plant: Plant,
    now: Callable[[], int],
    *,
    prefix: str = PREFIX,
    ticked: Callable[[float, Mapping[str, str]], None] | None = None,
    away_since: Callable[[], int | None] = lambda: None,
) -> None:
    """Store what the source yields, and the ledger, until cancelled.

    Args:
        source: of messages; over MQTT a session that is subscribed to `kpi_filters`.
        publisher: takes indicators and dead letters; over MQTT the same session.
        store: what to write to.
        plant: its equipment and calendars.
        now: returns the time, nanoseconds since 1970-01-01 UTC.
        prefix: of all topics.
        ticked: called after the ledger has grown with time, with the seconds that it took, and the machines that are
            set aside, with how the program fails on them.
        away_since: returns when the source was last lost, nanoseconds, since when messages may have waited; None where
            it never was.
    """
    windows = Windows(store, plant, prefix)
    limits = await write_with_retry(partial(Limits.of, store))
    writer = LedgerWriter(store, plant, now, prefix=prefix, changed=windows.apply, limits=limits, waited_ns=WAITED_NS)
    lock = asyncio.Lock()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            _consume(source, DeadLetters(publisher, prefix), writer, windows, lock, away_since=away_since)
        )
        group.create_task(_pass_time(publisher, writer, windows, lock, ticked))
        group.create_task(_catch_up(writer, windows, lock))


async def _consume(
    source: Source,
    letters: DeadLetters,
    writer: LedgerWriter,
    windows: Windows,
    lock: asyncio.Lock,
    *,
    away_since: Callable[[], int | None],
) -> None:
    lost_at: int | None = None
    async for batch in source.batches():
        if lost_at != (lost_at := away_since()) and lost_at is not None:
            writer.was_away(lost_at)
        rejected: list[Rejected] = []

        async def write() -> None:
            async with lock, _reload_after_failure(windows):
                rejected[:] = await writer.persist(batch.messages)  # noqa: B023  (awaited within the loop)

        await write_with_retry(write)
        batch.acknowledge()
        await letters.publish(rejected)


async def _pass_time(
    publisher: Publisher,
    writer: LedgerWriter,
    windows: Windows,
    lock: asyncio.Lock,
    ticked: Callable[[float, Mapping[str, str]], None] | None,
) -> None:
    """Let the ledger grow with time, and publish the indicators that have changed."""
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        reached = 0
        share = SHARE_OF_MANY if len(writer) > MANY_MACHINES else 1

        async def advance() -> None:
            nonlocal reached
            async with lock, _reload_after_failure(windows):
                reached = await writer.advance(share)  # noqa: B023  (awaited within the loop)
                await windows.roll(writer, reached, share)  # noqa: B023

        try:
            await write_with_retry(advance)
            await write_with_retry(partial(windows.read, reached, READING_S / share))
            publications = list(windows.due(reached, share))
        except Exception as error:  # noqa: BLE001  (the next tick begins from the store)
            failures.note("letting the ledger grow with time", error)
            publications = []
        else:
            if ticked is not None:
                ticked(loop.time() - began, dict(writer.failing))
        await publisher.publish(*publications)
        await asyncio.sleep(max(0.0, began + TICK_S - loop.time()))


async def _catch_up(writer: LedgerWriter, windows: Windows, lock: asyncio.Lock) -> None:
    """Recompute what is due, a portion at a time; batches and the passing of time go first."""
    while True:
        did = False

        async def recompute() -> None:
            nonlocal did
            did = False
            async with lock, _reload_after_failure(windows):
                did = await writer.catch_up(quiet_ns=QUIET_NS)

        try:
            await write_with_retry(recompute)
        except Exception as error:  # noqa: BLE001  (the next time it begins from the store)
            failures.note("recomputing what is due", error)
        await asyncio.sleep(0 if did else TICK_S)


@asynccontextmanager
async def _reload_after_failure(windows: Windows) -> AsyncIterator[None]:
    try:
        yield
    except Exception:
        windows.reset()
        raise
