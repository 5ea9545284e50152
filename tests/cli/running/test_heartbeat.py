"""The heartbeat of a service, beside a real broker and a real store."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.mqtt.session import Publication, Session
from broker.server.embedded import EmbeddedBroker
from cli.running import heartbeat
from cli.running.heartbeat import beating
from services.health import vitals
from services.health.vitals import Vitals
from services.store.sqlite.store import SqliteStore

TOPIC = "corridor/v1/york/barn/line-1/lathe-9/state"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "EVERY_S", 0.02)
    monkeypatch.setattr(vitals, "LONGEST_S", 0.2)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "corridor.db")
    yield opened
    await opened.close()


def reported_state(file: Path) -> str:
    return file.read_text() if file.exists() else ""


async def until(file: Path, words: str) -> None:
    async with asyncio.timeout(10):
        while words not in reported_state(file):  # noqa: ASYNC110  (a file tells nobody that it changed)
            await asyncio.sleep(0.02)


@pytest.mark.usefixtures("quick")
async def test_it_says_ok_or_what_is_wrong(tmp_path: Path, store: SqliteStore) -> None:
    file = tmp_path / "heartbeat"
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0) as broker,
        Session(broker.url, client_id="service", filters=[TOPIC]) as session,
        beating(file, Vitals("service", session, store)),
    ):
        await until(file, "ok\n")
        await session.publish(*(Publication(TOPIC, b"running", qos=1) for _ in range(3)))
        await until(file, "3 messages have waited for the store")
        async for batch in session.batches():
            batch.acknowledge()
            if not session.waiting:
                break
        await until(file, "ok\n")
        await store.close()
        await until(file, "the store: ")
    assert reported_state(file).startswith("the store: ")


@pytest.mark.usefixtures("quick")
async def test_a_lost_broker_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    async with EmbeddedBroker(tmp_path / "broker", port=0) as broker:
        session = Session(broker.url, client_id="service")
        await session.__aenter__()
    async with beating(file, Vitals("service", session)):
        await until(file, "the broker is not connected\n")
    assert reported_state(file) == "the broker is not connected\n"
    await session.__aexit__(None, None, None)


async def test_without_a_file_nothing_is_done(tmp_path: Path) -> None:
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0) as broker,
        Session(broker.url, client_id="service") as session,
    ):
        before = asyncio.all_tasks()
        async with beating(None, Vitals("service", session)):
            assert asyncio.all_tasks() == before
