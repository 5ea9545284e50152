"""Payloads of Sparkplug B 3.0: decoded to `Payload`, and encoded from it.

The fields are those of the specification's `sparkplug_b.proto`; a payload says no more than what stands in it, so a
metric by alias has neither name nor datatype, and its value waits for that of the birth (`Metric.value`). Data sets,
templates, metadata and nested property sets are not read. A metric that cannot be read is an error beside the others.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from broker.contract import instants
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_MS
from edge.dialects.sparkplug import datatypes, protobuf
from edge.dialects.sparkplug.datatypes import Datatype, Field, Raw, Value

LONGEST: Final = 256 * 1024
"""Bytes of the longest payload that is read."""
COMPRESSED: Final = "SPBV1.0_COMPRESSED"
"""The uuid of a payload whose body is one that is compressed."""
_ZLIB_OR_GZIP: Final = 47
LATEST_MS: Final = instants.LATEST // NS_PER_MS
MOST_ERRORS: Final = 100
"""Of metrics; a payload with more is rejected as a whole."""
_SCALARS: Final = {3: Field.INT, 4: Field.LONG, 5: Field.FLOAT, 6: Field.DOUBLE, 7: Field.BOOLEAN, 8: Field.STRING}
"""The fields of a property that hold a value, as those of a metric that hold the same."""
_PROPERTY_FIELDS: Final = {field: number for number, field in _SCALARS.items()}
_VALUES: Final = frozenset(Field)


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric as it stands in a payload.

    Attributes:
        name: '' where it is sent by alias alone.
        alias: stands for the name in data; unique in its edge node.
        timestamp: when it was measured, milliseconds since 1970-01-01 UTC; None where that is not sent.
        datatype: that of the birth where the metric has none of its own.
        is_historical: it was measured before what was sent already, and buffered.
        is_transient: it is not to be stored.
        is_null: it has no value.
        properties: of the metric itself, such as `engUnit` and `Quality`, those of one value.
        raw: its value; None where there is none.
    """

    name: str = ""
    alias: int | None = None
    timestamp: int | None = None
    datatype: Datatype | None = None
    is_historical: bool = False
    is_transient: bool = False
    is_null: bool = False
    properties: Mapping[str, Value] = {}
    raw: Raw | None = None

    def value(self, datatype: Datatype | None = None) -> Value | None:
        """Return the value; None where there is none.

        Args:
            datatype: that of the metric's birth, for one that has none of its own.

        Raises:
            ContractError: the type is not known, not read, or the value is none of it.
        """
        of = datatype if datatype is not None else self.datatype
        if self.is_null or self.raw is None:
            return None
        if of is None or of is Datatype.UNKNOWN:
            raise ContractError("a metric has no datatype", "send it in the birth")
        if of in datatypes.COMPOSITE:
            raise ContractError(
                f"values of {datatypes.name_of(of)} are not read", "send each of their values as a metric of its own"
            )
        return datatypes.value(self.raw, of)


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """A payload.

    Attributes:
        timestamp: when it was sent, milliseconds since 1970-01-01 UTC; None where that is not sent.
        metrics: in their order.
        seq: 0 to 255, over all messages of an edge node; None where that is not sent.
        uuid: names what `body` is, or a schema.
        body: bytes of the sender's own.
        errors: what could not be read beside them.
    """

    timestamp: int | None = None
    metrics: tuple[Metric, ...] = ()
    seq: int | None = None
    uuid: str = ""
    body: bytes = b""
    errors: tuple[ContractError, ...] = ()


def metric(
    name: str,
    value: Value | None,
    datatype: Datatype,
    *,
    alias: int | None = None,
    timestamp: int | None = None,
    is_historical: bool = False,
    properties: Mapping[str, Value] | None = None,
) -> Metric:
    """Return a metric that is to be sent; a value of None is null.

    Raises:
        ValueError: the value is none of its datatype.
    """
    return Metric(
        name=name,
        alias=alias,
        timestamp=timestamp,
        datatype=datatype,
        is_historical=is_historical,
        is_null=value is None,
        properties=properties or {},
        raw=None if value is None else datatypes.raw(value, datatype),
    )


