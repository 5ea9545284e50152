"""A connection with another client id that stands beside a session's own: a failing network or broker closes both."""

import asyncio
import secrets

import msgspec

from broker.mqtt.connection import Connection
from broker.mqtt.handshake import Dial
from broker.mqtt.packets import Codec, Connect
from broker.mqtt.takeover import STEADY_S, WITNESS_S


class Witness:
    """At most one connection at a time; nothing is read from it."""

    def __init__(self) -> None:
        self._connection: Connection | None = None

    async def connect(self, dial: Dial, codec: Codec, packet: Connect) -> None:
        """Connect for as long as a good connection lives, in place of the connection before.

        Args:
            dial: opens a connection.
            codec: of a version that the broker supports.
            packet: how the session itself connects.

        Raises:
            SessionError: no broker answers.
        """
        self.close("another takes its place")
        connection = await dial(lambda: Connection(lambda _, view: (len(view), False), lambda: None))
        name = f"{packet.client_id}-{secrets.token_hex(4)}"
        connection.write(codec.connect(msgspec.structs.replace(packet, client_id=name, persistent=False, will=None)))
        asyncio.get_running_loop().call_later(STEADY_S, connection.close, "it stood long enough")
        self._connection = connection

    async def outlives(self) -> bool:
        """Whether there is one, and it still stands a moment after the session's own connection was lost; close it."""
        if self._connection is None:
            return False
        lost = self._connection.lost
        await asyncio.wait([lost], timeout=WITNESS_S)
        stands = not lost.done()
        self.close("its evidence was given")
        return stands

    def close(self, why: str) -> None:
        """Close the connection if there is one."""
        if self._connection is not None:
            self._connection.close(why)
            self._connection = None
