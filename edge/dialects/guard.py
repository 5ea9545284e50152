"""How a dialect is called: nothing but events of the contract and rejections comes out, whatever comes in.

A message that is too long is rejected unread. An error that a dialect did not foresee rejects its message and no other.
An event that the contract does not allow is rejected here, where its origin is known, not by the services later.
"""

from collections.abc import Callable
from typing import Final

from broker.contract.codec import decode, encode
from broker.contract.errors import ContractError
from broker.contract.message import Message
from broker.contract.wire_payload import LONGEST_PAYLOAD
from edge.dialects.dialect import Dialect, Translation

MOST_EVENTS: Final = 20_000
"""Of one message: 256 KiB hold fewer values that a machine would send."""


def translate(dialect: Dialect, message: Message) -> Translation:
    """Return what a message means; a part of it that the contract does not allow is among the rejections."""
    if len(message.payload) > LONGEST_PAYLOAD:
        problem = f"payload is {len(message.payload)} bytes, the limit is {LONGEST_PAYLOAD}"
        return Translation(rejections=[ContractError(problem, "send less at once, and more often")])
    return _valid(lambda: dialect.translate(message), message.received_at)


def tick(dialect: Dialect, now: int) -> Translation:
    """Return what the passing of time means to a dialect."""
    return _valid(lambda: dialect.tick(now), now)


def _valid(call: Callable[[], Translation], at: int) -> Translation:
    try:
        found = call()
    except ContractError as error:
        return Translation(rejections=[error])
    except Exception as error:  # noqa: BLE001  (whatever it is, it is this message's)
        hint = "report it with this message; only this message is rejected"
        return Translation(rejections=[ContractError(f"the dialect fails on it: {type(error).__name__}", hint)])
    rejections = list(found.rejections)
    if len(found.events) > MOST_EVENTS:
        rejections.append(ContractError(f"the message has {len(found.events)} values", "send less at once"))
    events = []
    for event in found.events[:MOST_EVENTS]:
        try:
            sent = encode(event)
            decode(Message(sent.topic, sent.payload, received_at=max(at, 1)))
        except ContractError as error:
            rejections.append(error)
        else:
            events.append(event)
    return Translation(events=events, rejections=rejections, requests=found.requests)
