"""MTConnect documents in XML, as an agent answers by HTTP: read to the form that its documents in JSON have.

A document has at most so many bytes, elements and levels. One that declares a document type is rejected before
anything of it is read, so that there are no entities to expand and no files or addresses to fetch.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from xml.parsers import expat  # declarations of entities are rejected

import msgspec

from broker.contract.errors import ContractError
from edge.dialects.values import plain

LONGEST: Final = 8 * 1024 * 1024
"""Bytes of a document."""
_MOST: Final = 100_000
_DEEPEST: Final = 32
_TEXT: Final = 256 * 1024
"""Characters of a text that are handed over at once."""
_COUNTS: Final = frozenset({"instanceId", "firstSequence", "lastSequence", "nextSequence", "bufferSize", "sequence"})
_SECTIONS: Final = ("Samples", "Events", "Condition")
_START: Final = b"<"
_MARKS: Final = b"\xef\xbb\xbf \t\r\n"


class _Element(msgspec.Struct, gc=False):  # a tree has no cycles to look for
    """An element: its name without a prefix, its attributes, what is in it, and its text."""

    name: str
    attributes: dict[str, str]
    inner: Sequence["_Element"] = ()
    text: str = ""

    def named(self, name: str) -> Iterator["_Element"]:
        """Yield the elements of a name that stand directly in it."""
        return (one for one in self.inner if one.name == name)

    def anywhere(self, name: str) -> Iterator["_Element"]:
        """Yield the elements of a name at any depth."""
        waiting = list(reversed(self.inner))
        while waiting:
            one = waiting.pop()
            if one.name == name:
                yield one
            waiting += reversed(one.inner)


def is_xml(payload: bytes) -> bool:
    """Return whether a payload begins as XML does."""
    return payload[:64].lstrip(_MARKS).startswith(_START)


def read(payload: bytes) -> dict[str, Any]:
    """Return a document: `MTConnectDevices`, `MTConnectStreams` in version 1 of its JSON, or `MTConnectError`.

    Raises:
        ContractError: it is no such document, too large, or declares a document type.
    """
    root = _parsed(payload)
    header = {"Header": _header(root)}
    match root.name:
        case "MTConnectStreams":
            found = {"Streams": {"DeviceStream": [_stream(one) for one in root.anywhere("DeviceStream")]}}
        case "MTConnectDevices":
            found = {"Devices": {kind: [_model(one) for one in root.anywhere(kind)] for kind in ("Device", "Agent")}}
        case "MTConnectError":
            errors = [one for holder in root.inner for one in (holder, *holder.inner) if "errorCode" in one.attributes]
            found = {"Errors": {"Error": [{**one.attributes, "value": _message(one)} for one in errors]}}
        case other:
            raise ContractError(f"the document is {plain(other, 64)}, none of MTConnect", "name the agent's address")
    return {root.name: header | found}


def _parsed(payload: bytes) -> _Element:
    if len(payload) > LONGEST:
        raise ContractError(
            f"the document has {len(payload):,} bytes, the limit is {LONGEST:,}", "ask for less at once"
        )
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = _TEXT
    parser.StartDoctypeDeclHandler = builder.declare
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    try:
        parser.Parse(payload.lstrip(_MARKS), True)
    except expat.ExpatError as error:
        raise ContractError(f"the document is not XML: {error}", "see what the agent answers") from error
    except ContractError:
        raise
    except (ValueError, LookupError) as error:  # its encoding is unknown
        raise ContractError(f"the document cannot be read: {plain(str(error), 64)}", "send it in UTF-8") from error
    assert builder.root is not None  # expat rejects a document without an element
    return builder.root


class _Builder:
    """Builds the elements of a document, within limits."""

    def __init__(self) -> None:
        self.root: _Element | None = None
        self._open: list[_Element] = []
        self._inner: list[list[_Element]] = []
        self._count = 0

    def declare(self, *_: object) -> None:
        raise ContractError("the document declares a document type", "send MTConnect's XML without DOCTYPE")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST:
            raise ContractError(f"the document has more than {_MOST:,} elements", "ask for less at once")
        if len(self._open) >= _DEEPEST:
            raise ContractError(f"the document has more than {_DEEPEST} levels", "send MTConnect's XML")
        element = _Element(name.rpartition(":")[2], attributes)
        if self._open:
            self._inner[-1].append(element)
        else:
            self.root = element
        self._open.append(element)
        self._inner.append([])

    def end(self, _: str) -> None:
        element = self._open.pop()
        element.inner = tuple(self._inner.pop())  # the empty one is the same for all
        element.text = element.text.strip()

    def text(self, text: str) -> None:
        self._open[-1].text += text


def _header(root: _Element) -> dict[str, Any]:
    return next((_counted(one.attributes) for one in root.named("Header")), {})


def _counted(attributes: dict[str, str]) -> dict[str, Any]:
    """Return attributes, with whole numbers where the JSON has them."""
    return {
        name: int(value) if name in _COUNTS and value.isascii() and value.isdecimal() and len(value) < 20 else value
        for name, value in attributes.items()
    }


def _stream(device: _Element) -> dict[str, Any]:
    components = [
        {
            section: [
                {one.name: _observation(one, section)} for holder in component.named(section) for one in holder.inner
            ]
            for section in _SECTIONS
        }
        for component in device.named("ComponentStream")
    ]
    return _named(device) | {"ComponentStream": components}


def _named(device: _Element) -> dict[str, str]:
    return {key: device.attributes.get(key, "") for key in ("uuid", "name")}


def _observation(one: _Element, section: str) -> dict[str, Any]:
    return _counted(one.attributes) | {"value": _value(one, section)}


def _value(one: _Element, section: str) -> Any:
    """Return a value: a text, the numbers of a place in space, or a set by its keys; none of a time series."""
    if "sampleCount" in one.attributes:
        return None
    if one.inner:
        entries = [entry for entry in one.named("Entry") if entry.attributes.get("removed") != "true"]
        return {entry.attributes.get("key", ""): [] if entry.inner else entry.text for entry in entries}
    parts = one.text.split() if section == "Samples" else ()
    return list(parts) if len(parts) > 1 else one.text


def _model(device: _Element) -> dict[str, Any]:
    items = [one.attributes for one in device.anywhere("DataItem")]
    return _named(device) | {"DataItems": {"DataItem": items}}


def _message(error: _Element) -> str:
    return plain(error.text or " ".join(inner.text for inner in error.inner))
