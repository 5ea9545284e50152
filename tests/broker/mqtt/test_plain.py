"""Plain PUBLISH packets: whatever topics are known, both codecs have the same messages of the same bytes."""

from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mqtt5 import PublishPacket, QoS

from broker.contract.message import Publication
from broker.mqtt import mqtt5, mqtt311, plain
from broker.mqtt.packets import Parsed

TOPICS = ("a", "a/b", "µ/b", "a" * 130)
publications = st.builds(
    Publication,
    topic=st.sampled_from(TOPICS),
    payload=st.binary(max_size=4) | st.sampled_from([b"x" * size for size in (117, 118, 127, 128, 16_300, 16_400)]),
    qos=st.sampled_from([0, 1]),
    retain=st.sampled_from([False, False, False, True]),
)
changes = st.tuples(st.integers(0, 400), st.integers(0, 255))


def packet(codec: ModuleType, wish: Publication, packet_id: int, *, with_property: bool) -> bytes:
    if with_property and codec is mqtt5:
        qos = QoS.AT_LEAST_ONCE if wish.qos else QoS.AT_MOST_ONCE
        number = packet_id if wish.qos else None
        return PublishPacket(
            wish.topic, wish.payload, qos=qos, packet_id=number, user_properties=[("unit", "mm")]
        ).write()
    return bytes(codec.publish(wish, packet_id, duplicate=packet_id == 3))


def read_one_by_one(codec: ModuleType, wire: bytes, limit: int) -> Parsed:
    """Read as `read_packets`, with no topic known until its packet is read."""
    whole = Parsed([], [], [])
    while len(whole.messages) < limit:
        plain._topics.clear()
        one: Parsed = codec.read_packets(memoryview(wire)[whole.length :], 7 + len(whole.messages), 1)
        whole.messages += one.messages
        whole.packet_ids += one.packet_ids
        whole.answers += one.answers
        whole.length += one.length
        whole.error = one.error
        if not one.length or one.error is not None:
            break
    return whole


def content(parsed: Parsed) -> tuple[object, ...]:
    return parsed.messages, parsed.packet_ids, parsed.answers, parsed.length, str(parsed.error)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # mqtt5's own, when it panics
@pytest.mark.parametrize("codec", [mqtt5, mqtt311])
@given(
    st.lists(st.tuples(publications, st.integers(1, 3) | st.just(65_535), st.booleans()) | st.none(), max_size=8),
    st.lists(changes, max_size=2),
    st.integers(1, 9),
)
@example([(Publication("a", b"", 1), 1, False)], [(4, 0), (5, 0)], 9)  # a packet id of 0
@example([(Publication("a", b"", 0), 1, False)] * 2, [(1, 3)], 9)  # a topic that goes on in the next packet
@example([(Publication("a", b"1", 0), 1, False), (Publication("a" * 130, b"1", 1), 2, True)], [], 9)
def test_known_topics_change_nothing(
    codec: ModuleType,
    wishes: list[tuple[Publication, int, bool] | None],
    changed: list[tuple[int, int]],
    limit: int,
) -> None:
    parts = [b"\xd0\x00" if one is None else packet(codec, *one[:2], with_property=one[2]) for one in wishes]
    wire = bytearray(b"".join(parts))
    for place, byte in changed:
        if place < len(wire):
            wire[place] = byte
    expected = read_one_by_one(codec, bytes(wire), limit)
    for topic in TOPICS:
        plain._topics[topic.encode()] = topic
    assert content(codec.read_packets(memoryview(wire), 7, limit)) == content(expected)


@pytest.mark.parametrize("codec", [mqtt5, mqtt311])
@pytest.mark.parametrize("qos", [0, 1])
def test_known_topics_are_not_read_by_the_codec(codec: ModuleType, qos: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = codec.publish(Publication("a/b", b"1", qos), 9, duplicate=False)
    plain.learn(codec.read_packets(memoryview(wire), 0, 1).messages[0])
    for name in ("_read", "_publish"):
        monkeypatch.delattr(codec, name, raising=False)
    taken = codec.read_packets(memoryview(wire * 3), 5, 9)
    assert [message.received_at for message in taken.messages] == [5, 6, 7]
    assert (taken.packet_ids, taken.length) == ([9] * 3 * qos, 3 * len(wire))


def test_topics_without_end_do_not_take_memory_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_MANY_TOPICS", 10)
    for number in range(100):
        wire = mqtt311.publish(Publication(f"a/{number}", b"1", 0), 0, duplicate=False)
        assert mqtt311.read_packets(memoryview(wire), 0, 1).messages[0].topic == f"a/{number}"
    assert len(plain._topics) <= 10
