"""Losing the broker and finding it again: subscriptions, wills and greetings, silence and garbage."""

import asyncio
import itertools
from types import SimpleNamespace
from typing import Any, cast

import pytest

from broker.mqtt import mqtt5
from broker.mqtt import session as sessions
from broker.mqtt.outbox import Outbox
from broker.mqtt.packets import ConnAck
from broker.mqtt.session import Publication, Session
from broker.server.embedded import EmbeddedBroker
from tests.broker.mqtt.sessions import MakeRelay, Pretend, Until, payloads, receive


async def test_a_session_subscribes_again_when_the_broker_has_lost_it(
    embedded: EmbeddedBroker, topic: str, relay_to: MakeRelay, until: Until
) -> None:
    relay = await relay_to(embedded.port)
    async with Session(relay.url, client_id=f"a-{topic[2:]}", filters=[topic]) as session:
        relay.cut()
        await until(lambda: session.disconnects == 1 and session.connected)
        await session.publish(Publication(topic, b"after"))
        assert payloads(await receive(session, 1)) == [b"after"]


async def test_the_will_is_published_when_the_client_vanishes_but_not_when_it_leaves(
    embedded: EmbeddedBroker, topic: str, relay_to: MakeRelay
) -> None:
    relay = await relay_to(embedded.port)

    def device() -> Session:
        return Session(relay.url, client_id="device", will=Publication(topic, b"offline", retain=True))

    async with Session(embedded.url, client_id="watcher", filters=[topic]) as watcher:
        async with device() as session:
            await session.publish(Publication(topic, b"left"))
        async with device():
            assert payloads(await receive(watcher, 1)) == [b"left"]
            relay.cut()
            assert payloads(await receive(watcher, 1)) == [b"offline"]


async def test_each_connection_has_a_will_and_a_greeting_of_its_own_and_the_last_message_is_a_farewell(
    embedded: EmbeddedBroker, topic: str, relay_to: MakeRelay, until: Until
) -> None:
    relay = await relay_to(embedded.port)
    wills = itertools.count()
    async with Session(embedded.url, client_id="watcher", filters=[topic]) as watcher:
        async with Session(
            relay.url,
            client_id=f"device-{topic[2:]}",
            filters=[topic + "/command"],
            will=lambda: Publication(topic, f"will {next(wills)}".encode()),
            greeting=lambda: [Publication(topic, b"hello")],
            farewell=lambda: [Publication(topic, b"goodbye")],
        ) as device:
            assert payloads(await receive(watcher, 1)) == [b"hello"]
            relay.cut()
            await until(lambda: device.disconnects == 1 and device.connected)
            await device.publish(Publication(topic, b"after"))
            found = payloads(await receive(watcher, 3))
        found += payloads(await receive(watcher, 1))
    assert sorted(found[:-1]) == [b"after", b"hello", b"will 0"]
    assert found.index(b"hello") < found.index(b"after")
    assert found[-1] == b"goodbye"


async def test_a_greeting_that_was_not_acknowledged_is_not_sent_again_on_another_connection() -> None:
    outbox = Outbox()
    for greeting in (b"first", b"second"):
        outbox.put_first([Publication("t", greeting, qos=1)])
        written: list[bytes] = []
        outbox.attach(cast("Any", SimpleNamespace(writable=True, write=written.append)), mqtt5, ConnAck())
        assert [each.payload for each in mqtt5.read_packets(memoryview(written[0]), 0, 9).messages] == [greeting]
        outbox.detach()


async def test_a_greeting_comes_before_what_waited_and_what_waited_at_qos_0_is_not_sent_behind_it() -> None:
    outbox = Outbox()
    waited = [Publication("t", b"0", qos=0), Publication("t", b"1", qos=1)]
    published = outbox.put(waited)
    outbox.put_first([Publication("t", b"hello", qos=0)])
    written: list[bytes] = []
    outbox.attach(cast("Any", SimpleNamespace(writable=True, write=written.append)), mqtt5, ConnAck())
    assert [each.payload for each in mqtt5.read_packets(memoryview(written[0]), 0, 9).messages] == [b"hello", b"1"]
    assert not published.done()


@pytest.mark.slow
async def test_a_silent_broker_is_taken_for_dead_and_found_again(
    embedded: EmbeddedBroker, topic: str, relay_to: MakeRelay, until: Until
) -> None:
    relay = await relay_to(embedded.port)
    async with Session(relay.url, client_id=f"a-{topic[2:]}", filters=[topic], keep_alive_s=1) as session:
        relay.silent = True
        await until(lambda: session.disconnects == 1)
        relay.silent = False
        await session.publish(Publication(topic, b"after"))
        assert payloads(await receive(session, 1)) == [b"after"]


@pytest.mark.slow
async def test_an_idle_session_keeps_its_connection(
    embedded: EmbeddedBroker, topic: str, relay_to: MakeRelay, until: Until
) -> None:
    relay = await relay_to(embedded.port)
    async with Session(relay.url, client_id=f"a-{topic[2:]}", filters=[topic], keep_alive_s=1) as session:
        await until(lambda: relay.upstream.count(b"\xc0\x00") >= 3)
        assert session.disconnects == 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff" * 64,
        b"\x30\x03\x00\x01\xff",  # a topic that is not UTF-8
        b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(100),
        b"\x30\xff\xff\xff\x7f" + bytes(300_000),  # a packet of 256 MB
        b"\x34\x08\x00\x01a\x00\x01\x00bc",  # a message of QoS 2
    ],
    ids=["0xff", "topic", "http", "length", "qos2"],
)
@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the Rust codec's own, when it panics
async def test_garbage_ends_the_connection_not_the_session(
    garbage: bytes, level: int, monkeypatch: pytest.MonkeyPatch, pretend: Pretend, until: Until
) -> None:
    monkeypatch.setattr(sessions, "FIRST_PAUSE_S", 0.001)
    rejection, connack = b"\x20\x02\x00\x01", {4: b"\x20\x02\x00\x00", 5: b"\x20\x03\x00\x00\x00"}[level]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connect_packet = await reader.read(1_000)
        writer.write(connack + garbage if connect_packet[8] == level else rejection)
        await writer.drain()
        await reader.read()

    async with Session(await pretend(talk), client_id="a") as session:
        assert session.protocol == level
        await until(lambda: session.protocol_errors >= 3)
        assert session.received == 0
