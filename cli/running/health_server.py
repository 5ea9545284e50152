"""`/healthz` and `/metrics` of a service, over HTTP: for supervisors and Prometheus, not for browsers.

So small that a service can have it without loading a web server. It answers GET alone, one request a connection, and
gives up on whoever does not finish asking; a few may ask at once.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final

import structlog

from services.health.vitals import Vitals, health

PATIENCE_S: Final = 5.0
"""How long somebody may take to ask, seconds."""
AT_ONCE: Final = 16
LONGEST_REQUEST: Final = 8_192

_log = structlog.get_logger("corridor.health")
_Answer = tuple[HTTPStatus, str, bytes]


@contextlib.asynccontextmanager
async def answering(services: Sequence[Vitals], host: str, port: int | None) -> AsyncIterator[int]:
    """Answer as long as the context lasts; without a port do nothing. Yields the port, which is free if it was 0.

    Raises:
        OSError: the port cannot be listened on.
    """
    if port is None:
        yield 0
        return
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415  (takes a while to load)

    from services.health.metrics import registry  # noqa: PLC0415

    measured = registry(services)

    async def metrics() -> _Answer:
        return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(measured)

    async def healthz() -> _Answer:
        found = await health(services)
        status = HTTPStatus.OK if found["status"] == "pass" else HTTPStatus.SERVICE_UNAVAILABLE
        return status, "application/json", json.dumps(found, ensure_ascii=False).encode()

    pages = {"/healthz": healthz, "/metrics": metrics}
    open_now = 0

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now
        open_now += 1
        try:
            if open_now <= AT_ONCE:
                async with asyncio.timeout(PATIENCE_S):
                    request = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(*await _answer(request, pages)))
                async with asyncio.timeout(PATIENCE_S):
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # who asks like this is not answered
        finally:
            open_now -= 1
            writer.close()

    server = await asyncio.start_server(connected, host, port, limit=LONGEST_REQUEST)
    found = server.sockets[0].getsockname()[1]
    _log.info("health is served", host=host, port=found)
    try:
        yield found
    finally:
        server.close()


async def _answer(request: bytes, pages: Mapping[str, Callable[[], Awaitable[_Answer]]]) -> _Answer:
    method, _, rest = request.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    if path not in pages:
        return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"ask for /healthz or /metrics\n"
    if method != "GET":
        return HTTPStatus.METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", b"ask with GET\n"
    return await pages[path]()


def _response(status: HTTPStatus, content_type: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + body
