"""The datatypes of Sparkplug's metrics: which field holds a value, and what its bits mean.

The type of a metric is that of its birth: data by alias carry none, so that -12 of an Int32 comes as 4294967284. Hence
a value is read in two steps: `codec` finds the field, `value` gives it the meaning of the type. Senders differ in the
field of some integers (UInt32 in `int_value` and in `long_value`), so either is read.
"""

import re
import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

from broker.contract.errors import ContractError
from edge.dialects.sparkplug import protobuf
from edge.dialects.sparkplug.protobuf import MASK32, MASK64

Scalar = float | bool | str | bytes
"""A value of one datum; integers and times (milliseconds since 1970-01-01 UTC) are `int`."""
Value = Scalar | list[float] | list[bool] | list[str]


class Datatype(IntEnum):
    """The datatypes by their number in a payload."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATE_TIME = 13
    TEXT = 14
    UUID = 15
    DATA_SET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19
    PROPERTY_SET = 20
    PROPERTY_SET_LIST = 21
    INT8_ARRAY = 22
    INT16_ARRAY = 23
    INT32_ARRAY = 24
    INT64_ARRAY = 25
    UINT8_ARRAY = 26
    UINT16_ARRAY = 27
    UINT32_ARRAY = 28
    UINT64_ARRAY = 29
    FLOAT_ARRAY = 30
    DOUBLE_ARRAY = 31
    BOOLEAN_ARRAY = 32
    STRING_ARRAY = 33
    DATE_TIME_ARRAY = 34


class Field(IntEnum):
    """The fields of a metric that hold a value, by their number."""

    INT = 10
    LONG = 11
    FLOAT = 12
    DOUBLE = 13
    BOOLEAN = 14
    STRING = 15
    BYTES = 16
    DATA_SET = 17
    TEMPLATE = 18
    EXTENSION = 19


class Raw(NamedTuple):
    """A value as it stands in a payload: in which field, and its bits."""

    field: Field
    bits: int | float | bytes


class Integer(NamedTuple):
    """An integer type: its width, whether it has a sign, and the field in which it is sent."""

    width: int
    is_signed: bool
    field: Field


INTEGERS: Final[dict[Datatype, Integer]] = {
    Datatype.INT8: Integer(8, True, Field.INT),
    Datatype.INT16: Integer(16, True, Field.INT),
    Datatype.INT32: Integer(32, True, Field.INT),
    Datatype.INT64: Integer(64, True, Field.LONG),
    Datatype.UINT8: Integer(8, False, Field.INT),
    Datatype.UINT16: Integer(16, False, Field.INT),
    Datatype.UINT32: Integer(32, False, Field.LONG),
    Datatype.UINT64: Integer(64, False, Field.LONG),
    Datatype.DATE_TIME: Integer(64, False, Field.LONG),
}
_TEXTS: Final = {Datatype.STRING, Datatype.TEXT, Datatype.UUID}
_BINARY: Final = {Datatype.BYTES, Datatype.FILE}
_PLAIN: Final[dict[Datatype, tuple[Field, tuple[type, ...]]]] = {
    Datatype.FLOAT: (Field.FLOAT, (int, float)),
    Datatype.DOUBLE: (Field.DOUBLE, (int, float)),
    Datatype.BOOLEAN: (Field.BOOLEAN, (bool,)),
    **dict.fromkeys(_TEXTS, (Field.STRING, (str,))),
    **dict.fromkeys(_BINARY, (Field.BYTES, (bytes,))),
}
"""Of the other types the field in which they are sent, and the types of Python that they are."""
_ELEMENTS: Final[dict[Datatype, str]] = {
    Datatype.INT8_ARRAY: "b",
    Datatype.INT16_ARRAY: "h",
    Datatype.INT32_ARRAY: "i",
    Datatype.INT64_ARRAY: "q",
    Datatype.UINT8_ARRAY: "B",
    Datatype.UINT16_ARRAY: "H",
    Datatype.UINT32_ARRAY: "I",
    Datatype.UINT64_ARRAY: "Q",
    Datatype.FLOAT_ARRAY: "f",
    Datatype.DOUBLE_ARRAY: "d",
    Datatype.DATE_TIME_ARRAY: "Q",
}
"""Of arrays of numbers the element, as `struct` calls it."""
COMPOSITE: Final = {Datatype.DATA_SET, Datatype.TEMPLATE, Datatype.PROPERTY_SET, Datatype.PROPERTY_SET_LIST}
"""Types whose values are not read."""
_FIELD_NAMES: Final = {Field.DATA_SET: "a data set", Field.TEMPLATE: "a template", Field.EXTENSION: "an extension"}


def name_of(datatype: Datatype) -> str:
    """Return a datatype's name as the specification writes it, such as `UInt32Array`."""
    words = {"INT": "Int", "UINT": "UInt", "UUID": "UUID"}
    parts = re.findall(r"[A-Z]+|\d+", datatype.name)
    return "".join(words.get(part, part.capitalize()) for part in parts)


