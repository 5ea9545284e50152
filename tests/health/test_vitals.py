"""The health of a service beside a real broker and store: what is at fault, and which machines are set aside."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from broker.contract.events import NS_PER_S, Count
from broker.mqtt.session import Publication, Session
from broker.plant.plant import NO_PLANT
from broker.server.embedded import EmbeddedBroker
from services.health import vitals
from services.health.metrics import registry
from services.health.vitals import Vitals, health
from services.intake.routing import kpi_filters
from services.kpi import machine as machines
from services.kpi.service import serve_productivity
from services.store.interface import Batch
from services.store.sqlite.store import SqliteStore

MILL = "york/barn/line-1/lathe-9"
TOPIC = f"corridor/v1/{MILL}/state"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "corridor.db")
    yield opened
    await opened.close()


async def until(one: Vitals, part: str, words: str) -> None:
    async with asyncio.timeout(10):
        while words not in (await one.troubles())[part]:  # noqa: ASYNC110  (what is waited for has no event)
            await asyncio.sleep(0.02)


async def test_the_part_at_fault_is_named_with_its_cause(
    tmp_path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "LONGEST_S", 0.2)
    async with EmbeddedBroker(tmp_path / "broker", port=0) as broker:
        async with Session(broker.url, client_id="service", filters=[TOPIC]) as session:
            one = Vitals("service", session, store)
            assert (await health([one]))["status"] == "pass"
            await session.publish(*(Publication(TOPIC, b"running", qos=1) for _ in range(3)))
            await until(one, "queue", "3 messages have waited for the store")
            async for batch in session.batches():
                batch.acknowledge()
                if not session.waiting:
                    break
            assert (await health([one]))["status"] == "pass"
            await store.close()
            await until(one, "store", "the store: ")
            assert (await one.troubles())["broker"] == ""
        session = Session(broker.url, client_id="service")
        await session.__aenter__()
    alone = Vitals("service", session)
    await until(alone, "broker", "the broker is not connected")
    found = await health([alone])
    assert (found["status"], found["problems"]) == ("fail", ["service: the broker is not connected"])
    await session.__aexit__(None, None, None)


async def test_a_machine_that_is_set_aside_is_named_and_counted(
    tmp_path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.write(Batch(events=[Count(asset=MILL, at=time.time_ns() - 60 * NS_PER_S, produced=1)]))

    def failing(*_: object) -> None:
        raise ValueError("no ledger can be made of it")

    monkeypatch.setattr(machines, "build", failing)
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0) as broker,
        Session(broker.url, client_id="kpi", filters=kpi_filters()) as session,
        asyncio.timeout(20),
    ):
        one = Vitals("kpi", session, store)
        ticked = asyncio.Event()

        def note(seconds: float, set_aside: Mapping[str, str]) -> None:
            one.ticked(seconds, set_aside)
            ticked.set()

        serving = asyncio.create_task(
            serve_productivity(session, session, one.store, NO_PLANT, time.time_ns, ticked=note)
        )
        await ticked.wait()
        found = await health([one])
        text = generate_latest(registry([one])).decode()
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
    assert found["status"] == "pass"
    assert found["warnings"] == [
        f"kpi: the ledger of {MILL} stands still (ValueError: no ledger can be made of it); report it"
    ]
    assert re.search(r'^corridor_machines_set_aside\{service="kpi"\} 1.0$', text, re.MULTILINE)
