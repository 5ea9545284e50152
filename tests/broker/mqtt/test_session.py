"""The session against real brokers: what is acknowledged when, and what a broken connection costs (nothing)."""

import asyncio
import itertools
from pathlib import Path

import aiomqtt
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from broker.mqtt.session import Batch, Publication, Session
from broker.server.embedded import EmbeddedBroker, Kind
from tests.broker.mqtt.sessions import MakeRelay, Until, numbered, payloads, receive

# ---- In order ----


async def test_a_message_arrives_with_topic_payload_qos_flag_and_time(broker: str, topic: str, kind: Kind) -> None:
    clock = itertools.count(1_000, 1)
    async with Session(broker, client_id=f"c-{topic[2:]}", filters=[topic + "/#"], now=lambda: next(clock)) as session:
        assert session.connected
        assert session.protocol == (5 if kind == "mosquitto" else 4)
        await session.publish(Publication(topic + "/a", b"x", qos=0), Publication(topic + "/b", b"y\x00\xff", qos=1))
        first, second = await receive(session, 2)
        assert (first.topic, first.payload, first.qos, first.retained) == (topic + "/a", b"x", 0, False)
        assert (second.topic, second.payload, second.qos, second.retained) == (topic + "/b", b"y\x00\xff", 1, False)
        assert 1_000 <= first.received_at < second.received_at < 2_000
        assert (session.received, session.acknowledged, session.published) == (2, 2, 2)


async def test_times_of_receipt_never_repeat_though_the_clock_stands_still(broker: str, topic: str) -> None:
    async with Session(broker, client_id=f"c-{topic[2:]}", filters=[topic], now=lambda: 5) as session:
        await session.publish(*numbered(topic, 100))
        times = [message.received_at for message in await receive(session, 100)]
        assert times == list(range(5, 105))


