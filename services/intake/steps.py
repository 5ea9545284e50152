"""Messages to events in steps of bounded size, so that memory does not grow with what waits.

One message of 256 KiB can hold tens of thousands of samples, and decoded they are some hundred times as large. So what
has arrived is decoded and written step by step, however many messages came together.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from broker.contract.events import AnyEvent
from broker.contract.message import Message
from services.intake.isolation import judged
from services.store.interface import Rejected

MOST_EVENTS: Final = 20_000
"""A step ends with the message that reaches this many events; small messages that came together are one step."""


class Step(NamedTuple):
    """What is written at once: the events of some messages, and those messages that were refused.

    Attributes:
        messages: all that have events or are refused.
    """

    events: list[AnyEvent]
    rejected: list[Rejected]
    messages: list[Message]


def steps(
    messages: Iterable[Message], judge: Callable[[Message], Sequence[AnyEvent]], *, most: int = MOST_EVENTS
) -> Iterator[Step]:
    """Yield what messages mean, in their order; a message is never split, and nothing is yielded that is empty.

    Args:
        messages: as they came.
        judge: returns the events that a message means; raises `ContractError` for one that is refused.
        most: how many events and refusals end a step.
    """
    step = Step([], [], [])
    for message in messages:
        found = judged(message, judge)
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
