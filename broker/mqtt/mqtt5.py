"""MQTT 5, on the codec of the package `mqtt5`, which is written in Rust.

It converts that codec's packets to the session's (`packets`), and its exceptions to `PacketError`. Section numbers are
those of the OASIS standard of 7 March 2019.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import mqtt5

from broker.contract.message import Message, Publication
from broker.mqtt import plain
from broker.mqtt.packets import (
    LONGEST_PACKET,
    Acknowledgement,
    Answer,
    ConnAck,
    Connect,
    Disconnect,
    PacketError,
    Parsed,
    Pong,
    SubAck,
)

LEVEL: Final = 5
SESSION_EXPIRY_S: Final = 7 * 86_400
"""How long a broker stores a persistent session whose client is away, seconds: a week."""

_AT_MOST_ONCE: Final = mqtt5.QoS.AT_MOST_ONCE
_AT_LEAST_ONCE: Final = mqtt5.QoS.AT_LEAST_ONCE
_OLD_CONNACK: Final = b"\x20\x02"
"""The begin of a CONNACK of MQTT 3.1.1, with which a broker of that version alone rejects us; MQTT 5's is longer."""

_FIRST_FAILURE: Final = 0x80
"""Reason codes from here on are failures (section 2.4)."""


def connect(connect_packet: Connect) -> bytes:
    """Encode CONNECT (section 3.1)."""
    will = None
    if connect_packet.will is not None:
        will = mqtt5.Will(
            connect_packet.will.topic,
            payload=connect_packet.will.payload,
            qos=mqtt5.QoS(connect_packet.will.qos),
            retain=connect_packet.will.retain,
        )
    return mqtt5.ConnectPacket(
        connect_packet.client_id,
        username=connect_packet.user,
        password=None if connect_packet.password is None else connect_packet.password.encode(),
        clean_start=not connect_packet.persistent,
        will=will,
        keep_alive=connect_packet.keep_alive_s,
        session_expiry_interval=SESSION_EXPIRY_S if connect_packet.persistent else 0,
        receive_max=connect_packet.receive_maximum,
        max_packet_size=LONGEST_PACKET,
    ).write()


def subscribe(packet_id: int, filters: Sequence[str]) -> bytes:
    """Encode SUBSCRIBE at QoS 1 (section 3.8).

    A message's retain flag means that it was retained before, as in MQTT 3.1.1, not that its sender asked for it.
    """
    return mqtt5.SubscribePacket(
        packet_id,
        [mqtt5.TopicFilter(each, max_qos=_AT_LEAST_ONCE, retain_as_published=False) for each in filters],
    ).write()


def publish(publication: Publication, packet_id: int, *, duplicate: bool) -> bytes:
    """Encode PUBLISH (section 3.3); `packet_id` counts at QoS 1 only."""
    if publication.qos == 0:
        return mqtt5.PublishPacket(publication.topic, publication.payload, retain=publication.retain).write()
    return mqtt5.PublishPacket(
        publication.topic,
        publication.payload,
        qos=_AT_LEAST_ONCE,
        retain=publication.retain,
        packet_id=packet_id,
        duplicate=duplicate,
    ).write()


def read_packets(buffer: memoryview, received_at: int, limit: int) -> Parsed:
    """Decode whole packets until the buffer ends or `limit` messages have been taken; see `packets.Codec`."""
    parsed = Parsed([], [], [])
    try:
        if bytes(buffer[:2]) == _OLD_CONNACK:
            parsed.answers.append(ConnAck("it does not speak MQTT 5", other_version=True))
            parsed.length = 4
        else:
            _read_packets(parsed, buffer, received_at, limit)
    except IndexError:
        pass  # the last packet is not complete yet
    except PacketError as error:
        parsed.error = error
    return parsed


def _read_packets(parsed: Parsed, buffer: memoryview, received_at: int, limit: int) -> None:
    messages, packet_ids, answers = parsed.messages, parsed.packet_ids, parsed.answers
    data = bytes(buffer[: plain.MOST_BYTES])
    start, end = 0, len(buffer)
    while True:
        start = parsed.length = plain.read_plain(parsed, data, start, limit, received_at, has_properties=True)
        if start >= end or len(messages) >= limit:
            break
        packet, length = _read(buffer[start:])
        if isinstance(packet, mqtt5.PublishPacket):
            message = _message(packet, received_at + len(messages))
            messages.append(message)
            if packet.packet_id is not None:
                packet_ids.append(packet.packet_id)
            if not message.properties:
                plain.learn(message)
        else:
            answers.append(_answer(packet, buffer[start]))
        start += length
        parsed.length = start


def _read(buffer: memoryview) -> tuple[mqtt5.Packet, int]:
    try:
        return mqtt5.read(buffer)
    except BaseException as error:
        if not _is_about_bytes(error):
            raise
        raise PacketError(f"not MQTT 5: {error}") from error


def _message(packet: mqtt5.PublishPacket, received_at: int) -> Message:
    properties = tuple(packet.user_properties)
    if packet.packet_id is None:
        return Message(packet.topic, packet.payload, 0, packet.retain, received_at, properties)
    if packet.qos != _AT_LEAST_ONCE:
        raise PacketError("a message of QoS 2, though at most 1 was asked for")
    return Message(packet.topic, packet.payload, 1, packet.retain, received_at, properties, packet.duplicate)


def _is_about_bytes(error: BaseException) -> bool:
    # On text that is not UTF-8 the codec panics, which reaches Python as a BaseException of no importable type.
    return isinstance(error, ValueError) or type(error).__name__ == "PanicException"


def _answer(packet: mqtt5.Packet, first: int) -> Answer:
    match packet:
        case mqtt5.PubAckPacket():
            return Acknowledgement(packet.packet_id, _problem(packet.reason_code, packet.reason_str))
        case mqtt5.PingRespPacket():
            return Pong()
        case mqtt5.ConnAckPacket():
            return ConnAck(
                problem=_problem(packet.reason_code, packet.reason_str),
                other_version=packet.reason_code == mqtt5.ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
                session_present=packet.session_present,
                receive_maximum=packet.receive_max,
                longest_packet=packet.max_packet_size or 268_435_455,
                keep_alive_s=packet.server_keep_alive,
                shared_subscriptions=packet.shared_subscription_available,
            )
        case mqtt5.SubAckPacket():
            return SubAck(packet.packet_id, [_problem(code, packet.reason_str) for code in packet.reason_codes])
        case mqtt5.DisconnectPacket():
            taken_over = packet.reason_code == mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER
            return Disconnect(_words(packet.reason_code, packet.reason_str), taken_over)
        case _:
            raise PacketError(f"a packet that no broker sends: first byte 0x{first:02x}")


def _problem(code: IntEnum, text: str | None) -> str:
    return _words(code, text) if code.value >= _FIRST_FAILURE else ""


def _words(code: IntEnum, text: str | None) -> str:
    words = code.name.lower().replace("_", " ")
    return f"{words} ({text})" if text else words
