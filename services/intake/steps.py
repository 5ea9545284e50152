"""Messages to events in steps of bounded size, so that memory does not grow with what waits.

One message of 256 KiB can hold tens of thousands of samples, and decoded they are some hundred times as large. So what
has arrived is decoded and written step by step, however many messages came together.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from broker.contract.events import AnyEvent
from broker.contract.message import Message
from services.intake.isolation import decode_or_reject
from services.store.interface import Rejected

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
    step = Step([], [], [])
    for message in messages:
        found = decode_or_reject(message, mean)
        if isinstance(found, Rejected):
            step.rejected.append(found)
        else:
            step.events.extend(found)
        if found:
            step.messages.append(message)
        if len(step.events) + len(step.rejected) >= most:
            yield step
            step = Step([], [], [])
    if step.messages:
        yield step