def datatype(number: int) -> Datatype:
    """Return the datatype of a number.

    Raises:
        ContractError: there is none.
    """
    try:
        return Datatype(number)
    except ValueError:
        raise ContractError(f"datatype {number} is not of Sparkplug B 3.0", "use 1 to 34") from None


def value(raw: Raw, of: Datatype) -> Value:
    """Return what the bits of a value mean.

    Raises:
        ContractError: they are no value of this type.
    """
    field, bits = raw
    if (integer := INTEGERS.get(of)) is not None and field in {Field.INT, Field.LONG}:
        return _integer(int(bits), integer, field, of)
    if of in {Datatype.FLOAT, Datatype.DOUBLE} and field in {Field.FLOAT, Field.DOUBLE}:
        return float(bits)
    if of is Datatype.BOOLEAN and field is Field.BOOLEAN:
        return bool(bits)
    if isinstance(bits, bytes):
        if of in _TEXTS and field is Field.STRING:
            return protobuf.text(bits)
        if of in _BINARY and field is Field.BYTES:
            return bits
        if of >= Datatype.INT8_ARRAY and field is Field.BYTES:
            return _array(bits, of)
    raise ContractError(f"a value of {name_of(of)} is sent as {_FIELD_NAMES.get(field, field.name.lower())}")


def raw(value: Value, of: Datatype) -> Raw:
    """Return a value as it is sent; the inverse of `value`.

    Raises:
        ValueError: it is no value of this type; `TypeError` if it is not of its kind at all.
    """
    if isinstance(value, list):
        return Raw(Field.BYTES, _packed(value, of))
    if isinstance(value, bool) != (of is Datatype.BOOLEAN):
        raise ValueError(f"{value!r} is no {name_of(of)}")
    if (integer := INTEGERS.get(of)) is not None and isinstance(value, int):
        low = -(1 << integer.width - 1) if integer.is_signed else 0
        if not low <= value < low + (1 << integer.width):
            raise ValueError(f"{value} is no {name_of(of)}")
        return Raw(integer.field, value & (MASK32 if integer.field is Field.INT else MASK64))
    field, kinds = _PLAIN.get(of, (Field.EXTENSION, ()))
    if not isinstance(value, kinds):
        raise TypeError(f"{value!r} is no {name_of(of)}")
    if isinstance(value, str | bytes):
        return Raw(field, value.encode() if isinstance(value, str) else value)
    return Raw(field, int(value) if field is Field.BOOLEAN else float(value))


def _integer(bits: int, integer: Integer, field: Field, of: Datatype) -> int:
    """Return an integer of its width, whether its sign was extended to that of its field or not."""
    width = integer.width
    low = bits & ((1 << width) - 1)
    found = low - (1 << width) if integer.is_signed and low >> width - 1 else low
    widths = (32, 64) if field is Field.LONG else (32,)
    if bits != low and not (found < 0 and any(bits == found & ((1 << each) - 1) for each in widths)):
        raise ContractError(f"{bits} is no {name_of(of)}", "send it in the width of its type")
    return found


def _array(packed: bytes, of: Datatype) -> Value:
    if of is Datatype.STRING_ARRAY:
        if packed and packed[-1]:
            raise ContractError("an array of strings does not end in NUL", "end each string in NUL")
        return [protobuf.text(each) for each in packed.split(b"\0")[:-1]]
    if of is Datatype.BOOLEAN_ARRAY:
        return _booleans(packed)
    element = _ELEMENTS[of]
    length, rest = divmod(len(packed), struct.calcsize("<" + element))
    if rest:
        raise ContractError(f"{len(packed)} bytes are no whole number of elements of {name_of(of)}")
    return list(struct.unpack(f"<{length}{element}", packed))


def _booleans(packed: bytes) -> list[bool]:
    """Return the booleans of an array: their number in four bytes, then eight a byte, the first as the highest bit."""
    count = int.from_bytes(packed[:4], "little")
    if len(packed) != 4 + (count + 7) // 8:
        raise ContractError(f"an array of {count} booleans has {len(packed)} bytes", "send its length in four bytes")
    return [bool(packed[4 + place // 8] >> 7 - place % 8 & 1) for place in range(count)]


def _packed(value: Sequence[Any], of: Datatype) -> bytes:
    if of is Datatype.STRING_ARRAY:
        if any("\0" in each for each in value):
            raise ValueError("a string of an array has a NUL")
        return b"".join(each.encode() + b"\0" for each in value)
    if of is Datatype.BOOLEAN_ARRAY:
        bits = bytearray((len(value) + 7) // 8)
        for place, each in enumerate(value):
            bits[place // 8] |= bool(each) << 7 - place % 8
        return len(value).to_bytes(4, "little") + bytes(bits)
    if of not in _ELEMENTS:
        raise ValueError(f"a list is no {name_of(of)}")
    try:
        return struct.pack(f"<{len(value)}{_ELEMENTS[of]}", *value)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{value!r} is no {name_of(of)}") from error
