"""The network of a soak: passed on, cut, frozen, slowed, and good again."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress

import pytest

from cli.soak.proxy import Proxy


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(1_000):
                writer.write(piece)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Proxy("test", server.sockets[0].getsockname()[1]) as made:
        yield made


async def reported_state(proxy: Proxy, text: bytes) -> bytes:
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        try:
            writer.write(text)
            return await reader.read(1_000)
        finally:
            writer.close()


async def end_of(answer: Coroutine[None, None, bytes]) -> bytes:
    """An answer; one that is broken off is none, in whichever way the system says so."""
    try:
        return await answer
    except ConnectionError:
        return b""


async def test_it_passes_on(proxy: Proxy) -> None:
    assert await reported_state(proxy, b"hello") == b"hello"


async def test_cut_it_ends_what_there_is_and_takes_no_more_until_it_is_restored(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await reader.read(1_000) == b"hello"
    proxy.cut()
    assert await end_of(reader.read(1_000)) == b""
    writer.close()
    assert await end_of(reported_state(proxy, b"hello")) == b""
    proxy.restore()
    assert await reported_state(proxy, b"hello") == b"hello"


async def test_frozen_it_keeps_connections_and_passes_on_later(proxy: Proxy) -> None:
    proxy.freeze()
    answer = asyncio.create_task(reported_state(proxy, b"hello"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asyncio.shield(answer)
    proxy.restore()
    assert await answer == b"hello"


async def test_slow_it_passes_all_on(proxy: Proxy) -> None:
    proxy.slow(0.01)
    assert await reported_state(proxy, b"hello") == b"hello"
