"""A message as it came over the wire, before anyone validated it, and one as it is to go out."""

import msgspec


class Message(msgspec.Struct, frozen=True, gc=False):
    """One MQTT publish.

    Attributes:
        topic: the full topic.
        payload: the bytes, untouched.
        qos: 0 or 1 (what the broker delivered it with).
        retained: it was delivered because it is retained, not because it was published just now.
        received_at: when it came, nanoseconds since 1970-01-01 UTC.
        properties: its MQTT 5 user properties, in order; a name may stand there twice. None with MQTT 3.1.1.
        redelivered: the broker marks it as one that it may have delivered before (MQTT's DUP flag).
    """

    topic: str
    payload: bytes
    qos: int = 1
    retained: bool = False
    received_at: int = 0
    properties: tuple[tuple[str, str], ...] = ()
    redelivered: bool = False


class Publication(msgspec.Struct, frozen=True):
    """A message to publish.

    Attributes:
        topic: the full topic, without wildcards.
        payload: the bytes.
        qos: 0 (sent once, perhaps lost) or 1 (sent until the broker has it, perhaps twice).
        retain: the broker stores it as the topic's last value, for later subscribers.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
