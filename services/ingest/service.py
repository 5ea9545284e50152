"""The ingest service: stores telemetry, events, commands and replies, and rejects what is not of the contract.

It has no state of its own, and writes are idempotent. So any number of replicas may share the work by a shared
subscription of MQTT 5: the broker gives each message to one of them. Messages of a machine may then be stored out of
order, which does not matter here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from broker.contract.codec import decode
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from broker.contract.samples import SampleReader
from broker.contract.topics import PREFIX
from broker.plant.plant import Plant
from broker.source import Publisher, Source
from services.ingest.declared import Declared
from services.ingest.retention import apply_retention_hourly
from services.intake.limits import Limits
from services.intake.routing import DeadLetters, is_for_kpi, write_with_retry
from services.intake.steps import steps, write_step
from services.store.interface import Rejected, Store

GATHER_S: Final = 0.02
"""Writes begin at least this far apart, seconds, in a flood farther, unless many messages wait. A lone message is
written at once."""

RECEIVE_MAXIMUM: Final = 20_000
"""Messages that the broker may send before the first is acknowledged: the larger a batch of a busy plant, the fewer
pages of a file each message takes."""


def filters(group: str = "", prefix: str = PREFIX) -> list[str]:
    """Return the topic filters that the service's session subscribes to, as one of a group if one is named."""
    return [f"$share/{group}/{prefix}/#" if group else f"{prefix}/#"]


async def ingest(
    source: Source,
    publisher: Publisher,
    store: Store,
    *,
    now: Callable[[], int] = time.time_ns,
    prefix: str = PREFIX,
    plant: Callable[[], Awaitable[Plant]] | None = None,
) -> None:
    """Store what the source yields until it ends, and remove from the store what is past its retention.

    A batch is written in steps of bounded size, and acknowledged when the store has all of it.

    Args:
        source: of messages; over MQTT a session that is subscribed to `filters`.
        publisher: takes the dead letters; over MQTT the same session.
        store: what to write to.
        now: returns the time, nanoseconds since 1970-01-01 UTC.
        prefix: of all topics.
        plant: returns the plant of the store, which declares signals as text; left out, none is.
    """
    declared = Declared(plant)
    await declared.read()
    async with asyncio.TaskGroup() as group:
        beside = [group.create_task(apply_retention_hourly(store, now)), group.create_task(declared.follow())]
        await _consume(source, publisher, store, prefix, declared)
        for task in beside:
            task.cancel()


async def _consume(source: Source, publisher: Publisher, store: Store, prefix: str, declared: Declared) -> None:
    limits = await write_with_retry(partial(Limits.of, store))
    reader = SampleReader(prefix)

    def mean(message: Message) -> Sequence[AnyEvent]:
        """Return the events of a message that this service stores."""
        if is_for_kpi(message.topic, prefix):
            return ()
        events = limits.admit(decode(message, prefix=prefix, is_text=declared.is_text))
        reader.learn(message.topic, events)
        return events

    letters = DeadLetters(publisher, prefix)
    async for batch in source.batches():
        for step in steps(batch.messages, mean, reader=reader):
            rejected: list[Rejected] = []

            async def store_step() -> None:
                rejected[:] = await write_step(step, mean, store.write, store)  # noqa: B023  (awaited at once)

            await write_with_retry(store_step)
            await letters.publish(rejected)
        batch.acknowledge()
