"""What the two MQTT codecs have in common, whichever version a broker speaks.

A codec (`mqtt5`, `mqtt311`) encodes a `Connect`, filters and publications, and decodes the broker's bytes into
`Parsed`: all packets of one read. The session uses only the types of this module.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from broker.contract.message import Message, Publication

LONGEST_PACKET: Final = 8 * 1024 * 1024
"""Bytes of the longest packet that is received. The contract's limit is far lower; what lies between is rejected with a
reason rather than lost."""

PING: Final = b"\xc0\x00"
DISCONNECT: Final = b"\xe0\x00"


class PacketError(ValueError):
    """What came is not MQTT, or not of the version agreed upon; the connection must be closed."""


class Connect(msgspec.Struct, frozen=True):
    """The content of CONNECT.

    Attributes:
        persistent: the broker stores subscriptions and undelivered messages while the client is away.
        keep_alive_s: the longest silence before the other side counts as dead, seconds.
        receive_maximum: how many QoS 1 messages the broker may send before the first is acknowledged.
    """

    client_id: str
    user: str | None
    password: str | None
    persistent: bool
    keep_alive_s: int
    receive_maximum: int
    will: Publication | None = None

    def __repr__(self) -> str:
        return f"Connect({self.client_id!r})"  # without the password, wherever it may be printed


class ConnAck(msgspec.Struct, frozen=True):
    """The broker's answer to a `Connect`.

    Attributes:
        problem: why it rejected the connection; empty if it accepted.
        other_version: it rejected the connection because it does not support this version of MQTT.
        session_present: it still has this client's subscriptions.
        receive_maximum: how many QoS 1 messages it accepts before it has acknowledged the first.
        longest_packet: bytes of the longest packet that it accepts.
        keep_alive_s: the keep-alive that it prescribes, seconds; None if it accepts the client's.
        shared_subscriptions: it supports `$share/…` filters.
    """

    problem: str = ""
    other_version: bool = False
    session_present: bool = False
    receive_maximum: int = 65_535
    longest_packet: int = 268_435_455
    keep_alive_s: int | None = None
    shared_subscriptions: bool = False


class Acknowledgement(msgspec.Struct, frozen=True, gc=False):
    """PUBACK: the broker has a publication, or rejects it (`problem`)."""

    packet_id: int
    problem: str = ""


class SubAck(msgspec.Struct, frozen=True):
    """The broker's answer to one SUBSCRIBE: a problem for each filter, empty where it was granted."""

    packet_id: int
    problems: list[str]


class Pong(msgspec.Struct, frozen=True):
    """The broker is alive."""


class Disconnect(msgspec.Struct, frozen=True):
    """The broker ends the connection, with a reason.

    Attributes:
        reason: in words.
        taken_over: another client connected with the same client id.
    """

    reason: str
    taken_over: bool = False


Answer = ConnAck | Acknowledgement | SubAck | Pong | Disconnect


class Parsed(msgspec.Struct):
    """The packets of one read.

    Attributes:
        messages: in the order of their arrival.
        packet_ids: of those messages that need an acknowledgement.
        answers: all other packets.
        length: how many bytes were parsed; what is left is an incomplete packet, or beyond the limit.
        error: set where the bytes after those are no packet.
    """

    messages: list[Message]
    packet_ids: list[int]
    answers: list[Answer]
    length: int = 0
    error: PacketError | None = None


class Codec(Protocol):
    """One version of MQTT, as the modules `broker.mqtt.mqtt5` and `broker.mqtt.mqtt311` implement it."""

    @property
    def LEVEL(self) -> int:  # noqa: N802  (a module's constant)
        """The protocol level in CONNECT: 5, or 4 for MQTT 3.1.1."""

    def connect(self, connect_packet: Connect) -> bytes:
        """Encode CONNECT."""

    def subscribe(self, packet_id: int, filters: Sequence[str]) -> bytes:
        """Encode SUBSCRIBE at QoS 1."""

    def publish(self, publication: Publication, packet_id: int, *, duplicate: bool) -> bytes:
        """Encode PUBLISH; `packet_id` counts at QoS 1 only."""

    def read_packets(self, buffer: memoryview, received_at: int, limit: int) -> Parsed:
        """Decode whole packets until the buffer ends or `limit` messages have been taken.

        The first message is stamped `received_at` (ns), each later one a nanosecond more, so that two samples of a
        signal in one read stay two. It never raises, whatever the bytes are: the error is in `error`.
        """


def acknowledge(packet_ids: Sequence[int]) -> bytes:
    """Encode a PUBACK (success) for each packet id; both versions write it alike."""
    words = bytearray(4 * len(packet_ids))
    words[0::4] = b"\x40" * len(packet_ids)
    words[1::4] = b"\x02" * len(packet_ids)
    words[2::4] = bytes([packet_id >> 8 for packet_id in packet_ids])
    words[3::4] = bytes([packet_id & 0xFF for packet_id in packet_ids])
    return bytes(words)


def packet_length(buffer: memoryview | bytes) -> int | None:
    """Return the whole length of the packet at the start of the buffer, bytes; None if too few bytes are there.

    Raises:
        PacketError: the length is not encoded as MQTT encodes lengths.
    """
    length = 0
    for place in range(1, 5):
        if place >= len(buffer):
            return None
        length |= (buffer[place] & 0x7F) << (7 * (place - 1))
        if buffer[place] < 0x80:
            return 1 + place + length
    raise PacketError("the length of a packet has more than four bytes")


def check_topic(topic: str) -> None:
    """Check that a topic can be published to.

    Raises:
        ValueError: it cannot; the text says why.
    """
    if not topic:
        raise ValueError("an empty topic cannot be published to; give at least one level")
    for character, name in (("+", "the wildcard +"), ("#", "the wildcard #"), ("\0", "a NUL character")):
        if character in topic:
            raise ValueError(f"topic {topic[:80]!r} contains {name}; a publication needs one plain topic")
    try:
        length = len(topic.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f"topic {topic[:80]!r} cannot be written as UTF-8") from error
    if length > 65_535:
        raise ValueError(f"topic of {length} bytes is longer than MQTT's limit of 65,535")
