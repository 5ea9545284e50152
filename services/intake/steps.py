"""Messages to events in steps of bounded size, so that memory does not grow with what waits.

One message of 256 KiB can hold tens of thousands of samples, and decoded they are some hundred times as large. So what
has arrived is decoded and written step by step, however many messages came together.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, NamedTuple, Self

from broker.contract.events import AnyEvent, Sample
from broker.contract.message import Message
from broker.contract.retained import is_snapshot
from broker.contract.samples import SampleReader, Samples
from services.intake.isolation import isolate, rejection, split_valid
from services.store.failures import is_unforeseen
from services.store.interface import Batch, Rejected, Store

MOST_EVENTS: Final = 20_000
"""A step ends with the message that reaches this many events; small messages that came together are one step."""


class Step(NamedTuple):
    """What is written at once: the events of some messages, and those messages that were rejected.

    Attributes:
        events: all but those in `samples`.
        messages: all that have events or are rejected.
        samples: the samples, if they were read by a `SampleReader`.
    """

    events: list[AnyEvent]
    rejected: list[Rejected]
    messages: list[Message]
    samples: Samples

    @classmethod
    def empty(cls) -> Self:
        """Return a step of nothing."""
        return cls([], [], [], Samples())

    @property
    def batch(self) -> Batch:
        """What of it is stored."""
        return Batch(events=self.events, rejected=self.rejected, samples=self.samples.runs)

    @property
    def size(self) -> int:
        """How many events and rejections it has."""
        return len(self.events) + len(self.rejected) + self.samples.count


def steps(
    messages: Sequence[Message],
    mean: Callable[[Message], Sequence[AnyEvent]],
    *,
    reader: SampleReader | None = None,
    most: int = MOST_EVENTS,
) -> Iterator[Step]:
    """Yield the events of messages, in their order; a message is never split, and no step is empty.

    Args:
        messages: as they came.
        mean: returns the events of a message; raises `ContractError` for one to reject.
        reader: reads what it can of the messages, and `mean` the others. Samples are by signal then, each signal's in
            their order.
        most: how many events and rejections end a step.
    """
    step = Step.empty()
    place = 0
    while place < len(messages):
        if reader is not None:
            first = place
            place = reader.read_run(messages, place, step.samples, most - len(step.events) - len(step.rejected))
            step.messages.extend(messages[first:place])
        if place < len(messages) and step.size < most:
            _take(step, messages[place], mean, is_by_signal=reader is not None)
            place += 1
        if step.size >= most:
            yield step
            step = Step.empty()
    if step.messages:
        yield step


def _take(step: Step, message: Message, mean: Callable[[Message], Sequence[AnyEvent]], *, is_by_signal: bool) -> None:
    """Add the events of a message to a step, or its rejection."""
    try:
        found = mean(message)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is this message's)
        step.rejected.append(rejection(message, error))
        step.messages.append(message)
        return
    if not found:
        return
    step.messages.append(message)
    if not is_by_signal:
        step.events.extend(found)
        return
    for event in found:
        if isinstance(event, Sample) and not is_snapshot(event):
            step.samples.add(event)
        else:
            step.events.append(event)


async def write_step(
    step: Step,
    mean: Callable[[Message], Sequence[AnyEvent]],
    write: Callable[[Batch], Awaitable[None]],
    store: Store,
) -> list[Rejected]:
    """Store a step; a message that fails in a way that nobody foresaw is rejected, alone.

    Args:
        step: what is decoded.
        mean: that with which it was decoded; it reads samples as well.
        write: stores a batch, all of it or nothing.
        store: where `write` writes to.

    Returns:
        The rejected messages.

    Raises:
        StoreError: the store is away, full or busy: retry with the same step.
    """

    async def write_messages(messages: Sequence[Message]) -> list[Rejected]:
        events, rejected = split_valid(messages, mean)
        await write(Batch(events=events, rejected=rejected))
        return rejected

    try:
        await write(step.batch)
    except Exception as error:
        if not is_unforeseen(error):
            raise
        return await isolate(step.messages, write_messages, store)
    return step.rejected
