"""IO-Link masters: the JSON of the IO-Link community, of ifm, and of Pepperl+Fuchs and Emerson.

    JSON for IO-Link   {"getData":{"ioLink":{"valid":true,"value":[9,140]},"iqValue":true}}
                       {"iolink":{"valid":true,"time":1723049390,"value":[252,35]},"iqValue":false}
    ifm IoT Core       {"code":"event","adr":"/hall/al1342/temp","data":{"payload":{
                           "/iolinkmaster/port[2]/iolinkdevice/pdin":{"code":200,"data":"03B0"}}}}
    Pepperl+Fuchs      base/port/1/pdi  {"port":1,"valid":1,"V_PdT":{"Temperature":21.5},"raw":[9,140]}

Topics are the user's own, so that a message is known by its form. Process data in bytes is a text of hexadecimal
digits, until a mapping describes it; then it is the values that it has:

    [[process-data]]
    topic = "hall/al1342/#"
    fields = { distance = { byte = 0, type = "int32", scale = 1e-6, unit = "mm" } }

What is not valid, or has a code other than 200, is no value. Others, with a value a topic, are for `mapped`.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

import msgspec

from broker.contract.errors import ContractError, shown
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.mapping import mapping_file
from edge.dialects.naming import Machines, Names
from edge.dialects.parts import Parts
from edge.dialects.values import Stamp

_PORT: Final = re.compile(r"/?iolinkmaster/port\[(\d+)\]/(?:iolinkdevice/)?(.+)")
_MASTER: Final = {"temperature": "°C", "voltage": "mV", "current": "mA"}
_LONGEST: Final = 64
"""Bytes of process data: IO-Link has at most 32."""
_BYTES: Final = {"int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4}


class _Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number in process data, its first byte the most significant."""

    byte: int
    type: Literal["int8", "uint8", "int16", "uint16", "int32", "uint32", "bit"]
    bit: int = 0
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""


class _Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    topic: str
    fields: dict[str, _Field]
    port: int | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    layouts: list[_Layout] = msgspec.field(name="process-data")


class IoLink(Dialect):
    """Masters, each a machine; the signals of a port begin with its number."""

    filters: Sequence[str] = ("#",)

    def __init__(self, setup: Setup) -> None:
        self._names = Names()
        self._machines = Machines(setup, self._names)
        self._layouts = [(mapping_file.pattern(one.topic), one) for one in _layouts(setup.mapping)]
        if self._layouts:
            self.filters = tuple(dict.fromkeys(mapping_file.topic_filter(one.topic) for _, one in self._layouts))

    def translate(self, message: Message) -> Translation:
        """Translate a message of one of the forms; any other means nothing."""
        if not any(word in message.payload for word in (b'"iolink"', b'"ioLink"', b'"adr"', b'"valid"')):
            return NOTHING
        document = values.json_object(message.payload)
        levels = message.topic.split("/")
        parts = Parts()
        inner = document.get("getData", document)
        if isinstance(inner, dict) and isinstance(found := inner.get("iolink", inner.get("ioLink")), dict):
            self._community(parts, message, inner, found)
        elif document.get("code") == "event" and isinstance(document.get("data"), dict):
            self._ifm(parts, message, document)
        elif "valid" in document and "port" in levels and document.get("port") is not None:
            self._pepperl(parts, message, document)
        return parts.translation()

    def _community(self, parts: Parts, message: Message, inner: dict[str, Any], found: dict[str, Any]) -> None:
        levels = message.topic.split("/")
        place = levels.index("devices") + 1 if "devices" in levels[:-1] else 0
        device = levels[place] if place else "/".join(levels[:-1]) or message.topic
        parts.add("process data", lambda: self._of_community(message, device, inner, found))

    def _of_community(
        self, message: Message, device: str, inner: dict[str, Any], found: dict[str, Any]
    ) -> list[AnyEvent]:
        sent = found.get("time")
        at = values.instant(sent) if isinstance(sent, (int, float)) and sent else None
        stamp = Stamp.of(message, self._machines.asset(device), at)
        events = stamp.sample("pin-2", values.flag(inner.get("iqValue")))
        if values.flag(found.get("valid")) is not True:
            return events
        value = found.get("value")
        if isinstance(value, list):
            return [*events, *self._process_data(message, stamp, None, _octets(value))]
        for name, one in _named(value):
            unit = str(one.get("unit") or "") if isinstance(one, dict) else ""
            number = one.get("value") if isinstance(one, dict) else one
            events += stamp.sample(self._names.name(name, stamp.asset), number, unit)
        return events

    def _ifm(self, parts: Parts, message: Message, document: dict[str, Any]) -> None:
        levels = str(document.get("adr", "")).strip("/").split("/")
        device = "/".join(levels[:-1]) or levels[0] or message.topic
        try:
            stamp = Stamp.of(message, self._machines.asset(device))
        except ContractError as error:
            parts.reject("adr", error)
            return
        payload = document["data"].get("payload")
        for path, one in (payload if isinstance(payload, dict) else {}).items():
            if isinstance(one, dict) and one.get("code") == 200:
                parts.add(path, lambda: self._of_ifm(message, stamp, path, one.get("data")))  # noqa: B023

    def _of_ifm(self, message: Message, stamp: Stamp, path: str, data: Any) -> list[AnyEvent]:
        found = _PORT.match(path)
        if found is None:
            last = path.rpartition("/")[2]
            is_master = "processdatamaster" in path and last in _MASTER
            return stamp.sample(f"master-{last}", data, _MASTER[last]) if is_master else []
        port, what = int(found[1]), found[2].rpartition("/")[2]
        if what == "pdin" and isinstance(data, str):
            try:
                content = bytes.fromhex(data)
            except ValueError:
                raise ContractError(
                    f"{shown(data)} is not hexadecimal", "send process data as the master has it"
                ) from None
            return self._process_data(message, stamp, port, content)
        return stamp.sample(f"port-{port}-pin-2", values.flag(data)) if what == "pin2in" else []

    def _pepperl(self, parts: Parts, message: Message, document: dict[str, Any]) -> None:
        levels = message.topic.split("/")
        port = values.number(document["port"])
        if port is None or values.flag(document["valid"]) is not True:
            return
        base = "/".join(levels[: levels.index("port")]) or "master"
        stamp = Stamp.of(message, self._machines.asset(base))
        named = [pair for key, inner in document.items() if key.startswith("V_") for pair in _named(inner)]
        for name, value in named:
            parts.add(name, lambda: stamp.sample(self._names.name(f"port {port:.0f} {name}", stamp.asset), value))  # noqa: B023
        raw = document.get("raw")
        if isinstance(raw, list) and not named:
            parts.add("raw", lambda: self._process_data(message, stamp, int(port), _octets(raw)))

    def _process_data(self, message: Message, stamp: Stamp, port: int | None, content: bytes) -> list[AnyEvent]:
        """Return what process data holds, by the mapping; without one, its bytes."""
        before = "" if port is None else f"port {port} "
        for pattern, layout in self._layouts:
            if pattern.match(message.topic) and layout.port in {None, port}:
                return [
                    event
                    for name, field in layout.fields.items()
                    for event in stamp.sample(self._names.name(f"{before}{name}", stamp.asset), *_read(content, field))
                ]
        name = self._names.name(f"{before}process data", stamp.asset)
        return stamp.sample(name, f"0x{content[:_LONGEST].hex()}") if content else []


