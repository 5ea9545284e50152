"""Speaking a dialect, the other way round: events of the contract as the messages that such a device would publish.

A simulated machine with `dialect = "packml"` in the plant file publishes by one of these, and a gateway reads it back.
Each is pure and stands beside the dialect that reads it; what the dialect has no word for is not sent.
"""

from collections.abc import Sequence
from typing import ClassVar

from broker.contract.events import AnyEvent
from broker.contract.message import Publication


class Speaker:
    """Machines that publish in one dialect.

    Attributes:
        loses: what of their events does not come back through the gateway, a sentence each.
    """

    loses: ClassVar[Sequence[str]] = ()

    def publications(self, event: AnyEvent) -> Sequence[Publication]:
        """Return what a machine publishes when something happens to it; nothing where the dialect has no word."""
        raise NotImplementedError
