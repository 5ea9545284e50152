"""The session's publications that the broker does not have yet.

Publications wait here in order. As many are on the wire at a time as the broker accepts (its receive maximum); those at
QoS 1 stay until it acknowledges them, and are sent again, marked as duplicates, after a connection was lost.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from broker.contract.message import Publication
from broker.mqtt.address import SessionError
from broker.mqtt.connection import Connection
from broker.mqtt.packets import Acknowledgement, Codec, ConnAck, check_topic

WINDOW: Final = 2_000
"""How many QoS 1 publications are on the wire at most, even if the broker accepts more."""

_REDELIVERY_ATTEMPTS: Final = 5
_WRITE: Final = 64 * 1024


class _Call:
    """One call of `publish`: how many of its publications the broker does not have yet, and the first problem."""

    __slots__ = ("done", "left", "problem")

    def __init__(self, left: int) -> None:
        self.left = left
        self.problem = ""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not left:
            self.done.set_result(None)

    def resolve(self, problem: str = "") -> None:
        self.left -= 1
        self.problem = self.problem or problem
        if self.left == 0 and not self.done.done():
            if self.problem:
                self.done.set_exception(SessionError(self.problem))
            else:
                self.done.set_result(None)


class _Outgoing:
    """One publication that is not acknowledged.

    Attributes:
        packet_id: 0 until it was first sent.
        on_wire: it was sent on the present connection.
        redelivery_attempts: how often a connection was lost while it was the oldest one not acknowledged.
    """

    __slots__ = ("call", "on_wire", "packet_id", "publication", "redelivery_attempts")

    def __init__(self, publication: Publication, call: _Call) -> None:
        self.publication = publication
        self.call = call
        self.packet_id = 0
        self.on_wire = False
        self.redelivery_attempts = 0


class Outbox:
    """The queue of publications.

    Attributes:
        published: how many the broker has, since the session began.
        rejected: how many failed.
    """

    def __init__(self) -> None:
        self.published = 0
        self.rejected = 0
        self._pending: deque[_Outgoing] = deque()
        self._known: dict[int, _Outgoing] = {}  # those with a packet id, oldest first
        self._on_wire = 0
        self._last_id = 0
        self._first: asyncio.Future[None] | None = None
        self._connection: Connection | None = None
        self._codec: Codec | None = None
        self._window = 0
        self._longest = 0

    @property
    def unanswered(self) -> int:
        """How many publications are on the wire and not acknowledged."""
        return self._on_wire

    def put(self, publications: Sequence[Publication]) -> asyncio.Future[None]:
        """Send publications; return a future that is done when the broker has all (those at QoS 0: when written).

        The future fails with `SessionError` when the broker rejects one, or when the session ends first.

        Raises:
            ValueError: a topic or QoS that cannot be published; then none is sent.
        """
        for publication in publications:
            check_topic(publication.topic)
            if publication.qos not in {0, 1}:
                raise ValueError(f"QoS {publication.qos} cannot be published; use 0 or 1")
        call = _Call(len(publications))
        self._pending.extend(_Outgoing(publication, call) for publication in publications)
        self.pump()
        return call.done

    def put_first(self, publications: Sequence[Publication]) -> asyncio.Future[None]:
        """Put publications before all that waits, on a connection that is about to be attached.

        What waits at QoS 0 counts as sent, perhaps lost; what was put first on an earlier connection is of that alone.
        It returns and raises what `put` does.
        """
        if self._first is not None:
            self._first.cancel()
        waiting, self._pending = self._pending, deque()
        done = self._first = self.put(publications)
        for outgoing in waiting:
            if outgoing.publication.qos:
                self._pending.append(outgoing)
            else:
                outgoing.call.resolve()
        return done

    async def drained(self) -> None:
        """Wait until no publication waits."""
        under_way = {each.call.done for each in (*self._pending, *self._known.values())}
        if under_way:
            await asyncio.wait(under_way)

    def attach(self, connection: Connection, codec: Codec, connack: ConnAck) -> None:
        """Send on a new connection, first what the last one left unacknowledged."""
        self._connection, self._codec = connection, codec
        self._window = min(WINDOW, connack.receive_maximum)
        self._longest = connack.longest_packet
        self.pump()

    def detach(self) -> None:
        """Queue what the lost connection left unacknowledged, for the next.

        Brokers process messages in order, so one that is repeatedly the oldest unacknowledged when the connection
        breaks is the cause (a topic that the broker does not support, say). It fails after some attempts.
        """
        self._connection = None
        again = [outgoing for outgoing in self._known.values() if outgoing.on_wire]
        for outgoing in again:
            outgoing.on_wire = False
        self._on_wire = 0
        self._pending.extendleft(reversed(again))
        if again:
            again[0].redelivery_attempts += 1
            if again[0].redelivery_attempts >= _REDELIVERY_ATTEMPTS:
                self._fail(
                    self._pending.popleft(),
                    f"the broker closed the connection {_REDELIVERY_ATTEMPTS} times on it; look into the broker's log",
                )

    def acknowledged(self, answer: Acknowledgement) -> None:
        """Resolve a publication by the broker's PUBACK."""
        outgoing = self._known.get(answer.packet_id)
        if outgoing is None or not outgoing.on_wire:
            return
        del self._known[answer.packet_id]
        self._on_wire -= 1
        if answer.problem:
            self._fail(outgoing, f"the broker rejected it: {answer.problem}")
        else:
            self.published += 1
            outgoing.call.resolve()

    def pump(self) -> None:
        """Send what waits, as far as the broker and the socket accept it."""
        connection, codec, pending = self._connection, self._codec, self._pending
        if connection is None or codec is None:
            return
        chunk, size = [], 0
        while pending and connection.writable:
            outgoing = pending[0]
            quality = outgoing.publication.qos
            if quality and self._on_wire >= self._window:
                break
            pending.popleft()
            if outgoing.call.done.done():  # cancelled, or the session was left
                self._known.pop(outgoing.packet_id, None)
                continue
            duplicate = outgoing.packet_id != 0
            if quality and not duplicate:
                outgoing.packet_id = self.new_packet_id()
            data = codec.publish(outgoing.publication, outgoing.packet_id, duplicate=duplicate)
            if len(data) > self._longest:
                self._known.pop(outgoing.packet_id, None)
                self._fail(outgoing, f"it makes a packet of {len(data)} bytes, the broker takes {self._longest}")
                continue
            if quality:
                self._known[outgoing.packet_id] = outgoing
                outgoing.on_wire = True
                self._on_wire += 1
            else:
                self.published += 1
                outgoing.call.resolve()
            chunk.append(data)
            size += len(data)
            if size >= _WRITE:
                connection.write(b"".join(chunk))
                chunk, size = [], 0
        if chunk:
            connection.write(b"".join(chunk))

    def new_packet_id(self) -> int:
        """Return a packet id that is not in use."""
        while True:
            self._last_id = self._last_id % 65_535 + 1
            if self._last_id not in self._known:
                return self._last_id

    def fail_all(self, problem: str) -> None:
        """Fail all publications that the broker does not have yet."""
        for outgoing in [*self._pending, *(each for each in self._known.values() if each.on_wire)]:
            outgoing.call.resolve(problem)
        self._pending.clear()
        self._known.clear()
        self._on_wire = 0

    def _fail(self, outgoing: _Outgoing, problem: str) -> None:
        self._known.pop(outgoing.packet_id, None)
        self.rejected += 1
        outgoing.call.resolve(f"message to {outgoing.publication.topic!r} was not published: {problem}")
