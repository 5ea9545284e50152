"""OPC UA PubSub as JSON (Part 14), and the "samples" of OPC Publisher before it.

    opcua/json/data/publisher-1/group-1  {"MessageType":"ua-data","PublisherId":"publisher-1","Messages":[{
        "DataSetWriterId":1,"Timestamp":"2022-03-18T12:55:21.33Z",
        "Payload":{"StepUp":{"Value":23305,"SourceTimestamp":"2022-03-18T12:55:21.3313539Z"}}}]}

Read are all encodings: raw values, Reversible and NonReversible, Compact and Verbose of 1.05; whole network messages, a
lone data set message, lists of them, and payloads packed with gzip. A writer is a machine, by its name, else by its
publisher and id. A bad status is no value, even when a value comes with it; Good is left out by senders.
"""

import zlib
from collections.abc import Iterator
from typing import Any, Final

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, Status
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names
from edge.dialects.parts import Parts
from edge.dialects.values import Stamp

_LONGEST: Final = 2 * 1024 * 1024
"""Bytes of a payload once it is unpacked."""
_MOST_MESSAGES: Final = 2_000
_MOST_ELEMENTS: Final = 64
_NO_TIME: Final = ("0001-01-01", "1601-01-01")
_BAD: Final = 0b10
_OPERATIONAL: Final = 2
_STATES: Final = {"operational": True, "error": False, "disabled": False, "paused": False}
_OF_VALUES: Final = frozenset(
    {"Value", "Body", "Type", "UaType", "Dimensions", "SourceTimestamp", "SourcePicoseconds", "ServerTimestamp"}
    | {"ServerPicoseconds", "StatusCode", "Status"}
)


class OpcUaJson(Dialect):
    """Publishers of OPC UA. Option `base`: the topic above `json`, where it is not `opcua`."""

    def __init__(self, setup: Setup) -> None:
        self._base = setup.options.get("base", "opcua")
        self.filters = (f"{self._base}/json/#",)
        self._names = Names()
        self._machines = Machines(setup, self._names)
        self._publishers: dict[str, set[str]] = {}

    def translate(self, message: Message) -> Translation:
        """Translate data or a status; metadata is not needed, since fields come with their names."""
        levels = message.topic.removeprefix(f"{self._base}/").split("/")
        kind = levels[1] if len(levels) > 1 and levels[0] == "json" else "data"
        if kind not in {"data", "status"}:
            return NOTHING
        document = values.json(_unpacked(message.payload))
        publisher = levels[2] if len(levels) > 2 else ""
        parts = Parts()
        if kind == "status":
            parts.add("status", lambda: self._status(message, publisher, document))
            return parts.translation()
        for one in _messages(document):
            self._add(parts, message, str(one.get("PublisherId") or publisher), levels[4:5], one)
        return parts.translation()

    def _add(self, parts: Parts, message: Message, publisher: str, writers: list[str], one: dict[str, Any]) -> None:
        """Add a data set message, or a sample of a node."""
        if str(one.get("MessageType", "")).endswith(("keepalive", "metadata")):
            return
        if "NodeId" in one and "Payload" not in one:
            device = str(one.get("ApplicationUri") or publisher)
            node = str(one["NodeId"])
            fields = {str(one.get("DisplayName") or node.rpartition("=")[2] or node): one.get("Value")}
        else:
            writer = one.get("DataSetWriterName") or (writers[0] if writers else "")
            device = str(writer or f"{publisher} {one.get('DataSetWriterId', '')}".strip())
            payload = one.get("Payload", one)
            fields = payload if isinstance(payload, dict) else {}
        try:
            asset = self._machines.asset(device)
        except ContractError as error:
            parts.reject("writer", error)
            return
        self._publishers.setdefault(publisher, set()).add(asset)
        for name, value in fields.items():
            parts.add(name, lambda: self._field(message, asset, name, value, one.get("Timestamp")))  # noqa: B023

    def _field(self, message: Message, asset: str, name: str, value: Any, sent: Any) -> list[AnyEvent]:
        found, time, is_bad = _read(value)
        if is_bad:
            return []
        at = next((values.instant(one) for one in (time, sent) if _is_time(one)), None)
        stamp = Stamp.holding(message, asset, at)
        return [
            event
            for step, one in _scalars(found)
            for event in stamp.sample(self._names.name(f"{name} {step}".strip(), asset), one)
        ]

    def _status(self, message: Message, publisher: str, document: Any) -> list[AnyEvent]:
        """Return whether a publisher is there, of all its writers that were received."""
        sent = document.get("Status") if isinstance(document, dict) else document
        word = str(sent).strip().lower().partition("_")[0]
        online = _STATES.get(word, sent == _OPERATIONAL if isinstance(sent, int) else None)
        if online is None:
            return []
        assets = self._publishers.get(publisher) or {self._machines.asset(publisher)}
        return [Status(**Stamp.of(message, asset).shared(), online=online) for asset in sorted(assets)]


