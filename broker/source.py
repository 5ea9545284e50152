"""The protocols that a service uses to receive and to publish messages, independent of the transport.

`broker.mqtt.session.Session` implements both over MQTT. A log (Kafka, say) would be another `Source`, where
acknowledging is a commit, and its producer a `Publisher`; the services would not change.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from broker.contract.message import Message, Publication


class SourceBatch(Protocol):
    """Messages that were received together."""

    @property
    def messages(self) -> Sequence[Message]:
        """The messages, in the order of their arrival."""

    def acknowledge(self) -> None:
        """Let the source drop these messages: they are stored. What is not acknowledged is delivered again."""


class Source(Protocol):
    """Where messages come from, each at least once, and those of one topic in order."""

    def batches(self) -> AsyncIterator[SourceBatch]:
        """Yield received messages until the source ends. A consumer acknowledges each batch before it takes another."""


class Publisher(Protocol):
    """Where messages go to."""

    async def publish(self, *publications: Publication) -> None:
        """Publish; return when the other side has all of them."""