@pytest.mark.slow
async def test_many_messages_arrive_in_order(broker: str, topic: str) -> None:
    async with (
        Session(broker, client_id=f"a-{topic[2:]}", filters=[topic]) as receiver,
        Session(broker, client_id=f"b-{topic[2:]}") as sender,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(sender.publish(*numbered(topic, 10_000)))
        assert payloads(await receive(receiver, 10_000)) == [str(number).encode() for number in range(10_000)]
        assert receiver.waiting == 0


async def test_only_old_messages_are_flagged_retained(broker: str, topic: str) -> None:
    async with Session(broker, client_id=f"a-{topic[2:]}", filters=[topic]) as session:
        await session.publish(Publication(topic, b"on", retain=True))
        assert [message.retained for message in await receive(session, 1)] == [False]
    async with Session(broker, client_id=f"b-{topic[2:]}", filters=[topic]) as session:
        assert [(message.payload, message.retained) for message in await receive(session, 1)] == [(b"on", True)]


async def test_a_message_of_a_megabyte_arrives_and_so_does_the_next(broker: str, topic: str) -> None:
    large = bytes(range(256)) * 4_096
    async with Session(broker, client_id=f"a-{topic[2:]}", filters=[topic]) as session:
        await session.publish(Publication(topic, large), Publication(topic, b"small"), Publication(topic, large))
        assert payloads(await receive(session, 3)) == [large, b"small", large]


# ---- Acknowledging ----


@pytest.mark.slow
async def test_qos1_is_not_acknowledged_before_the_consumer_acknowledges(broker: str, topic: str) -> None:
    def again() -> Session:
        return Session(broker, client_id=f"a-{topic[2:]}", filters=[topic], persistent=True)

    async with again() as session:
        await session.publish(*numbered(topic, 3))
        assert len(await receive(session, 3, acknowledge=False)) == 3
    async with again() as session:
        assert payloads(await receive(session, 3)) == [b"0", b"1", b"2"]
    async with again() as session:
        await session.publish(Publication(topic, b"next"))
        assert payloads(await receive(session, 1)) == [b"next"]


@pytest.mark.slow
async def test_an_acknowledgement_after_the_connection_was_lost_does_no_harm(
    embedded: EmbeddedBroker, topic: str, relay_to: MakeRelay, until: Until
) -> None:
    relay = await relay_to(embedded.port)
    async with Session(relay.url, client_id=f"a-{topic[2:]}", filters=[topic], persistent=True) as session:
        await session.publish(*numbered(topic, 2))
        batches = session.batches()
        old: list[Batch] = []
        while sum(map(len, old)) < 2:
            old.append(await anext(batches))
        relay.cut()
        await until(lambda: session.disconnects == 1 and session.connected)
        for batch in old:
            batch.acknowledge()
            batch.acknowledge()
        assert payloads(await receive(session, 2)) == [b"0", b"1"]
        assert session.waiting == 0


@pytest.mark.slow
async def test_a_persistent_session_gets_what_was_published_while_it_was_away(
    kind: Kind, tmp_path: Path, topic: str
) -> None:
    async with EmbeddedBroker(tmp_path, port=0, kind=kind) as broker:
        async with Session(broker.url, client_id="away", filters=[topic], persistent=True):
            pass
        async with Session(broker.url, client_id="sender") as sender:
            await sender.publish(*numbered(topic, 1_500))
    async with (
        EmbeddedBroker(tmp_path, port=0, kind=kind) as broker,
        Session(broker.url, client_id="away", filters=[topic], persistent=True) as session,
    ):
        assert payloads(await receive(session, 1_500)) == [str(number).encode() for number in range(1_500)]


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_consumer_that_does_not_acknowledge_is_not_flooded(
    broker: str, topic: str, qos: int, until: Until
) -> None:
    most = 50
    async with (
        Session(broker, client_id=f"a-{topic[2:]}", filters=[topic], receive_maximum=most) as slow,
        Session(broker, client_id=f"b-{topic[2:]}", filters=[topic]) as quick,
    ):
        await quick.publish(*numbered(topic, 3_000, qos))
        await receive(quick, 3_000)
        await until(lambda: slow.waiting >= most)
        assert slow.received <= 2 * most
        assert payloads(await receive(slow, 3_000)) == [str(number).encode() for number in range(3_000)]


async def test_a_consumer_may_publish_before_it_acknowledges(broker: str, topic: str, until: Until) -> None:
    async with (
        Session(broker, client_id=f"a-{topic[2:]}", filters=[topic], receive_maximum=10) as session,
        Session(broker, client_id=f"b-{topic[2:]}") as flood,
    ):
        await flood.publish(*numbered(topic, 50, qos=0))
        await until(lambda: session.waiting >= 20)
        batch = await anext(session.batches())
        assert batch.messages
        await session.publish(Publication(topic + "/result", b"done"))
        assert (session.published, session.unanswered, session.disconnects) == (1, 0, 0)
        batch.acknowledge()


# ---- Beside other clients ----


async def test_aiomqtt_and_the_session_receive_each_others_messages(embedded: EmbeddedBroker, topic: str) -> None:
    async with (
        aiomqtt.Client("127.0.0.1", embedded.port) as other,
        Session(embedded.url, client_id=f"a-{topic[2:]}", filters=[topic + "/ours"]) as session,
    ):
        await other.subscribe(topic + "/theirs", qos=1)
        await session.publish(Publication(topic + "/theirs", b"1"))
        message = await anext(aiter(other.messages))
        assert (str(message.topic), message.payload, message.qos) == (topic + "/theirs", b"1", 1)
        await other.publish(topic + "/ours", b"2", qos=1)
        assert payloads(await receive(session, 1)) == [b"2"]


@pytest.mark.parametrize(
    "protocol", [MQTTProtocolVersion.MQTTv31, MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5]
)
async def test_paho_and_the_session_receive_each_others_messages(
    embedded: EmbeddedBroker, topic: str, protocol: MQTTProtocolVersion, kind: Kind
) -> None:
    if kind == "nats" and protocol != MQTTProtocolVersion.MQTTv311:
        pytest.skip("NATS speaks 3.1.1 only")
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
    client.connect("127.0.0.1", embedded.port)
    client.loop_start()
    try:
        async with Session(embedded.url, client_id=f"a-{topic[2:]}", filters=[topic]) as session:
            client.publish(topic, b"0", qos=0)
            client.publish(topic, b"1", qos=1)
            client.publish(topic, b"2", qos=2)
            messages = await receive(session, 3)
            assert payloads(messages) == [b"0", b"1", b"2"]
            assert [message.qos for message in messages] == [0, 1, 1]
    finally:
        client.disconnect()
        client.loop_stop()
