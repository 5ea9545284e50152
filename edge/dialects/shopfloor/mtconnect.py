"""MTConnect over MQTT, as cppagent publishes it: documents, and observations one by one. And an agent by HTTP.

    MTConnect/Probe/{uuid}                            the model: names, types and units of data items
    MTConnect/Current/{uuid}, MTConnect/Sample/{uuid} observations, JSON version 1 or 2; older agents: {uuid}/Sample
    MTConnect/Devices/{uuid}/Observations/{item}      one observation, from the agent's entity sink

| reported | state |
|---|---|
| EXECUTION ACTIVE | running |
| READY, STOPPED, PROGRAM_STOPPED, PROGRAM_COMPLETED | idle |
| INTERRUPTED, FEED_HOLD, OPTIONAL_STOP, WAIT … | idle, with that as its reason |
| any of these, while a condition is FAULT | down, with the condition as its reason |
| FUNCTIONAL_MODE SETUP, MAINTENANCE | setup, maintenance |
| EXECUTION or AVAILABILITY UNAVAILABLE | unknown |

PART_COUNT is the produced pieces; ENERGY is no meter, since it is of a while. Samples are telemetry in our units,
conditions are alarms and warnings until NORMAL. Documents repeat: an observation counts once, by the agent's instance
and its sequence, which begins again with the instance.

With `--agent http://HOST:5000` the gateway asks an agent itself: `probe`, `current`, and then the stream of `sample`
from the next sequence on. Its documents are XML; it hands them over as the agent would publish them, and
`{"online":false,"devices":[["uuid","name"]]}` on `MTConnect/Agent` where the agent does not answer.
"""

from typing import Any, Final

import msgspec

from broker.contract.errors import ContractError, shown
from broker.contract.events import AnyEvent, Notice, State, StateChange, Status
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.counters import CountingDialect
from edge.dialects.dialect import NOTHING, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names, slug
from edge.dialects.parts import Parts
from edge.dialects.shopfloor import mtconnect_xml
from edge.dialects.shopfloor.mtconnect_document import Observation, agents_of_probe, items_of_probe, observations_of
from edge.dialects.values import Stamp

TOPIC: Final = "MTConnect/"
AGENT: Final = "Agent"
"""The level of the gateway's own message on whether an agent answers."""
_CURRENT: Final = "Current"
_DOCUMENTS: Final = (_CURRENT, "Sample")
_UNAVAILABLE: Final = "UNAVAILABLE"
_MODES: Final[dict[str, State]] = {"SETUP": "setup", "MAINTENANCE": "maintenance"}
_WITHOUT_REASON: Final = frozenset({"READY", "STOPPED", "PROGRAM_STOPPED", "PROGRAM_COMPLETED"})
_COUNTERS: Final = {"": "produced", "ALL": "produced", "COMPLETE": "produced", "GOOD": "good", "BAD": "scrap"}
"""Of PART_COUNT, by its sub-type; what remains or is wanted is not counted."""
_MOST_CONDITIONS: Final = 2_000
_MOST_AGENTS: Final = 1_000


class _Device(msgspec.Struct):
    """What is known of one device.

    Attributes:
        sequences: of its data items, the agent's instance and the sequence of the last observation.
        is_reached: the gateway's client reaches its agent.
    """

    items: dict[str, tuple[str, str]] = msgspec.field(default_factory=dict)
    sequences: dict[str, tuple[int, int, int]] = msgspec.field(default_factory=dict)
    execution: str = ""
    mode: str = ""
    is_available: bool = True
    is_reached: bool = True
    faults: dict[tuple[str, str], Notice] = msgspec.field(default_factory=dict)
    reported: tuple[State, str] | None = None


class _Reached(msgspec.Struct, frozen=True):
    """Whether the agent of some devices, by uuid and name, can be reached."""

    online: bool
    devices: list[tuple[str, str]]


