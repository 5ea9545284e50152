"""Our codec against an independent one, byte for byte: npm's `sparkplug-payload` of the Tahu project."""

from typing import Any

import pytest

from edge.dialects.sparkplug import datatypes
from edge.dialects.sparkplug.codec import Payload, decode, encode, metric
from edge.dialects.sparkplug.datatypes import Datatype, Value
from tests.edge import sparkplug_peers

pytestmark = pytest.mark.javascript

VALUES: list[tuple[Datatype, list[Value]]] = [
    (Datatype.INT8, [-128, -12, 0, 127]),
    (Datatype.INT16, [-(2**15), -12, 2**15 - 1]),
    (Datatype.INT32, [-(2**31), -12, 2**31 - 1]),
    (Datatype.INT64, [-(2**63), -12, 2**63 - 1]),
    (Datatype.UINT8, [0, 255]),
    (Datatype.UINT16, [0, 2**16 - 1]),
    (Datatype.UINT32, [0, 2**32 - 1]),
    (Datatype.UINT64, [0, 2**64 - 1]),
    (Datatype.FLOAT, [0.0, -1.5, 2.0**100]),
    (Datatype.DOUBLE, [0.0, -1.1, 1.7e308]),
    (Datatype.BOOLEAN, [True, False]),
    (Datatype.STRING, ["", "µm", "x" * 300]),
    (Datatype.DATE_TIME, [0, 1_795_507_200_123]),
    (Datatype.TEXT, ["two\nlines"]),
    (Datatype.UUID, ["11ad7b32-1d32-4c4a-b0c9-fa049208939a"]),
    (Datatype.BYTES, [b"", b"\x00\xff"]),
    (Datatype.FILE, [b"<?xml?>"]),
]
AT = 1_795_507_200_123


def in_json(value: Any, kind: Datatype) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if kind in datatypes.INTEGERS and datatypes.INTEGERS[kind].field is datatypes.Field.LONG:
        return {"long": str(value)}
    return value


def cases() -> list[tuple[Payload, dict[str, Any]]]:
    """Return payloads, each as ours and as the peer wants it."""
    found: list[tuple[Payload, dict[str, Any]]] = []
    for kind, values in VALUES:
        name = datatypes.name_of(kind)
        for value in (*values, None):
            ours = metric("a/µ", value, kind, alias=300, timestamp=AT)
            theirs = {"name": "a/µ", "value": in_json(value, kind), "type": name, "alias": 300, "timestamp": AT}
            if value is None:
                theirs["value"] = None
            found.append((Payload(timestamp=AT, metrics=(ours,), seq=255), with_metrics(theirs)))
    properties: dict[str, Value] = {"engUnit": "mm/s", "Quality": 192, "scale": 0.1, "is_simulated": True}
    theirs = {
        "name": "b",
        "value": 1.5,
        "type": "Double",
        "isHistorical": True,
        "properties": {
            "engUnit": {"type": "String", "value": "mm/s"},
            "Quality": {"type": "Int32", "value": 192},
            "scale": {"type": "Double", "value": 0.1},
            "is_simulated": {"type": "Boolean", "value": True},
        },
    }
    ours = metric("b", 1.5, Datatype.DOUBLE, is_historical=True, properties=properties)
    plain = metric("c", -1, Datatype.INT64)
    found.append((Payload(timestamp=AT, metrics=(ours,), seq=255), with_metrics(theirs)))
    several = with_metrics(theirs, {"name": "c", "value": {"long": "-1"}, "type": "Int64"})
    found.append((Payload(timestamp=AT, metrics=(ours, plain), seq=255), several))
    body = {"timestamp": AT, "uuid": "SPBV1.0_COMPRESSED", "body": {"hex": "789c"}}
    found.append((Payload(timestamp=AT, uuid="SPBV1.0_COMPRESSED", body=b"\x78\x9c"), body))
    return found


def with_metrics(*metrics: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": AT, "metrics": list(metrics), "seq": 255}


def test_what_we_encode_is_byte_for_byte_what_an_independent_codec_encodes() -> None:
    sparkplug_peers.require_node_peers()
    wanted = cases()
    theirs = sparkplug_peers.codec([{"encode": each} for _, each in wanted])
    assert [encode(ours).hex() for ours, _ in wanted] == theirs
    assert [decode(bytes.fromhex(each)) for each in theirs] == [ours for ours, _ in wanted]


def test_an_independent_codec_reads_what_we_encode() -> None:
    sparkplug_peers.require_node_peers()
    wanted = cases()
    theirs = sparkplug_peers.codec([{"decode": list(encode(ours))} for ours, _ in wanted])
    for (ours, _), found in zip(wanted, theirs, strict=True):
        names = [(one["name"], one["type"], one.get("alias"), one["value"] is None) for one in found.get("metrics", [])]
        kinds = [(one.name, datatypes.name_of(one.datatype or Datatype.UNKNOWN)) for one in ours.metrics]
        assert names == [
            (*kind, one.alias and {"long": "300"}, one.is_null) for kind, one in zip(kinds, ours.metrics, strict=True)
        ]
