"""What is published through trouble: restarts, lost connections, rejections and leaving."""

import asyncio
from pathlib import Path

import pytest

from broker.mqtt import session as sessions
from broker.mqtt.session import Publication, Session, SessionError
from broker.server.embedded import EmbeddedBroker, Kind
from tests.broker.mqtt.sessions import MakeRelay, Until, numbered, payloads, receive


@pytest.mark.slow
async def test_publications_outlive_a_restart_of_the_broker(
    kind: Kind, tmp_path: Path, topic: str, until: Until
) -> None:
    async with EmbeddedBroker(tmp_path, port=0, kind=kind) as broker:
        port = broker.port
        receiver = Session(broker.url, client_id="receiver", filters=[topic], persistent=True)
        sender = Session(broker.url, client_id="sender")
        await receiver.__aenter__()
        await sender.__aenter__()
        await sender.publish(*numbered(topic, 100))
    await until(lambda: not sender.connected and not receiver.connected)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.publish(*numbered(topic, 100, start=100)))
        async with EmbeddedBroker(tmp_path, port=port, kind=kind):
            found: set[bytes] = set()
            while len(found) < 200:
                found |= set(payloads(await receive(receiver, 1)))
            assert found == {str(number).encode() for number in range(200)}
            await receiver.__aexit__(None, None, None)
            await sender.__aexit__(None, None, None)
    assert sender.disconnects >= 1


async def test_a_lost_connection_costs_no_publication(
    embedded: EmbeddedBroker, topic: str, relay_to: MakeRelay
) -> None:
    relay = await relay_to(embedded.port)
    async with (
        Session(embedded.url, client_id=f"a-{topic[2:]}", filters=[topic]) as receiver,
        Session(relay.url, client_id=f"b-{topic[2:]}", persistent=True) as sender,
        asyncio.TaskGroup() as group,
    ):
        sending = group.create_task(sender.publish(*numbered(topic, 20_000)))
        found: set[bytes] = set()
        cuts = 0
        while len(found) < 20_000:
            found |= set(payloads(await receive(receiver, 1)))
            # Only what is connected can be cut: many messages may have come before the sender was back.
            if cuts < 3 and len(found) > 4_000 * (cuts + 1) and sender.connected and sender.disconnects == cuts:
                cuts += 1
                relay.cut()
        await sending
        assert sender.disconnects == cuts == 3
        assert sender.published == 20_000


async def test_publish_waits_for_all_of_its_publications(broker: str, topic: str) -> None:
    async with Session(broker, client_id=f"a-{topic[2:]}") as session:
        await session.publish()
        await asyncio.gather(*(session.publish(*numbered(topic, 100)) for _ in range(20)))
        assert (session.published, session.unanswered) == (2_000, 0)


@pytest.mark.slow
async def test_a_cancelled_publication_leaves_the_session_usable(
    embedded: EmbeddedBroker, topic: str, relay_to: MakeRelay
) -> None:
    relay = await relay_to(embedded.port)
    async with (
        Session(embedded.url, client_id=f"b-{topic[2:]}", filters=[f"{topic}/after"]) as receiver,
        Session(relay.url, client_id=f"a-{topic[2:]}") as session,
    ):
        relay.silent = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await session.publish(*numbered(topic, 5_000))
        relay.silent = False
        relay.cut()
        await session.publish(*numbered(f"{topic}/after", 5_000))
        found = {message.payload for message in await receive(receiver, 5_000)}
        assert found == {str(number).encode() for number in range(5_000)}
        assert session.unanswered == 0


async def test_leaving_fails_what_the_broker_does_not_have(
    embedded: EmbeddedBroker, topic: str, relay_to: MakeRelay
) -> None:
    relay = await relay_to(embedded.port)
    async with Session(relay.url, client_id=f"a-{topic[2:]}") as session:
        relay.silent = True
        outstanding = [asyncio.ensure_future(session.publish(*numbered(topic, 3))) for _ in range(2)]
        await asyncio.sleep(0)
    for each in outstanding:
        with pytest.raises(SessionError, match="left before the broker acknowledged"):
            await each
    with pytest.raises(SessionError, match="not entered"):
        await session.publish(Publication(topic, b""))


async def test_leaving_ends_the_batches(broker: str, topic: str) -> None:
    async with asyncio.TaskGroup() as group:
        async with Session(broker, client_id=f"a-{topic[2:]}", filters=[topic]) as session:
            consumer = group.create_task(receive(session, 1))
            await asyncio.sleep(0)
        assert await consumer == []


async def test_what_cannot_be_published_is_rejected_at_once(broker: str) -> None:
    cases = [
        (Publication("a/+/b", b""), "wildcard"),
        (Publication("a/#", b""), "wildcard"),
        (Publication("", b""), "empty topic"),
        (Publication("a\0", b""), "NUL"),
        (Publication("x" * 70_000, b""), "65,535"),
        (Publication("\ud800", b""), "UTF-8"),
        (Publication("a", b"", qos=2), "QoS 2"),
    ]
    async with Session(broker, client_id="a") as session:
        for publication, problem in cases:
            with pytest.raises(ValueError, match=problem):
                await session.publish(Publication("good", b""), publication)
        assert session.published == 0


@pytest.mark.mosquitto
async def test_a_publication_that_the_broker_rejects_fails_with_its_reason(tmp_path: Path, topic: str) -> None:
    async with (
        EmbeddedBroker(tmp_path, port=0, kind="mosquitto") as broker,
        Session(broker.url, client_id="a") as session,
    ):
        with pytest.raises(SessionError, match=r"'\$SYS/a'.*not authorized"):
            await session.publish(Publication(topic, b""), Publication("$SYS/a", b""))
        assert session.published == 1


async def test_a_publication_that_breaks_the_connection_again_and_again_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "FIRST_PAUSE_S", 0.001)
    async with (
        EmbeddedBroker(tmp_path, port=0, kind="nats") as broker,
        Session(broker.url, client_id="a") as session,
    ):
        await session.publish(Publication("good", b""))
        with pytest.raises(SessionError, match=r"'with a space'.*closed the connection 5 times"):
            await session.publish(Publication("with a space", b""))
        await session.publish(Publication("good", b""))
        assert session.disconnects == 5


async def test_a_publication_that_is_too_large_fails_with_its_topic(
    embedded: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "FIRST_PAUSE_S", 0.001)
    async with Session(embedded.url, client_id="a") as session:
        with pytest.raises(SessionError, match="'large'"):
            await session.publish(Publication("large", bytes(9_000_000)))
        await session.publish(Publication("small", b""))