class MTConnect(CountingDialect):
    """Devices of an agent, each a machine."""

    filters = ("MTConnect/#", "+/Current", "+/Sample", "+/Probe")

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self._names = Names()
        self._machines = Machines(setup, self._names)
        self._devices: dict[str, _Device] = {}
        self._agents: set[str] = set()
        self._uuids: dict[str, str] = {}
        self._is_one_machine = bool(setup.asset)

    def translate(self, message: Message) -> Translation:
        """Translate a document or an observation; read a model."""
        if message.topic == f"{TOPIC}{AGENT}":
            return self._reached(message)
        levels = message.topic.split("/")
        if "Observations" in levels[:-1]:
            return self._one(message, levels[levels.index("Observations") - 1])
        kind = next((one for one in (*_DOCUMENTS, "Probe") if one in levels), "")
        if levels[-1] == "Availability" and kind == "Probe":
            return self._agent(message)
        if not kind:
            return NOTHING
        document = _document(message.payload)
        if kind == "Probe":
            self._agents |= agents_of_probe(document) if len(self._agents) < _MOST_AGENTS else set()
            return self._modelled(document)
        parts = Parts()
        for uuid, name, instance, found in observations_of(document):
            if uuid in self._agents:
                continue
            try:
                asset = self._asset(uuid, name)
            except ContractError as error:
                parts.reject(name or uuid, error)
            else:
                self._several(parts, message, asset, instance, found)
        return parts.translation()

    def _modelled(self, document: dict[str, Any]) -> Translation:
        """Take the names and units of data items."""
        rejections: list[ContractError] = []
        for uuid, name, items in items_of_probe(document):
            try:
                self._devices.setdefault(self._asset(uuid, name), _Device()).items |= items
            except ContractError as error:
                rejections.append(error)
        return Translation(rejections=rejections)

    def _agent(self, message: Message) -> Translation:
        """Return whether the agent is there, which its will reports, of all its devices."""
        online = {"AVAILABLE": True, "UNAVAILABLE": False}.get(values.text(message.payload))
        if online is None:
            return NOTHING
        stamps = [Stamp.of(message, asset) for asset in self._devices]
        return Translation(events=[Status(**stamp.shared(), online=online) for stamp in stamps])

    def _reached(self, message: Message) -> Translation:
        """Return of its devices that an agent cannot be reached, or can again, where that is new."""
        try:
            sent = msgspec.convert(values.json_object(message.payload), _Reached)
        except msgspec.ValidationError as error:
            raise ContractError(
                f"the message on an agent cannot be read: {error}", "it is the gateway's own"
            ) from error
        parts = Parts()
        for uuid, name in sent.devices:
            parts.add(uuid, lambda: self._presence(message, self._asset(uuid, name), online=sent.online))  # noqa: B023
        return parts.translation()

    def _presence(self, message: Message, asset: str, *, online: bool) -> list[AnyEvent]:
        device = self._devices.setdefault(asset, _Device())
        if device.is_reached == online:
            return []
        device.is_reached = online
        return [Status(**Stamp.of(message, asset).shared(), online=online and device.is_available)]

    def _asset(self, uuid: str, name: str) -> str:
        """Return a device's path: by its uuid if the user has named that, else by its name.

        Raises:
            ContractError: another device has it, or it cannot be named.
        """
        asset = self._machines.asset(uuid if self._machines.knows(uuid) else name or uuid)
        first = self._uuids.setdefault(asset, uuid) if uuid and not self._is_one_machine else uuid
        if first != uuid:
            problem = f"the devices {shown(first)} and {shown(uuid)} are both called {asset.rpartition('/')[2]}"
            raise ContractError(problem, f"name the path of one: --machine {uuid}=site/area/line/machine")
        return asset

    def _one(self, message: Message, uuid: str) -> Translation:
        document = values.json_object(message.payload)
        if uuid in self._agents:
            return NOTHING
        parts = Parts()
        asset = self._asset(uuid, "")
        self._several(parts, message, asset, 0, [Observation.of(document, str(document.get("type", "")))])
        return parts.translation()

    def _several(self, parts: Parts, message: Message, asset: str, instance: int, found: list[Observation]) -> None:
        """Add observations of one device in the order of their sequence."""
        device = self._devices.setdefault(asset, _Device())
        for one in sorted(found, key=lambda each: each.sequence):
            parts.add(one.item, lambda: self._observation(message, asset, device, instance, one))  # noqa: B023

    def _observation(
        self, message: Message, asset: str, device: _Device, instance: int, one: Observation
    ) -> list[AnyEvent]:
        at = None if one.time is None else values.instant(one.time)
        is_current = _CURRENT in message.topic.split("/")
        stamp = (Stamp.holding if is_current else Stamp.of)(message, asset, at)
        key = one.item if one.level is None else f"{one.item} {one.code}"
        known = device.sequences.get(key)
        if known is not None and known[:1] == (instance,) and one.sequence and one.sequence <= known[1]:
            return []
        if known == (instance, one.sequence, stamp.at):
            return []
        device.sequences[key] = (instance, one.sequence, stamp.at)
        found = self._meaning(stamp, device, one)
        return [*found, *_state(stamp, device)]

    def _meaning(self, stamp: Stamp, device: _Device, one: Observation) -> list[AnyEvent]:
        name, unit = device.items.get(one.item, ("", ""))
        word = one.value.upper() if isinstance(one.value, str) else ""
        if one.level is not None:
            return _condition(stamp, device, one)
        match one.type:
            case "EXECUTION":
                device.execution = word
            case "FUNCTIONAL_MODE":
                device.mode = word
            case "AVAILABILITY":
                device.is_available = word != _UNAVAILABLE
                return [Status(**stamp.shared(), online=device.is_available)]
            case "PART_COUNT" if one.sub_type in _COUNTERS:
                number = values.number(one.value)
                return [] if number is None else self._counters.count(stamp, {_COUNTERS[one.sub_type]: number})
            case "MESSAGE":
                return _text(stamp, one)
            case kind if kind != "PART_COUNT":
                return self._sample(stamp, one, one.name or name or one.item, unit)
        return []

    def _sample(self, stamp: Stamp, one: Observation, name: str, unit: str) -> list[AnyEvent]:
        """Return the samples of a value, of a vector's parts, or of a data set's entries."""
        if isinstance(one.value, dict):
            return [
                event
                for key, value in one.value.items()
                if not isinstance(value, (dict, list))
                for event in stamp.sample(self._names.name(f"{name} {key}", stamp.asset), value)
            ]
        if isinstance(one.value, list):
            return [
                event
                for place, value in enumerate(one.value[:32])
                for event in stamp.sample(
                    self._names.name(f"{name} {'xyzabcuvw'[place : place + 1] or place}", stamp.asset), value, unit
                )
            ]
        if one.value is None or one.value == _UNAVAILABLE:
            return []
        return stamp.sample(self._names.name(name, stamp.asset), one.value, unit)


