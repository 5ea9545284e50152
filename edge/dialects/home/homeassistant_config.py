"""Announcements to Home Assistant, parsed: what entities there are, on which topics, and where in a message a value is.

https://www.home-assistant.io/integrations/mqtt describes them; of the abbreviations those are known that matter here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from broker.contract.errors import ContractError, shown
from edge.dialects import values

ORIGIN: Final = "Corridor"
"""Who announces our own machines, which are no foreign devices."""
_ABBREVIATIONS: Final = {
    "stat_t": "state_topic",
    "unit_of_meas": "unit_of_measurement",
    "dev_cla": "device_class",
    "stat_cla": "state_class",
    "val_tpl": "value_template",
    "stat_val_tpl": "state_value_template",
    "avty_t": "availability_topic",
    "avty": "availability",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
    "pl_on": "payload_on",
    "pl_off": "payload_off",
    "stat_on": "state_on",
    "stat_off": "state_off",
    "uniq_id": "unique_id",
    "obj_id": "object_id",
    "def_ent_id": "default_entity_id",
    "dev": "device",
    "o": "origin",
    "cmps": "components",
    "ids": "identifiers",
    "p": "platform",
    "t": "topic",
}
_MOST_COMPONENTS: Final = 500
_STEP: Final = r"\.\w+|\[\s*'[^']*'\s*\]|\[\s*\"[^\"]*\"\s*\]|\[\s*\d+\s*\]|\.get\(\s*'[^']*'\s*\)"
_TEMPLATE: Final = re.compile(
    rf"\s*\{{\{{-?\s*(?P<root>value_json|value)(?P<path>(?:{_STEP})*)(?P<filters>(?:\s*\|\s*\w+(?:\([^(){{}}]*\))?)*)\s*-?\}}\}}\s*\Z"
)
_STEPS: Final = re.compile(
    r"\.get\(\s*'([^']*)'\s*\)|\.(\w+)|\[\s*'([^']*)'\s*\]|\[\s*\"([^\"]*)\"\s*\]|\[\s*(\d+)\s*\]"
)
_HARMLESS: Final = frozenset({"float", "int", "round", "default", "string", "trim", "lower", "is_defined"})


class Entity(msgspec.Struct, frozen=True):
    """One value that was announced.

    Attributes:
        id: its unique id.
        device: the name of the device that it belongs to.
        path: the steps to its value in a message that is JSON; None where the message is the value.
    """

    id: str
    component: str
    device: str
    name: str
    state_topic: str
    device_class: str
    state_class: str
    unit: str
    path: tuple[str | int, ...] | None
    availability: tuple[str, ...]
    available: str
    not_available: str
    on: str
    off: str

    @property
    def topics(self) -> Sequence[str]:
        """The topics that it is read from, each once."""
        return tuple(dict.fromkeys((self.state_topic, *self.availability)))

    def read(self, payload: bytes) -> Any:
        """Return its value in a message; None where the message has none.

        Raises:
            ContractError: the message is not what was announced.
        """
        if self.path is None:
            return values.text(payload)
        found = values.json(payload)
        for step in self.path:
            if isinstance(found, dict):
                found = found.get(str(step))
            elif isinstance(found, list) and isinstance(step, int) and step < len(found):
                found = found[step]
            else:
                return None
        return found


def entities_of(levels: Sequence[str], document: dict[str, Any]) -> list[Entity]:
    """Return the entities of an announcement.

    Args:
        levels: of its topic, without base and `config`: component, perhaps a node, and the object.
        document: its content.

    Raises:
        ContractError: a template cannot be read; or there are too many.
    """
    whole = _spelt(document)
    origin = _spelt(whole["origin"]) if isinstance(whole.get("origin"), dict) else {}
    if origin.get("name") == ORIGIN:
        return []
    if levels[0] != "device":
        return [_entity(levels[0], levels[-1], levels, whole)] if "state_topic" in whole else []
    components = whole.get("components")
    if not isinstance(components, dict):
        return []
    if len(components) > _MOST_COMPONENTS:
        raise ContractError(f"the device has {len(components)} entities", "announce fewer")
    shared = {name: value for name, value in whole.items() if name not in {"components", "platform"}}
    found = []
    for key, component in components.items():
        own = shared | _spelt(component) if isinstance(component, dict) else {}
        if "state_topic" in own and isinstance(own.get("platform"), str):
            found.append(_entity(own["platform"], key, levels, own))
    return found


def _spelt(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with its abbreviations spelt out, and `~` in topics replaced."""
    base = document.get("~")
    found: dict[str, Any] = {}
    for name, value in document.items():
        full = _ABBREVIATIONS.get(name, name)
        if isinstance(base, str) and isinstance(value, str) and full.endswith("topic"):
            value = base + value[1:] if value.startswith("~") else value  # noqa: PLW2901
            value = value[:-1] + base if value.endswith("~") else value  # noqa: PLW2901
        found[full] = value
    return found


def _entity(component: str, key: str, levels: Sequence[str], spelt: dict[str, Any]) -> Entity:
    def word(name: str, otherwise: str = "") -> str:
        value = spelt.get(name)
        return value if isinstance(value, str) else otherwise

    device = _spelt(spelt["device"]) if isinstance(spelt.get("device"), dict) else {}
    identifiers = device.get("identifiers")
    first = identifiers[0] if isinstance(identifiers, list) and identifiers else identifiers
    fallback = levels[1] if len(levels) > 2 or levels[0] == "device" else spelt["state_topic"].split("/")[0]
    template = word("value_template") or word("state_value_template")
    availability = [spelt.get("availability_topic")]
    entries = spelt.get("availability")
    available, not_available = word("payload_available", "online"), word("payload_not_available", "offline")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            one = _spelt(entry)
            availability.append(one.get("topic"))
            available = str(one.get("payload_available", available))
            not_available = str(one.get("payload_not_available", not_available))
    levels_of_state = word("state_topic").split("/")
    if not any(availability) and len(levels_of_state) > 3 and levels_of_state[-1] == "state":
        availability = ["/".join([*levels_of_state[:-3], "status"])]  # ESPHome's, where it is not announced
    return Entity(
        id=word("unique_id", f"{'/'.join(levels)} {key}"),
        component=component,
        device=str(device.get("name") or first or fallback),
        name=word("name") or word("object_id") or key,
        state_topic=word("state_topic"),
        device_class=word("device_class"),
        state_class=word("state_class"),
        unit=word("unit_of_measurement"),
        path=_path(template) if template else None,
        availability=tuple(one for one in availability if isinstance(one, str)),
        available=available,
        not_available=not_available,
        on=word("state_on") or word("payload_on", "ON"),
        off=word("state_off") or word("payload_off", "OFF"),
    )


def _path(template: str) -> tuple[str | int, ...] | None:
    found = _TEMPLATE.match(template) if len(template) <= 512 else None
    filters = re.findall(r"\|\s*(\w+)", found["filters"]) if found else []
    if found is None or not _HARMLESS.issuperset(filters):
        raise ContractError(f"the template {shown(template)} calculates", "announce a path into the message")
    if found["root"] == "value":
        if found["path"]:
            raise ContractError(f"the template {shown(template)} splits a text", "announce value_json")
        return None
    steps: list[str | int] = []
    for got, member, single, double, place in _STEPS.findall(found["path"]):
        steps.append(int(place) if place else got or member or single or double)
    return tuple(steps)
