"""A session with an MQTT broker: batches in, publications out, for as long as the program runs.

    async with Session("mqtt://localhost", client_id="ingest", filters=["corridor/v1/#"], persistent=True) as session:
        async for batch in session.batches():
            await store(batch.messages)
            batch.acknowledge()

It speaks MQTT 5, or 3.1.1 to a broker without it. Entering it connects, or raises an error that says why it cannot;
from then on it reconnects by itself. It ends only when another client takes over its client id, with
`SessionTakenOver`, which leaves the context in an exception group. A message of QoS 1 is acknowledged only when the
consumer acknowledges it, and `publish` returns only when the broker has the message; so what is acknowledged at one end
is never lost at the other. `handshake` sets up a connection, `connection` gathers its reads, `inbox` and `outbox` hold
what is not acknowledged; this file joins them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import structlog
from msgspec import structs

from broker.backoff import LONGEST_S, Backoff
from broker.contract.message import Publication
from broker.mqtt import address
from broker.mqtt.address import SessionError
from broker.mqtt.connection import Connection
from broker.mqtt.dialling import dial
from broker.mqtt.handshake import CONNECT_S, Handshake
from broker.mqtt.inbox import Batch, Inbox
from broker.mqtt.outbox import Outbox
from broker.mqtt.packets import (
    DISCONNECT,
    Acknowledgement,
    Codec,
    ConnAck,
    Connect,
    Disconnect,
    SubAck,
    check_topic,
)
from broker.mqtt.takeover import STEADY_S, Rivals, SessionTakenOver
from broker.mqtt.witness import Witness

__all__ = ["Batch", "Publication", "Session", "SessionError", "SessionTakenOver"]

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = LONGEST_S

LEAVE_S: Final = 0.25
"""How long leaving waits for what is on the wire, seconds."""

_WIDER: Final = 4

_log = structlog.get_logger("corridor.session")


class Session:
    """A session with a broker; the module's docstring shows how it is used.

    Args:
        url: `mqtt://user:password@host:1883` or `mqtts://…`; see `broker.mqtt.address`.
        client_id: identifies this client to the broker; two clients must not share one.
        filters: what to subscribe to, at QoS 1.
        persistent: the broker stores undelivered messages for the `client_id` while this client is away.
        will: what the broker publishes when the connection breaks; a function is called before each connection.
        greeting: called once a connection is subscribed; what it returns is published on it before anything else, and
            what waited at QoS 0 since before is not published any more.
        farewell: called when the session is left; what it returns is published last.
        receive_maximum: how many messages may wait for `acknowledge` before the broker sends no more.
        keep_alive_s: a broker that is silent for one and a half times as long counts as dead, seconds.
        now: returns the time of receipt, nanoseconds since 1970-01-01 UTC.
        gather_s: batches are yielded at least this far apart, seconds, in a flood farther, unless many messages wait:
            for a consumer to which a batch costs much more than a message.

    Attributes:
        received: messages received since the session began.
        acknowledged: messages that the consumer has acknowledged since then.
        disconnects: connections lost since then.
        protocol_errors: connections closed since then because what the broker sent was not MQTT.
        away_since: when a connection was last lost, nanoseconds; None where none was.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        filters: Sequence[str] = (),
        persistent: bool = False,
        will: Publication | Callable[[], Publication | None] | None = None,
        greeting: Callable[[], Sequence[Publication]] | None = None,
        farewell: Callable[[], Sequence[Publication]] | None = None,
        receive_maximum: int = 2_000,
        keep_alive_s: int = 20,
        now: Callable[[], int] = time.time_ns,
        gather_s: float = 0.0,
    ) -> None:
        if isinstance(will, Publication):
            check_topic(will.topic)
        self.received = 0
        self.acknowledged = 0
        self.disconnects = 0
        self.protocol_errors = 0
        self.away_since: int | None = None
        self._now = now
        self._address = address.parse(url)
        self._connect_packet = Connect(
            client_id=client_id,
            user=self._address.user,
            password=self._address.password,
            persistent=persistent,
            keep_alive_s=keep_alive_s,
            receive_maximum=receive_maximum,
            will=will if isinstance(will, Publication) else None,
        )
        self._make_will = None if isinstance(will, Publication) else will
        self._greeting = greeting
        self._farewell = farewell
        # Twice the receive maximum, so that a broker that respects it, acknowledgements included, is always read.
        self._inbox = Inbox(2 * receive_maximum, now, self._acknowledged, gather_s)
        self._outbox = Outbox()
        self._rivals = Rivals()
        self._witness = Witness()
        self._handshake = Handshake(self._address, self._connect_packet, filters)
        self._connection: Connection | None = None
        self._group = asyncio.TaskGroup()
        self._connection_task: asyncio.Task[None] | None = None
        self._log = _log.bind(client=client_id, broker=str(self._address))

    @property
    def protocol(self) -> int:
        """5 or 4 (which is 3.1.1), once connected; 0 before."""
        return self._handshake.protocol

    @property
    def connected(self) -> bool:
        """Whether there is a connection at this moment."""
        return self._connection is not None

    @property
    def waiting(self) -> int:
        """How many received messages are not acknowledged yet."""
        return self._inbox.waiting

    @property
    def published(self) -> int:
        """How many publications the broker has."""
        return self._outbox.published

    @property
    def unanswered(self) -> int:
        """How many publications are on the wire and not acknowledged yet."""
        return self._outbox.unanswered

    def batches(self) -> AsyncIterator[Batch]:
        """Yield received messages, all that are there at a time, until the session is left.

        Lost connections are not visible here, except that messages not acknowledged are delivered again.
        """
        return self._inbox.batches()

    async def publish(self, *publications: Publication) -> None:
        """Publish; return when the broker has all of them (those at QoS 0: when they are written to the socket).

        While there is no connection it waits for one. If it is cancelled, what is already on the wire is still sent.

        Raises:
            SessionError: the broker rejected one of them, or the session was left first.
            ValueError: a topic with a wildcard, say, or QoS 2.
        """
        if self._connection_task is None:
            raise SessionError("the session is not entered; publish inside `async with`")
        published = self._outbox.put(publications)
        if self._connection is not None:
            self._regulate(self._connection)
        await published

    async def __aenter__(self) -> Self:
        """Connect and subscribe.

        Raises:
            SessionError: it cannot; the text says why.
        """
        connection = await self._connect()
        await self._group.__aenter__()
        self._connection_task = self._group.create_task(
            self._stay_connected(connection), name=f"session {self._connect_packet.client_id}"
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect, and fail what could not be published."""
        assert self._connection_task is not None
        connection, writer, self._connection_task = self._connection, self._connection_task, None
        if connection is not None and self._farewell is not None:
            self._outbox.put(self._farewell()).add_done_callback(self._log_failure)
        writer.cancel()
        self._inbox.close()
        try:
            if connection is not None:
                await self._leave(connection)
        finally:
            self._connection = None
            self._outbox.fail_all("the session was left before the broker acknowledged all that was published")
            self._witness.close("the session was left")
            if connection is not None:
                connection.close("the session was left")
            await self._group.__aexit__(None, None, None)

    # ---- Connecting, and staying so ----

    async def _stay_connected(self, connection: Connection) -> None:
        """Reconnect whenever the connection is lost.

        Raises:
            SessionTakenOver: another client has this session's client id.
        """
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        while True:
            since = time.monotonic()
            cause = await connection.lost
            self._connection, self.away_since = None, self._now()
            await self._check_takeover(connection, time.monotonic() - since)
            self._outbox.detach()
            self.disconnects += 1
            self.protocol_errors += connection.protocol_errors
            if time.monotonic() - since >= STEADY_S:
                backoff.reset()
            while True:
                pause_s = backoff.next_s()
                self._log.warning("lost", cause=cause, next_try_s=round(pause_s, 1))
                await asyncio.sleep(pause_s)
                try:
                    if self._rivals.suspected:
                        await self._witness.connect(self._dial, self._handshake.codec, self._connect_packet)
                    connection = await self._connect()
                    break
                except SessionTakenOver:
                    raise
                except SessionError as error:
                    cause = str(error)

    async def _check_takeover(self, connection: Connection, lived_s: float) -> None:
        """Raise `SessionTakenOver` if another client with this client id is why a connection was lost.

        Where the broker does not report it, connections that it closes at once make a rival suspected. Then a witness
        stands beside the next one.
        """
        if connection.taken_over:
            raise self._taken_over("the broker reported it")
        stands = await self._witness.outlives()
        unanswered = self._outbox.unanswered > 0
        self._rivals.ended(lived_s=lived_s, by_broker=connection.by_broker, unanswered=unanswered)
        if self._rivals.suspected and stands:
            raise self._taken_over(f"the broker closed the connection at once, {self._rivals.closed_at_once} times")

    def _taken_over(self, evidence: str) -> SessionTakenOver:
        return SessionTakenOver(str(self._address), self._connect_packet.client_id, evidence)

    async def _connect(self) -> Connection:
        if self._make_will is not None:
            self._handshake.packet = structs.replace(self._connect_packet, will=self._make_will())
        connection, connack = await self._handshake.connect(
            self._dial,
            lambda codec: Connection(lambda made, view: self._feed(made, codec, view), self._outbox.pump),
            self._outbox.new_packet_id,
        )
        self._connection = connection
        connection.keep_alive(connack.keep_alive_s or self._connect_packet.keep_alive_s)
        if self._greeting is not None:
            self._outbox.put_first(self._greeting()).add_done_callback(self._log_failure)
        self._outbox.attach(connection, self._handshake.codec, connack)
        self._regulate(connection)
        self._log.info("connected", protocol=self.protocol, session_present=connack.session_present)
        return connection

    async def _dial(self, make: Callable[[], Connection]) -> Connection:
        try:
            return await dial(self._address, make, within_s=CONNECT_S)
        except SessionError:
            self._rivals.unreachable()
            raise

    def _log_failure(self, published: asyncio.Future[None]) -> None:
        """Log that a greeting or farewell was not published; nobody waits for it."""
        if not published.cancelled() and (error := published.exception()) is not None:
            self._log.warning("not published", cause=str(error))

    async def _leave(self, connection: Connection) -> None:
        """Wait a moment for what is on the wire, then disconnect."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await self._outbox.drained()
        connection.disconnect(DISCONNECT)
        await asyncio.wait([connection.lost], timeout=LEAVE_S)

    # ---- What comes in ----

    def _feed(self, connection: Connection, codec: Codec, view: memoryview) -> tuple[int, bool]:
        """Parse what a connection has read; see `Connection`.

        Raises:
            PacketError: it is not MQTT from some point on; what came before has been queued.
        """
        taken = codec.read_packets(view, self._inbox.stamp(), self._room(connection))
        self.received += len(taken.messages)
        self._inbox.put(taken, connection)
        for answer in taken.answers:
            match answer:
                case Acknowledgement():
                    self._outbox.acknowledged(answer)
                case ConnAck() | SubAck():
                    self._handshake.received(answer)
                case Disconnect():
                    connection.taken_over = answer.taken_over
                    connection.close(f"the broker disconnected: {answer.reason}")
                case _:
                    pass
        if taken.answers:
            self._outbox.pump()
        if taken.error is not None:
            raise taken.error
        self._regulate(connection)
        return taken.length, bool(taken.messages) or self._outbox.unanswered > 0

    def _acknowledged(self, messages: int) -> None:
        self.acknowledged += messages
        if self._connection is not None:
            self._regulate(self._connection)

    def _room(self, connection: Connection) -> int:
        """Return how many messages may be read now.

        While a publication waits for its PUBACK, more are read than the limit allows: the PUBACK may be behind them,
        and their consumer may wait for it. So may CONNACK and SUBACK.
        """
        if connection is not self._connection:
            return max(1, self._inbox.room(_WIDER))
        return self._inbox.room(_WIDER if self._outbox.unanswered else 1)

    def _regulate(self, connection: Connection) -> None:
        if self._room(connection):
            connection.resume_reading()
        else:
            connection.pause_reading()
