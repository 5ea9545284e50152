"""Sparkplug's payloads: what is encoded comes back, and bytes of any kind end in nothing but the contract's error."""

import gzip
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.errors import ContractError
from edge.dialects.sparkplug import datatypes, protobuf
from edge.dialects.sparkplug.codec import (
    COMPRESSED,
    LATEST_MS,
    LONGEST,
    Metric,
    Payload,
    decode,
    encode,
    metric,
    unpacked,
)
from edge.dialects.sparkplug.datatypes import Datatype, Field, Raw
from tests.properties import examples

NO_SURROGATES = st.characters(exclude_categories=["Cs"])
BITS = st.integers(0, 2**64 - 1)
MOMENTS = st.integers(0, LATEST_MS)


def integers(kind: Datatype) -> st.SearchStrategy[Any]:
    integer = datatypes.INTEGERS[kind]
    low = -(1 << integer.width - 1) if integer.is_signed else 0
    return st.integers(low, low + (1 << integer.width) - 1)


def arrays() -> dict[Datatype, st.SearchStrategy[Any]]:
    words = st.text(NO_SURROGATES.filter(lambda each: each != "\0"), max_size=5)
    found = {Datatype[f"{kind.name}_ARRAY"]: st.lists(integers(kind), max_size=9) for kind in datatypes.INTEGERS}
    return found | {
        Datatype.FLOAT_ARRAY: st.lists(st.floats(width=32, allow_nan=False), max_size=9),
        Datatype.DOUBLE_ARRAY: st.lists(st.floats(allow_nan=False), max_size=9),
        Datatype.BOOLEAN_ARRAY: st.lists(st.booleans(), max_size=20),
        Datatype.STRING_ARRAY: st.lists(words, max_size=5),
    }


TEXTS = st.text(NO_SURROGATES, max_size=20)
NAMES = st.text(NO_SURROGATES, min_size=1, max_size=20)
VALUES: dict[Datatype, st.SearchStrategy[Any]] = {
    **{kind: integers(kind) for kind in datatypes.INTEGERS},
    **arrays(),
    Datatype.FLOAT: st.floats(width=32, allow_nan=False),
    Datatype.DOUBLE: st.floats(allow_nan=False),
    Datatype.BOOLEAN: st.booleans(),
    Datatype.STRING: TEXTS,
    Datatype.TEXT: TEXTS,
    Datatype.UUID: TEXTS,
    Datatype.BYTES: st.binary(max_size=20),
    Datatype.FILE: st.binary(max_size=20),
}
PROPERTIES = st.dictionaries(
    TEXTS, st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS, max_size=3
)


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    kind = draw(st.sampled_from(sorted(VALUES)))
    return metric(
        draw(NAMES),
        draw(st.none() | VALUES[kind]),
        kind,
        alias=draw(st.none() | BITS),
        timestamp=draw(st.none() | MOMENTS),
        is_historical=draw(st.booleans()),
        properties=draw(PROPERTIES),
    )


PAYLOADS = st.builds(
    Payload,
    timestamp=st.none() | MOMENTS,
    metrics=st.lists(metrics(), max_size=3).map(tuple),
    seq=st.none() | st.integers(0, 255),
    uuid=TEXTS,
    body=st.binary(max_size=9),
)


@given(PAYLOADS)
@examples(60)
def test_a_payload_comes_back_as_it_was_encoded(payload: Payload) -> None:
    found = decode(encode(payload))
    assert found == payload
    for each in found.metrics:
        value = each.value()
        assert value is None if each.is_null else datatypes.raw(value, each.datatype) == each.raw  # type: ignore[arg-type]


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_end_in_nothing_but_the_contracts_error(noise: bytes) -> None:
    read_all(noise)


@given(PAYLOADS, st.integers(0, 2**16), st.integers(0, 255))
@examples(60)
def test_a_payload_with_a_changed_byte_or_cut_off_ends_in_nothing_but_the_contracts_error(
    payload: Payload, place: int, byte: int
) -> None:
    whole = bytearray(encode(payload))
    place %= len(whole) + 1
    read_all(bytes(whole[:place]))
    if place < len(whole):
        whole[place] = byte
        read_all(bytes(whole))


def read_all(noise: bytes) -> None:
    """Read a payload and, by every datatype, its values."""
    try:
        payload = decode(noise)
    except ContractError:
        return
    for each in payload.metrics[:100]:
        for kind in (None, *Datatype):
            with suppress(ContractError):
                each.value(kind)


