"""MQTT 3.1.1, for brokers without MQTT 5: a small, frozen standard, so the codec is our own.

It covers what a client needs that subscribes at QoS 1 and publishes at QoS 0 or 1. Pure: bytes in, values out. Section
numbers are those of the OASIS standard of 29 October 2014.
"""

from collections.abc import Sequence
from typing import Final

from broker.contract.message import Message, Publication
from broker.mqtt import plain
from broker.mqtt.packets import (
    Acknowledgement,
    Answer,
    ConnAck,
    Connect,
    PacketError,
    Parsed,
    Pong,
    SubAck,
)

LEVEL: Final = 4

_REDELIVERED: Final = 0x08
_REJECTIONS: Final = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not accept this client id",
    3: "it is not available now",
    4: "bad user name or password",
    5: "not authorised",
}
"""Return codes of CONNACK (section 3.2.2.3)."""


def connect(connect_packet: Connect) -> bytes:
    """Encode CONNECT (section 3.1)."""
    flags = 0 if connect_packet.persistent else 0x02
    fields = [_text(connect_packet.client_id)]
    if connect_packet.will is not None:
        flags |= 0x04 | connect_packet.will.qos << 3 | (0x20 if connect_packet.will.retain else 0)
        fields += [_text(connect_packet.will.topic), _block(connect_packet.will.payload)]
    if connect_packet.user is not None:
        flags |= 0x80
        fields.append(_text(connect_packet.user))
        if connect_packet.password is not None:
            flags |= 0x40
            fields.append(_text(connect_packet.password))
    head = _text("MQTT") + bytes([LEVEL, flags]) + connect_packet.keep_alive_s.to_bytes(2, "big")
    return _packet(0x10, head + b"".join(fields))


def subscribe(packet_id: int, filters: Sequence[str]) -> bytes:
    """Encode SUBSCRIBE at QoS 1 (section 3.8)."""
    return _packet(0x82, packet_id.to_bytes(2, "big") + b"".join(_text(each) + b"\x01" for each in filters))


def publish(publication: Publication, packet_id: int, *, duplicate: bool) -> bytes:
    """Encode PUBLISH (section 3.3); `packet_id` counts at QoS 1 only."""
    topic = _text(publication.topic)
    if publication.qos == 0:
        return _packet(0x30 | publication.retain, topic + publication.payload)
    kind = 0x32 | (0x08 if duplicate else 0) | publication.retain
    return _packet(kind, topic + packet_id.to_bytes(2, "big") + publication.payload)


def read_packets(buffer: memoryview, received_at: int, limit: int) -> Parsed:
    """Decode whole packets until the buffer ends or `limit` messages have been taken; see `packets.Codec`."""
    parsed = Parsed([], [], [])
    try:
        _read_packets(parsed, bytes(buffer), received_at, limit)
    except PacketError as error:
        parsed.error = error
    return parsed


def _read_packets(parsed: Parsed, data: bytes, received_at: int, limit: int) -> None:
    messages, packet_ids, answers = parsed.messages, parsed.packet_ids, parsed.answers
    start, end = 0, len(data)
    while True:
        start = parsed.length = plain.read_plain(parsed, data, start, limit, received_at, has_properties=False)
        if start + 2 > end or len(messages) >= limit:
            break
        # The remaining length (section 2.2.3) is one byte in most packets, so that case goes first.
        length, body = data[start + 1], start + 2
        if length >= 0x80:
            found = _long_length(data, start + 1)
            if found is None:
                break
            length, body = found
        stop = body + length
        if stop > end:
            break
        kind = data[start]
        if kind & 0xF0 == 0x30:
            message, packet_id = _publish(data, kind, body, stop, received_at + len(messages))
            messages.append(message)
            plain.learn(message)
            if packet_id:
                packet_ids.append(packet_id)
        else:
            answers.append(_answer(kind, data[body:stop]))
        parsed.length = start = stop


def _long_length(data: bytes, place: int) -> tuple[int, int] | None:
    length = 0
    for shift in (0, 7, 14, 21):
        if place >= len(data):
            return None
        byte = data[place]
        place += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return length, place
    raise PacketError("the length of a packet has more than four bytes")


def _publish(data: bytes, kind: int, body: int, stop: int, received_at: int) -> tuple[Message, int]:
    qos = kind >> 1 & 3
    if qos > 1:
        raise PacketError(f"a message of QoS {qos}, though at most 1 was asked for")
    topic_end = body + 2 + (data[body] << 8 | data[body + 1]) if stop - body >= 2 else stop + 1
    payload_start = topic_end + 2 * qos
    if payload_start > stop:
        raise PacketError("a message ends before its topic does")
    try:
        topic = data[body + 2 : topic_end].decode()
    except UnicodeDecodeError as error:
        raise PacketError("a topic is not UTF-8") from error
    if not topic or "\0" in topic or "+" in topic or "#" in topic:
        raise PacketError(f"a message to {topic[:80]!r}, which is no topic")
    packet_id = data[topic_end] << 8 | data[topic_end + 1] if qos else 0
    if qos and not packet_id:
        raise PacketError("a message of QoS 1 without its packet id")
    message = Message(
        topic, data[payload_start:stop], qos, bool(kind & 1), received_at, redelivered=bool(qos and kind & _REDELIVERED)
    )
    return message, packet_id


def _answer(kind: int, body: bytes) -> Answer:
    match kind, list(body):
        case 0x20, [0 | 1 as present, code]:
            problem = "" if code == 0 else _REJECTIONS.get(code, f"return code {code}")
            return ConnAck(problem, other_version=code == 1, session_present=present == 1)
        case 0x40, [high, low]:
            return Acknowledgement(high << 8 | low)
        case 0x90, [high, low, first, *others]:
            codes = [first, *others]
            if any(code not in {0, 1, 2, 0x80} for code in codes):
                raise PacketError("a subscription answered with an unknown code")
            problems = ["rejected by the broker" if code == 0x80 else "" for code in codes]
            return SubAck(high << 8 | low, problems)
        case 0xD0, []:
            return Pong()
        case _:
            raise PacketError(f"a packet that no broker sends: first byte 0x{kind:02x}, {len(body)} more")


def _packet(kind: int, body: bytes) -> bytes:
    length = len(body)
    if length > 268_435_455:
        raise ValueError(f"{length} bytes do not fit into an MQTT packet (268,435,455)")
    head = bytearray([kind])
    while length >= 0x80:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def _text(text: str) -> bytes:
    return _block(text.encode())


def _block(data: bytes) -> bytes:
    if len(data) > 65_535:
        raise ValueError(f"{len(data)} bytes do not fit into a field of MQTT (65,535)")
    return len(data).to_bytes(2, "big") + data
