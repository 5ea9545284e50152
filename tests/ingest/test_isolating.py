"""Ingest with a real broker: of a thousand messages those that make a stage raise are rejected, the rest is stored."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from broker.contract import codec
from broker.contract.events import AnyEvent, Sample
from broker.contract.lenient.leniency import DeclaredText
from broker.contract.message import Message
from broker.contract.topics import PREFIX, REJECTED
from broker.mqtt.session import Publication, Session
from broker.server.embedded import EmbeddedBroker
from services.ingest import service
from services.ingest.service import filters, ingest
from services.store.sqlite.store import SqliteStore

MILL = "sheffield/machining/line-1/mill-2"
UNDECODED, UNSTORED = 333, 666


class UnforeseenError(Exception):
    """Nobody has thought of it."""


def decode(message: Message, *, prefix: str, is_text: DeclaredText) -> Sequence[AnyEvent]:
    """Raise for one message, and let another mean a text that SQLite cannot hold."""
    events = codec.decode(message, prefix=prefix, is_text=is_text)
    for event in events:
        if isinstance(event, Sample) and event.value == UNDECODED:
            raise UnforeseenError
        if isinstance(event, Sample) and event.value == UNSTORED:
            return [Sample(asset=MILL, at=event.at, signal="load", value="\ud800")]
    return events


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_of_a_thousand_messages_those_at_fault_are_rejected_with_the_kind_of_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "decode", decode)
    store = await SqliteStore.open(tmp_path / "corridor.db")
    rejected: list[dict[str, str]] = []
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0) as broker,
        Session(broker.url, client_id="listener", filters=[f"{PREFIX}/{REJECTED}"]) as listener,
        Session(broker.url, client_id="ingest", filters=filters()) as session,
        Session(broker.url, client_id="device") as device,
        asyncio.timeout(60),
    ):
        serving = asyncio.create_task(ingest(session, session, store))
        await device.publish(
            *(Publication(f"{PREFIX}/{MILL}/telemetry/load", b"%d" % number, qos=1) for number in range(1_000)),
            Publication(f"{PREFIX}/{MILL}/kpi/nonsense", b"1", qos=1),
            Publication(f"{PREFIX}/{REJECTED}", b"{}", qos=1),
        )
        async for batch in listener.batches():
            rejected += [json.loads(message.payload) for message in batch.messages if message.payload != b"{}"]
            batch.acknowledge()
            if len(rejected) == 4:
                break
        serving.cancel()
    events = await store.events(["telemetry"], "", 0, 2**62)
    stored = await store.rejected(0, 2**62)
    await store.close()
    assert {event.value for event in events if isinstance(event, Sample)} == {*range(1_000)} - {UNDECODED, UNSTORED}
    reasons = sorted(each["reason"] for each in rejected)
    assert sorted(one.reason for one in stored) == reasons
    for reason, wanted in zip(
        reasons, ["not that of a rejected", "RowError", "UnforeseenError", "unknown window"], strict=True
    ):
        assert wanted in reason
