"""Messages without a time that waited in the broker while the service that stores was away, or could not reach it."""

import asyncio
import json
import time
from contextlib import suppress
from pathlib import Path

import pytest

from broker.contract.events import Count
from broker.contract.topics import PREFIX
from broker.mqtt.session import Publication, Session
from broker.plant.plant import NO_PLANT
from broker.server.embedded import EmbeddedBroker, Kind
from services.intake.routing import kpi_filters
from services.kpi.recompute import recompute
from services.kpi.service import serve_productivity
from services.query.answers import answer
from services.store.sqlite.store import SqliteStore
from tests.broker.conftest import Relay
from tests.readings.test_retained import BROKERS, FOR_EVER, MILL, arrived, services

AWAY_NS = 30_000_000_000


@pytest.mark.slow
@pytest.mark.parametrize("with_time", [False, True])
@pytest.mark.parametrize("kind", BROKERS)
async def test_what_waited_without_a_time_leaves_the_absence_unknown(
    kind: Kind, with_time: bool, tmp_path: Path
) -> None:
    store = await SqliteStore.open(tmp_path / "corridor.db")

    def of(topic: str, **fields: object) -> Publication:
        own = {"ts": time.time_ns() // 1_000_000} if with_time else {}
        return Publication(f"{PREFIX}/{MILL}/{topic}", json.dumps(own | fields).encode())

    async with EmbeddedBroker(tmp_path / "broker", port=0, kind=kind) as broker:
        async with services(broker.url, store, persistent=True):
            async with Session(broker.url, client_id="device") as device:
                await device.publish(of("state", state="running"), of("count", produced=10))
            await arrived(broker.url, store)
        stopped = time.time_ns()
        async with Session(broker.url, client_id="device") as device:
            await device.publish(of("count", produced=14), of("state", state="idle"), of("count", produced=15))
        async with services(broker.url, store, persistent=True, ahead_ns=AWAY_NS):
            pass
    end = time.time_ns() + AWAY_NS
    running, *_ = await store.events(("state",), MILL, 0, 2**62)
    found = await answer(store, NO_PLANT, MILL, running.at, end, now=end)
    assert found.ledger["produced"] == 5
    assert ("stored-late" in {warning.code for warning in found.warnings}) != with_time
    last = (await store.latest_before(("state", "count"), MILL, stopped))[-1].at
    unknown_ns = found.ledger.get("unknown_s", 0) * 1e9
    assert unknown_ns == 0 if with_time else unknown_ns >= stopped - last + AWAY_NS
    done = await recompute(store, NO_PLANT, "", 0, 2**62, now=end)
    assert done.changed == 0
    await store.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", BROKERS)
async def test_what_waited_while_the_connection_was_lost_leaves_that_time_unknown(kind: Kind, tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "corridor.db")
    ahead_ns = 0

    def now() -> int:
        return time.time_ns() + ahead_ns

    async def counted(pieces: int) -> None:
        async with asyncio.timeout(30):
            while pieces not in {  # noqa: ASYNC110  (the service reports nothing here)
                event.produced
                for event in await store.events(("count",), MILL, 0, FOR_EVER)
                if isinstance(event, Count)
            }:
                await asyncio.sleep(0.01)

    def of(topic: str, **fields: object) -> Publication:
        return Publication(f"{PREFIX}/{MILL}/{topic}", json.dumps(fields).encode())

    async with (
        EmbeddedBroker(tmp_path / "broker", port=0, kind=kind) as broker,
        Relay(broker.port) as relay,
        Session(relay.url, client_id="kpi", filters=kpi_filters(), persistent=True, now=now) as kpi,
        Session(broker.url, client_id="device") as device,
    ):
        service = asyncio.create_task(
            serve_productivity(kpi, kpi, store, NO_PLANT, now, away_since=lambda: kpi.away_since)
        )
        await device.publish(of("state", state="running"), of("count", produced=10))
        await counted(10)
        last = (await store.latest_before(("count",), MILL, FOR_EVER))[0].at
        relay.down = True
        relay.cut()
        async with asyncio.timeout(30):
            while kpi.connected:  # noqa: ASYNC110  (the session reports no loss)
                await asyncio.sleep(0.01)
        await device.publish(of("count", produced=14))
        ahead_ns = AWAY_NS
        relay.down = False
        await counted(14)
        service.cancel()
        with suppress(asyncio.CancelledError):
            await service
    end = now()
    begin = last - 1_000_000
    found = await answer(store, NO_PLANT, MILL, begin, end, now=end)
    assert found.ledger["produced"] == 4
    assert found.ledger["unknown_s"] * 1e9 >= AWAY_NS
    assert "stored-late" in {warning.code for warning in found.warnings}
    assert (await recompute(store, NO_PLANT, "", 0, FOR_EVER, now=end)).changed == 0
    await store.close()
