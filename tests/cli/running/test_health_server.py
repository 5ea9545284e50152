"""`/healthz` and `/metrics` of a service, beside a real broker and a real store, and whoever asks badly."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.contract.topics import PREFIX
from broker.mqtt.session import Publication, Session
from broker.server.embedded import EmbeddedBroker
from cli.running import health_server
from cli.running.health_server import answering
from cli.running.watching import Watch, watching
from services.health.vitals import Vitals
from services.ingest.service import filters, ingest
from services.store.sqlite.store import SqliteStore

MILL = f"{PREFIX}/sheffield/machining/line-1/mill-2"


@contextlib.asynccontextmanager
async def served(
    tmp_path: Path, away: Path | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Session, SqliteStore]]:
    """Run an ingest service; yield a client that asks it, a device, and its store, whose file was moved away first."""
    store = await SqliteStore.open(tmp_path / "corridor.db")
    try:
        async with (
            EmbeddedBroker(tmp_path / "broker", port=0) as broker,
            Session(broker.url, client_id="device") as device,
            Session(broker.url, client_id="ingest", filters=filters()) as session,
            watching(Watch(), "ingest", session, store) as vitals,
            answering([vitals], "127.0.0.1", 0) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client,
            asyncio.timeout(150),
        ):
            if away is not None:
                moved(tmp_path / "corridor.db", away)
            serving = asyncio.create_task(ingest(session, session, vitals.store))
            yield client, device, store
            serving.cancel()
    finally:
        await store.close()


async def until(client: httpx.AsyncClient, status: int, problem: str = "") -> dict[str, Any]:
    """Wait until health has a status, with this in its problems."""
    while True:
        answer = await client.get("/healthz")
        if answer.status_code == status and problem in "".join(answer.json()["problems"]):
            found: dict[str, Any] = answer.json()
            return found
        await asyncio.sleep(0.01)


async def measured(client: httpx.AsyncClient, line: str) -> str:
    """Wait until a line of the measures matches."""
    while True:
        text = (await client.get("/metrics")).text
        if re.search(line, text, re.MULTILINE):
            return text
        await asyncio.sleep(0.01)


def moved(file: Path, to: Path) -> None:
    file.rename(to)


@pytest.mark.mosquitto
async def test_health_fails_with_the_cause_while_the_store_takes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "corridor.db"
    async with served(tmp_path) as (client, device, _):
        assert (await until(client, 200)) == {
            "status": "pass",
            "problems": [],
            "warnings": [],
            "services": {"ingest": {"broker": "ok", "store": "ok", "queue": "ok"}},
        }
        moved(file, tmp_path / "elsewhere.db")
        await device.publish(Publication(f"{MILL}/telemetry/load", b"1", qos=1))
        text = await measured(client, r'^corridor_store_failing\{service="ingest"\} 1.0$')
        assert 'corridor_messages_acknowledged_total{service="ingest"} 0.0' in text
        # A write that was under way as the file went fails at the disk; the next one finds that there is no file.
        found = await until(client, 503, "deleted or moved away")
        assert found["status"] == "fail"
        assert "has taken nothing for" in found["services"]["ingest"]["store"]
        moved(tmp_path / "elsewhere.db", file)
        await measured(client, r'^corridor_messages_acknowledged_total\{service="ingest"\} 1.0$')
        await until(client, 200)


@pytest.mark.mosquitto
async def test_a_store_that_a_service_cannot_read_at_its_start_is_failing(tmp_path: Path) -> None:
    async with served(tmp_path, away=tmp_path / "elsewhere.db") as (client, _, _):
        await measured(client, r'^corridor_store_failing\{service="ingest"\} 1.0$')
        found = await until(client, 503)
        assert "has taken nothing for" in found["services"]["ingest"]["store"]
        moved(tmp_path / "elsewhere.db", tmp_path / "corridor.db")
        await until(client, 200)
        await measured(client, r'^corridor_store_failing\{service="ingest"\} 0.0$')


@pytest.mark.mosquitto
async def test_measures_count_what_a_service_did(tmp_path: Path) -> None:
    async with served(tmp_path) as (client, device, _):
        now = time.time_ns() // 10**6
        good = [Publication(f"{MILL}/telemetry/load", b'{"value":1,"ts":%d}' % (now + n), qos=1) for n in range(20)]
        bad = [Publication(f"{MILL}/telemetry/Load-{n}", b"1", qos=1) for n in range(30)]
        await device.publish(*good, *bad)
        name = "name … is not a name"
        text = await measured(client, rf'^corridor_messages_rejected_total\{{reason="{name}",service="ingest"\}} 30.0$')
    for line in (
        'corridor_store_rows_total{kind="events",service="ingest"} 20.0',
        'corridor_store_write_failures_total{service="ingest"} 0.0',
        'corridor_broker_connected{service="ingest"} 1.0',
    ):
        assert line in text.splitlines()
    assert "process_cpu_seconds_total" in text


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_who_asks_badly_is_given_up_on_and_others_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_server, "PATIENCE_S", 0.3)
    async with EmbeddedBroker(tmp_path / "broker", port=0) as broker, Session(broker.url, client_id="x") as session:  # noqa: SIM117
        async with answering([Vitals("simulate", session)], "127.0.0.1", 0) as port, asyncio.timeout(20):
            asked = [
                b"GET /healthz HTTP/1.1\r\nHost:",
                b"",
                b"\x00" * 100_000,
                b"GET /healthz HTTP/1.1\r\n" + b"x: y\r\n" * 5_000,
            ]
            for request in asked * 3:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                with contextlib.suppress(OSError):
                    writer.write(request)
                    assert await reader.read() == b""
                writer.close()
            for request, status in (
                (b"GET /healthz HTTP/1.1\r\n\r\n", b"200"),
                (b"GET /healthz?x=1 HTTP/1.0\r\n\r\n", b"200"),
                (b"POST /healthz HTTP/1.1\r\n\r\n", b"405"),
                (b"GET / HTTP/1.1\r\n\r\n", b"404"),
                (b"\xff\r\n\r\n", b"404"),
            ):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(request)
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 " + status)
                assert status != b"200" or json.loads(body)["status"] == "pass"
                writer.close()
