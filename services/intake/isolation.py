"""One bad message, one rejection: whatever a message makes a service raise, only that message is rejected.

A batch that cannot be stored is halved until the message at fault is alone; that is rejected with the type of the
failure, and the others are stored. A store that is away, full or busy is no message's fault: the error is raised, and
the whole batch is retried, which changes nothing that is stored already.
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
    """Return the events of messages, and those messages that are rejected."""
    events: list[AnyEvent] = []
    rejected: list[Rejected] = []
    for message in messages:
        found = decode_or_reject(message, mean)
        if isinstance(found, Rejected):
            rejected.append(found)
        else:
            events += found
    return events, rejected


def decode_or_reject(message: Message, mean: Callable[[Message], Sequence[AnyEvent]]) -> Sequence[AnyEvent] | Rejected:
    """Return the events of a message, or what is stored of it if it is rejected.

    Args:
        message: as it came.
        mean: returns its events; raises `ContractError` where it is not of the contract.
    """
    try:
        return mean(message)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is this message's)
        return rejection(message, error)


def rejection(message: Message, error: Exception) -> Rejected:
    """Return what is stored of a message whose decoding raised an error."""
    if isinstance(error, ContractError):
        return Rejected.of(message, error)
    failures.note("decoding a message", error, topic=message.topic)
    return set_aside(message, error)


async def isolate(
    messages: Sequence[Message], write: Callable[[Sequence[Message]], Awaitable[list[Rejected]]], store: Store
) -> list[Rejected]:
    """Store messages, and reject the ones that cannot be stored.

    Args:
        messages: in order.
        write: stores them, all or none; returns those that it rejected, which it has stored.
        store: where the rejections of those are stored for which it raised.

    Returns:
        The rejected messages.

    Raises:
        StoreError: the store is away, full or busy: retry with the same messages.
    """
    try:
        return await write(messages)
    except Exception as error:
        if not failures.is_unforeseen(error):
            raise
        failures.note("storing messages", error)
        if len(messages) > 1:
            half = len(messages) // 2
            first = await isolate(messages[:half], write, store)
            return [*first, *await isolate(messages[half:], write, store)]
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
    """Return what is stored of a message for which the program raised an error other than the contract's."""
    hint = "report it with this message; only this message is rejected, the others are stored"
    return Rejected.of(message, ContractError(f"the program fails on it: {failures.in_words(error)}", hint))
