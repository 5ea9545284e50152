"""Documents of an agent, handed over to the dialect in messages of its size: JSON, in the order of their sequence."""

from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

import msgspec

_LONGEST: Final = 64 * 1024
"""Bytes of a message, unless one observation alone is longer: the dialect rejects that one, and no other."""
_AT_ONCE: Final = 500
"""Data items of a message."""


class Row(NamedTuple):
    """One observation of a document."""

    sequence: int
    uuid: str
    name: str
    section: str
    found: dict[str, Any]


def rows(document: dict[str, Any], without: Collection[str]) -> list[Row]:
    """Return the observations of a document, without those of some devices, by their sequence."""
    found = [
        Row(_sequence(one), device["uuid"], device["name"], section, one)
        for device in document["MTConnectStreams"]["Streams"]["DeviceStream"]
        if device["uuid"] not in without
        for component in device["ComponentStream"]
        for section, several in component.items()
        for one in several
    ]
    found.sort(key=lambda row: row.sequence)
    return found


def streams(instance: int, found: list[Row]) -> Iterator[bytes]:
    """Yield messages with observations."""
    size, begin = 0, 0
    for place, row in enumerate(found):
        longer = len(msgspec.json.encode(row.found))
        if size and size + longer > _LONGEST:
            yield _streams(instance, found[begin:place])
            size, begin = 0, place
        size += longer
    if begin < len(found):
        yield _streams(instance, found[begin:])


def models(document: dict[str, Any]) -> Iterator[bytes]:
    """Yield messages with the data items of the devices of a model."""
    for device in document["MTConnectDevices"]["Devices"]["Device"]:
        items = device["DataItems"]["DataItem"]
        named = [{key: one.get(key, "") for key in ("id", "name", "units")} for one in items if "id" in one]
        for begin in range(0, len(named), _AT_ONCE):
            part = {**device, "DataItems": {"DataItem": named[begin : begin + _AT_ONCE]}}
            yield msgspec.json.encode({"MTConnectDevices": {"Devices": {"Device": [part]}}})


def _streams(instance: int, found: list[Row]) -> bytes:
    devices: dict[tuple[str, str], dict[str, list[Any]]] = {}
    for row in found:
        devices.setdefault((row.uuid, row.name), {}).setdefault(row.section, []).append(row.found)
    streams_ = [
        {"uuid": uuid, "name": name, "ComponentStream": [sections]} for (uuid, name), sections in devices.items()
    ]
    document = {"Header": {"instanceId": instance}, "Streams": {"DeviceStream": streams_}}
    return msgspec.json.encode({"MTConnectStreams": document})


def _sequence(one: dict[str, Any]) -> int:
    sequence = next(iter(one.values())).get("sequence")
    return sequence if isinstance(sequence, int) else 0
