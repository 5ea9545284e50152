"""`corridor stack tls` before a real broker, with certificates that `stack init` makes."""

import asyncio
import base64
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from broker.mqtt.session import Publication, Session, SessionError
from broker.server.embedded import EmbeddedBroker
from cli.invocation.errors import CommandError
from cli.stack import certificate as stack_certificate
from cli.stack import tls as stack_tls
from cli.stack.tls import MOST, context, serve
from tests.cli.conftest import Corridor

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None and os.environ.get("CI") != "true", reason="needs openssl"
)
TOPIC = "corridor/v1/york/barn/line-1/lathe-9/telemetry/load"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def tls_before(folder: Path, broker_port: int, *, most: int = MOST) -> AsyncIterator[int]:
    """Let TLS in on the port that is yielded."""
    made = stack_certificate.make(folder, ["localhost"])
    port = free_port()
    secure = context(_base64(made.certificate), _base64(made.key))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(serve("127.0.0.1", port, secure, ("127.0.0.1", broker_port), most=most))
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
        yield port
        task.cancel()


def _base64(text: bytes) -> str:
    return base64.b64encode(text).decode()


async def test_what_is_sent_by_tls_arrives_whole_and_in_order(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "broker", port=0) as broker, tls_before(tmp_path, broker.port) as port:
        ca = tmp_path / stack_certificate.AUTHORITY
        payloads = [b"%d " % number + b"x" * 2_000 for number in range(500)]
        async with (
            Session(broker.url, client_id="inside", filters=[TOPIC]) as inside,
            Session(f"mqtts://localhost:{port}?ca={ca}", client_id="outside") as outside,
        ):
            await outside.publish(*(Publication(TOPIC, payload, qos=1) for payload in payloads))
            received: list[bytes] = []
            async for batch in inside.batches():
                received += [bytes(message.payload) for message in batch.messages]
                batch.acknowledge()
                if len(received) >= len(payloads):
                    break
            assert received == payloads


async def test_a_client_that_does_not_know_the_authority_stays_out(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "broker", port=0) as broker, tls_before(tmp_path, broker.port) as port:
        with pytest.raises(SessionError, match="not trusted"):
            async with Session(f"mqtts://localhost:{port}", client_id="stranger"):
                pass


async def test_without_a_broker_a_connection_ends_at_once(tmp_path: Path) -> None:
    async with tls_before(tmp_path, free_port()) as port:
        ca = tmp_path / stack_certificate.AUTHORITY
        with pytest.raises(SessionError):
            async with Session(f"mqtts://localhost:{port}?ca={ca}", client_id="early"):
                pass


async def ended(reader: asyncio.StreamReader) -> bool:
    with contextlib.suppress(ConnectionError):
        return await reader.read() == b""
    return True


async def test_one_connection_more_than_there_may_be_is_ended_and_the_next_comes_in_when_there_is_room(
    tmp_path: Path,
) -> None:
    async with (
        asyncio.timeout(30),
        EmbeddedBroker(tmp_path / "broker", port=0) as broker,
        tls_before(tmp_path, broker.port, most=2) as port,
    ):
        url = f"mqtts://localhost:{port}?ca={tmp_path / stack_certificate.AUTHORITY}"
        _, silent = await asyncio.open_connection("127.0.0.1", port)  # it does not shake hands, and counts
        async with Session(url, client_id="first"):
            more, rejected = await asyncio.open_connection("127.0.0.1", port)
            assert await ended(more)
            rejected.close()
            silent.close()
            await silent.wait_closed()
            while True:
                with contextlib.suppress(SessionError):
                    async with Session(url, client_id="second"):
                        break


async def test_one_who_does_not_shake_hands_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_tls, "HANDSHAKE_S", 0.2)
    async with asyncio.timeout(30), tls_before(tmp_path, free_port()) as port:
        for reported_state in (b"", b"\x16\x03", b"no TLS at all"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(reported_state)
            assert await ended(reader)
            writer.close()


async def test_at_its_end_it_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with EmbeddedBroker(tmp_path / "broker", port=0) as broker:
        async with tls_before(tmp_path, broker.port) as port:
            url = f"mqtts://localhost:{port}?ca={tmp_path / stack_certificate.AUTHORITY}"
            session = Session(url, client_id="open")
            await session.__aenter__()
        await session.__aexit__(None, None, None)
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_a_port_in_use_is_a_line(corridor: Corridor, tmp_path: Path) -> None:
    made = stack_certificate.make(tmp_path, ["localhost"])
    secrets = ("--tls-certificate", _base64(made.certificate), "--tls-key", _base64(made.key))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, _, reported = corridor("stack", "tls", *secrets, "--host", "127.0.0.1", "--port", port)
    assert (status, reported.count("\n")) == (1, 1)
    assert reported.startswith(f"corridor: cannot listen on port {port} of 127.0.0.1")


def test_without_a_certificate_it_says_what_to_run(corridor: Corridor) -> None:
    status, _, reported = corridor("stack", "tls")
    assert (status, reported) == (1, "corridor: there is no certificate; run ./corridor stack init --tls\n")


@pytest.mark.parametrize("text", ["no base64!", _base64(b"no certificate")])
def test_a_certificate_that_is_none_is_rejected(text: str) -> None:
    with pytest.raises(CommandError, match="cannot be used"):
        context(text, text)
