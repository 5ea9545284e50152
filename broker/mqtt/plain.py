"""PUBLISH packets in their commonest form, read in one loop: a topic that was read before, no flag, no properties.

Both codecs read with it as far as it goes. Whatever else comes, the first message of a topic and anything wrong among
it, it leaves to them, so it has the messages that they have. Most of a broker's messages are on topics that were there
before; their texts are stored here, so that they are neither decoded nor checked again.
"""

from typing import Final

from broker.contract.message import Message
from broker.mqtt.packets import Parsed

MOST_BYTES: Final = 256 * 1024
"""So much of a buffer is read here at most, for it is copied: a read of a connection, not a long packet."""

_MANY_TOPICS: Final = 50_000
_SHORTEST: Final = 5
_topics: dict[bytes, str] = {}


def learn(message: Message) -> None:
    """Learn the topic of a message that a codec has read."""
    if len(_topics) >= _MANY_TOPICS:
        _topics.clear()
    _topics[message.topic.encode()] = message.topic


def read_plain(parsed: Parsed, data: bytes, start: int, limit: int, received_at: int, *, has_properties: bool) -> int:
    """Read packets into `parsed` until one is not plain, the data ends or `limit` messages have been taken.

    Args:
        parsed: what has been read.
        data: the bytes.
        start: where the first packet begins.
        limit: how many messages `parsed` may have in the end.
        received_at: of the first message of `parsed`, ns; see `packets.Codec`.
        has_properties: the packets have properties (MQTT 5).

    Returns:
        Where the first packet begins that was not read.
    """
    known, add, add_id, make = _topics.get, parsed.messages.append, parsed.packet_ids.append, Message
    end = len(data)
    at, last = received_at + len(parsed.messages), received_at + limit
    while at < last and start + _SHORTEST <= end:
        kind, body = data[start], start + 2
        stop = body + data[start + 1]
        if stop - body >= 0x80:
            high = data[body]
            if not 0 < high < 0x80:
                break
            body, stop = body + 1, stop - 0x7F + (high << 7)
        topic_end = body + 2 + (data[body] << 8 | data[body + 1])
        payload = topic_end + (kind & 2) + has_properties
        if payload > stop or stop > end or (has_properties and data[payload - 1]):
            break
        topic = known(data[body + 2 : topic_end])
        if topic is None:
            break
        if kind == 0x30:
            add(make(topic, data[payload:stop], 0, False, at))
        elif kind == 0x32 and (packet_id := data[topic_end] << 8 | data[topic_end + 1]):
            add(make(topic, data[payload:stop], 1, False, at))
            add_id(packet_id)
        else:
            break
        at += 1
        start = stop
    return start
