"""What is read leniently: payloads that are not of the strict form, but whose meaning is certain.

The JSON Schema describes the strict form, which is decoded first. Only what fails there comes here, so that leniency
costs nothing where it is not needed: bytes around the payload (`trimmed`), numbers that were sent as text (`numbers`),
readings of bad quality without their other fields (`without_value`). `number` and `quality` serve fields for which the
strict form allows any text. Where the meaning is not certain, the error names what was sent.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import msgspec
from msgspec.inspect import FloatType, Metadata, StrType, StructType, UnionType, type_info

from broker.contract.errors import ContractError, shown
from broker.contract.events import QUANTITY_LIMIT, Kind
from broker.contract.kinds import TABLE
from broker.contract.payloads import QUALITIES, Payload, Reading

DeclaredText = Callable[[str, str], bool]
"""Whether the plant file declares a signal (asset path, name) as text."""

_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
_LEADING_ZERO: Final = re.compile(r"[+-]?0\d", re.ASCII)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+\Z", re.ASCII)
_WITH_UNIT: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?\s*[^\d\s.,:/-][^\d\s]{0,7}\Z")
_NOT_FINITE: Final = re.compile(r"[+-]?(nan|inf(inity)?)\Z", re.ASCII | re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d{9,19}(?:\.\d+)?\Z", re.ASCII)
_SPACES: Final = "".join(filter(str.isspace, map(chr, range(0x3001))))


def never_text(_asset: str, _signal: str) -> bool:
    """Return False: without a plant file no signal is declared as text."""
    return False


def utf8(payload: bytes) -> str:
    """Return a payload as text.

    Raises:
        ContractError: it is not UTF-8; the text has the place, and what its encoding seems to be.
    """
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        place, byte = error.start, payload[error.start]
    if payload[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise ContractError("payload is UTF-16: it begins with the mark of that", "send UTF-8")
    if payload[:2] == b"\x1f\x8b":
        raise ContractError("payload is packed with gzip", "send it unpacked, as UTF-8")
    character = bytes([byte]).decode("latin-1")
    if character.isprintable():
        utf_8 = " ".join(f"{one:02X}" for one in character.encode())
        raise ContractError(
            f"payload is not UTF-8 at byte {place}, 0x{byte:02X}: in Latin-1 that is {character!r}",
            f"send UTF-8, in which {character!r} is {utf_8}",
        )
    raise ContractError(f"payload is not UTF-8 at byte {place}, 0x{byte:02X}", "send UTF-8")


def trimmed(text: str) -> str:
    """Return a payload without what stands around it: a byte-order mark, spaces, ends of line, NUL at the end."""
    return text.lstrip("\ufeff" + _SPACES).rstrip("\0" + _SPACES)


def is_number(text: str) -> bool:
    """Return whether a text is a decimal number, and nothing else."""
    return _NUMBER.match(text) is not None


def number(text: str) -> float | None:
    """Return the number that a text of a signal certainly is, else None.

    Names stay texts: what begins with a zero, as program and order numbers do, and what is beyond the limit of
    quantities, as a status word of 64 bits, which a double would change.
    """
    bare = text.strip()
    if _NUMBER.match(bare) is None or (bare[0] in "0+-" and _LEADING_ZERO.match(bare)):
        return None
    found = float(bare)
    return found if -QUANTITY_LIMIT <= found <= QUANTITY_LIMIT else None


def seems_number(text: str) -> bool:
    """Return whether a text looks like a number that it is not certain to be."""
    bare = text.strip()
    return number(text) is None and any(pattern.match(bare) for pattern in (_NUMBER, _DECIMAL_COMMA, _WITH_UNIT))


def milliseconds(text: str) -> float | None:
    """Return the number that a time is which was sent as text; None where it is none. Whole ones stay exact."""
    bare = text.strip()
    if not _DIGITS.match(bare):
        return None
    return float(bare) if "." in bare else int(bare)


def quality(word: str) -> str:
    """Return a quality in the contract's words.

    Raises:
        ContractError: it is none of them.
    """
    found = word.strip().lower()
    if found not in QUALITIES:
        raise ContractError(f"unknown quality {shown(word)}", f"send one of {', '.join(QUALITIES)}, or leave it out")
    return found


def numbers(kind: Kind, document: Any) -> Any:
    """Return a decoded payload with its texts made numbers where its kind has a number; None where there are none.

    Raises:
        ContractError: such a text is no number.
    """
    fields, is_bare = numeric(kind)
    if isinstance(document, str):
        return _from_text("payload", document) if is_bare else None
    if not isinstance(document, dict):
        return None
    found: dict[str, Any] = {
        name: _from_text(name, value) for name, value in document.items() if isinstance(value, str) and name in fields
    }
    values = document.get("values")
    if kind == "telemetry" and isinstance(values, list) and any(isinstance(value, str) for value in values):
        found["values"] = [
            value
            if not isinstance(value, str)
            else (float(value) if is_number(value) else _from_text(f"values[{place}]", value))
            for place, value in enumerate(values)
        ]
    return document | found if found else None


def without_value(kind: Kind, document: Any) -> Reading | None:
    """Return a reading of bad quality by what all readings have, whatever its other fields are; None for any other."""
    if not isinstance(document, dict) or not isinstance(word := document.get("quality"), str):
        return None
    if not issubclass(TABLE[kind].payload, Reading) or word.strip().lower() != "bad":
        return None
    try:
        return msgspec.convert(document | {"quality": "bad"}, Reading)
    except msgspec.ValidationError:
        return None


@cache
def numeric(kind: Kind) -> tuple[frozenset[str], bool]:
    """Return the fields of a kind that hold numbers and no texts, and whether its payload may be such a number."""
    entry = TABLE[kind]
    described = type_info(entry.payload)
    assert isinstance(described, StructType)
    shared = Payload.__struct_fields__
    fields = {field.name for field in described.fields if field.name not in shared and _is_number_type(field.type)}
    return frozenset(fields), entry.bare is not None and _is_number_type(type_info(entry.bare))


def _from_text(name: str, text: str) -> float:
    bare = text.strip()
    if is_number(bare):
        return float(bare)
    if not bare:
        raise ContractError(f"{name} is an empty text, not a number", "leave it out where there is no value")
    if _NOT_FINITE.match(bare):
        raise ContractError(f"{name} is {shown(text)}, not a finite number", 'leave it out, or send "quality":"bad"')
    if _DECIMAL_COMMA.match(bare):
        raise ContractError(f"{name} {shown(text)} has a decimal comma", "write a decimal point")
    if _WITH_UNIT.match(bare):
        raise ContractError(f"{name} {shown(text)} is more than a number", "send the number, and its unit in unit")
    raise ContractError(f"{name} is {shown(text)}, not a number", "send a number; leave it out where there is none")


def _is_number_type(described: Any) -> bool:
    leaves = list(_leaves(described))
    return any(isinstance(one, FloatType) for one in leaves) and not any(isinstance(one, StrType) for one in leaves)


def _leaves(described: Any) -> Iterator[Any]:
    """Yield the types that a type allows, without what annotates them."""
    match described:
        case Metadata():
            yield from _leaves(described.type)
        case UnionType():
            for one in described.types:
                yield from _leaves(one)
        case _:
            yield described
