"""MTConnect documents in JSON: the observations of a stream, and the data items of a model, in versions 1 and 2.

Version 1 wraps each observation in an object of its type, in a list; version 2 has an object of types, each a list:

    1   "Samples": [{"Position": {"dataItemId": "x1", "value": 12.5, …}}, …]
    2   "Samples": {"Position": [{"dataItemId": "x1", "value": 12.5, …}], …}
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

_MOST: Final = 20_000
_DEEPEST: Final = 12
_SECTIONS: Final = ("Samples", "Events", "Condition", "Conditions")
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LEVELS: Final = {"Normal": "NORMAL", "Warning": "WARNING", "Fault": "FAULT", "Unavailable": "UNAVAILABLE"}


class Observation(msgspec.Struct, frozen=True):
    """What was observed of one data item.

    Attributes:
        type: in capitals, as in `PART_COUNT`.
        level: of a condition; None of anything else.
        code: of a condition or message, the machine's own.
        time: as it was sent.
    """

    item: str
    name: str
    type: str
    sub_type: str
    value: Any
    sequence: int
    time: Any = None
    level: str | None = None
    code: str = ""

    @classmethod
    def of(cls, found: dict[str, Any], kind: str, level: str | None = None) -> "Observation":
        """Return an observation of a type, from its object in a document or from the entity sink."""
        if level is None and str(found.get("category", "")).upper() == "CONDITION":
            level = str(found.get("level") or found.get("result") or "NORMAL").upper()
        value = found.get("value", found.get("result", found.get("message")))
        sequence = found.get("sequence")
        code = found.get("conditionId") or found.get("nativeCode") or ""
        return cls(
            item=str(found.get("dataItemId", "")) or kind,
            name=str(found.get("name") or ""),
            type=_capitals(str(found.get("type") or kind)),
            sub_type=_capitals(str(found.get("subType") or "")),
            value=found.get("message", value) if level is not None else value,
            sequence=sequence if isinstance(sequence, int) else 0,
            time=found.get("timestamp"),
            level=level,
            code=str(code),
        )


def observations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, int, list[Observation]]]:
    """Yield the observations of a document: of each device its uuid and name, the agent's instance, and its own."""
    streams = document.get("MTConnectStreams")
    if not isinstance(streams, dict):
        return
    header = streams.get("Header")
    instance = header.get("instanceId") if isinstance(header, dict) else 0
    for device in _listed(streams.get("Streams"), "DeviceStream"):
        found = [
            one
            for component in _listed(device.get("ComponentStreams", device), "ComponentStream")
            for section in _SECTIONS
            for one in _section(component.get(section), is_condition=section.startswith("Condition"))
        ]
        uuid, name = str(device.get("uuid") or ""), str(device.get("name") or "")
        yield uuid, name, instance if isinstance(instance, int) else 0, found[:_MOST]


def items_of_probe(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, tuple[str, str]]]]:
    """Yield the devices of a model: uuid, name, and of their data items name and unit."""
    model = document.get("MTConnectDevices")
    devices = model.get("Devices") if isinstance(model, dict) else None
    for device in _listed(devices, "Device"):
        items = {
            str(item["id"]): (str(item.get("name") or ""), str(item.get("units") or ""))
            for item in _items(device, 0)
            if isinstance(item.get("id"), (str, int))
        }
        yield str(device.get("uuid") or ""), str(device.get("name") or ""), items


def agents_of_probe(document: dict[str, Any]) -> set[str]:
    """Return the uuids of what a model has beside devices: the agent itself, which is no machine."""
    model = document.get("MTConnectDevices")
    devices = model.get("Devices") if isinstance(model, dict) else None
    return {str(agent.get("uuid") or "") for agent in _listed(devices, "Agent")}


def _items(component: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Yield the data items of a component and of all in it."""
    if depth > _DEEPEST:
        return
    if isinstance(component, list):
        for one in component[:_MOST]:
            yield from _items(one, depth + 1)
    elif isinstance(component, dict):
        yield from _listed(component.get("DataItems"), "DataItem")
        for name, inner in component.items():
            if name != "DataItems":
                yield from _items(inner, depth + 1)


def _section(section: Any, *, is_condition: bool) -> Iterator[Observation]:
    pairs: list[tuple[str, Any]] = []
    if isinstance(section, dict):
        pairs = list(section.items())
    elif isinstance(section, list):
        pairs = [pair for one in section[:_MOST] if isinstance(one, dict) for pair in one.items()]
    for kind, found in pairs:
        level = _LEVELS.get(kind, kind.upper()) if is_condition else None
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, dict):
                yield Observation.of(one, kind, level)


def _listed(holder: Any, name: str) -> list[dict[str, Any]]:
    """Return the objects of a name: a list of them, one alone, or a list of objects that have it each."""
    if isinstance(holder, list):
        return [one for each in holder[:_MOST] for one in _listed(each, name)]
    found = holder.get(name) if isinstance(holder, dict) else None
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict)][:_MOST]


def _capitals(kind: str) -> str:
    """Return a type in capitals: `PartCount` is `PART_COUNT`."""
    return _WORD.sub("_", kind).upper() if kind and not kind.isupper() else kind
