"""The MQTT 3.1.1 codec, against paho-mqtt as an independent one, against itself, and against noise."""

import socket
import threading

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from broker.contract.message import Message, Publication
from broker.mqtt import mqtt311
from broker.mqtt.packets import (
    Acknowledgement,
    ConnAck,
    Connect,
    PacketError,
    Parsed,
    Pong,
    SubAck,
    acknowledge,
    packet_length,
)

ALL = 1_000_000
SIZES = (0, 1, 100, 118, 119, 16_373, 16_374, 2_097_141, 2_097_142)
"""Payloads on both sides of where a packet's length takes one byte more."""

topics = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="+#\0"), min_size=1, max_size=200)
publications = st.builds(
    Publication, topic=topics, payload=st.binary(max_size=300), qos=st.sampled_from([0, 1]), retain=st.booleans()
)


def read_packets(data: bytes, limit: int = ALL, received_at: int = 0) -> Parsed:
    return mqtt311.read_packets(memoryview(data), received_at, limit)


# ---- Against paho-mqtt ----


class Broker(threading.Thread):
    """Answers one paho client and records what it sent, packet by packet."""

    def __init__(self) -> None:
        super().__init__()
        self.packets: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def run(self) -> None:
        connection, _ = self._socket.accept()
        buffer = b""
        with self._socket, connection:
            while data := connection.recv(1 << 20):
                buffer += data
                while (length := packet_length(buffer)) is not None and length <= len(buffer):
                    self.packets.append(buffer[:length])
                    buffer = buffer[length:]
                    connection.sendall(self._answer(self.packets[-1]))

    def _answer(self, packet: bytes) -> bytes:
        match packet[0] >> 4:
            case 1:
                return b"\x20\x02\x00\x00"
            case 3 if packet[0] & 2:
                return acknowledge(read_packets(packet).packet_ids)
            case 8:
                return b"\x90\x03" + packet[2:4] + b"\x01"
            case _:
                return b""


def sent_by_paho(connect_packet: Connect, publications: list[Publication], topic_filter: str) -> list[bytes]:
    """Return the packets that paho encodes from the same values."""
    broker = Broker()
    broker.start()
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        connect_packet.client_id,
        clean_session=not connect_packet.persistent,
        protocol=MQTTProtocolVersion.MQTTv311,
    )
    if connect_packet.user is not None:
        client.username_pw_set(connect_packet.user, connect_packet.password)
    if connect_packet.will is not None:
        client.will_set(
            connect_packet.will.topic, connect_packet.will.payload, connect_packet.will.qos, connect_packet.will.retain
        )
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", broker.port, connect_packet.keep_alive_s)
    client.loop_start()
    try:
        client.subscribe(topic_filter, qos=1)
        assert subscribed.wait(10)
        for each in publications:
            client.publish(each.topic, each.payload, each.qos, each.retain).wait_for_publish(10)
    finally:
        client.disconnect()
        client.loop_stop()
        broker.join(10)
    return broker.packets


@pytest.mark.parametrize(
    "connect_packet",
    [
        Connect("a", None, None, persistent=False, keep_alive_s=20, receive_maximum=0),
        Connect("ä-client", "user", None, persistent=True, keep_alive_s=65_535, receive_maximum=0),
        Connect("c", "üser", "pässword", False, 0, 0, Publication("t/will", b"\0\xff", qos=1, retain=True)),
        Connect("d", None, None, True, 1, 0, Publication("t/will", b"", qos=0, retain=False)),
    ],
)
def test_our_packets_are_those_of_paho(connect_packet: Connect) -> None:
    wishes = [
        Publication(f"t/{size}/é", bytes(size), qos, retain)
        for size in SIZES
        for qos, retain in ((0, False), (1, False), (1, True), (0, True))
    ]
    theirs = sent_by_paho(connect_packet, wishes, "t/+/x/#")
    assert mqtt311.connect(connect_packet) == theirs[0]
    assert mqtt311.subscribe(1, ["t/+/x/#"]) == theirs[1]
    # Paho's packet ids begin at 1, for the subscription, and count at QoS 0 too.
    for packet_id, (wish, their) in enumerate(zip(wishes, theirs[2 : 2 + len(wishes)], strict=True), start=2):
        assert mqtt311.publish(wish, packet_id, duplicate=False) == their
        assert read_packets(their).messages == [Message(wish.topic, wish.payload, wish.qos, wish.retain, 0)]
        assert read_packets(their).packet_ids == ([packet_id] if wish.qos else [])


# ---- Against itself ----


