"""A kept-alive connection for writes: head and lines go out in one piece, and only "204 No Content" is understood.

A general HTTP client takes more CPU for a request than a batch of a hundred lines does. Whatever is not plain (another
answer, a lost connection, a server that is away) counts as not written here. The same lines are then sent by the
general client, which finds out what is wrong; writing them again changes nothing.
"""

import asyncio
from typing import Final
from urllib.parse import urlencode

from services.store.influx.address import Address

_LONGEST_HEAD: Final = 64 * 1024
_WRITTEN: Final = b"HTTP/1.1 204"
_CONNECT_LIMIT_S: Final = 5.0


class _Protocol(asyncio.Protocol):
    """The client's side: one answer at a time."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] | None = None
        self._head = b""

    def data_received(self, data: bytes) -> None:
        """Read an answer's head; that of a 204 ends the answer."""
        self._head += data
        if self.answer is None or self.answer.done():
            return
        if len(self._head) < len(_WRITTEN):
            return
        if self._head.endswith(b"\r\n\r\n") or len(self._head) > _LONGEST_HEAD or not self._head.startswith(_WRITTEN):
            self.answer.set_result(self._head)
            self._head = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """End the wait for an answer."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(exc or ConnectionResetError("the server closed the connection"))


class WriteConnection:
    """A connection to the server for writes, opened when it is needed. Not for more than one task at once."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._open: tuple[asyncio.Transport, _Protocol] | None = None
        self._heads: dict[tuple[str, tuple[tuple[str, str], ...]], bytes] = {}

    async def write(self, path: str, parameters: dict[str, str], body: bytes, *, limit_s: float) -> bool:
        """Write lines; return whether the server has them for sure.

        Args:
            path: of the request.
            parameters: of its query.
            body: the lines.
            limit_s: how long it may take.

        Raises:
            TimeoutError: there is no answer within that.
        """
        is_done = False
        try:
            transport, protocol = await self._connected()
            async with asyncio.timeout(limit_s):
                protocol.answer = asyncio.get_running_loop().create_future()
                transport.write(b"%b%d\r\n\r\n%b" % (self._head(path, parameters), len(body), body))
                is_done = (await protocol.answer).startswith(_WRITTEN)
        except TimeoutError:
            raise
        except OSError:
            pass
        finally:
            if not is_done:
                self.close()
        return is_done

    def close(self) -> None:
        """End the connection."""
        if self._open is not None:
            self._open[0].abort()
            self._open = None

    async def _connected(self) -> tuple[asyncio.Transport, _Protocol]:
        if self._open is not None and not self._open[0].is_closing():
            return self._open
        address = self._address
        tls = address.tls if address.scheme.endswith("s") else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_LIMIT_S):
                self._open = await loop.create_connection(_Protocol, address.host, address.port, ssl=tls)
        except TimeoutError as error:
            raise ConnectionError("the server does not accept the connection") from error
        return self._open

    def _head(self, path: str, parameters: dict[str, str]) -> bytes:
        """Return the head of a request up to its length."""
        key = (path, tuple(parameters.items()))
        head = self._heads.get(key)
        if head is None:
            address = self._address
            lines = [
                f"POST {path}?{urlencode(parameters)} HTTP/1.1",
                f"Host: {address.base.partition('://')[2]}",
                *([f"Authorization: {address.authorization}"] if address.authorization else []),
                "Content-Type: text/plain; charset=utf-8",
                "Content-Length: ",
            ]
            head = self._heads[key] = "\r\n".join(lines).encode()
        return head
