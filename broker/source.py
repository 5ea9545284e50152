"""The protocols that a service uses to receive and to publish messages, independent of the transport.

`broker.mqtt.session.Session` implements all of them over MQTT. A log (Kafka, say) would be another `Source`, where
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


class Carrier(Source, Publisher, Protocol):
    """Both in one, with what health and metrics show of it."""

    @property
    def connected(self) -> bool:
        """Whether the other side can be reached now."""

    @property
    def received(self) -> int:
        """Messages received since it began."""

    @property
    def acknowledged(self) -> int:
        """Those of them that the consumer has acknowledged."""

    @property
    def waiting(self) -> int:
        """Those of them that it has not acknowledged yet."""

    @property
    def published(self) -> int:
        """Publications that the other side has."""

    @property
    def disconnects(self) -> int:
        """Connections lost since it began."""
