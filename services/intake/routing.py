"""Routing: which service stores which kind of message: `kpi` the few and stateful ones, `ingest` all others.

Each message belongs to exactly one service, so none is stored, counted or rejected twice. What is not of the contract
at all belongs to `ingest`, which rejects it with the reason.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import msgspec
import structlog

from broker.backoff import Backoff
from broker.contract.kinds import TABLE
from broker.contract.message import Publication
from broker.contract.payloads import RejectedPayload
from broker.contract.topics import PREFIX, REJECTED, Kind
from broker.source import Publisher
from services.store.interface import Rejected, StoreError
from services.store.rejections import Rejections

KPI_KINDS: Final[tuple[Kind, ...]] = tuple(kind for kind, entry in TABLE.items() if entry.stored_by == "kpi")
_ENDS: Final = {"named": ("/+",), "maybe named": ("", "/+"), "not named": ("",)}
"""How topic filters end, by the form of the kind's topic."""

FIRST_PAUSE_S: Final = 0.2

Made = TypeVar("Made")

_log = structlog.get_logger("corridor.routing")


def kpi_filters(prefix: str = PREFIX) -> list[str]:
    """Return the topic filters of what the KPI service stores."""
    return [f"{prefix}/+/+/+/+/{kind}{end}" for kind in KPI_KINDS for end in _ENDS[TABLE[kind].topic]]


def is_for_kpi(topic: str, prefix: str = PREFIX) -> bool:
    """Return whether a topic matches one of `kpi_filters`."""
    levels = topic[len(prefix) + 1 :].split("/")
    return len(levels) >= 5 and levels[4] in KPI_KINDS and "/+" * (len(levels) - 5) in _ENDS[TABLE[levels[4]].topic]


async def write_with_retry(write: Callable[[], Awaitable[Made]]) -> Made:
    """Write or read, and retry until it succeeds: nothing may be lost while the store is away or full."""
    backoff = Backoff(FIRST_PAUSE_S)
    while True:
        try:
            return await write()
        except StoreError as error:
            pause_s = backoff.next_s()
            _log.warning("the store cannot be used, retrying", error=str(error), next_try_s=round(pause_s, 1))
            await asyncio.sleep(pause_s)


class DeadLetters:
    """Publishes rejected messages with their reasons on the dead-letter topic, and logs them: a few of each kind.

    Of the others it publishes the count, at the first, the tenth, the hundredth …
    """

    def __init__(self, publisher: Publisher, prefix: str = PREFIX) -> None:
        self._publisher = publisher
        self._prefix = prefix
        self._rejections = Rejections(sparse=True)

    async def publish(self, rejected: Sequence[Rejected]) -> None:
        """Publish and log these messages, or their count."""
        if not rejected:
            return
        with self._rejections.draft() as draft:
            letters = draft.rows(rejected)
        if letters:
            first = letters[0]
            _log.info("rejected", messages=len(rejected), first=first.reason, topic=first.topic)
            topic = f"{self._prefix}/{REJECTED}"
            await self._publisher.publish(*(Publication(topic, _dead_letter(letter), qos=0) for letter in letters))


def _dead_letter(message: Rejected) -> bytes:
    return msgspec.json.encode(
        RejectedPayload(
            at=message.at // 1_000_000,
            topic=message.topic,
            reason=message.reason,
            base64=b"" if message.is_count else message.payload,
            bytes=message.size,
            count=message.count,
        )
    )
