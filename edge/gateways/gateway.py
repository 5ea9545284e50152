"""A gateway: translates the messages of a source, publishes the events, and only then acknowledges the messages.

    await Gateway(source, dialect, target, answering=source_session).run()

Source and target may be two brokers or the same. What the dialect rejects is counted and logged, and the rest of the
batch is published. If the target is away, `run` waits, and the source holds what is not acknowledged; after a crash the
batch is delivered and published again: the same events, which are stored once.
"""

from collections.abc import Sequence
from typing import Final

import structlog

from broker.contract.codec import encode
from broker.contract.errors import ContractError
from broker.contract.message import Message, Publication
from broker.source import Publisher, Source
from edge.dialects.dialect import Dialect

_log: Final = structlog.get_logger("corridor.gateway")


class Gateway:
    """Runs one dialect.

    Args:
        source: of foreign messages.
        dialect: translates them.
        target: takes the events, as messages of the contract.
        answering: takes the dialect's requests to the source.

    Attributes:
        events: published and acknowledged by the target.
        rejected: messages, or parts of one, that could not be translated.
    """

    def __init__(self, source: Source, dialect: Dialect, target: Publisher, *, answering: Publisher) -> None:
        self.events = 0
        self.rejected = 0
        self._source = source
        self._dialect = dialect
        self._target = target
        self._answering = answering

    async def run(self) -> None:
        """Translate until the source ends.

        Raises:
            SessionError: the target rejects what is published; the batch is not acknowledged.
        """
        async for batch in self._source.batches():
            publications: list[Publication] = []
            requests: list[Publication] = []
            for message in batch.messages:
                translation = self._dialect.translate(message)
                publications += map(_publication, map(encode, translation.events))
                requests += translation.requests
                self._log_rejections(message, translation.rejections)
            await self._target.publish(*publications)
            self.events += len(publications)
            batch.acknowledge()
            await self._answering.publish(*requests)

    def _log_rejections(self, message: Message, rejections: Sequence[ContractError]) -> None:
        """Count what was rejected; log the first, the tenth, the hundredth and so on."""
        for rejection in rejections:
            self.rejected += 1
            if self.rejected == 10 ** (len(str(self.rejected)) - 1):
                _log.warning("rejected", topic=message.topic, reason=str(rejection), rejected=self.rejected)


def _publication(message: Message) -> Publication:
    return Publication(message.topic, message.payload, qos=1, retain=message.retained)
