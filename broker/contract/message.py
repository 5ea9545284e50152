"""A message as it came over the wire, before anyone judged it."""

import msgspec


class Message(msgspec.Struct, frozen=True, gc=False):
    """One MQTT publish.

    Attributes:
        topic: the full topic.
        payload: the bytes, untouched.
        qos: 0 or 1 (what the broker delivered it with).
        retained: it was delivered because it is retained, not because it was published just now.
        received_at: when it came, nanoseconds since 1970-01-01 UTC.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retained: bool = False
    received_at: int = 0
