"""Connections to the wall's server: how many there may be, and how long one may take to send its request.

A connection that has not sent the head of a request in time is ended, and so is one that does not read its answer.
There are fewer connections than the process may open files. When all are taken, the one that has waited for a head for
longest makes room; where all are being answered, a new one gets an error and is closed. So unfinished requests cannot
block the wall. Failures are logged once a minute.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.wall import problems
from services.wall.access.seldom import Seldom

HEAD_S: Final = 10.0
"""So long may a client take to send the head of a request, the first one or the next."""
UNREAD_S: Final = 60.0
"""So long may a client leave its answer unread."""
MOST: Final = 1_024
BACKLOG: Final = 64
"""So many are accepted at once, before any of them is examined."""

_LINGER_S: Final = 1.0
_LINGERING: Final = 16
_USUAL_FILES: Final = 1_024


class Room:
    """How many connections there may be, and which of them are waiting for a head, the longest first."""

    def __init__(self, most: int = 0) -> None:
        """Make room for `most` connections; 0 makes it by how many files this process may open."""
        self.most = most or most_connections()
        self.waiting: dict[Connection, None] = {}
        self._lingering = 0
        self._warn = Seldom("corridor.wall", "all connections are taken; new ones are rejected")

    def make(self) -> bool:
        """End the connection that has waited for longest; return False where none waits."""
        longest = next(iter(self.waiting), None)
        if longest is None:
            return False
        longest.give_up(at_once=True)
        return True

    def reject(self, transport: asyncio.Transport) -> None:
        """Answer that there is no room, and close the connection."""
        self._warn(most=self.most)
        body = problems.body(503, "The wall is full", "It has as many connections as it takes: try again in a moment")
        head = (
            f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {problems.MEDIA_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\nRetry-After: 5\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        transport.set_protocol(asyncio.Protocol())
        transport.write(head.encode() + body)
        if self._lingering >= _LINGERING:
            transport.abort()
            return
        # Ended while its request is unread, it would lose the answer too.
        self._lingering += 1
        transport.write_eof()
        asyncio.get_running_loop().call_later(_LINGER_S, self._end, transport)

    def _end(self, transport: asyncio.Transport) -> None:
        self._lingering -= 1
        transport.abort()


class Connection(H11Protocol):
    """One connection, in time and in a room."""

    def __init__(self, *, room: Room, **given: Any) -> None:
        """Be a connection of a server of uvicorn's, which gives the rest."""
        super().__init__(**given)
        self._room = room
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection, or reject it."""
        made = cast("asyncio.Transport", transport)
        if len(self.connections) >= self._room.most and not self._room.make():
            self._room.reject(made)
            return
        super().connection_made(made)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop it."""
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """See whether a head is whole."""
        former = self.cycle
        super().handle_events()
        if self.cycle is not former:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Wait for the next head, unless one is here already."""
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP with an error."""
        self._end(400, "The request is not understood", msg)

    def give_up(self, *, at_once: bool = False) -> None:
        """End a connection whose head does not come."""
        self._stop_waiting()
        if self.conn.trailing_data[0]:
            self._end(408, "The request took too long", f"Send the whole head of a request within {HEAD_S:g} s")
        if at_once:
            self.transport.abort()
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """Give the client a while to read."""
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def _await_head(self) -> None:
        self._stop_waiting()
        self._room.waiting[self] = None
        self._head = self.loop.call_later(HEAD_S, self.give_up)

    def _stop_waiting(self) -> None:
        self._room.waiting.pop(self, None)
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _end(self, status: int, title: str, detail: str) -> None:
        """Answer where that is possible still, and end the connection."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.abort()
            return
        if self.cycle is not None:
            self.cycle.disconnected = True  # what is being answered has lost its place
        body = problems.body(status, title, detail)
        headers = [
            ("Content-Type", problems.MEDIA_TYPE),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ]
        for event in (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def most_connections() -> int:
    """Return how many connections leave half of the files that this process may open to the rest of it."""
    try:
        import resource  # noqa: PLC0415  (not on Windows)
    except ModuleNotFoundError:
        files = _USUAL_FILES
    else:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files < 0 else max(8, min(MOST, files // 2))


@contextmanager
def quiet_accepting(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """While this lasts, an accept() that fails for want of files is logged once a minute; asyncio tries again."""
    former = loop.get_exception_handler()
    warn = Seldom("corridor.wall", "a connection cannot be accepted; trying again")

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "accept()" in str(context.get("message")):
            warn(error=str(context.get("exception")))
        elif former is not None:
            former(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
    try:
        yield
    finally:
        loop.set_exception_handler(former)
