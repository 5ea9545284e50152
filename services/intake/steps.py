"""Messages to events in steps of bounded size, so that memory does not grow with what waits.

One message of 256 KiB can hold tens of thousands of samples, and decoded they are some hundred times as large. So what
has arrived is decoded and written step by step, however many messages came together.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

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


def steps(
    messages: Iterable[Message], mean: Callable[[Message], Sequence[AnyEvent]], *, most: int = MOST_EVENTS
) -> Iterator[Step]:
    """Yield the events of messages, in their order; a message is never split, and no step is empty.

    Args:
        messages: as they came.
        mean: returns the events of a message; raises `ContractError` for one to reject.
        most: how many events and rejections end a step.
    """
    events, rejected, taken = step = Step([], [], [])
    for message in messages:
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