def _document(payload: bytes) -> dict[str, Any]:
    return mtconnect_xml.read(payload) if mtconnect_xml.is_xml(payload) else values.json_object(payload)


def _state(stamp: Stamp, device: _Device) -> list[AnyEvent]:
    """Return the state, if it changed."""
    state, reason = now = _state_of(device)
    is_reported = device.execution or not device.is_available
    if now == device.reported or not (is_reported or device.reported):
        return []
    device.reported = now
    return [StateChange(**stamp.shared(), state=state, reason=reason)]


def _state_of(device: _Device) -> tuple[State, str]:
    if not device.is_available or device.execution in {_UNAVAILABLE, ""}:
        return "unknown", ""
    if device.mode in _MODES:
        return _MODES[device.mode], ""
    if device.execution == "ACTIVE":
        return "running", ""
    faults = [slug(notice.code) for notice in device.faults.values() if notice.severity == "alarm"]
    if faults:
        return "down", faults[0]
    return "idle", "" if device.execution in _WITHOUT_REASON else slug(device.execution)


def _condition(stamp: Stamp, device: _Device, one: Observation) -> list[AnyEvent]:
    """Raise or clear a condition; NORMAL without a code, and UNAVAILABLE, clear all of their item."""
    if one.level in {"NORMAL", _UNAVAILABLE}:
        over = [key for key in device.faults if key[0] == one.item and (not one.code or key[1] == one.code)]
        cleared = [device.faults.pop(key) for key in over]
        return [msgspec.structs.replace(each, **stamp.shared(), active=False) for each in cleared]
    if len(device.faults) >= _MOST_CONDITIONS:
        raise ContractError(f"{_MOST_CONDITIONS:,} conditions are active", "clear them with NORMAL")
    notice = Notice(
        **stamp.shared(),
        code=values.plain(f"{one.name or one.item} {one.code}".strip(), 64),
        severity="alarm" if one.level == "FAULT" else "warning",
        text=values.plain(str(one.value or "")),
    )
    device.faults[one.item, one.code] = notice
    return [notice]


def _text(stamp: Stamp, one: Observation) -> list[AnyEvent]:
    if not one.value or one.value == _UNAVAILABLE:
        return []
    code = values.plain(one.code or one.name or one.item, 64)
    return [Notice(**stamp.shared(), code=code, text=values.plain(str(one.value)))]


DIALECT: Final = Entry(
    "mtconnect",
    "MTConnect over MQTT, and agents by HTTP",
    MTConnect,
    loses=(
        "Assets such as tools.",
        "Tables, data sets within data sets, and time series.",
        "What was observed before the gateway knew the sequence of an item, where documents overlap.",
    ),
    seen=(
        "cppagent 2.2 to 2.7: documents in JSON version 1 and 2, entity sink",
        "Agents by HTTP, schema 1.2 to 2.3: documents in XML",
    ),
    device="""\
1. In `agent.cfg` of cppagent 2: `Sinks { MqttService { MqttHost = HOST  MqttPort = PORT } }`.
2. Set `MqttRetain = true`, its default, so that the model with its units is there when the gateway starts.

An agent that does not publish by MQTT is asked by HTTP: [an MTConnect agent](../mtconnect-agent.md).
""",
)