def _read(content: bytes, field: _Field) -> tuple[float | bool, str]:
    """Return a number in process data, and its unit."""
    length = _BYTES.get(field.type, 1)
    part = content[field.byte : field.byte + length]
    if field.byte < 0 or len(part) < length:
        raise ContractError(
            f"process data of {len(content)} bytes ends before byte {field.byte}", "correct the mapping"
        )
    if field.type == "bit":
        return bool(part[0] >> (field.bit & 7) & 1), ""
    number = int.from_bytes(part, "big", signed=field.type.startswith("int"))
    return round(number * field.scale + field.offset, 9), field.unit


def _octets(value: list[Any]) -> bytes:
    try:
        return bytes(value[:_LONGEST])
    except (TypeError, ValueError):
        raise ContractError("process data is not a list of bytes", "send numbers from 0 to 255") from None


def _named(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((str(name), one) for name, one in value.items() if not isinstance(one, list))


def _layouts(text: str) -> list[_Layout]:
    """Return what a mapping says of process data.

    Raises:
        ContractError: it is no such mapping.
    """
    if not text:
        return []
    try:
        return msgspec.convert(tomllib.loads(text), _File).layouts
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ContractError(f"the mapping: {error}", "it begins with [[process-data]], topic and fields") from error


DIALECT: Final = Entry(
    "iolink",
    "IO-Link masters (JSON for IO-Link, ifm, Pepperl+Fuchs, Emerson)",
    IoLink,
    loses=(
        "What bytes mean, without a mapping: IODD files are not read.",
        "Parameters and events of devices, and timers of the master.",
        "Masters that publish one object a topic: use `mapped`.",
    ),
    seen=("JSON Integration for IO-Link 1.0.0 (SICK SIG350 too)", "ifm AL1342", "Pepperl+Fuchs ICE2, Emerson P100"),
    device="""\
1. ifm: in the IoT Core of the master a subscription of `/timer[1]/counter/datachanged` with the callback
   `mqtt://HOST:PORT/hall/al1342`, and the data to send.
2. Pepperl+Fuchs, Emerson: *MQTT* in the master's page; server `HOST:PORT`, topic base a name of its own, *PDI*
   on.
3. SICK, others with the JSON of the IO-Link community: an MQTT connection to `HOST:PORT`, process data as JSON.
""",
)
