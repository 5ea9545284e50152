"""Simulated machines as the devices of an MTConnect agent: what `mtconnect` reads, from events of the contract.

A device's model, with its data items and their units, is published whenever it has a new one, before the document with
the observation. A fault that stops the machine is a condition, named by its reason. The uuid of a device has the path
of its machine: `corridor:site:area:line:machine`.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from broker.contract import instants
from broker.contract.events import AnyEvent, Count, Notice, Sample, State, StateChange, Status
from broker.contract.message import Publication
from edge.dialects.naming import own_name
from edge.dialects.speaking import Speaker

STATES: Final[dict[State, tuple[str, str]]] = {
    "running": ("ACTIVE", "PRODUCTION"),
    "starved": ("WAIT", "PRODUCTION"),
    "blocked": ("WAIT", "PRODUCTION"),
    "idle": ("READY", "PRODUCTION"),
    "down": ("STOPPED", "PRODUCTION"),
    "setup": ("READY", "SETUP"),
    "maintenance": ("READY", "MAINTENANCE"),
    "off": ("STOPPED", "PRODUCTION"),
    "unknown": ("UNAVAILABLE", "PRODUCTION"),
}
"""The execution of each state, and its functional mode."""
_INSTANCE: Final = 1
_PARTS: Final = (("good", "GOOD"), ("scrap", "BAD"), ("produced", "ALL"))


class _Observed(msgspec.Struct, frozen=True):
    """One observation: of which section and type, and its fields."""

    section: str
    type: str
    item: str
    fields: dict[str, object]
    unit: str = ""


class _Device(msgspec.Struct):
    """What is known of a device: its data items with their units, its sequence, the reason of its fault."""

    items: dict[str, _Observed] = msgspec.field(default_factory=dict)
    sequence: int = 0
    fault: str = ""


class MTConnectDevices(Speaker):
    """See the module."""

    loses = (
        "That the machine is simulated.",
        "Reasons, but of `down`. `starved`, `blocked` and `off` come back as `idle`, with the execution as the reason.",
        "Orders and serial numbers; pieces reworked, inspected or scrapped at the start.",
        "The severity of a notice, and its end; of a failure the alarm that names its reason comes beside it.",
        "Meters, measurements, materials, crews and commands; empty texts.",
    )

    def __init__(self) -> None:
        self._devices: dict[str, _Device] = {}

    def publications(self, event: AnyEvent) -> Sequence[Publication]:
        """Return the observations of an event, in one document; before it the model, where it has changed."""
        device = self._devices.setdefault(event.asset, _Device())
        found = _observations(event, device)
        if not found:
            return []
        uuid = own_name(event.asset)
        new = {one.item: one for one in found if one.item not in device.items}
        device.items |= new
        sent = [Publication(f"MTConnect/Probe/{uuid}", _model(uuid, device), qos=1, retain=True)] if new else []
        return [*sent, Publication(f"MTConnect/Sample/{uuid}", _document(uuid, device, found, event.at), qos=1)]


def _observations(event: AnyEvent, device: _Device) -> list[_Observed]:
    match event:
        case Status():
            word = "AVAILABLE" if event.online else "UNAVAILABLE"
            return [_Observed("Events", "Availability", "availability", {"value": word})]
        case StateChange():
            return _state(event, device)
        case Count():
            return [
                _Observed("Events", "PartCount", f"parts-{kind.lower()}", {"subType": kind, "value": value})
                for field, kind in _PARTS
                if (value := getattr(event, field)) is not None
            ]
        case Sample():
            section = "Samples" if isinstance(event.value, float) else "Events"
            # A type of the standard would be guessed: the name has the meaning, as in `Load`.
            kind = "".join(part.capitalize() for part in event.signal.split("-"))
            fields: dict[str, object] = {"name": event.signal, "value": event.value}
            return [_Observed(section, f"X{kind}", f"signal-{event.signal}", fields, event.unit)]
        case Notice(active=True):
            fields = {"name": event.code, "nativeCode": event.code, "value": event.text}
            return [_Observed("Events", "Message", f"message-{event.code}", fields)]
    return []


def _state(event: StateChange, device: _Device) -> list[_Observed]:
    """Return what a state is: the execution, the mode, and a fault while the machine is down."""
    execution, mode = STATES[event.state]
    found: list[_Observed] = []
    fault = event.reason or "fault" if event.state == "down" else ""
    for reason, level in ((device.fault, "Normal"), (fault, "Fault")):
        if reason and device.fault != fault:
            found.append(_Observed("Condition", level, f"fault-{reason}", {"type": "SYSTEM", "name": reason}))
    device.fault = fault
    found.append(_Observed("Events", "FunctionalMode", "mode", {"value": mode}))
    return [*found, _Observed("Events", "Execution", "execution", {"value": execution})]


def _document(uuid: str, device: _Device, found: Sequence[_Observed], at: int) -> bytes:
    sections: dict[str, dict[str, list[dict[str, object]]]] = {}
    for one in found:
        device.sequence += 1
        shown = {
            "dataItemId": one.item,
            "sequence": device.sequence,
            "timestamp": instants.format_rfc3339(at),
            **one.fields,
        }
        sections.setdefault(one.section, {}).setdefault(one.type, []).append(shown)
    component = {"component": "Device", "componentId": "device", "name": uuid, **sections}
    stream = {"name": "", "uuid": uuid, "ComponentStream": [component]}
    header = {"instanceId": _INSTANCE, "nextSequence": device.sequence + 1}
    document = {"jsonVersion": 2, "Header": header, "Streams": {"DeviceStream": [stream]}}
    return msgspec.json.encode({"MTConnectStreams": document})


def _model(uuid: str, device: _Device) -> bytes:
    items = [
        {"id": one.item, "name": one.fields.get("name", ""), "type": one.type, "units": one.unit}
        for one in device.items.values()
    ]
    model = {"uuid": uuid, "name": "", "id": "device", "DataItems": {"DataItem": items}}
    header = {"instanceId": _INSTANCE}
    return msgspec.json.encode(
        {"MTConnectDevices": {"jsonVersion": 2, "Header": header, "Devices": {"Device": [model]}}}
    )
