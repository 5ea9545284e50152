"""One TCP connection to a broker: bytes in, bytes out, and whether the other side is alive.

Reads are gathered: after a few wake-ups in a row the socket is not read for a moment, so that under load each wake-up
handles hundreds of messages and their acknowledgements go out in one write, while a lone message is read at once. That
makes it fast: the wake-ups cost more than the messages. `feed` parses the bytes.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from broker.mqtt.packets import LONGEST_PACKET, PING, PacketError, packet_length

GATHER_S: Final = 0.01
"""The socket is not read for at most this long, seconds; so much may gathering add to a message's latency."""

_FREE_WAKES: Final = 2
"""How many reads in each such interval are not delayed."""

_BUFFER: Final = 256 * 1024


class Connection(asyncio.BufferedProtocol):
    """One connection, from its first byte to its loss.

    Args:
        feed: parses what was received; returns how many bytes it used, and whether more is expected.
        refill: called when the socket accepts more again.

    Attributes:
        lost: done when the connection is lost; its result is the cause, in words.
        protocol_errors: it was closed because what came was not MQTT.
        by_broker: the other side closed it without a reason.
        taken_over: the broker closed it because another client connected with the same client id.
        writable: the socket accepts more; when it does not, write only what cannot wait.
    """

    def __init__(
        self, feed: Callable[["Connection", memoryview], tuple[int, bool]], refill: Callable[[], None]
    ) -> None:
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.protocol_errors = False
        self.by_broker = False
        self.taken_over = False
        self.writable = True
        self._feed = feed
        self._refill = refill
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._cause = ""
        self._buffer = bytearray(_BUFFER)
        self._filled = 0
        self._paused = False
        self._disconnecting = False
        self._gather_timer: asyncio.TimerHandle | None = None
        self._gather_until = 0.0
        self._wakes = 0
        self._keep_alive_s = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._received_at = self._wrote_at = self._loop.time()

    # ---- What the session calls ----

    @property
    def open(self) -> bool:
        """Whether bytes can still go out."""
        return self._transport is not None and not self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send bytes; a lost connection discards them."""
        if self._transport is not None and not self._transport.is_closing():
            self._wrote_at = self._loop.time()
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Stop reading: the consumer is behind."""
        if not self._paused:
            self._paused = True
            self._regulate()

    def resume_reading(self) -> None:
        """Read on."""
        if self._paused:
            self._paused = False
            self._received_at = self._loop.time()
            if self._filled:
                self._consume()
            self._regulate()

    def keep_alive(self, seconds: float) -> None:
        """Ping when nothing else was sent or received, and close the connection when nothing answers. 0: never."""
        self._keep_alive_s = seconds
        if seconds and not self.lost.done():
            self._watch = self._loop.call_later(seconds / 4, self._look)

    def disconnect(self, data: bytes) -> None:
        """Send the last bytes; the broker closes the connection when it has read them.

        What still comes is read and discarded: if a socket is closed with unread bytes in it, the system discards what
        the other side has not read yet, our last acknowledgements among it.
        """
        self._disconnecting = True
        self._filled = 0
        self._paused = False
        self.write(data)
        self._regulate()

    def close(self, cause: str) -> None:
        """End the connection at once."""
        self._cause = self._cause or cause
        if self._transport is not None:
            self._transport.abort()

    # ---- What asyncio calls ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  (the signature is asyncio's)
        """Return where the next bytes go."""
        return memoryview(self._buffer)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what was read, then perhaps stop reading for a moment."""
        now = self._received_at = self._loop.time()
        if self._disconnecting:
            return
        self._filled += nbytes
        busy = self._consume()
        if now >= self._gather_until:
            self._gather_until, self._wakes = now + GATHER_S, 0
        self._wakes += busy
        if self._wakes >= _FREE_WAKES and self._gather_timer is None and self.open:
            self._gather_timer = self._loop.call_at(self._gather_until, self._gathered)
            self._regulate()

    def pause_writing(self) -> None:
        """Mark the socket full."""
        self.writable = False

    def resume_writing(self) -> None:
        """Mark the socket writable, and ask for more."""
        self.writable = True
        self._refill()

    def eof_received(self) -> bool:
        """Close our side too."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Resolve `lost` with the cause."""
        for timer in (self._gather_timer, self._watch):
            if timer is not None:
                timer.cancel()
        if not self.lost.done():
            self.by_broker = not self._cause and (exc is None or isinstance(exc, ConnectionError))
            self.lost.set_result(self._cause or (str(exc) if exc else "the broker closed the connection"))

    # ---- Within ----

    def _consume(self) -> bool:
        """Parse what is in the buffer, and leave there what was not used; return whether more is expected."""
        view = memoryview(self._buffer)[: self._filled]
        try:
            used, busy = self._feed(self, view)
            left = self._filled - used
            needed = _room_needed(view) if used == 0 and left == len(self._buffer) else 0
        except PacketError as error:
            self.protocol_errors = True
            self._filled = 0
            self.close(f"what the broker sent cannot be read: {error}")
            return False
        if needed > len(self._buffer):
            self._buffer = bytearray(view).ljust(needed, b"\0")
        elif left < _BUFFER < len(self._buffer):
            self._buffer = bytearray(view[used:]).ljust(_BUFFER, b"\0")
        elif used and left:
            self._buffer[:left] = view[used:]
        self._filled = left
        return busy

    def _gathered(self) -> None:
        self._gather_timer = None
        self._regulate()

    def _regulate(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if (self._paused or self._gather_timer is not None) and not self._disconnecting:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _look(self) -> None:
        """Ping a silent broker; close the connection when it has been silent for one and a half keep-alives."""
        now = self._loop.time()
        # While reading is paused, silence is our own doing.
        if not self._paused and now - self._received_at > 1.5 * self._keep_alive_s:
            self.close(f"the broker has been silent for {now - self._received_at:.0f} s")
            return
        if now - min(self._received_at, self._wrote_at) > self._keep_alive_s / 2:
            self.write(PING)
        self._watch = self._loop.call_later(self._keep_alive_s / 4, self._look)


def _room_needed(view: memoryview) -> int:
    """Return the length of the packet that fills the whole buffer and has not ended yet."""
    needed = packet_length(view) or 0
    if needed > LONGEST_PACKET:
        raise PacketError(f"a packet of {needed} bytes, more than the {LONGEST_PACKET} that are received")
    return needed
