"""Sets up a connection: opens it, introduces the client with CONNECT, and subscribes.

The version of the protocol that worked last is tried first, MQTT 5 before any has. What goes wrong is a `SessionError`
that says why.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from broker.mqtt import mqtt5, mqtt311
from broker.mqtt.address import Address, SessionError
from broker.mqtt.connection import Connection
from broker.mqtt.packets import Codec, ConnAck, Connect, SubAck
from broker.mqtt.takeover import SessionTakenOver

CONNECT_S: Final = 5.0
"""How long a broker may take to answer before it counts as absent, seconds."""

Dial = Callable[[Callable[[], Connection]], Awaitable[Connection]]
"""Opens a connection to the broker, whose protocol the given function makes."""

_VERSIONS: Final[tuple[Codec, ...]] = (mqtt5, mqtt311)
_Answer = TypeVar("_Answer", ConnAck, SubAck)


class Handshake:
    """Sets up the connections of one session, one at a time.

    Args:
        address: the broker.
        packet: how the client introduces itself.
        filters: what to subscribe to, at QoS 1.

    Attributes:
        codec: that of the version that worked last, else the one to try first.
        packet: how the client introduces itself the next time.
        protocol: its level, 5 or 4 (which is 3.1.1), once it has worked; 0 before.
    """

    def __init__(self, address: Address, packet: Connect, filters: Sequence[str]) -> None:
        self.codec: Codec = mqtt5
        self.protocol = 0
        self._address: Final = address
        self.packet = packet
        self._filters: Final = list(filters)
        self._connack: asyncio.Future[ConnAck] | None = None
        self._suback: asyncio.Future[SubAck] | None = None

    async def connect(
        self, dial: Dial, make: Callable[[Codec], Connection], new_packet_id: Callable[[], int]
    ) -> tuple[Connection, ConnAck]:
        """Return a connection that is introduced and subscribed, and the broker's answer to CONNECT.

        Args:
            dial: opens a connection.
            make: makes a connection's protocol, for packets of a version.
            new_packet_id: returns a packet id that is free.

        Raises:
            SessionError: there is none; `SessionTakenOver` if another client has this client id.
        """
        for codec in sorted(_VERSIONS, key=lambda each: each is not self.codec):
            connection = await dial(partial(make, codec))
            try:
                connack = await self._introduce(connection, codec)
                if connack is None:
                    continue
                self.codec = codec
                await self._subscribe(connection, codec, connack, new_packet_id)
            except BaseException:
                connection.close("it could not be set up")
                raise
            self.protocol = codec.LEVEL
            return connection, connack
        raise SessionError(f"{self._address} answers, but speaks neither MQTT 5 nor 3.1.1; is it an MQTT broker?")

    def received(self, answer: ConnAck | SubAck) -> None:
        """Take the broker's answer to what was sent."""
        waiting: asyncio.Future[Any] | None = self._connack if isinstance(answer, ConnAck) else self._suback
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def _introduce(self, connection: Connection, codec: Codec) -> ConnAck | None:
        """Send CONNECT; return the broker's answer, or None if it does not support this version."""
        self._connack = asyncio.get_running_loop().create_future()
        connection.write(codec.connect(self.packet))
        connack = await self._answer(connection, self._connack)
        if connack is None and self.protocol:
            # It accepted this version before, so that is not the cause.
            raise SessionError(f"{self._address} closed the connection before it answered")
        if connack is None or connack.other_version:
            connection.close("another version")
            return None
        if connack.problem:
            who = f"user {self.packet.user!r}" if self.packet.user is not None else "a client without user and password"
            raise SessionError(f"{self._address} rejects {who}: {connack.problem}")
        return connack

    async def _subscribe(
        self, connection: Connection, codec: Codec, connack: ConnAck, new_packet_id: Callable[[], int]
    ) -> None:
        """Subscribe, unless this is a reconnection and the broker still has the subscriptions."""
        if not self._filters or (connack.session_present and self.protocol):
            return
        shared = next((each for each in self._filters if each.startswith("$share/")), None)
        if shared and not connack.shared_subscriptions:
            raise SessionError(f"{self._address} has no shared subscriptions, so {shared!r} cannot be subscribed to")
        self._suback = asyncio.get_running_loop().create_future()
        connection.write(codec.subscribe(new_packet_id(), self._filters))
        answer = await self._answer(connection, self._suback)
        if answer is None:
            raise SessionError(
                f"{self._address} closed the connection on the subscription to {self._filters};"
                f" look into its log, and whether another client has the client id {self.packet.client_id!r}"
            )
        for each, problem in zip(self._filters, answer.problems, strict=False):
            if problem:
                raise SessionError(f"{self._address} does not let us subscribe to {each!r}: {problem}")

    async def _answer(self, connection: Connection, answer: asyncio.Future[_Answer]) -> _Answer | None:
        """Wait for an answer; None: the connection was lost before it came."""
        either: list[asyncio.Future[Any]] = [answer, connection.lost]
        done, _ = await asyncio.wait(either, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            raise SessionError(f"{self._address} does not answer within {CONNECT_S:.0f} s; is it an MQTT broker?")
        if connection.taken_over:
            raise SessionTakenOver(str(self._address), self.packet.client_id, "the broker reported it")
        return answer.result() if answer.done() else None