def decode(payload: bytes) -> Payload:
    """Decode a payload.

    Raises:
        ContractError: it is too long, not of Protocol Buffers, or full of metrics that cannot be read.
    """
    if len(payload) > LONGEST:
        raise ContractError(f"payload has {len(payload)} bytes, more than {LONGEST}", "send it in parts")
    timestamp, seq, uuid, body = None, None, "", b""
    metrics: list[Metric] = []
    errors: list[ContractError] = []
    for number, content in protobuf.fields(payload):
        if number == 1:
            timestamp = _moment(content)
        elif number == 2:
            try:
                metrics.append(_metric(protobuf.message(content)))
            except ContractError as error:
                place = len(metrics) + len(errors) + 1
                errors.append(ContractError(f"metric {place}: {error.problem}", error.hint))
                if len(errors) > MOST_ERRORS:
                    raise errors[0] from None
        elif number == 3:
            seq = protobuf.whole(content)
        elif number == 4:
            uuid = protobuf.text(content)
        elif number == 5:
            body = protobuf.message(content)
    return Payload(timestamp=timestamp, metrics=tuple(metrics), seq=seq, uuid=uuid, body=body, errors=tuple(errors))


def unpacked(payload: Payload) -> Payload:
    """Return the payload that a compressed one holds; another as it is.

    Compression is not of version 3.0, but edge nodes have it from earlier ones.

    Raises:
        ContractError: it cannot be unpacked, or is too long then.
    """
    if payload.uuid != COMPRESSED:
        return payload
    unpacking = zlib.decompressobj(_ZLIB_OR_GZIP)
    try:
        content = unpacking.decompress(payload.body, LONGEST + 1)
    except zlib.error as error:
        raise ContractError(f"payload cannot be unpacked: {error}", "compress it by DEFLATE or GZIP, or not") from error
    if not unpacking.eof and len(content) <= LONGEST:
        raise ContractError("payload is cut off in its compressed body")
    return decode(content)


def encode(payload: Payload) -> bytes:
    """Encode a payload, its fields in the order of their numbers."""
    out = bytearray()
    if payload.timestamp is not None:
        out += protobuf.integer(1, payload.timestamp)
    for each in payload.metrics:
        out += protobuf.delimited(2, _encoded(each))
    if payload.seq is not None:
        out += protobuf.integer(3, payload.seq)
    if payload.uuid:
        out += protobuf.delimited(4, payload.uuid.encode())
    if payload.body:
        out += protobuf.delimited(5, payload.body)
    return bytes(out)


def _metric(buffer: bytes) -> Metric:
    """Decode a metric.

    Raises:
        ContractError: it cannot be; the text says why, and which metric where it has a name.
    """
    found: dict[str, Any] = {}
    for number, content in protobuf.fields(buffer):
        if number in _VALUES:
            found["raw"] = _raw(Field(number), content)
        elif (field := _FIELDS.get(number)) is not None:  # not so: metadata, and what a later version may have
            name, read = field
            found[name] = read(content)
    if not found.get("name") and "alias" not in found:
        raise ContractError("it has neither name nor alias", "send one of them")
    return Metric(**found)


def _raw(field: Field, content: int | bytes) -> Raw:
    """Return the value of a field, its bits as the field means them."""
    match field, content:
        case Field.INT, int():
            return Raw(field, content & protobuf.MASK32)
        case ((Field.LONG | Field.BOOLEAN), int()):
            return Raw(field, content)
        case Field.FLOAT, bytes() if len(content) == 4:
            return Raw(field, *struct.unpack("<f", content))
        case Field.DOUBLE, bytes() if len(content) == 8:
            return Raw(field, *struct.unpack("<d", content))
        case ((Field.STRING | Field.BYTES | Field.DATA_SET | Field.TEMPLATE | Field.EXTENSION), bytes()):
            return Raw(field, content)
    raise ContractError(f"the value in field {int(field)} is of another wire type than Sparkplug's")


