"""A gateway: translates the messages of a source, publishes the events, and only then acknowledges the messages.

    await Gateway(source, dialect, target, answering=source_session).run()

Source and target may be two brokers or the same. What the dialect rejects is counted and logged, and the rest of the
batch is published. If the target is away, `run` waits, and the source holds what is not acknowledged; after a crash the
batch is delivered and published again: the same events, which are stored once.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from broker.contract.errors import ContractError
from broker.contract.message import Message
from broker.source import Publisher, Source
from edge.dialects import guard
from edge.dialects.dialect import Dialect, Translation
from edge.gateways.native import publication

_log: Final = structlog.get_logger("corridor.gateway")
_NS_PER_S: Final = 1_000_000_000


class Gateway:
    """Runs one dialect.

    Args:
        source: of foreign messages.
        dialect: translates them.
        target: takes the events, as messages of the contract.
        answering: takes the dialect's requests to the source.
        now: returns the time, nanoseconds since 1970-01-01 UTC.

    Attributes:
        events: published and acknowledged by the target.
        rejected: messages, or parts of one, that could not be translated.
    """

    def __init__(
        self,
        source: Source,
        dialect: Dialect,
        target: Publisher,
        *,
        answering: Publisher,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.events = 0
        self.rejected = 0
        self._source = source
        self._dialect = dialect
        self._target = target
        self._answering = answering
        self._now = now
        self._translated = asyncio.Event()

    async def run(self) -> None:
        """Translate until the source ends.

        Raises:
            SessionError: the target rejects what is published; the batch is not acknowledged.
        """
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(self._tick())
            await self._answering.publish(*self._dialect.connected(self._now()).requests)
            async for batch in self._source.batches():
                translations = [self._translate(message) for message in batch.messages]
                publications = [publication(event) for each in translations for event in each.events]
                self._translated.set()
                await self._target.publish(*publications)
                self.events += len(publications)
                batch.acknowledge()
                await self._answering.publish(*(request for each in translations for request in each.requests))
            ticking.cancel()
        await self._answering.publish(*self._dialect.leaving(self._now()).requests)

    def _translate(self, message: Message) -> Translation:
        translation = guard.translate(self._dialect, message)
        self._log_rejections(message.topic, translation.rejections)
        return translation

    async def _tick(self) -> None:
        """Let the dialect know when what it waits for is due."""
        while True:
            due = self._dialect.due
            if due is not None and due <= self._now():
                await self._pass_on(guard.tick(self._dialect, self._now()))
                continue
            self._translated.clear()
            pause_s = None if due is None else (due - self._now()) / _NS_PER_S
            with suppress(TimeoutError):
                await asyncio.wait_for(self._translated.wait(), pause_s)

    async def _pass_on(self, translation: Translation) -> None:
        publications = [publication(event) for event in translation.events]
        self._log_rejections("", translation.rejections)
        await self._answering.publish(*translation.requests)
        await self._target.publish(*publications)
        self.events += len(publications)

    def _log_rejections(self, topic: str, rejections: Sequence[ContractError]) -> None:
        """Count what was rejected; log the first, the tenth, the hundredth and so on."""
        for rejection in rejections:
            self.rejected += 1
            if self.rejected == 10 ** (len(str(self.rejected)) - 1):
                _log.warning("rejected", topic=topic, reason=str(rejection), rejected=self.rejected)
