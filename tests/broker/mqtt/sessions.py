"""What the tests of sessions send, receive and wait for."""

from collections.abc import Awaitable, Callable
from typing import Any

from broker.contract.message import Message
from broker.mqtt.session import Publication, Session

Until = Callable[[Callable[[], object]], Awaitable[None]]
Pretend = Callable[..., Awaitable[str]]
MakeRelay = Callable[..., Awaitable[Any]]


def numbered(topic: str, count: int, qos: int = 1, start: int = 0) -> list[Publication]:
    return [Publication(topic, str(number).encode(), qos=qos) for number in range(start, start + count)]


async def receive(session: Session, count: int, *, acknowledge: bool = True) -> list[Message]:
    """Receive until `count` messages have come."""
    messages: list[Message] = []
    async for batch in session.batches():
        messages += batch.messages
        if acknowledge:
            batch.acknowledge()
        if len(messages) >= count:
            break
    return messages


def payloads(messages: list[Message]) -> list[bytes]:
    return [message.payload for message in messages]
