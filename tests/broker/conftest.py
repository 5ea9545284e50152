"""Real brokers for the tests of this folder, and a relay that can be put between a session and its broker."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Self

import pytest

from broker.server.embedded import EmbeddedBroker, Kind

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

KINDS = [pytest.param("mosquitto", marks=pytest.mark.mosquitto), "nats"]


class Relay:
    """A TCP port that forwards everything to a broker, until a test changes that.

    Attributes:
        url: the relay's own address, without credentials.
        upstream: all that clients have sent through it.
        silent: swallow everything from now on, as a network does whose cable was pulled.
        down: break each new connection.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.url = ""
        self.upstream = bytearray()
        self.silent = False
        self.down = False
        self._port = port
        self._tls = tls
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"mqtts://localhost:{port}" if self._tls else f"mqtt://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Break all connections without a DISCONNECT."""
        for writer in self._open:
            writer.transport.abort()

    def end(self) -> None:
        """Close all connections in good order, as a proxy does that is restarted."""
        for writer in self._open:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.down:
            writer.transport.abort()
            return
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._open |= {writer, broker_writer}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, broker_writer, self.upstream))
                group.create_task(self._pass_on(broker_reader, writer, bytearray()))
        finally:
            writer.transport.abort()
            broker_writer.transport.abort()
            self._open -= {writer, broker_writer}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: bytearray) -> None:
        try:
            while data := await reader.read(65_536):
                if not self.silent:
                    seen += data
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each broker in turn."""
    kind: Kind = request.param
    return kind


@pytest.fixture
async def embedded(kind: Kind, tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    """A running broker of our own, on a free port."""
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind=kind) as broker:
        yield broker


@pytest.fixture
def broker(embedded: EmbeddedBroker) -> str:
    """The URL of a running broker."""
    return embedded.url


@pytest.fixture
async def relay_to() -> AsyncIterator[Callable[..., Awaitable[Relay]]]:
    """Make a relay to a port; it is closed after the test."""
    async with AsyncExitStack() as stack:

        async def make(port: int, tls: ssl.SSLContext | None = None) -> Relay:
            return await stack.enter_async_context(Relay(port, tls))

        yield make


@pytest.fixture
async def pretend() -> AsyncIterator[Callable[[Talk], Awaitable[str]]]:
    """Serve something that is not a proper broker; return its URL."""
    under_way: set[asyncio.Task[None]] = set()
    async with AsyncExitStack() as stack:

        async def start(talk: Talk) -> str:
            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task is not None
                under_way.add(task)
                with suppress(OSError):
                    await talk(reader, writer)
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

            server = await stack.enter_async_context(await asyncio.start_server(serve, "127.0.0.1", 0))
            return f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        yield start
    if under_way:
        await asyncio.wait(under_way)


@pytest.fixture
async def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait until a condition holds; the test's time-out ends it if it never is."""

    async def wait(condition: Callable[[], object]) -> None:
        while not condition():  # noqa: ASYNC110  (what is waited for has no event)
            await asyncio.sleep(0.005)

    return wait
