"""Messages without a time that waited in the broker while the service that stores was away."""

import json
import time
from pathlib import Path

import pytest

from broker.contract.topics import PREFIX
from broker.mqtt.session import Publication, Session
from broker.plant.plant import NO_PLANT
from broker.server.embedded import EmbeddedBroker, Kind
from services.kpi.recompute import recompute
from services.query.answers import answer
from services.store.sqlite.store import SqliteStore
from tests.readings.test_retained import BROKERS, MILL, arrived, services

AWAY_NS = 30_000_000_000


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
