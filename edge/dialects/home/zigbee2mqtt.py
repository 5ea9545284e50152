"""zigbee2mqtt: Zigbee plugs and sensors, by the name that the user gave each.

    zigbee2mqtt/press plug               {"temperature":27.34,"power":12.4,"energy":3.21,"linkquality":120}
    zigbee2mqtt/press plug/availability  {"state":"online"}
    zigbee2mqtt/bridge/devices           [{"friendly_name":"press plug","definition":{"exposes":[…]}}]

All last values of a device repeat when one of them changes, so that only what changed is a sample; what stays the same
is one again after ten minutes. Units come from `bridge/devices`, which is retained. `energy` is in kW·h.
"""

from collections.abc import Iterator
from typing import Any, Final

from broker.contract.events import AnyEvent, Status
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names
from edge.dialects.parts import Parts
from edge.dialects.repeats import Repeats
from edge.dialects.values import Stamp

_BASE: Final = "zigbee2mqtt"
_UNITS: Final = {"temperature": "°C", "humidity": "%", "power": "W", "energy": "kWh", "current": "A", "battery": "%"}
"""Of properties that have the same unit in all devices."""
_NOT_READ: Final = frozenset({"last_seen", "update", "update_available", "action", "color", "color_mode"})
_MOST_DEVICES: Final = 5_000
_DEEPEST: Final = 8


class Zigbee2mqtt(Dialect):
    """Its devices, each a machine. Option `base`: the base topic, where it is another."""

    def __init__(self, setup: Setup) -> None:
        self._base = setup.options.get("base", _BASE)
        self.filters = (f"{self._base}/#",)
        self._names = Names()
        self._machines = Machines(setup, self._names)
        self._units: dict[str, dict[str, str]] = {}
        self._repeats = Repeats()

    def translate(self, message: Message) -> Translation:
        """Translate a message of a device, or read what the bridge knows of all."""
        device = message.topic.removeprefix(f"{self._base}/")
        if device == message.topic:
            return NOTHING
        if device == "bridge/devices":
            self._learn(values.json(message.payload))
            return NOTHING
        last = device.rpartition("/")[2]
        if device.startswith("bridge/") or last in {"set", "get"}:
            return NOTHING
        if last == "availability":
            return self._presence(message, device.rpartition("/")[0])
        document = values.json_object(message.payload)
        seen = document.get("last_seen")
        stamp = Stamp.holding(message, self._machines.asset(device), None if seen is None else values.instant(seen))
        parts = Parts()
        for field, value in document.items():
            parts.add(f"{device} {field}", lambda: self._field(stamp, device, field, value))  # noqa: B023
        return parts.translation()

    def _presence(self, message: Message, device: str) -> Translation:
        word = values.text(message.payload)
        if word.startswith("{"):
            word = str(values.json_object(message.payload).get("state"))
        if word not in {"online", "offline"}:
            return NOTHING
        stamp = Stamp.of(message, self._machines.asset(device))
        return Translation(events=[Status(**stamp.shared(), online=word == "online")])

    def _field(self, stamp: Stamp, device: str, field: str, value: Any) -> list[AnyEvent]:
        if field in _NOT_READ or isinstance(value, (dict, list)) or value is None:
            return []
        return self._meaning(stamp, device, field, value) if self._repeats.is_new(stamp, field, value) else []

    def _meaning(self, stamp: Stamp, device: str, field: str, value: Any) -> list[AnyEvent]:
        unit = self._units.get(device, {}).get(field, _UNITS.get(field, ""))
        if field == "energy":
            return stamp.energy(value, unit)
        if field == "state" or field.startswith("state_"):
            is_on = values.flag(value)
            name = self._names.name(field.replace("state", "output", 1), stamp.asset)
            return stamp.sample(name, value if is_on is None else is_on)
        return stamp.sample(self._names.name(field, stamp.asset), value, unit)

    def _learn(self, devices: Any) -> None:
        """Read the units of all devices."""
        for device in devices if isinstance(devices, list) else ():
            if not isinstance(device, dict) or len(self._units) >= _MOST_DEVICES:
                continue
            definition = device.get("definition")
            exposes = definition.get("exposes") if isinstance(definition, dict) else None
            self._units[str(device.get("friendly_name"))] = dict(_exposed(exposes))


def _exposed(exposes: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield properties and their units."""
    if not isinstance(exposes, list) or depth > _DEEPEST:
        return
    for one in exposes:
        if isinstance(one, dict):
            if isinstance(one.get("property"), str) and isinstance(one.get("unit"), str):
                yield one["property"], one["unit"]
            yield from _exposed(one.get("features"), depth + 1)


DIALECT: Final = Entry(
    "zigbee2mqtt",
    "zigbee2mqtt",
    Zigbee2mqtt,
    loses=("Presses of buttons (`action`), colours, and states of updates.", "Groups and the bridge's own messages."),
    seen=("1.30 to 2.1",),
    device="""\
1. In `configuration.yaml`: `mqtt: {server: mqtt://HOST:PORT, base_topic: zigbee2mqtt}`.
2. `advanced: {last_seen: ISO_8601}` adds the time of each report; `availability: true` whether a device is
   there.
3. Names: *Devices*, *Rename*; the name is that of the machine.
""",
)