def _properties(content: int | bytes) -> dict[str, Value]:
    """Decode a property set; properties that are null or sets themselves are left out.

    Raises:
        ContractError: it is none.
    """
    keys: list[str] = []
    values: list[Value | None] = []
    for number, part in protobuf.fields(protobuf.message(content)):
        if number == 1:
            keys.append(protobuf.text(part))
        elif number == 2:
            values.append(_property(protobuf.message(part)))
    return {key: value for key, value in zip(keys, values, strict=False) if value is not None}


def _property(buffer: bytes) -> Value | None:
    kind, is_null = Datatype.UNKNOWN, False
    raw: Raw | None = None
    for number, content in protobuf.fields(buffer):
        if number == 1:
            kind = _datatype(content)
        elif number == 2:
            is_null = protobuf.truth(content)
        elif (field := _SCALARS.get(number)) is not None:
            raw = _raw(field, content)
    return None if is_null or raw is None else datatypes.value(raw, kind)


def _moment(content: int | bytes) -> int:
    """Return a time, milliseconds since 1970-01-01 UTC."""
    found = protobuf.whole(content)
    if found > LATEST_MS:
        raise ContractError(f"time {found} is beyond all bounds", "send milliseconds since 1970")
    return found


def _datatype(content: int | bytes) -> Datatype:
    return datatypes.datatype(protobuf.whole(content) & protobuf.MASK32)


_FIELDS: Final[dict[int, tuple[str, Callable[[int | bytes], Any]]]] = {
    1: ("name", protobuf.text),
    2: ("alias", protobuf.whole),
    3: ("timestamp", _moment),
    4: ("datatype", _datatype),
    5: ("is_historical", protobuf.truth),
    6: ("is_transient", protobuf.truth),
    7: ("is_null", protobuf.truth),
    9: ("properties", _properties),
}
"""The fields of a metric without its value: the attribute, and how it is read."""


def _encoded(metric: Metric) -> bytes:
    out = bytearray()
    if metric.name:
        out += protobuf.delimited(1, metric.name.encode())
    for number, value in ((2, metric.alias), (3, metric.timestamp), (4, metric.datatype)):
        if value is not None:
            out += protobuf.integer(number, value)
    for number, is_set in ((5, metric.is_historical), (6, metric.is_transient), (7, metric.is_null)):
        if is_set:
            out += protobuf.integer(number, 1)
    if metric.properties:
        out += protobuf.delimited(9, _encoded_properties(metric.properties))
    if metric.raw is not None:
        out += _encoded_value(metric.raw.field, metric.raw)
    return bytes(out)


def _encoded_value(number: int, raw: Raw) -> bytes:
    bits = raw.bits
    if isinstance(bits, bytes):
        return protobuf.delimited(number, bits)
    if raw.field is Field.FLOAT:
        return protobuf.single(number, bits)
    if raw.field is Field.DOUBLE:
        return protobuf.double(number, bits)
    return protobuf.integer(number, int(bits))


def _encoded_properties(properties: Mapping[str, Value]) -> bytes:
    out = b"".join(protobuf.delimited(1, key.encode()) for key in properties)
    for value in properties.values():
        kind = _datatype_of(value)
        raw = datatypes.raw(value, kind)
        encoded = protobuf.integer(1, kind) + _encoded_value(_PROPERTY_FIELDS[raw.field], raw)
        out += protobuf.delimited(2, encoded)
    return out


def _datatype_of(value: Value) -> Datatype:
    """Return the datatype in which a property is sent."""
    match value:
        case bool():
            return Datatype.BOOLEAN
        case int():
            return Datatype.INT32 if -(2**31) <= value < 2**31 else Datatype.INT64
        case float():
            return Datatype.DOUBLE
        case str():
            return Datatype.STRING
    raise ValueError(f"{value!r} is no property")
