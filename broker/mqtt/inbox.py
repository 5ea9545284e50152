"""The session's received messages that are not acknowledged yet.

Messages wait here in batches until the consumer takes them, and are counted until it acknowledges them. That count and
their bytes limit how much more may be read (`room`): nothing is dropped, reading stops instead.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final

from broker.contract.message import Message
from broker.mqtt.connection import Connection
from broker.mqtt.packets import Parsed, acknowledge

MOST_BYTES: Final = 8 * 1024 * 1024
"""Bytes that may wait for their acknowledgement before reading stops."""

BATCH_BYTES: Final = 2 * 1024 * 1024
"""A batch of this size is closed: a consumer that is interrupted has that much to do again, no more."""

MANY: Final = 7_500
"""So many messages within `_MANY_WITHIN_S` are a flood: batches are `_LONGER` times as far apart, for each costs as
well."""

_MANY_WITHIN_S: Final = 0.25
_LONGER: Final = 10

_STEP_BACK_NS: Final = 1_000_000_000


class Batch:
    """Messages that were received together.

    Attributes:
        messages: in the order of their arrival.
    """

    __slots__ = ("_connection", "_inbox", "_packet_ids", "_released", "_size", "messages")

    messages: list[Message]

    def __init__(self, inbox: "Inbox", connection: Connection) -> None:
        self.messages = []
        self._packet_ids: list[int] = []
        self._size = 0
        self._released = 0
        self._connection = connection
        self._inbox = inbox

    def acknowledge(self) -> None:
        """Acknowledge these messages to the broker; a second call does nothing.

        If the connection on which they came is lost, no PUBACK is sent, and the broker delivers them again.
        """
        inbox, self._inbox = self._inbox, None  # type: ignore[assignment]  # taken once
        if inbox is None:
            return  # type: ignore[unreachable]  # a second call
        if self._packet_ids:
            self._connection.write(acknowledge(self._packet_ids))
        inbox.acknowledged(len(self.messages) - self._released, self._size)

    def release(self) -> None:
        """Stop counting messages of QoS 0: they are done, and nobody waits for an acknowledgement of them.

        So they leave room to read more while the others wait for `acknowledge`.
        """
        if self._inbox is None:
            return  # type: ignore[unreachable]  # it is acknowledged
        answered = len(self._packet_ids)
        done = len(self.messages) - answered - self._released
        if done > 0:
            size = self._size * done // (len(self.messages) - self._released)
            self._released += done
            self._size -= size
            self._inbox.acknowledged(done, size)

    def takes(self, connection: Connection, most: int) -> bool:
        """Return whether messages of a connection may be added to it."""
        return self._connection is connection and len(self.messages) < most and self._size < BATCH_BYTES

    def __len__(self) -> int:
        return len(self.messages)


class Inbox:
    """The queue of received messages.

    Args:
        most: how many messages may wait for their acknowledgement before reading stops.
        now: returns the time, nanoseconds since 1970-01-01 UTC.
        on_acknowledged: called after a batch was acknowledged, with its number of messages.
        gather_s: batches are yielded at least this far apart, seconds, ten times as far in a flood, unless a quarter
            of `most` wait.

    Attributes:
        waiting: messages received and not yet acknowledged.
    """

    def __init__(
        self, most: int, now: Callable[[], int], on_acknowledged: Callable[[int], None], gather_s: float = 0.0
    ) -> None:
        self.waiting = 0
        self._most = most
        self._now = now
        self._on_acknowledged = on_acknowledged
        self._bytes = 0
        self._last_at = 0
        self._ready: deque[Batch] = deque()
        self._gather_s = gather_s
        self._counted = 0
        self._counted_since = 0.0
        self._is_flood = False
        self._arrived = asyncio.Event()
        self._enough = asyncio.Event()
        self._closed = False

    def room(self, factor: int = 1) -> int:
        """Return how many messages may be read now, with the limits `factor` times as high."""
        return max(0, factor * self._most - self.waiting) if self._bytes < factor * MOST_BYTES else 0

    def stamp(self) -> int:
        """Return the time for the next message: now, but later than every message before.

        A clock that was set back by more than a second is followed.
        """
        now = self._now()
        return self._last_at + 1 if 0 <= self._last_at - now < _STEP_BACK_NS else now

    def put(self, parsed: Parsed, connection: Connection) -> None:
        """Queue what was read."""
        if not parsed.messages:
            return
        if not self._ready or not self._ready[-1].takes(connection, self._most):
            self._ready.append(Batch(self, connection))
        batch = self._ready[-1]
        batch.messages += parsed.messages
        batch._packet_ids += parsed.packet_ids  # noqa: SLF001  (a batch is this file's own)
        batch._size += parsed.length  # noqa: SLF001
        self.waiting += len(parsed.messages)
        self._bytes += parsed.length
        self._last_at = parsed.messages[-1].received_at
        self._measure(len(parsed.messages))
        self._arrived.set()
        if self._has_enough():
            self._enough.set()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what has been received, all that is there at a time, until the session is left.

        A message that comes after a pause is yielded at once, those that follow it together.
        """
        loop = asyncio.get_running_loop()
        due = 0.0
        while not self._closed:
            if not self._ready:
                self._arrived.clear()
                await self._arrived.wait()
            elif loop.time() < due and not self._has_enough():
                self._enough.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await self._enough.wait()
            else:
                due = loop.time() + self._gather_s * (_LONGER if self._is_flood else 1)
                yield self._ready.popleft()

    def _measure(self, messages: int) -> None:
        """Count messages, and find out whether they are a flood: as soon as there are many, or after a while."""
        self._counted += messages
        now = asyncio.get_running_loop().time()
        whiles = (now - self._counted_since) / _MANY_WITHIN_S
        if self._counted >= MANY or whiles >= 1:
            self._is_flood = self._counted >= MANY * max(1, whiles)
            self._counted, self._counted_since = 0, now

    def _has_enough(self) -> bool:
        """Return whether a batch is worth its own write, or reading could stop before the next one is due."""
        return 4 * self.waiting >= self._most or self._bytes >= BATCH_BYTES

    def acknowledged(self, messages: int, size: int) -> None:
        """Count messages as acknowledged."""
        self.waiting -= messages
        self._bytes -= size
        self._on_acknowledged(messages)

    def close(self) -> None:
        """Let `batches` end."""
        self._closed = True
        self._arrived.set()
        self._enough.set()
