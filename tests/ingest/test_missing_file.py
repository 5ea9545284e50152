"""The ingest service while the store's file is away: nothing is acknowledged, and nothing is lost."""

import asyncio
import time
from pathlib import Path

import pytest
import structlog.testing

from broker.contract.topics import PREFIX
from broker.mqtt.session import Publication, Session
from broker.server.embedded import EmbeddedBroker
from services.ingest.service import filters, ingest
from services.store.sqlite.store import SqliteStore

TOPIC = f"{PREFIX}/sheffield/machining/line-1/mill-2/telemetry/load"


def moved(file: Path, to: Path) -> None:
    file.rename(to)


async def until_stored(store: SqliteStore, n: int) -> None:
    while len(await store.events(["telemetry"], "", 0, 2**62)) < n:  # noqa: ASYNC110  (a store has no notifications)
        await asyncio.sleep(0.01)


@pytest.mark.mosquitto
async def test_what_comes_while_the_file_is_away_is_stored_once_it_is_back(tmp_path: Path) -> None:
    now = time.time_ns() // 10**6
    file = tmp_path / "corridor.db"
    store = await SqliteStore.open(file)
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0) as broker,
        Session(broker.url, client_id="ingest", filters=filters()) as session,
        Session(broker.url, client_id="device") as device,
        asyncio.timeout(50),
    ):
        serving = asyncio.create_task(ingest(session, session, store))
        await device.publish(Publication(TOPIC, b"1", qos=1))
        while session.acknowledged < 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        moved(file, tmp_path / "elsewhere.db")
        with structlog.testing.capture_logs() as logs:
            await device.publish(
                *(Publication(TOPIC, b'{"value":%d,"ts":%d}' % (n, now + n), qos=1) for n in range(50))
            )
            while not logs:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert "deleted or moved away" in logs[0]["error"]
        assert (session.acknowledged, session.waiting > 0) == (1, True)
        moved(tmp_path / "elsewhere.db", file)
        await until_stored(store, 51)
        serving.cancel()
    await store.close()
