"""The topic of rejected messages while a device sends nothing but rubbish: a few letters, and exact counts."""

import asyncio
import json
from pathlib import Path

import pytest

from broker.contract.topics import PREFIX, REJECTED
from broker.mqtt.session import Publication, Session
from broker.server.embedded import EmbeddedBroker
from services.ingest.service import filters, ingest
from services.store.sqlite.store import SqliteStore

MILL = "sheffield/machining/line-1/mill-2"
FLOOD = 3_000
LAST = f"{PREFIX}/{MILL}/event/Last"


@pytest.mark.mosquitto
async def test_a_flood_of_wrong_messages_is_reported_in_a_few_letters_and_counted_in_the_store(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "corridor.db")
    letters: list[dict[str, object]] = []
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0) as broker,
        Session(broker.url, client_id="listener", filters=[f"{PREFIX}/{REJECTED}"]) as listener,
        Session(broker.url, client_id="ingest", filters=filters()) as session,
        Session(broker.url, client_id="device") as device,
        asyncio.timeout(60),
    ):
        serving = asyncio.create_task(ingest(session, session, store))
        rubbish = [Publication(f"{PREFIX}/{MILL}/telemetry/Load", b"%d" % n, qos=1) for n in range(FLOOD)]
        await device.publish(*rubbish)
        await device.publish(Publication(LAST, b"{}", qos=1))
        async for batch in listener.batches():
            letters += [json.loads(message.payload) for message in batch.messages]
            batch.acknowledge()
            if letters[-1]["topic"] == LAST:
                break
        serving.cancel()
    rows = await store.rejected(0, 2**62)
    await store.close()
    assert sum(row.count for row in rows) == FLOOD + 1
    assert len(rows) < 20
    assert len(letters) < 20
    assert [letter["topic"] for letter in letters].count(LAST) == 1
