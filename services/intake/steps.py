"""Messages to events in steps of bounded size, so that memory does not grow with what waits.

One message of 256 KiB can hold tens of thousands of samples, and decoded they are some hundred times as large. So what
has arrived is decoded and written step by step, however many messages came together.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

from broker.contract.events import AnyEvent
from broker.contract.message import Message
from services.intake.isolation import isolate, rejection, split_valid
from services.store.failures import is_unforeseen
from services.store.interface import Rejected, Store

MOST_EVENTS: Final = 20_000
"""A step ends with the message that reaches this many events; small messages that came together are one step."""


class Step(NamedTuple):
    """What is written at once: the events of some messages, and those messages that were rejected.

    Attributes:
        messages: all that have events or are rejected.
    """

    events: list[AnyEvent]
    rejected: list[Rejected]
    messages: list[Message]


class ReadRun(Protocol):
    """Reads messages that it knows how to read fast, as `SampleReader.read_run` does."""

    def __call__(self, messages: Sequence[Message], first: int, samples: list[Any], most: int, /) -> int:
        """Append the events of messages from one on, until there are so many; return where the first unread stands."""


def steps(
    messages: Sequence[Message],
    mean: Callable[[Message], Sequence[AnyEvent]],
    *,
    read_run: ReadRun | None = None,
    most: int = MOST_EVENTS,
) -> Iterator[Step]:
    """Yield the events of messages, in their order; a message is never split, and no step is empty.

    Args:
        messages: as they came.
        mean: returns the events of a message; raises `ContractError` for one to reject.
        read_run: reads what it can of the messages before `mean` does, as `mean` would.
        most: how many events and rejections end a step.
    """
    events, rejected, taken = step = Step([], [], [])
    place = 0
    while place < len(messages):
        if read_run is not None:
            first, place = place, read_run(messages, place, events, most - len(rejected))
            taken += messages[first:place]
        if place < len(messages) and len(events) + len(rejected) < most:
            message = messages[place]
            place += 1
            try:
                found = mean(message)
            except Exception as error:  # noqa: BLE001  (whatever it is, it is this message's)
                rejected.append(rejection(message, error))
            else:
                if not found:
                    continue
                events += found
            taken.append(message)
        if len(events) + len(rejected) >= most:
            yield step
            events, rejected, taken = step = Step([], [], [])
    if taken:
        yield step


async def write_step(
    step: Step,
    mean: Callable[[Message], Sequence[AnyEvent]],
    write: Callable[[Sequence[AnyEvent], Sequence[Rejected]], Awaitable[None]],
    store: Store,
) -> list[Rejected]:
    """Store a step; a message that fails in a way that nobody foresaw is rejected, alone.

    Args:
        step: what is decoded.
        mean: that with which it was decoded.
        write: stores events and rejections, all or none.
        store: where `write` writes to.

    Returns:
        The rejected messages.

    Raises:
        StoreError: the store is away, full or busy: retry with the same step.
    """

    async def write_messages(messages: Sequence[Message]) -> list[Rejected]:
        events, rejected = split_valid(messages, mean)
        await write(events, rejected)
        return rejected

    try:
        await write(step.events, step.rejected)
    except Exception as error:
        if not is_unforeseen(error):
            raise
        return await isolate(step.messages, write_messages, store)
    return step.rejected
