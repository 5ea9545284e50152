"""What a gateway publishes of an event: its native message, with the time of its receipt at the gateway.

The services would take their own time of receipt of what has none; but a message may wait in a spool, or be delivered
twice. What was retained at the source is of unknown age, and is marked so.
"""

import msgspec

from broker.contract.codec import encode
from broker.contract.events import AnyEvent
from broker.contract.message import Publication


def publication(event: AnyEvent) -> Publication:
    """Return an event as the message that a gateway publishes."""
    if event.time_source == "receipt":
        event = msgspec.structs.replace(event, time_source="device")
    message = encode(event)
    return Publication(message.topic, message.payload, qos=1, retain=message.retained)
