"""Factory+ of the AMRC on Sparkplug: where a device stands in the hierarchy of ISA-95.

A birth of Factory+ is marked by its payload's uuid. Each object in it has the metrics `Schema_UUID` and
`Instance_UUID`, which are names, not signals; the device's place is under `Device_Information/ISA95_Hierarchy`.
"""

from collections.abc import Mapping
from typing import Final

from edge.dialects.sparkplug.datatypes import Value

PAYLOAD: Final = "11ad7b32-1d32-4c4a-b0c9-fa049208939a"
"""The uuid of a birth's payload."""
HIERARCHY: Final = "Device_Information/ISA95_Hierarchy/"
LEVELS: Final = ("Site", "Area", "Work Center", "Work Unit")
"""Those of the hierarchy that are site, area, line and machine; `Enterprise` stands above them."""
_SPELLINGS: Final = {
    "Work Center": ("Work Center", "Work Centre", "Work_Center"),
    "Work Unit": ("Work Unit", "Work_Unit"),
}


def is_factory_plus(uuid: str, values: Mapping[str, Value | None]) -> bool:
    """Return whether a birth is of Factory+: by its payload's uuid, or because it has the hierarchy."""
    return uuid.lower() == PAYLOAD or any(name.startswith(HIERARCHY) for name in values)


def is_signal(name: str) -> bool:
    """Return whether a metric is one of the device's values, not a name of an object or of its place."""
    return not name.startswith(HIERARCHY) and name.rpartition("/")[2] not in {"Schema_UUID", "Instance_UUID"}


def place(values: Mapping[str, Value | None]) -> list[str]:
    """Return the levels of the hierarchy that a birth has, from the site down: it may stop early."""
    found: list[str] = []
    for level in LEVELS:
        spellings = _SPELLINGS.get(level, (level,))
        names = [
            value for each in spellings if isinstance(value := values.get(HIERARCHY + each), str) and value.strip()
        ]
        if not names:
            break
        found.append(names[0].strip())
    return found
