"""When the message of an event was received: what a machine's presence depends on is stored with it."""

from collections.abc import Sequence

import msgspec

from broker.contract.events import NS_PER_MS, AnyEvent
from broker.contract.message import Message
from services.ledger.history import HOLDING


def with_receipt(events: Sequence[AnyEvent], message: Message) -> Sequence[AnyEvent]:
    """Return the events of a message, those that show its presence with its time of receipt.

    A retained message came to the broker earlier, nobody knows when; so did what a gateway marks as stale.
    """
    if not events or events[0].kind not in HOLDING or message.retained or events[0].time_source == "retained":
        return events
    received_ms = message.received_at // NS_PER_MS
    return [msgspec.structs.replace(event, received_ms=received_ms) for event in events]