@given(st.lists(publications, max_size=20), st.integers(1, 65_535), st.booleans(), st.data())
def test_publications_come_back_however_they_are_cut(
    wishes: list[Publication], packet_id: int, duplicate: bool, data: st.DataObject
) -> None:
    wire = b"".join(mqtt311.publish(wish, packet_id, duplicate=duplicate) for wish in wishes)
    cut = data.draw(st.integers(0, len(wire)))
    first = read_packets(wire[:cut], received_at=7)
    assert first.error is None
    second = read_packets(wire[first.length :], received_at=7 + len(first.messages))
    assert second.length == len(wire) - first.length
    assert first.messages + second.messages == [
        Message(wish.topic, wish.payload, wish.qos, wish.retain, 7 + place, redelivered=duplicate and wish.qos == 1)
        for place, wish in enumerate(wishes)
    ]
    assert first.packet_ids + second.packet_ids == [packet_id for wish in wishes if wish.qos]


@given(st.lists(publications, min_size=1, max_size=20), st.integers(0, 20))
def test_no_more_messages_are_taken_than_asked_for(wishes: list[Publication], limit: int) -> None:
    wire = b"".join(mqtt311.publish(wish, 1, duplicate=False) for wish in wishes)
    taken = read_packets(wire, limit)
    assert len(taken.messages) == min(limit, len(wishes))
    assert len(read_packets(wire[taken.length :]).messages) == len(wishes) - len(taken.messages)


@given(st.lists(st.integers(1, 65_535), max_size=300))
def test_acknowledgements_are_decoded(packet_ids: list[int]) -> None:
    assert read_packets(acknowledge(packet_ids)).answers == [Acknowledgement(packet_id) for packet_id in packet_ids]


# ---- Against a broker's packets, and noise ----


@pytest.mark.parametrize(
    ("wire", "answer"),
    [
        (b"\x20\x02\x00\x00", ConnAck()),
        (b"\x20\x02\x01\x00", ConnAck(session_present=True)),
        (b"\x20\x02\x00\x01", ConnAck("it does not speak MQTT 3.1.1", other_version=True)),
        (b"\x20\x02\x00\x04", ConnAck("bad user name or password")),
        (b"\x20\x02\x00\x63", ConnAck("return code 99")),
        (b"\x90\x05\x12\x34\x01\x80\x00", SubAck(0x1234, ["", "rejected by the broker", ""])),
        (b"\xd0\x00", Pong()),
    ],
)
def test_answers_of_a_broker(wire: bytes, answer: object) -> None:
    taken = read_packets(wire)
    assert (taken.answers, taken.length, taken.error) == ([answer], len(wire), None)
    for end in range(len(wire)):
        assert read_packets(wire[:end]) == Parsed([], [], [])


@pytest.mark.parametrize(
    ("wire", "problem"),
    [
        (b"\x00\x00", "no broker sends"),
        (b"\x10\x00", "no broker sends"),
        (b"\x20\x01\x00", "no broker sends"),
        (b"\x20\x02\x02\x00", "no broker sends"),
        (b"\x41\x02\x00\x01", "no broker sends"),
        (b"\xd0\x01\x00", "no broker sends"),
        (b"\x90\x03\x00\x01\x03", "unknown code"),
        (b"\x90\x02\x00\x01", "no broker sends"),
        (b"\x30\xff\xff\xff\xff\x01", "four bytes"),
        (b"\x30\x00", "ends before its topic"),
        (b"\x30\x03\x00\x02a", "ends before its topic"),
        (b"\x32\x04\x00\x01a\x00", "ends before its topic"),
        (b"\x32\x05\x00\x01a\x00\x00", "without its packet id"),
        (b"\x34\x05\x00\x01a\x00\x01", "QoS 2"),
        (b"\x36\x05\x00\x01a\x00\x01", "QoS 3"),
        (b"\x30\x03\x00\x01\xff", "UTF-8"),
        (b"\x30\x03\x00\x01+", "no topic"),
        (b"\x30\x02\x00\x00", "no topic"),
    ],
)
def test_an_error_is_reported_and_what_came_before_counts(wire: bytes, problem: str) -> None:
    good = b"\x30\x04\x00\x01ab"
    taken = read_packets(good + wire + good)
    assert (len(taken.messages), taken.length) == (1, len(good))
    assert isinstance(taken.error, PacketError)
    assert problem in str(taken.error)


@given(st.binary(max_size=200), st.integers(0, 5))
def test_no_bytes_make_the_decoder_raise(noise: bytes, limit: int) -> None:
    taken = read_packets(noise, limit)
    assert 0 <= taken.length <= len(noise)


@given(st.sampled_from([0x20, 0x30, 0x32, 0x40, 0x90, 0xD0]), st.binary(max_size=120))
def test_no_body_makes_the_decoder_raise(kind: int, body: bytes) -> None:
    taken = read_packets(bytes([kind, len(body)]) + body)
    assert (taken.error is None) == (taken.length == len(body) + 2)


def test_what_does_not_fit_is_rejected() -> None:
    with pytest.raises(ValueError, match="65,535"):
        mqtt311.publish(Publication("x" * 65_536, b""), 1, duplicate=False)
    with pytest.raises(ValueError, match="268,435,455"):
        mqtt311.publish(Publication("x", bytes(268_435_456)), 1, duplicate=False)
