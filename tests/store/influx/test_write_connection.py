"""The kept-alive connection for writes, against servers that answer as InfluxDB does, and otherwise."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from broker.contract.events import Sample
from services.store.influx import http
from services.store.influx.address import parse
from services.store.influx.http import InfluxServer
from services.store.interface import Batch, StoreError
from services.store.opening import open_store
from tests.store.influx.influxd import Influxd

WRITTEN = b"HTTP/1.1 204 No Content\r\nX-Influxdb-Version: 1\r\n\r\n"
LINES = ["telemetry value=1.0 1", "telemetry value=2.0 2"]


class Server:
    """A server that gives the answers that are asked of it, in pieces; the last one for ever."""

    def __init__(self, *answers: tuple[bytes, ...]) -> None:
        self._answers = list(answers)
        self.connections = 0
        self.bodies: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head.lower())
                assert length is not None
                self.bodies.append(await reader.readexactly(int(length[1])))
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                for piece in answer:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if not answer or b"close" in answer[-1]:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[InfluxServer]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    client = InfluxServer(parse(f"influxdb1://127.0.0.1:{port}/corridor"), query_limit_s=5)
    try:
        yield client
    finally:
        await client.close()
        listening.close()


async def test_writes_share_one_connection() -> None:
    server = Server((WRITTEN,))
    async with running(server) as client:
        for _ in range(3):
            assert await client.write("corridor", LINES) == []
    assert server.connections == 1
    assert server.bodies == ["\n".join(LINES).encode()] * 3


async def test_an_answer_may_come_in_pieces() -> None:
    server = Server((WRITTEN[:5], WRITTEN[5:20], WRITTEN[20:]))
    async with running(server) as client:
        assert await client.write("corridor", LINES) == []
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "odd",
    [
        (),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",),
        (b"nonsense that is no HTTP, and then close\r\n\r\n",),
    ],
    ids=["closes without an answer", "cannot now", "is no server"],
)
async def test_after_an_odd_answer_the_lines_are_sent_again(odd: tuple[bytes, ...]) -> None:
    server = Server(odd, (WRITTEN,))
    async with running(server) as client:
        assert await client.write("corridor", LINES) == []
        assert await client.write("corridor", LINES) == []
    assert len(server.bodies) == 3


async def test_a_server_that_answers_200_is_written_to_once_each_time_from_then_on() -> None:
    server = Server((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",))
    async with running(server) as client:
        for _ in range(3):
            assert await client.write("corridor", LINES) == []
    assert len(server.bodies) == 4


async def test_a_server_that_does_not_answer_in_time_is_a_store_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "WRITE_LIMIT_S", 0.2)
    server = Server((b"HTTP/1.1 204",))
    async with running(server) as client:
        with pytest.raises(StoreError, match="no answer within"):
            await client.write("corridor", LINES)


@pytest.mark.influx
async def test_writing_goes_on_over_a_restart_of_the_server(influxd: Influxd, influx_url: str) -> None:
    store = await open_store(influx_url)

    def sample(at: int) -> Batch:
        return Batch(events=[Sample(asset="a/b/c/d", at=at, signal="load", value=1.0)])

    await store.write(sample(1))
    influxd.kill()
    with pytest.raises(StoreError, match="cannot be reached"):
        await store.write(sample(2))
    influxd.start()
    await store.write(sample(2))
    await store.write(sample(3))
    assert [event.at for event in await store.events(["telemetry"], "", 0, 9)] == [1, 2, 3]
    await store.close()
