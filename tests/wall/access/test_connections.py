"""Clients that say half of something, never read, or are too many: the others are served all the same."""

import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.server.embedded import EmbeddedBroker
from services.wall.access import connections
from services.wall.access.connections import Room, most_connections, quiet_accepting
from services.wall.access.seldom import Seldom
from services.wall.addresses import Parts
from services.wall.application import application
from services.wall.server import _Web
from tests.wall.works import free_port

HALF = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
WHOLE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATIENCE_S = 45
MIB = 1 << 20
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def short(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"in", "more_body": False})


async def endless(scope: Any, receive: Any, send: Any) -> None:
    """Answer until the client is gone: with all that it takes to who asks for much, else as a quiet stream does."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    gone = asyncio.create_task(until_gone(receive))
    while scope["path"] == "/much" and not gone.done():
        await send({"type": "http.response.body", "body": bytes(MIB), "more_body": True})
        await asyncio.sleep(0)
    await gone


async def until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def serving(app: Any, room: Room) -> AsyncIterator[Callable[[], Awaitable[Pair]]]:
    """Serve an application; yield what opens a connection to it."""
    port, ready = free_port(), asyncio.Event()
    server = asyncio.create_task(_Web(app, "127.0.0.1", port, room).serve_until_cancelled(ready))
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE_S):
        await ready.wait()

        async def connect() -> Pair:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            return reader, writer

        try:
            yield connect
        finally:
            server.cancel()
            with suppress(asyncio.CancelledError):
                await server


async def reported_state(reader: asyncio.StreamReader) -> bytes:
    """Return all that is sent until the other side ends."""
    with suppress(ConnectionError):
        return await reader.read()
    return b""


def end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


def problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    reported: dict[str, Any] = json.loads(body)
    return reported


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.2)
    monkeypatch.setattr(connections, "UNREAD_S", 0.2)


@pytest.mark.usefixtures("hasty")
async def test_half_a_head_is_waited_for_and_then_answered() -> None:
    async with serving(short, Room(8)) as connect:
        reader, writer = await connect()
        writer.write(HALF)
        assert problem(await reported_state(reader))["status"] == 408


@pytest.mark.usefixtures("hasty")
async def test_a_head_that_trickles_is_not_waited_for_longer() -> None:
    async with serving(short, Room(8)) as connect:
        reader, writer = await connect()
        writer.write(HALF)
        answer = asyncio.create_task(reported_state(reader))
        while not answer.done():
            writer.write(b"x")
            await asyncio.wait({answer}, timeout=0.05)
        assert answer.result() == b"" or problem(answer.result())["status"] == 408


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("first", [b"", WHOLE, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_a_connection_on_which_nothing_more_is_asked_is_ended(first: bytes) -> None:
    async with serving(short, Room(8)) as connect:
        reader, writer = await connect()
        writer.write(first)
        answer = await reported_state(reader)
        assert answer.endswith(b"in") if first else answer == b""


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
async def test_an_answer_that_nobody_reads_is_ended() -> None:
    room = Room(1)
    async with serving(endless, room) as connect:
        _, writer = await connect()
        writer.write(WHOLE.replace(b"GET /", b"GET /much"))
        while True:  # until there is room again
            reader, other = await connect()
            other.write(WHOLE)
            if b"200" in await reader.readline():
                break
            await reported_state(reader)


async def test_one_that_only_waits_makes_room_for_one_that_asks() -> None:
    async with serving(short, Room(2)) as connect:
        for _ in range(5):
            _, idle = await connect()
            idle.write(HALF)
            reader, writer = await connect()
            writer.write(WHOLE)
            assert b"200" in await reader.readline()


@pytest.mark.slow
async def test_where_all_are_being_answered_a_new_one_gets_the_reason() -> None:
    async with serving(endless, Room(2)) as connect:
        for _ in range(2):
            reader, writer = await connect()
            writer.write(WHOLE)
            assert b"200" in await reader.readline()
        for _ in range(40):
            reader, writer = await connect()
            with suppress(ConnectionError):
                writer.write(WHOLE)
            await reported_state(reader)
        reader, writer = await connect()
        assert problem(await reported_state(reader))["title"] == "The wall is full"


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
async def test_what_is_not_http_gets_the_reason_and_is_not_logged(
    garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(short, Room(8)) as connect:
        reader, writer = await connect()
        writer.write(garbage + b"\r\n\r\n")
        assert problem(await reported_state(reader))["status"] == 400
    assert not caplog.records


async def test_garbage_after_a_request_ends_the_connection_and_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(endless, Room(8)) as connect:
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b"200" in await reader.readline()
        writer.write(b"no number of bytes\r\n")
        await reported_state(reader)
    assert not caplog.records


@pytest.mark.slow
async def test_streams_are_capped_and_questions_go_on(parts: Parts) -> None:
    parts.stream.most = 1
    async with serving(application(parts, None), Room(8)) as connect:
        reader, writer = await connect()
        writer.write(WHOLE.replace(b"GET /", b"GET /api/v1/stream"))
        await reader.readuntil(b"event: snapshot")
        reader, writer = await connect()
        writer.write(
            WHOLE.replace(b"GET /", b"GET /api/v1/stream").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        )
        assert problem(await reported_state(reader))["status"] == 503
        reader, writer = await connect()
        writer.write(WHOLE.replace(b"GET /", b"GET /api/v1/assets"))
        assert b"200" in await reader.readline()


async def test_an_accept_that_fails_is_logged_once(capfd: pytest.CaptureFixture[str]) -> None:
    loop = asyncio.get_running_loop()
    with quiet_accepting(loop):
        for _ in range(1_000):
            loop.call_exception_handler(
                {"message": "socket.accept() out of system resource", "exception": OSError(24, "x")}
            )
    reported = capfd.readouterr()
    assert (reported.out + reported.err).count("cannot be accepted") == 1
    assert loop.get_exception_handler() is None
    warn = Seldom("test", "again")
    warn()
    warn()
    reported = capfd.readouterr()
    assert (reported.out + reported.err).count("times=1") == 1


def test_there_are_fewer_connections_than_files() -> None:
    assert 8 <= most_connections() <= connections.MOST


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_300_half_sent_requests_at_256_files_do_not_make_the_wall_deaf(tmp_path: Path) -> None:
    port = free_port()
    async with AsyncExitStack() as stack, asyncio.timeout(60):
        broker = await stack.enter_async_context(EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto"))
        command = [sys.executable, "-P", "-m", "cli.main", "wall", "--broker", broker.url, "--port", str(port)]
        command += ["--data", str(tmp_path)]
        wall = await asyncio.create_subprocess_shell(
            f"ulimit -n 256; exec {shlex.join(command)}",
            stdout=subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        )
        stack.callback(end, wall)
        assert wall.stderr is not None
        async for line in wall.stderr:
            if b"wall listens" in line:
                break
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            while True:
                with suppress(httpx.TransportError):
                    if (await client.get("/healthz")).json()["status"] == "pass":
                        break
        for _ in range(300):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(HALF)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            for _ in range(20):
                assert (await client.get("/healthz")).status_code == 200
        wall.terminate()
        logged = (await wall.stderr.read()).splitlines()
        assert len(logged) < 10, logged[:20]
        assert await wall.wait() == 0
