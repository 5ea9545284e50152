"""What a dialect is: an object that translates messages of a foreign kind to events of the contract.

It is pure. What it must remember (aliases, units, which state was last) is its own; it does no I/O and reads no clock:
a value without a time of its own has the time at which the message came.
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
        rejections: why some or all of the message means nothing; the rest of it is translated nevertheless.
        requests: what the source is asked for in return, in the source's own language, such as Sparkplug's rebirth.
    """

    events: Sequence[AnyEvent] = ()
    rejections: Sequence[ContractError] = ()
    requests: Sequence[Publication] = ()


class Dialect(Protocol):
    """A translator of what one source sends, message by message, in the order in which they came."""

    def translate(self, message: Message) -> Translation:
        """Return what a message means; it never raises, whatever the payload, and a repeated message does no harm."""
