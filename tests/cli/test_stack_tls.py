"""`corridor stack tls` before a real broker, with certificates that `stack init` makes."""

import asyncio
import base64
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from broker.embedded import EmbeddedBroker
from broker.session import Publication, Session, SessionError
from cli import stack_certificate
from cli.errors import CommandError
from cli.stack_tls import context, serve
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
async def tls_before(folder: Path, broker_port: int) -> AsyncIterator[int]:
    """Let TLS in on the port that is yielded."""
    made = stack_certificate.make(folder, ["localhost"])
    port = free_port()
    secure = context(_base64(made.certificate), _base64(made.key))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(serve("127.0.0.1", port, secure, ("127.0.0.1", broker_port)))
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


async def test_what_is_said_by_tls_arrives_whole_and_in_order(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "broker", port=0) as broker, tls_before(tmp_path, broker.port) as port:
        ca = tmp_path / stack_certificate.AUTHORITY
        payloads = [b"%d " % number + b"x" * 2_000 for number in range(500)]
        async with (
            Session(broker.url, client_id="inside", filters=[TOPIC]) as inside,
            Session(f"mqtts://localhost:{port}?ca={ca}", client_id="outside") as outside,
        ):
            await outside.publish(*(Publication(TOPIC, payload, qos=1) for payload in payloads))
            heard: list[bytes] = []
            async for batch in inside.batches():
                heard += [bytes(message.payload) for message in batch.messages]
                batch.acknowledge()
                if len(heard) >= len(payloads):
                    break
            assert heard == payloads


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


def test_without_a_certificate_it_says_what_to_run(corridor: Corridor) -> None:
    status, _, told = corridor("stack", "tls")
    assert (status, told) == (1, "corridor: there is no certificate; run ./corridor stack init --tls\n")


@pytest.mark.parametrize("text", ["no base64!", _base64(b"no certificate")])
def test_a_certificate_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="cannot be used"):
        context(text, text)
