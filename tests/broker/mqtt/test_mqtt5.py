"""The MQTT 5 codec: the packets of the Rust library as ours, and no byte string that makes it raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mqtt5 import PublishPacket, QoS

from broker.contract.message import Message, Publication
from broker.mqtt import mqtt5
from broker.mqtt.packets import Acknowledgement, ConnAck, Connect, Disconnect, Parsed, Pong, SubAck

ALL = 1_000_000
GOOD = b"\x30\x05\x00\x01a\x00b"


def read_packets(data: bytes, limit: int = ALL, received_at: int = 0) -> Parsed:
    return mqtt5.read_packets(memoryview(data), received_at, limit)


@pytest.mark.parametrize(
    ("wire", "answer"),
    [
        (b"\x20\x03\x00\x00\x00", ConnAck(shared_subscriptions=True)),
        (
            b"\x20\x10\x01\x00\x0d\x21\x00\x14\x27\x00\x00\x10\x00\x13\x00\x3c\x2a\x00",
            ConnAck(session_present=True, receive_maximum=20, longest_packet=4_096, keep_alive_s=60),
        ),
        (b"\x20\x03\x00\x84\x00", ConnAck("unsupported protocol version", True, shared_subscriptions=True)),
        (b"\x20\x03\x00\x87\x00", ConnAck("not authorized", shared_subscriptions=True)),
        (b"\x20\x02\x00\x01", ConnAck("it does not speak MQTT 5", other_version=True)),
        (b"\x40\x02\x12\x34", Acknowledgement(0x1234)),
        (b"\x40\x03\x12\x34\x10", Acknowledgement(0x1234)),
        (b"\x40\x03\x12\x34\x97", Acknowledgement(0x1234, "quota exceeded")),
        (b"\x90\x05\x00\x01\x00\x01\x87", SubAck(1, ["", "not authorized"])),
        (b"\xd0\x00", Pong()),
        (b"\xe0\x02\x8e\x00", Disconnect("session taken over", taken_over=True)),
    ],
)
def test_answers_of_a_broker(wire: bytes, answer: object) -> None:
    taken = read_packets(wire)
    assert (taken.answers, taken.length, taken.error) == ([answer], len(wire), None)


def test_messages_and_their_packet_ids() -> None:
    wishes = [Publication("a/b", b"1", qos=0), Publication("a/c", b"\0", qos=1, retain=True)]
    wire = b"".join(mqtt5.publish(wish, 300, duplicate=True) for wish in wishes)
    taken = read_packets(wire + wire[:5], received_at=10)
    assert taken.messages == [Message("a/b", b"1", 0, False, 10), Message("a/c", b"\0", 1, True, 11, redelivered=True)]
    assert (taken.packet_ids, taken.length, taken.error) == ([300], len(wire), None)
    assert len(read_packets(wire, limit=1).messages) == 1


@pytest.mark.parametrize("packet_id", [None, 7])
def test_user_properties_come_with_their_message(packet_id: int | None) -> None:
    properties = [("Unit", "mm"), ("Unit", "µm"), ("", "")]
    qos = QoS.AT_MOST_ONCE if packet_id is None else QoS.AT_LEAST_ONCE
    wire = PublishPacket("a", b"1", qos=qos, packet_id=packet_id, user_properties=properties).write()
    (message,) = read_packets(wire + GOOD, limit=1).messages
    assert message.properties == tuple(properties)
    assert read_packets(GOOD).messages[0].properties == ()


def test_a_will_and_credentials_are_sent() -> None:
    wire = mqtt5.connect(Connect("id", "user", "pass", True, 20, 99, Publication("will", b"gone", 1, True)))
    for part in (b"\x00\x02id", b"\x00\x04user", b"\x00\x04pass", b"\x00\x04will\x00\x04gone"):
        assert part in wire


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the codec's own, when it panics
@pytest.mark.parametrize(
    "wire", [b"\x30\x04\x00\x01\xff\x00", b"\x34\x06\x00\x01a\x00\x01\x00", b"\xff" * 5, b"\x10\x00", b"\x82\x00"]
)
def test_what_came_before_something_wrong_counts(wire: bytes) -> None:
    taken = read_packets(GOOD + wire + GOOD)
    assert (len(taken.messages), taken.length) == (1, len(GOOD))
    assert taken.error is not None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # as above
@given(st.sampled_from([0x20, 0x30, 0x32, 0x40, 0x90, 0xD0, 0xE0, 0xF0]), st.binary(max_size=60), st.integers(0, 3))
def test_no_bytes_make_the_decoder_raise(kind: int, body: bytes, limit: int) -> None:
    taken = read_packets(bytes([kind, len(body)]) + body, limit)
    assert 0 <= taken.length <= len(body) + 2
