"""Publishes machines in the dialects that the plant file names: a `Publisher` of the contract's messages.

    publisher = Speaking(dialect_of, session)
    await publisher.publish(*publications)

Messages of machines without a dialect go out as they are.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from broker.contract import codec, topics
from broker.contract.message import Message, Publication
from broker.source import Publisher
from edge.dialects.speakers import SPEAKERS

if TYPE_CHECKING:
    from edge.dialects.speaking import Speaker


class Speaking:
    """See the module.

    Args:
        dialect_of: returns the dialect of a machine, by its path; '' for the contract's own messages.
        publisher: takes all messages.
        now: returns the time, nanoseconds since 1970-01-01 UTC.
    """

    def __init__(self, dialect_of: Callable[[str], str], publisher: Publisher, now: Callable[[], int]) -> None:
        self._dialect_of = dialect_of
        self._publisher: Final = publisher
        self._now = now
        self._speakers: dict[str, Speaker] = {}

    async def publish(self, *publications: Publication) -> None:
        """Publish, in the order in which things happened."""
        sent = [each for publication in publications for each in self._in_dialect(publication)]
        if sent:
            await self._publisher.publish(*sent)

    def _in_dialect(self, publication: Publication) -> list[Publication]:
        dialect = self._dialect_of(topics.parse(publication.topic).asset)
        if dialect not in SPEAKERS:
            return [publication]
        if dialect not in self._speakers:
            self._speakers[dialect] = SPEAKERS[dialect]()
        message = Message(publication.topic, publication.payload, received_at=self._now())
        return [sent for event in codec.decode(message) for sent in self._speakers[dialect].publications(event)]
