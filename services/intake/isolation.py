"""One bad message, one rejection: whatever a message makes a service raise, it alone is set aside.

A batch that cannot be kept is tried in halves until the message at fault stands alone; that is rejected with the kind
of the failure, and the others are kept. A store that is away, full or busy is no message's fault: that is raised, for
the whole batch to be kept again, which changes nothing of what is kept already.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from services.store import failures
from services.store.interface import Batch, Rejected, RowError, Store, StoreError


def split_valid(
    messages: Iterable[Message], mean: Callable[[Message], Sequence[AnyEvent]]
) -> tuple[list[AnyEvent], list[Rejected]]:
    """Return the events that messages mean, and those messages that are rejected."""
    events: list[AnyEvent] = []
    rejected: list[Rejected] = []
    for message in messages:
        found = judged(message, mean)
        if isinstance(found, Rejected):
            rejected.append(found)
        else:
            events += found
    return events, rejected


def judged(message: Message, mean: Callable[[Message], Sequence[AnyEvent]]) -> Sequence[AnyEvent] | Rejected:
    """Return the events that a message means, or what is kept of it if it is rejected.

    Args:
        message: as it came.
        mean: returns its events; raises `ContractError` where it is not of the contract.
    """
    try:
        return mean(message)
    except ContractError as error:
        return Rejected.of(message, error)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is this message's)
        failures.note("decoding a message", error, topic=message.topic)
        return set_aside(message, error)


async def isolate(
    messages: Sequence[Message], keep: Callable[[Sequence[Message]], Awaitable[list[Rejected]]], store: Store
) -> list[Rejected]:
    """Keep messages, and reject the ones that cannot be kept.

    Args:
        messages: in order.
        keep: keeps them, all or none; returns those that it rejected, which it has stored.
        store: where those are stored that it raised for.

    Returns:
        The rejected messages.

    Raises:
        StoreError: the store is away, full or busy: the same messages are to be kept again.
    """
    try:
        return await keep(messages)
    except Exception as error:
        if not failures.is_unforeseen(error):
            raise
        failures.note("keeping messages", error)
        if len(messages) > 1:
            half = len(messages) // 2
            first = await isolate(messages[:half], keep, store)
            return [*first, *await isolate(messages[half:], keep, store)]
        rejected = [set_aside(message, error) for message in messages]
    try:
        await store.write(Batch(rejected=rejected))
    except RowError as error:
        failures.note("storing a rejected message", error)
    except StoreError:
        raise
    except Exception as error:
        # Not even this can be written, so it is the store that fails, not the message.
        failures.note("storing a rejected message", error)
        raise StoreError(f"the store fails in a way that nobody foresaw: {failures.in_words(error)}") from error
    return rejected


def set_aside(message: Message, error: Exception) -> Rejected:
    """Return what is kept of a message for which the program raised an error that is not the contract's."""
    hint = "report it with this message; it is set aside, and the others are kept"
    return Rejected.of(message, ContractError(f"the program fails on it: {failures.in_words(error)}", hint))
