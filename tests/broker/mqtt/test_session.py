"""The session against real brokers: what is acknowledged when, and what a broken connection costs (nothing)."""

import asyncio
import itertools
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import aiomqtt
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from broker.contract.message import Message
from broker.mqtt import address, handshake, mqtt5
from broker.mqtt import session as sessions
from broker.mqtt.outbox import Outbox
from broker.mqtt.packets import ConnAck
from broker.mqtt.session import Batch, Publication, Session, SessionError
from broker.server.embedded import EmbeddedBroker, Kind

Until = Callable[[Callable[[], object]], Awaitable[None]]
Pretend = Callable[..., Awaitable[str]]
MakeRelay = Callable[..., Awaitable[Any]]


@pytest.fixture
def topic() -> str:
    """A topic that no other test uses."""
    return f"t/{uuid4().hex[:8]}"


def numbered(topic: str, count: int, qos: int = 1, start: int = 0) -> list[Publication]:
    return [Publication(topic, str(number).encode(), qos=qos) for number in range(start, start + count)]


async def receive(session: Session, count: int, *, acknowledge: bool = True) -> list[Message]:
    """Receive until `count` messages have come."""
    messages: list[Message] = []
    async for batch in session.batches():
        messages += batch.messages
        if acknowledge:
            batch.acknowledge()
        if len(messages) >= count:
            break
    return messages


def payloads(messages: list[Message]) -> list[bytes]:
    return [message.payload for message in messages]


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


# ---- Publishing through trouble ----


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


# ---- Losing and finding the broker ----


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


# ---- Not getting in ----


async def test_no_broker_listens(tmp_path: Path) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(SessionError, match=f"no broker listens at {host}:{port}"):
            await Session(f"mqtt://{host}:{port}", client_id="a").__aenter__()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 70])
async def test_the_host_does_not_exist(host: str) -> None:
    with pytest.raises(SessionError, match=r"cannot be reached|is no host name"):
        await Session(f"mqtt://{host}", client_id="a").__aenter__()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_who_listens_is_no_broker(answer: bytes, pretend: Pretend) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)

    with pytest.raises(SessionError, match="is it an MQTT broker"):
        await Session(await pretend(talk), client_id="a").__aenter__()


async def test_who_listens_does_not_answer(monkeypatch: pytest.MonkeyPatch, pretend: Pretend) -> None:
    monkeypatch.setattr(handshake, "CONNECT_S", 0.05)

    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(SessionError, match="does not answer within"):
        await Session(await pretend(talk), client_id="a").__aenter__()


async def test_wrong_credentials_are_named_without_the_password(
    kind: Kind, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with EmbeddedBroker(tmp_path, port=0, user="plant", password="p@ss/wörd", kind=kind) as broker:
        for who in ("plant:hidden1@", "other:hidden1@"):
            with pytest.raises(SessionError, match=r"rejects user '(plant|other)'") as caught:
                await Session(f"mqtt://{who}127.0.0.1:{broker.port}", client_id="a").__aenter__()
            assert "hidden1" not in repr(caught.value)
        with pytest.raises(SessionError, match="rejects a client without user and password"):
            await Session(f"mqtt://127.0.0.1:{broker.port}", client_id="a").__aenter__()
        async with Session(broker.url, client_id="a") as session:
            assert session.connected
    assert "hidden1" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("localhost:1883", "begins with"),
        ("http://localhost", "begins with 'http'"),
        ("mqtt://", "names no host"),
        ("mqtt://user:secret@host:port", "no readable host and port"),
        ("mqtt://user:sec/ret@host", "readable|path"),
        ("mqtt://host/topic", "path"),
        ("mqtt://host?ca=x", "without TLS"),
        ("mqtts://host?ac=x", "option 'ac'"),
        ("mqtts://host?ca=/no/such.pem", "no file '/no/such.pem'"),
        ("mqtts://host?key=/no/such.pem", "without its cert"),
    ],
)
def test_a_url_with_a_mistake_is_explained_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(SessionError, match=problem) as caught:
        Session(url, client_id="a")
    assert "sec" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("mqtt://localhost", ("localhost", 1883, None, None)),
        ("mqtts://localhost", ("localhost", 8883, None, None)),
        ("mqtt://us%40er:p%3Aa%2Fss%25@[::1]:99", ("::1", 99, "us@er", "p:a/ss%")),
        ("mqtt://user@host/", ("host", 1883, "user", None)),
    ],
)
def test_a_url_is_parsed(url: str, parts: tuple[str, int, str | None, str | None]) -> None:
    found = address.parse(url)
    assert (found.host, found.port, found.user, found.password) == parts
    assert found.password is None or found.password not in repr(found)


# ---- TLS ----


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with an authority, and certificates of it for `localhost` and for a client."""
    subject = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj"]
    openssl(tmp_path, "req", "-x509", *subject, "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("localhost", "client"):
        openssl(tmp_path, "req", *subject, f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (tmp_path / "names").write_text(f"subjectAltName=DNS:{name}")
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
        openssl(tmp_path, "x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    return tmp_path


async def test_tls_with_an_authority_and_a_certificate_of_our_own(
    embedded: EmbeddedBroker, topic: str, relay_to: MakeRelay, certificates: Path
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates / "localhost.pem", certificates / "localhost.key")
    tls.load_verify_locations(certificates / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    relay = await relay_to(embedded.port, tls)
    files = f"?ca={certificates}/ca.pem&cert={certificates}/client.pem&key={certificates}/client.key"
    async with Session(relay.url + files, client_id="a", filters=[topic], receive_maximum=100) as session:
        await asyncio.gather(session.publish(*numbered(topic, 5_000)), receive(session, 5_000))
        assert session.received == 5_000
    with pytest.raises(SessionError, match=r"is not trusted: .*name its authority with \?ca=FILE"):
        await Session(relay.url, client_id="a").__aenter__()
    with pytest.raises(SessionError, match="is it mqtt:// rather"):
        await Session(f"mqtts://localhost:{embedded.port}?ca={certificates}/ca.pem", client_id="a").__aenter__()


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