@pytest.mark.parametrize(
    ("kind", "bits", "value"),
    [
        (Datatype.INT32, 4294967284, -12),
        (Datatype.INT8, 4294967284, -12),
        (Datatype.INT8, 244, -12),
        (Datatype.INT16, 65524, -12),
        (Datatype.INT16, 32767, 32767),
        (Datatype.UINT8, 255, 255),
        (Datatype.UINT16, 65535, 65535),
    ],
)
def test_an_integer_by_alias_gets_the_sign_and_width_of_its_birth(kind: Datatype, bits: int, value: int) -> None:
    data = decode(encode(Payload(metrics=(Metric(alias=3, raw=Raw(Field.INT, bits)),))))
    assert data.metrics[0].datatype is None
    assert data.metrics[0].value(kind) == value


def test_an_integer_of_64_bits_gets_its_sign() -> None:
    for kind, bits, value in ((Datatype.INT64, 2**64 - 1, -1), (Datatype.UINT64, 2**64 - 1, 2**64 - 1)):
        assert Metric(raw=Raw(Field.LONG, bits)).value(kind) == value


def test_senders_differ_in_the_field_of_an_integer() -> None:
    for field in (Field.INT, Field.LONG):
        assert Metric(datatype=Datatype.UINT32, raw=Raw(field, 4_000_000_000)).value() == 4_000_000_000
        assert Metric(datatype=Datatype.INT64, raw=Raw(field, 0)).value() == 0
    assert Metric(datatype=Datatype.INT32, raw=Raw(Field.LONG, 2**64 - 12)).value() == -12


@pytest.mark.parametrize(("kind", "bits"), [(Datatype.UINT8, 256), (Datatype.INT8, 300), (Datatype.INT16, 2**31)])
def test_an_integer_beyond_the_width_of_its_type_is_rejected(kind: Datatype, bits: int) -> None:
    with pytest.raises(ContractError, match=f"{bits} is no {datatypes.name_of(kind)}"):
        Metric(datatype=kind, raw=Raw(Field.INT, bits)).value()


@pytest.mark.parametrize(
    ("kind", "value", "packed"),
    [
        (Datatype.INT32_ARRAY, [123456789, 987654321], "15CD5B07 B168DE3A"),
        (Datatype.INT8_ARRAY, [-23, 123], "E97B"),
        (Datatype.INT16_ARRAY, [-30000, 30000], "D08A 3075"),
        (Datatype.UINT8_ARRAY, [23, 250], "17FA"),
        (Datatype.BOOLEAN_ARRAY, [0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1], "0C000000 34D0"),
        (Datatype.STRING_ARRAY, ["ABC", "hello"], "41424300 68656C6C6F00"),
    ],
)
def test_arrays_are_packed_as_the_specification_shows(kind: Datatype, value: Any, packed: str) -> None:
    # Of Int8 it shows EF for -23, which is E9 in two's complement: EF is -17.
    one = Metric(datatype=kind, raw=Raw(Field.BYTES, bytes.fromhex(packed)))
    assert one.value() == value
    assert metric("", value, kind).raw == one.raw


@pytest.mark.parametrize(
    ("kind", "packed"),
    [
        (Datatype.INT32_ARRAY, b"\1\2\3"),
        (Datatype.BOOLEAN_ARRAY, b"\xff\xff\xff\xff\0"),
        (Datatype.BOOLEAN_ARRAY, b""),
        (Datatype.STRING_ARRAY, b"ABC"),
        (Datatype.STRING_ARRAY, b"\xff\0"),
    ],
)
def test_an_array_that_is_not_whole_is_rejected(kind: Datatype, packed: bytes) -> None:
    with pytest.raises(ContractError):
        Metric(datatype=kind, raw=Raw(Field.BYTES, packed)).value()


def test_a_metric_that_cannot_be_read_does_not_affect_the_others() -> None:
    good = [metric("a", 1, Datatype.INT32), metric("b", 2, Datatype.INT32)]
    bad = protobuf.delimited(2, protobuf.delimited(1, b"\xff"))
    found = decode(encode(Payload(metrics=(good[0],))) + bad + encode(Payload(metrics=(good[1],), seq=7)))
    assert found.metrics == tuple(good)
    assert found.seq == 7
    assert [error.problem for error in found.errors] == ["metric 2: a text is not UTF-8 at its byte 0"]


