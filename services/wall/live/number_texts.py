"""Which numbers of a message came as text: they count, but a device should send numbers as numbers."""

from collections.abc import Sequence
from typing import Any

import msgspec

from broker.contract.events import AnyEvent
from broker.contract.lenient import leniency


def numbers_as_text(payload: bytes, events: Sequence[AnyEvent]) -> list[str]:
    """Return the members of a payload that are numbers written as text, by name; `value` where it is nothing else.

    Args:
        payload: all of it.
        events: what it was read as: a text that stayed one is none of these.
    """
    try:
        document = msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return []
    members = document if isinstance(document, dict) else {"value": document}
    return [name for name, sent in members.items() if _is_number(name, sent, events)]


def _is_number(name: str, sent: Any, events: Sequence[AnyEvent]) -> bool:
    if name == "values" and isinstance(sent, list):
        return any(_is_number("value", each, events) for each in sent)
    if not isinstance(sent, str):
        return False
    if name == "ts":
        return leniency.milliseconds(sent) is not None
    read = (getattr(event, name, None) for event in events)
    return any(isinstance(each, float | int) and not isinstance(each, bool) for each in read)
