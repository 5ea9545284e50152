"""What the sources that fetch from devices themselves share: a task for each device, and a queue of what was read.

Each device has a task and a connection of its own, so that one that does not answer holds up no other. What was read
comes as messages of QoS 0, for no device holds it: the gateway's spool does while the plant's broker is away.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Final, Self

import msgspec

from broker.contract.message import Message, Publication

_QUEUED: Final = 1_000


class PolledBatch:
    """What was read of one device at once; nobody holds it beside us, unless `done` says that it need not."""

    def __init__(self, message: Message, source: "PolledSource", done: Callable[[], None] | None = None) -> None:
        self.messages = [message]
        self._source = source
        self._done = done

    def release(self) -> None:
        """Nothing reads on behind it."""

    def acknowledge(self) -> None:
        """Count it; nothing of it is lost from now on."""
        self._source.acknowledged += 1
        if self._done is not None:
            self._done()


class PolledSource:
    """Reads devices; use it as a context. A subclass attends to one device in `_attend`.

    Args:
        topic: begins the topics of the messages, before a device's name.
        devices: their names.
        now: returns the time, nanoseconds since 1970-01-01 UTC.

    Attributes:
        received: how often a device was read.
        acknowledged: what of it the gateway has done.
        disconnects: connections that were lost.
        published: always 0: devices are not written to.
    """

    def __init__(self, topic: str, devices: Iterable[str], now: Callable[[], int] = time.time_ns) -> None:
        self.received = 0
        self.acknowledged = 0
        self.disconnects = 0
        self.published = 0
        self._topic = topic
        self._names = tuple(devices)
        self._now = now
        self._online: set[str] = set()
        self._queue: asyncio.Queue[tuple[Message, Callable[[], None] | None]] = asyncio.Queue(_QUEUED)
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def connected(self) -> bool:
        """Whether all devices answer."""
        return len(self._online) == len(self._names)

    @property
    def waiting(self) -> int:
        """What was read and is not translated yet."""
        return self._queue.qsize()

    async def __aenter__(self) -> Self:
        """Begin to read."""
        await self._group.__aenter__()
        self._tasks = [self._group.create_task(self._attend(name), name=f"{self._topic}{name}") for name in self._names]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    async def batches(self) -> AsyncIterator[PolledBatch]:
        """Yield what was read."""
        while True:
            message, done = await self._queue.get()
            yield PolledBatch(message, self, done)

    async def publish(self, *publications: Publication) -> None:
        """Do nothing: the dialects ask such devices for nothing."""

    async def _attend(self, name: str) -> None:
        """Read a device until cancelled; connect again, and again, if it does not answer."""
        raise NotImplementedError

    def _lost(self, name: str) -> None:
        """Note that a device does not answer any more."""
        if name in self._online:
            self._online.discard(name)
            self.disconnects += 1

    async def _put(self, name: str, payload: bytes, subtopic: str = "", done: Callable[[], None] | None = None) -> None:
        self.received += 1
        message = Message(f"{self._topic}{name}{subtopic}", payload, qos=0, received_at=self._now())
        await self._queue.put((message, done))

    async def _put_json(self, name: str, document: object) -> None:
        await self._put(name, msgspec.json.encode(document))
