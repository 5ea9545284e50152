"""A gateway: translates the messages of a source, publishes the events, and only then acknowledges the messages.

    await Gateway(source, dialect, target, answering=source_session, spool=Spool(folder)).run()

Source and target may be two brokers or the same. What the dialect rejects is counted and logged, and the rest is
published. If the target is away, messages of QoS 1 stay with the source, which has no acknowledgement of them; those of
QoS 0, which no source holds, wait in a spool. After a crash a message is delivered and published again, with the time
of its first receipt: the same events, which are stored once.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

import structlog

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S
from broker.contract.message import Message, Publication
from broker.source import Publisher, SourceBatch
from edge.dialects import guard
from edge.dialects.dialect import Dialect, Translation
from edge.gateways.native import publication
from edge.gateways.receipts import Receipts
from edge.gateways.spool import Spool

_AT_ONCE: Final = 500
"""Publications that are read from the spool and published together."""

_log: Final = structlog.get_logger("corridor.gateway")


class ForeignBatch(SourceBatch, Protocol):
    """Messages that were received together."""

    def release(self) -> None:
        """Let the source read on: those of QoS 0 are done, before the others are acknowledged."""


class ForeignSource(Protocol):
    """Where foreign messages come from; `broker.mqtt.session.Session` is one."""

    @property
    def disconnects(self) -> int:
        """Connections lost since it began: after each, what is not acknowledged is delivered again."""

    def batches(self) -> AsyncIterator[ForeignBatch]:
        """Yield received messages until the source ends."""


class Gateway:
    """Runs one dialect.

    Args:
        source: of foreign messages.
        dialect: translates them.
        target: takes the events, as messages of the contract.
        answering: takes the dialect's requests to the source.
        spool: holds what the source does not; None to make the source wait for it all the same.
        receipts: when the latest messages were received.
        now: returns the time, nanoseconds since 1970-01-01 UTC.
        on_rejected: called with each rejection.

    Attributes:
        events: published and acknowledged by the target.
        rejected: messages, or parts of one, that could not be translated.
    """

    def __init__(
        self,
        source: ForeignSource,
        dialect: Dialect,
        target: Publisher,
        *,
        answering: Publisher,
        spool: Spool | None = None,
        receipts: Receipts | None = None,
        now: Callable[[], int] = time.time_ns,
        on_rejected: Callable[[ContractError], None] | None = None,
    ) -> None:
        self.events = 0
        self.rejected = 0
        self._source = source
        self._dialect = dialect
        self._target = target
        self._answering = answering
        self._spool = spool
        self._receipts = receipts or Receipts()
        self._now = now
        self._on_rejected = on_rejected
        self._translated = asyncio.Event()
        self._spooled = asyncio.Event()
        self._held: deque[tuple[ForeignBatch, list[Publication]]] = deque()
        self._holds = asyncio.Event()
        self._all_out = asyncio.Event()
        self._all_out.set()

    async def run(self) -> None:
        """Translate until the source ends.

        Raises:
            SessionError: the target rejects what is published; it is not acknowledged to the source.
        """
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._tick()), group.create_task(self._send())]
            if self._spool is not None:
                tasks.append(group.create_task(self._drain(self._spool)))
            await self._read()
            await self._all_out.wait()
            for task in tasks:
                task.cancel()

    async def _read(self) -> None:
        """Translate what comes in, and hand it to those who publish it."""
        disconnects = self._source.disconnects
        async for batch in self._source.batches():
            if disconnects != self._source.disconnects:
                disconnects = self._source.disconnects
                self._receipts.reconnected()
            waiting: list[Publication] = []
            passing: list[Publication] = []
            requests: list[Publication] = []
            for message in self._receipts.stamped(batch.messages):
                translation = self._translate(message)
                (waiting if message.qos or self._spool is None else passing).extend(
                    map(publication, translation.events)
                )
                requests += translation.requests
            self._translated.set()
            self._put_in_spool(passing)
            batch.release()
            self._held.append((batch, waiting))
            self._all_out.clear()
            self._holds.set()
            await self._request(requests)

    async def _send(self) -> None:
        """Publish what the source holds, and acknowledge it."""
        while True:
            await self._holds.wait()
            self._holds.clear()
            while self._held:
                batches = list(self._held)
                publications = [one for _, waiting in batches for one in waiting]
                await self._target.publish(*publications)
                self.events += len(publications)
                for batch, _ in batches:
                    batch.acknowledge()
                    self._held.popleft()
            self._all_out.set()

    async def _drain(self, spool: Spool) -> None:
        """Publish what is in the spool, oldest first."""
        while True:
            publications, place = spool.read(_AT_ONCE)
            if publications:
                await self._target.publish(*publications)
                self.events += len(publications)
                spool.release(place)
            else:
                await self._spooled.wait()
                self._spooled.clear()

    async def _tick(self) -> None:
        """Let the dialect know when what it waits for is due."""
        while True:
            due = self._dialect.due
            if due is not None and due <= self._now():
                await self._pass_on(guard.tick(self._dialect, self._now()))
                continue
            self._translated.clear()
            pause_s = None if due is None else (due - self._now()) / NS_PER_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._translated.wait()

    async def _pass_on(self, translation: Translation) -> None:
        """Publish what no message brought about."""
        self._note_rejections("", translation.rejections)
        await self._request(translation.requests)
        publications = [publication(event) for event in translation.events]
        if self._spool is None:
            await self._target.publish(*publications)
            self.events += len(publications)
        else:
            self._put_in_spool(publications)

    async def _request(self, requests: Sequence[Publication]) -> None:
        if requests:
            await self._answering.publish(*requests)

    def _put_in_spool(self, publications: list[Publication]) -> None:
        if not publications or self._spool is None:
            return
        before = self._spool.dropped
        try:
            self._spool.append(publications)
        except OSError as error:
            self._spool.dropped += len(publications)
            _log.error("the spool cannot be written to", error=str(error), lost=self._spool.dropped)
        else:
            if self._spool.dropped != before:
                _log.error("the spool is full, its oldest messages are dropped", lost=self._spool.dropped)
        self._spooled.set()

    def _translate(self, message: Message) -> Translation:
        translation = guard.translate(self._dialect, message)
        self._note_rejections(message.topic, translation.rejections)
        return translation

    def _note_rejections(self, topic: str, rejections: Sequence[ContractError]) -> None:
        """Count what was rejected; log the first, the tenth, the hundredth and so on."""
        for rejection in rejections:
            self.rejected += 1
            if self._on_rejected is not None:
                self._on_rejected(rejection)
            if self.rejected == 10 ** (len(str(self.rejected)) - 1):
                _log.warning("rejected", topic=topic, reason=str(rejection), rejected=self.rejected)
