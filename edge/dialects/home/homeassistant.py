"""All that announce themselves to Home Assistant: ESPHome, OpenMQTTGateway, Tasmota, zigbee2mqtt and many others.

    homeassistant/sensor/line3-press/temp/config  {"dev_cla":"temperature","unit_of_meas":"°C","stat_t":"line3-press/…"}
    line3-press/sensor/spindle_temperature/state  47.3

The announcement has the unit, class, name and topic of an entity; messages on that topic are its values. So one dialect
reads all these families, without knowing them. Announcements of single entities and of whole devices are read, with and
without abbreviations; our own (`--announce`) are passed over. A value that came before its announcement, as retained
ones may, is read when that comes.
"""

from typing import Final

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, Meter, StateChange, Status
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.home.homeassistant_config import Entity, entities_of
from edge.dialects.naming import Machines, Names
from edge.dialects.parts import Parts
from edge.dialects.values import Stamp

_BASE: Final = "homeassistant"
_MOST_ENTITIES: Final = 20_000
_MOST_EARLY: Final = 2_000
"""Retained values that may wait for their announcement."""
_LONGEST_EARLY: Final = 4_096
_METERS: Final = {"gas": "gas", "water": "water"}


class HomeAssistant(Dialect):
    """What was announced. Option `base`: the topic of announcements, where it is another."""

    filters = ("#",)

    def __init__(self, setup: Setup) -> None:
        self._base = setup.options.get("base", _BASE)
        self._names = Names()
        self._machines = Machines(setup, self._names)
        self._entities: dict[str, list[Entity]] = {}
        """By the topic of the announcement."""
        self._by_topic: dict[str, list[Entity]] = {}
        self._early: dict[str, Message] = {}
        self._meters: dict[tuple[str, str], str] = {}

    def translate(self, message: Message) -> Translation:
        """Read an announcement, or translate the value of what was announced."""
        if message.topic.startswith(f"{self._base}/"):
            return self._announced(message) if message.topic.endswith("/config") else NOTHING
        entities = self._by_topic.get(message.topic)
        if entities is None:
            if message.retained and len(message.payload) <= _LONGEST_EARLY and len(self._early) < _MOST_EARLY:
                self._early[message.topic] = message
            return NOTHING
        return self._values(message, entities)

    def _announced(self, message: Message) -> Translation:
        for entity in self._entities.pop(message.topic, ()):
            for topic in entity.topics:
                left = [one for one in self._by_topic.get(topic, ()) if one != entity]
                if left:
                    self._by_topic[topic] = left
                else:
                    self._by_topic.pop(topic, None)
        if not message.payload:
            return NOTHING
        levels = message.topic.removeprefix(f"{self._base}/").removesuffix("/config").split("/")
        entities = entities_of(levels, values.json_object(message.payload))
        if len(self._entities) >= _MOST_ENTITIES:
            raise ContractError(f"{_MOST_ENTITIES:,} entities are announced already", "clear announcements of old ones")
        self._entities[message.topic] = entities
        found: list[Translation] = []
        for entity in entities:
            for topic in entity.topics:
                self._by_topic.setdefault(topic, []).append(entity)
                early = self._early.pop(topic, None)
                if early is not None:
                    found.append(self._values(early, [entity]))
        return Translation(
            events=[event for each in found for event in each.events],
            rejections=[rejection for each in found for rejection in each.rejections],
        )

    def _values(self, message: Message, entities: list[Entity]) -> Translation:
        parts = Parts()
        presences = {
            (one.device, entity_presence)
            for one in entities
            if (entity_presence := self._presence(one, message)) is not None
        }
        for device, online in sorted(presences):
            parts.add(device, lambda: self._status(message, device, online=online))  # noqa: B023
        for entity in entities:
            if entity.state_topic == message.topic:
                parts.add(entity.name, lambda: self._value(message, entity))  # noqa: B023
        return parts.translation()

    def _presence(self, entity: Entity, message: Message) -> bool | None:
        if message.topic not in entity.availability:
            return None
        word = values.text(message.payload)
        if word.startswith("{"):
            word = str(values.json_object(message.payload).get("state"))
        return {entity.available: True, entity.not_available: False}.get(word)

    def _status(self, message: Message, device: str, *, online: bool) -> list[AnyEvent]:
        return [Status(**Stamp.of(message, self._machines.asset(device)).shared(), online=online)]

    def _value(self, message: Message, entity: Entity) -> list[AnyEvent]:
        stamp = Stamp.of(message, self._machines.asset(entity.device))
        found = entity.read(message.payload)
        if entity.component in {"binary_sensor", "switch", "light", "lock", "fan"}:
            is_on = {entity.on: True, entity.off: False}.get(str(found), values.flag(found))
            if is_on is None:
                return []
            if entity.device_class == "running":
                return [StateChange(**stamp.shared(), state="running" if is_on else "idle")]
            return stamp.sample(self._names.name(entity.name, stamp.asset), is_on)
        if entity.device_class == "energy" and entity.state_class != "measurement":
            return stamp.energy(found, entity.unit, self._meter(stamp.asset, entity))
        if entity.device_class in _METERS and entity.state_class.startswith("total"):
            total = values.number(found)
            unit = values.unit_code(entity.unit)
            name = _METERS[entity.device_class]
            return [] if total is None else [Meter(**stamp.shared(), name=name, total=total, unit=unit)]
        return stamp.sample(self._names.name(entity.name, stamp.asset), found, entity.unit)

    def _meter(self, asset: str, entity: Entity) -> str:
        """Return a meter's name: the first energy of a device is its electricity, others have their own name."""
        first = self._meters.setdefault((asset, "electricity"), entity.id)
        return "electricity" if first == entity.id else self._names.name(entity.name, f"{asset} meter")


DIALECT: Final = Entry(
    "homeassistant",
    "Home Assistant discovery (ESPHome and others)",
    HomeAssistant,
    loses=(
        "Values whose template calculates: a path into the message, and rounding, are read.",
        "Entities without a state topic, such as buttons and cameras.",
        "Attributes beside an entity's state.",
    ),
    seen=("discovery of Home Assistant 2024.11 to 2025.6 (single entities and devices)", "ESPHome 2024 and 2025"),
    device="""\
1. ESPHome: in the device's YAML `mqtt: {broker: HOST, port: PORT}`; discovery is on by default. Remove `api:`,
   or the device restarts when no Home Assistant connects.
2. Other firmware: turn on *Home Assistant discovery*, with the prefix `homeassistant`, and *retain*.

The other way, machines of the plant in Home Assistant: [machines in Home Assistant](../homeassistant.md).
""",
)
