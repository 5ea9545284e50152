"""Payloads of other systems, by the form that each is known by: so that the error names what was sent.

None of them is read: what their fields mean depends on how the other system is configured. A dialect translates them
before they come to the contract's topics (`edge.dialects`).
"""

from typing import Any, Final

import msgspec

from broker.contract.errors import ContractError

PAGE: Final = "docs/how-to/plug-in-a-device.md#foreign-messages"
_HINT: Final = (
    f"a dialect translates it first, any JSON a mapped one ({PAGE}), "
    'to {"ts":…,"value":…} on telemetry/<signal>, {"produced":…} on count and so on'
)

FORMS: Final[dict[str, tuple[str, ...]]] = {
    "a Sparkplug payload as JSON": ("metrics[].name", "metrics seq", "timestamp metrics"),
    "a message of Kepware's IoT Gateway": ("timestamp values[].id values[].v", "values[].id values[].q"),
    "OPC UA PubSub as JSON": ("Messages", "MessageId MessageType", "DataSetWriterId", "[].DataSetWriterId"),
    "a message of Siemens Industrial Edge": ("vals[].val", "vals[].id"),
    "a message of Tasmota": (
        *("StatusSNS", "StatusSTS", "StatusNET", "Time ENERGY", "Time Wifi", "Time TempUnit", "Time ANALOG"),
        *("Time AM2301", "Time DS18B20", "Time BME280", "Time SI7021"),
    ),
    "a message of Shelly": (
        *("src method params", "src dst result", "id output apower", "id source output", "aenergy.total"),
        *("switch:0", "em:0", "em1:0", "pm1:0", "emdata:0", "light:0", "cover:0", "input:0", "temperature:0"),
    ),
    "a device shadow of AWS IoT": ("state.reported", "state.desired", "current.state.reported"),
    "an asset property of AWS IoT SiteWise": ("propertyAlias propertyValues", "entries[].propertyAlias"),
    "a device twin of Azure IoT": ("properties.reported", "properties.desired"),
    "telemetry of Azure IoT": (
        "body enqueuedTime",
        "deviceId telemetry",
        "deviceId messageId",
        "NodeId ApplicationUri",
    ),
    "a discovery message of Home Assistant": (
        *("state_topic", "stat_t", "dev_cla", "uniq_id", "unit_of_measurement", "unit_of_meas"),
    ),
    "a state of Home Assistant": ("entity_id", "state attributes", "new_state.entity_id", "event_type data"),
    "a message of Ignition": ("tagPath", "tagpath", "[].tagPath", "tags[].name", "tags[].path", "path value quality"),
    "a point of Telegraf": ("fields name tags", "metrics[].fields"),
    "an MTConnect document": ("MTConnectStreams", "MTConnectDevices", "MTConnectAssets", "MTConnectError"),
    "an observation of an MTConnect agent": ("dataItemId", "[].dataItemId"),
    "a message of an IO-Link master": ("getData", "iolink", "code cid adr"),
    "a message of UMH": ("timestamp_ms",),
    "SenML": ("[].bn", "[].n [].v", "[].n [].vs"),
    "a whole message of Node-RED, of which payload alone belongs here": ("payload topic", "payload _msgid"),
    "a list of values with their names": (
        *("[].id [].v", "[].id [].value", "[].name [].value", "[].name [].v", "[].tag [].value", "[].topic [].value"),
        *("[].signal [].value", "values[].name", "values[].id", "data[].id", "data[].name"),
    ),
    "a list of messages, of which each belongs in one of its own": ("[].ts", "[].value", "[].state", "[].produced"),
}
"""What is known, the special before the general, and how: of the forms at least one must be there, of a form each
path. `a.b` is a member of a member, `[]` the first of a list."""


Path = tuple[tuple[str, bool], ...]
"""Of each step the name of the member, '' for none, and whether that is a list."""


def _parsed(path: str) -> Path:
    return tuple((step.removesuffix("[]"), step.endswith("[]")) for step in path.split("."))


def _by_first_member() -> dict[str, list[tuple[int, str, list[Path]]]]:
    """Return the forms by the member that their first path begins with, '' for those of lists, each with its rank."""
    found: dict[str, list[tuple[int, str, list[Path]]]] = {}
    for rank, (name, forms) in enumerate(FORMS.items()):
        for form in forms:
            paths = [_parsed(path) for path in form.split()]
            found.setdefault(paths[0][0][0], []).append((rank, name, paths))
    return found


_INDEX: Final = _by_first_member()
"""Rejected messages may come as a flood, so that only forms are looked at of which the first member is there."""


def named(payload: bytes) -> str:
    """Return what system a payload is of, as its users call it; '' where it is of none that is known."""
    try:
        document = msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return ""
    members = document.keys() & _INDEX.keys() if isinstance(document, dict) else {""}
    known = (form for member in members for form in _INDEX[member])
    found = [(rank, name) for rank, name, paths in known if all(_has(document, path) for path in paths)]
    return min(found)[1] if found else ""


def explained(error: ContractError, payload: bytes) -> ContractError:
    """Return the error of a payload; it names the system that the payload seems to be of, if one is known."""
    name = named(payload)
    return ContractError(f"{error.problem}: it looks like {name}", _HINT) if name else error


def _has(document: Any, path: Path) -> bool:
    found = document
    for name, is_list in path:
        if name:
            if not isinstance(found, dict) or name not in found:
                return False
            found = found[name]
        if is_list:
            if not isinstance(found, list) or not found:
                return False
            found = found[0]
    return True
