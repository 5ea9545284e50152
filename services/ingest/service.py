"""The ingest service: keeps telemetry, events, commands and replies, and refuses what is not of the contract.

It has no state of its own, and writing a message again changes nothing. So any number of it may share the work, by a
shared subscription of MQTT 5: the broker gives each message to one of them. Messages of a machine may then be kept out
of order, which matters to nobody here.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from broker.contract.codec import decode
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from broker.contract.topics import PREFIX
from broker.mqtt.session import Session
from services.ingest.forgetting import keep_forgetting
from services.intake.isolation import judge, keep_apart
from services.intake.routing import DeadLetters, is_kept_by_kpi, until_kept
from services.intake.steps import steps
from services.store.failures import is_unforeseen
from services.store.interface import Batch, Refused, Store


def filters(group: str = "", prefix: str = PREFIX) -> list[str]:
    """Return the topic filters that the service's session subscribes to, as one of a group if one is named."""
    return [f"$share/{group}/{prefix}/#" if group else f"{prefix}/#"]


async def ingest(
    session: Session, store: Store, *, now: Callable[[], int] = time.time_ns, prefix: str = PREFIX
) -> None:
    """Keep what the session receives until it is left, and let the store forget what is older than it is kept.

    A batch is written in steps of bounded size, and acknowledged when the store has all of it.
    """
    async with asyncio.TaskGroup() as group:
        forgetting = group.create_task(keep_forgetting(store, now))
        await _consume(session, store, prefix)
        forgetting.cancel()


async def _consume(session: Session, store: Store, prefix: str) -> None:
    def mean(message: Message) -> Sequence[AnyEvent]:
        """Return the events of a message that are this service's to keep."""
        return () if is_kept_by_kpi(message.topic, prefix) else decode(message, prefix=prefix)

    async def keep(messages: Sequence[Message]) -> list[Refused]:
        events, refused = judge(messages, mean)
        await store.write(Batch(events=events, refused=refused))
        return refused

    letters = DeadLetters(session, prefix)
    async for batch in session.batches():
        for step in steps(batch.messages, mean):
            refused = list(step.refused)

            async def keep_step() -> None:
                try:
                    await store.write(Batch(events=step.events, refused=step.refused))  # noqa: B023  (awaited at once)
                except Exception as error:
                    if not is_unforeseen(error):
                        raise
                    refused[:] = await keep_apart(step.messages, keep, store)  # noqa: B023  (the same)

            await until_kept(keep_step)
            await letters.publish(refused)
        batch.acknowledge()
