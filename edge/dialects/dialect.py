"""The protocol of a dialect: it translates messages of another protocol to events of the contract.

It is pure. It has its own state (aliases, units, the last state of the machine), does no I/O and reads no clock: a
value without a time of its own gets the time of receipt.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent
from broker.contract.message import Message, Publication


class Translation(msgspec.Struct, frozen=True):
    """What a message means.

    Attributes:
        events: in the order in which they are to be published.
        rejections: the errors of the parts that cannot be translated; the rest is translated nevertheless.
        requests: messages to the source in its own protocol, such as Sparkplug's rebirth request.
    """

    events: Sequence[AnyEvent] = ()
    rejections: Sequence[ContractError] = ()
    requests: Sequence[Publication] = ()


class Dialect(Protocol):
    """A translator of what one source sends, message by message, in the order in which they came."""

    def translate(self, message: Message) -> Translation:
        """Translate a message; it never raises, whatever the payload, and a repeated message does no harm."""
