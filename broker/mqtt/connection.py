"""One TCP connection to a broker: bytes in, bytes out, and knowing whether the other side is alive.

Reads are gathered: after a few wake-ups in a row the socket is left alone for a moment, so that under load each wake-up
handles hundreds of messages and their acknowledgements go out in one write, while a lone message is read at once. That
is where the speed comes from: the number of wake-ups costs more than the messages. What the bytes mean is not known
here; `feed` is asked.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from broker.mqtt.packets import LONGEST_PACKET, PING, PacketError, packet_length

GATHER_S: Final = 0.01
"""The socket is left alone for at most this long, seconds: it is what gathering may add to a message's latency."""

_FREE_WAKES: Final = 2
"""Reads in each such span that nothing delays."""

_BUFFER: Final = 256 * 1024


class Connection(asyncio.BufferedProtocol):
    """One connection, from its first byte to its loss.

    Args:
        feed: takes what was received; returns how many bytes it used, and whether more is on its way.
        refill: called when the socket takes more again.

    Attributes:
        lost: done when the connection is gone; its result says why, in words.
        protocol_errors: it was closed because what came was not MQTT.
        by_broker: the other side closed it, and did not say why.
        taken_over: the broker closed it because another client came with the same client id.
        writable: the socket takes more; when it does not, write only what cannot wait.
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
        self._held = False
        self._leaving = False
        self._builder: asyncio.TimerHandle | None = None
        self._range_end = 0.0
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
        """Send bytes; on a lost connection nothing happens."""
        if self._transport is not None and not self._transport.is_closing():
            self._wrote_at = self._loop.time()
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Read no further: nobody takes what comes."""
        if not self._held:
            self._held = True
            self._regulate()

    def resume_reading(self) -> None:
        """Read on."""
        if self._held:
            self._held = False
            self._received_at = self._loop.time()
            if self._filled:
                self._consume()
            self._regulate()

    def keep_alive(self, seconds: float) -> None:
        """Send a ping when nothing else was sent or heard, and give up when nothing answers. 0: never."""
        self._keep_alive_s = seconds
        if seconds and not self.lost.done():
            self._watch = self._loop.call_later(seconds / 4, self._look)

    def farewell(self, data: bytes) -> None:
        """Send the last bytes; the broker closes the connection when it has read them.

        What still comes is thrown away, but read: closing a socket with unread bytes in it makes the system discard
        what the other side has not read yet, our last acknowledgements among it.
        """
        self._leaving = True
        self._filled = 0
        self._held = False
        self.write(data)
        self._regulate()

    def close(self, cause: str) -> None:
        """End the connection at once."""
        self._cause = self._cause or cause
        if self._transport is not None:
            self._transport.abort()

    # ---- What asyncio calls ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  (the signature is asyncio's)
        """Return where the next bytes go."""
        return memoryview(self._buffer)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read, then perhaps leave the socket alone for a moment."""
        now = self._received_at = self._loop.time()
        if self._leaving:
            return
        self._filled += nbytes
        busy = self._consume()
        if now >= self._range_end:
            self._range_end, self._wakes = now + GATHER_S, 0
        self._wakes += busy
        if self._wakes >= _FREE_WAKES and self._builder is None and self.open:
            self._builder = self._loop.call_at(self._range_end, self._gathered)
            self._regulate()

    def pause_writing(self) -> None:
        """Note that the socket is full."""
        self.writable = False

    def resume_writing(self) -> None:
        """Note that the socket takes more, and ask for it."""
        self.writable = True
        self._refill()

    def eof_received(self) -> bool:
        """Close our side too."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell why."""
        for timer in (self._builder, self._watch):
            if timer is not None:
                timer.cancel()
        if not self.lost.done():
            self.by_broker = not self._cause and (exc is None or isinstance(exc, ConnectionError))
            self.lost.set_result(self._cause or (str(exc) if exc else "the broker closed the connection"))

    # ---- Within ----

    def _consume(self) -> bool:
        """Hand on what is in the buffer, and keep what was not used; return whether more is on its way."""
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
        self._builder = None
        self._regulate()

    def _regulate(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if (self._held or self._builder is not None) and not self._leaving:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _look(self) -> None:
        """Ping a silent broker; take it for dead when it has been silent for one and a half keep-alives."""
        now = self._loop.time()
        # While reading is held, silence is of our own making.
        if not self._held and now - self._received_at > 1.5 * self._keep_alive_s:
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
