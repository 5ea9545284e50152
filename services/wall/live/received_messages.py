"""Messages as the devices view shows them: as they came, and what they mean, or what is wrong and a hint.

The live state holds some hundreds of them, so of each it has only what is shown, however large it was.
"""

import base64
from collections.abc import Sequence
from typing import Any, Final, Self

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_MS, AnyEvent, Command, Reply
from broker.contract.message import Message
from broker.contract.topics import is_under, parse
from services.store import failures
from services.wall.live.number_texts import numbers_as_text

LONGEST_PAYLOAD_SHOWN: Final = 400
LONGEST_TOPIC_SHOWN: Final = 400
MOST_EVENTS_SHOWN: Final = 8
MOST_MESSAGES: Final = 200
"""The newest messages that are held."""


class ReceivedMessage(msgspec.Struct, frozen=True, gc=False):
    """One message as it arrived, and its events, or why it was rejected and a hint.

    Attributes:
        message: with the first bytes of its payload, and the beginning of a topic that is longer than any good one.
        size: bytes of the whole payload.
        events: the first of them.
    """

    number: int
    message: Message
    size: int
    events: tuple[AnyEvent, ...] = ()
    problem: str = ""
    hint: str = ""

    @classmethod
    def of(
        cls, number: int, message: Message, events: Sequence[AnyEvent] = (), *, problem: str = "", hint: str = ""
    ) -> Self:
        """Return what is shown of a message."""
        payload = message.payload
        cut = msgspec.structs.replace(
            message, topic=message.topic[:LONGEST_TOPIC_SHOWN], payload=payload[:LONGEST_PAYLOAD_SHOWN], properties=()
        )
        return cls(number, cut, len(payload), tuple(map(_cut, events[:MOST_EVENTS_SHOWN])), problem, hint)


def shown(received: ReceivedMessage) -> dict[str, Any]:
    """Return a message for JSON."""
    try:
        return _shown(received)
    except Exception as error:  # noqa: BLE001  (the others are shown)
        failures.note("showing what a message means", error, topic=received.message.topic)
        problem = f"the program fails on it: {failures.in_words(error)}"
        return _shown(msgspec.structs.replace(received, problem=problem, hint="report it with this message"))


def _shown(received: ReceivedMessage) -> dict[str, Any]:
    message = received.message
    payload = message.payload
    is_whole = len(payload) == received.size
    try:
        text = payload.decode("utf-8", "strict" if is_whole else "ignore")
    except UnicodeDecodeError:
        text = "base64 " + base64.b64encode(payload).decode()
    reported: dict[str, Any] = {
        "number": received.number,
        "at": message.received_at // NS_PER_MS,
        "topic": message.topic,
        "payload": text + ("" if is_whole else "…"),
        "retained": message.retained,
    }
    if received.problem:
        return reported | {"problem": received.problem, "cure": received.hint}
    if is_whole and (texts := numbers_as_text(payload, received.events)):
        reported["as_text"] = texts
    return reported | {"means": [_meaning(event) for event in received.events]}


def is_within(received: ReceivedMessage, asset: str) -> bool:
    """Return whether a message is of an asset ('' for all); one with an invalid topic is of none."""
    if not asset:
        return True
    try:
        path = parse(received.message.topic).asset
    except ContractError:
        return False
    return is_under(path, asset)


def _cut(event: AnyEvent) -> AnyEvent:
    match event:
        case Command():
            return msgspec.structs.replace(event, args=event.args[:LONGEST_PAYLOAD_SHOWN])
        case Reply():
            return msgspec.structs.replace(event, result=event.result[:LONGEST_PAYLOAD_SHOWN])
        case _:
            return event


def _meaning(event: AnyEvent) -> dict[str, Any]:
    """Return an event as its kind, its asset and its own fields, those at their default left out."""
    reported = msgspec.to_builtins(event)
    defaults = {"", None, False}
    return (
        {"kind": event.kind}
        | {
            name: value
            for name, value in reported.items()
            if name == "at" or (value not in defaults and name != "asset")
        }
        | {"at": event.at // NS_PER_MS}
    )
