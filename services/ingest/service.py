"""The ingest service: keeps telemetry, events, commands and replies, and refuses what is not of the contract.

It has no state of its own, and writing a message again changes nothing. So any number of it may share the work, by a
shared subscription of MQTT 5: the broker gives each message to one of them. Messages of a machine may then be kept out
of order, which matters to nobody here.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from broker.codec import decode
from broker.events import AnyEvent
from broker.message import Message
from broker.session import Session
from broker.topics import PREFIX
from services.ingest.forgetting import keep_forgetting
from services.keepers import DeadLetters, is_kept_by_kpi, until_kept
from services.steps import steps
from services.store.interface import Batch, Store


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
    def judge(message: Message) -> Sequence[AnyEvent]:
        """Return the events of a message that are this service's to keep."""
        return () if is_kept_by_kpi(message.topic, prefix) else decode(message, prefix=prefix)

    letters = DeadLetters(session, prefix)
    async for batch in session.batches():
        for events, refused in steps(batch.messages, judge):
            await until_kept(lambda: store.write(Batch(events=events, refused=refused)))  # noqa: B023  (awaited at once)
            await letters.publish(refused)
        batch.acknowledge()
