"""Server-sent events as bytes: what cannot be written as JSON is left out of its event, and the rest is sent."""

from typing import Any, Final

import msgspec

from services.store import failures

_LEVELS: Final = 3
"""Down to one fact of a machine: facts, path, name."""
_LEFT_OUT: Final = object()


def event(name: str, number: int, data: Any) -> bytes:
    """Return an event.

    Args:
        name: of the event, for who listens.
        number: its id.
        data: values for JSON.
    """
    try:
        text = msgspec.json.encode(data)
    except Exception as error:  # noqa: BLE001  (one value must not end the stream of all)
        failures.note("writing an event of the stream", error, what=name)
        text = msgspec.json.encode(_writable(data, _LEVELS))
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (number, name.encode(), text)


def _writable(value: Any, levels: int) -> Any:
    """Return a value without those of its parts that cannot be written."""
    if isinstance(value, dict) and levels:
        parts = ((key, _writable(part, levels - 1)) for key, part in value.items())
        return {key: part for key, part in parts if part is not _LEFT_OUT}
    if isinstance(value, list) and levels:
        return [part for each in value if (part := _writable(each, 0)) is not _LEFT_OUT]
    try:
        msgspec.json.encode(value)
    except Exception:  # noqa: BLE001  (the same)
        return _LEFT_OUT
    return value