def test_data_sets_and_templates_are_rejected_by_name_when_their_value_is_asked_for() -> None:
    for field, kind, name in (
        (Field.DATA_SET, Datatype.DATA_SET, "DataSet"),
        (Field.TEMPLATE, Datatype.TEMPLATE, "Template"),
    ):
        content = protobuf.delimited(
            2, protobuf.integer(2, 1) + protobuf.integer(4, kind) + protobuf.delimited(field, b"\x08\x01")
        )
        with pytest.raises(ContractError, match=f"values of {name} are not read"):
            decode(content).metrics[0].value()


def test_the_last_of_several_values_counts_and_unknown_fields_are_passed_over() -> None:
    fields = (
        protobuf.integer(2, 1) + protobuf.integer(10, 1) + protobuf.integer(4, Datatype.INT32) + protobuf.integer(10, 2)
    )
    newer = protobuf.delimited(99, b"later") + protobuf.double(98, 1) + protobuf.single(97, 1)
    assert decode(newer + protobuf.delimited(2, fields + newer)).metrics[0].value() == 2


def test_integers_that_are_longer_than_their_field_are_cut_as_protocol_buffers_does() -> None:
    long = protobuf.integer(2, 1) + protobuf.integer(10, -12)  # ten bytes
    assert decode(protobuf.delimited(2, long)).metrics[0].value(Datatype.INT32) == -12


def test_a_time_beyond_all_bounds_is_rejected_with_its_payload_or_metric() -> None:
    with pytest.raises(ContractError, match="time 9223372036854775807 is beyond all bounds"):
        decode(encode(Payload(timestamp=2**63 - 1)))
    found = decode(encode(Payload(metrics=(Metric(name="a", timestamp=2**64 - 1), Metric(name="b")))))
    assert [one.name for one in found.metrics] == ["b"]


def test_a_payload_that_is_too_long_is_rejected_before_it_is_read() -> None:
    with pytest.raises(ContractError, match="more than 262144"):
        decode(b"\xff" * (LONGEST + 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "noise",
    [
        protobuf.delimited(2, b"\x10\1") * (LONGEST // 4),
        protobuf.delimited(2, b"") * (LONGEST // 2),
        b"\x80" * LONGEST,
        b"\x12\xff\xff\xff\xff\x0f" + b"x" * 1000,
        protobuf.delimited(2, protobuf.delimited(9, protobuf.delimited(1, b"") * (LONGEST // 2 - 20))),
        protobuf.delimited(2, protobuf.delimited(18, protobuf.delimited(2, b"\x92\x01" * (LONGEST // 4)))),
    ],
    ids=[
        "metrics without end",
        "metrics without a name",
        "one integer",
        "a length beyond the end",
        "properties without end",
        "nested templates",
    ],
)
def test_the_longest_hostile_payloads_are_read_or_rejected(noise: bytes) -> None:
    read_all(noise)


def test_what_is_no_value_of_its_datatype_cannot_be_sent() -> None:
    for value, kind in (
        (256, Datatype.UINT8),
        (True, Datatype.INT8),
        ("x", Datatype.DOUBLE),
        ([1], Datatype.INT8),
        (1, 19),
    ):
        with pytest.raises((TypeError, ValueError), match="is no"):
            metric("a", value, Datatype(kind))  # type: ignore[arg-type]


def test_floats_keep_their_bits() -> None:
    assert encode(Payload(metrics=(metric("a", 1.5, Datatype.DOUBLE),))).endswith(struct.pack("<d", 1.5))


@pytest.mark.parametrize("compress", [zlib.compress, gzip.compress])
def test_a_compressed_payload_is_unpacked(compress: Callable[[bytes], bytes]) -> None:
    whole = Payload(metrics=(metric("a", 1, Datatype.INT32),), seq=4)
    assert unpacked(decode(encode(Payload(uuid=COMPRESSED, body=compress(encode(whole)))))) == whole
    assert unpacked(whole) == whole


@pytest.mark.parametrize("body", [b"", b"xyz", zlib.compress(b"\0" * 50_000_000), zlib.compress(b"\x12\x02")])
def test_a_compressed_payload_that_is_none_or_too_long_is_rejected(body: bytes) -> None:
    with pytest.raises(ContractError):
        unpacked(Payload(uuid=COMPRESSED, body=body or b"\0"))