def _unpacked(payload: bytes) -> bytes:
    if payload[:2] != b"\x1f\x8b":
        return payload
    try:
        unpacker = zlib.decompressobj(wbits=31)
        found = unpacker.decompress(payload, _LONGEST)
    except zlib.error as error:
        raise ContractError(f"payload is not gzip: {error}", "send it unpacked") from error
    if unpacker.unconsumed_tail:
        raise ContractError(f"payload has more than {_LONGEST} bytes unpacked", "send less at once, and more often")
    return found


def _messages(document: Any) -> Iterator[dict[str, Any]]:
    """Yield data set messages, each with the publisher of its network message."""
    found = document if isinstance(document, list) else [document]
    for one in found[:_MOST_MESSAGES]:
        if not isinstance(one, dict):
            raise ContractError("a message is not a JSON object", "send network or data set messages")
        inner = one.get("Messages")
        if inner is None:
            yield one
            continue
        shared = {"PublisherId": one.get("PublisherId")}
        for each in (inner if isinstance(inner, list) else [inner])[:_MOST_MESSAGES]:
            if isinstance(each, dict):
                yield shared | each


def _read(value: Any) -> tuple[Any, Any, bool]:
    """Return what a field holds, the time of it, and whether its status is bad; whatever the encoding."""
    time: Any = None
    is_bad = False
    for _ in range(3):  # a data value holds a variant, which may hold one more
        if not isinstance(value, dict) or not value.keys() <= _OF_VALUES:
            break
        time = value.get("SourceTimestamp", time)
        is_bad = is_bad or _is_bad(value.get("StatusCode", value.get("Status")))
        if not ({"Value", "Body"} & value.keys()):
            return None, time, is_bad
        value = value.get("Value", value.get("Body"))
    return value, time, is_bad


def _is_bad(status: Any) -> bool:
    """Return whether a status is bad: a number, or an object with `Code`, `Symbol` or both."""
    code = status.get("Code", status.get("Symbol")) if isinstance(status, dict) else status
    if isinstance(code, int) and not isinstance(code, bool):
        return code >> 30 & 0b11 == _BAD
    return str(code or "").startswith("Bad")


def _is_time(sent: Any) -> bool:
    return sent is not None and not str(sent).startswith(_NO_TIME)


def _scalars(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the values of a field: itself, or the elements of a list, or the members of a structure."""
    if isinstance(value, dict):
        if "Text" in value and value.keys() <= {"Text", "Locale"}:
            yield "", value["Text"]
            return
        for name, inner in list(value.items())[:_MOST_ELEMENTS]:
            if name not in {"UaTypeId", "TypeId", "Encoding"} and not isinstance(inner, (dict, list)):
                yield name, inner
    elif isinstance(value, list):
        for place, inner in enumerate(value[:_MOST_ELEMENTS]):
            if not isinstance(inner, (dict, list)):
                yield str(place), inner
    else:
        yield "", value


DIALECT: Final = Entry(
    "opcua-json",
    "OPC UA PubSub (JSON)",
    OpcUaJson,
    loses=(
        "What fields mean: they are telemetry; map states and counters with the dialect `mapped`.",
        "Structures within structures, and lists of more than 64 elements.",
        "Metadata, and units, which are not in the data.",
    ),
    seen=("OPC UA 1.04 and 1.05.06", "OPC Publisher 2.8 and 2.9"),
    device="""\
1. In the publisher: transport MQTT to `HOST:PORT`, encoding JSON, topic `opcua/json/data/…`.
2. OPC Publisher: `--mm=PubSub --me=Json --ttt=opcua/json/data/{PublisherId}/{WriterGroup}`.
3. Name each writer for its machine; keep names of fields short.
""",
)
