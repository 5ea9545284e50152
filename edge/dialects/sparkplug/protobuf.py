"""The wire format of Protocol Buffers, as far as Sparkplug needs it: varints, fixed fields and length-delimited ones.

Reading is bounded by the length of the bytes: each byte is looked at once for every message that it is nested in, and
nothing is built for what a field claims to hold beyond the bytes that are there.
"""

import struct
from collections.abc import Iterator
from typing import Final

from broker.contract.errors import ContractError

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5
"""The wire types; groups (3, 4) are of a version of Protocol Buffers that Sparkplug does not use."""

MASK32: Final = 0xFFFF_FFFF
MASK64: Final = 0xFFFF_FFFF_FFFF_FFFF

_LONGEST_VARINT: Final = 10
_LARGEST_FIELD: Final = 2**29 - 1
_NEWER: Final = "send a payload of Sparkplug B 3.0"


def fields(buffer: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a message in their order: number, and the value as it stands there.

    A varint is an integer of 64 bits without sign; other fields are their bytes: four or eight where they are of fixed
    length.

    Raises:
        ContractError: the bytes are no message from some place on; what came before it has been yielded.
    """
    place, end = 0, len(buffer)
    while place < end:
        key, place = _varint(buffer, place)
        number, wire = key >> 3, key & 7
        if not 0 < number <= _LARGEST_FIELD:
            raise ContractError(f"payload has the field number {number} before byte {place}", _NEWER)
        if wire == VARINT:
            value, place = _varint(buffer, place)
            yield number, value
            continue
        if wire == BYTES:
            length, place = _varint(buffer, place)
        elif wire in {FIXED32, FIXED64}:
            length = 4 if wire == FIXED32 else 8
        else:
            raise ContractError(f"payload has the wire type {wire} before byte {place}", _NEWER)
        if length > end - place:
            raise ContractError(f"payload is cut off: {length} bytes are to follow byte {place}, {end - place} do")
        yield number, buffer[place : place + length]
        place += length


def varint(value: int) -> bytes:
    """Encode an integer of up to 64 bits; a negative one as its two's complement."""
    left = value & MASK64
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def integer(number: int, value: int) -> bytes:
    """Encode a field that is a varint."""
    return varint(number << 3 | VARINT) + varint(value)


def delimited(number: int, value: bytes) -> bytes:
    """Encode a field of bytes, text, or a nested message."""
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def single(number: int, value: float) -> bytes:
    """Encode a field that is a float of 32 bits."""
    return varint(number << 3 | FIXED32) + struct.pack("<f", value)


def double(number: int, value: float) -> bytes:
    """Encode a field that is a float of 64 bits."""
    return varint(number << 3 | FIXED64) + struct.pack("<d", value)


def message(content: int | bytes) -> bytes:
    """Return the bytes of a length-delimited field.

    Raises:
        ContractError: it is an integer.
    """
    if isinstance(content, int):
        raise ContractError("an integer stands where bytes belong", _NEWER)
    return content


def whole(content: int | bytes) -> int:
    """Return the integer of a field.

    Raises:
        ContractError: it is none.
    """
    if isinstance(content, bytes):
        raise ContractError("bytes stand where an integer belongs", _NEWER)
    return content


def truth(content: int | bytes) -> bool:
    """Return the boolean of a field.

    Raises:
        ContractError: it is none.
    """
    return whole(content) != 0


def text(content: int | bytes) -> str:
    """Return the text of a field.

    Raises:
        ContractError: it is not UTF-8, or no field of bytes.
    """
    try:
        return message(content).decode()
    except UnicodeDecodeError as error:
        raise ContractError(f"a text is not UTF-8 at its byte {error.start}") from error


def _varint(buffer: bytes, place: int) -> tuple[int, int]:
    """Return the varint at a place, and the place after it."""
    value, shift = 0, 0
    for at in range(place, min(place + _LONGEST_VARINT, len(buffer))):
        byte = buffer[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & MASK64, at + 1
        shift += 7
    if len(buffer) - place >= _LONGEST_VARINT:
        raise ContractError(f"payload has an integer of more than {_LONGEST_VARINT} bytes at byte {place}")
    raise ContractError(f"payload is cut off in the integer at byte {place}")
