"""The announcement of a machine to Home Assistant: device-based discovery, one retained message with all components.

https://www.home-assistant.io/integrations/mqtt describes it. Identifiers are made of the asset's path, which does not
change; titles, in any alphabet, are names only.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import STATES
from edge.dialects import values
from edge.dialects.home.homeassistant_config import ORIGIN

BASE: Final = "homeassistant"
"""Home Assistant's own prefix of announcements."""
_OBJECT: Final = "corridor_"


class Titles(msgspec.Struct, frozen=True):
    """What people call a machine, and where it stands."""

    machine: str
    place: str


def config_topic(base: str, asset: str) -> str:
    """Return the topic of a machine's announcement."""
    return f"{base}/device/{_object(asset)}/config"


def values_topic(base: str, asset: str) -> str:
    """Return the topic of a machine's values."""
    return f"{base}/device/{_object(asset)}/state"


def gateway_topic(base: str, gateway: str) -> str:
    """Return the topic on which a gateway reports that it runs."""
    return f"{base}/corridor/{gateway}/availability"


def asset_of(base: str, topic: str) -> str:
    """Return the asset path of an announcement's topic; '' where it is none of a machine."""
    levels = topic.removeprefix(f"{base}/").split("/")
    if len(levels) != 3 or levels[0] != "device" or not levels[1].startswith(_OBJECT):
        return ""
    return levels[1].removeprefix(_OBJECT).replace("_", "/")


def is_of(payload: bytes, gateway_at: str) -> bool:
    """Return whether an announcement is one of a gateway, given by its topic."""
    try:
        entries = values.json_object(payload).get("availability")
    except ContractError:
        return False
    return isinstance(entries, list) and any(
        isinstance(one, dict) and one.get("topic") == gateway_at for one in entries
    )


def config(
    base: str, asset: str, titles: Titles, *, gateway_at: str, meters: Iterable[str], is_simulated: bool
) -> bytes:
    """Return the announcement of a machine.

    Args:
        base: Home Assistant's prefix.
        asset: its path.
        titles: its name, and that of its place.
        gateway_at: the topic on which the gateway reports that it runs.
        meters: the names of its energy meters.
        is_simulated: the machine is none of steel.
    """
    state_topic = values_topic(base, asset)
    device: dict[str, Any] = {
        "identifiers": [_object(asset)],
        "name": titles.machine,
        "manufacturer": ORIGIN,
        "model": f"{'Simulated machine' if is_simulated else 'Machine'} {asset}",
    }
    if titles.place:
        device["suggested_area"] = titles.place
    return msgspec.json.encode(
        {
            "device": device,
            "origin": {"name": ORIGIN},
            "availability": [{"topic": gateway_at}, {"topic": state_topic, "value_template": _path("status")}],
            "availability_mode": "all",
            "state_topic": state_topic,
            "qos": 1,
            "components": {
                f"{_object(asset)}_{key}": {"platform": "sensor", "unique_id": f"{_object(asset)}_{key}", **each}
                for key, each in _components(sorted(meters))
            },
        }
    )


def _components(meters: list[str]) -> Iterable[tuple[str, dict[str, Any]]]:
    yield (
        "state",
        {
            "name": "State",
            "device_class": "enum",
            "options": list(STATES),
            "icon": "mdi:state-machine",
            "value_template": _path("state"),
        },
    )
    for key, name in (("oee", "OEE"), ("availability", "Availability")):
        yield (
            key,
            {
                "name": name,
                "unit_of_measurement": "%",
                "state_class": "measurement",
                "suggested_display_precision": 1,
                "icon": "mdi:gauge",
                "value_template": _path(key),
            },
        )
    yield (
        "good",
        {
            "name": "Good pieces",
            "unit_of_measurement": "pcs",
            "state_class": "total_increasing",
            "suggested_display_precision": 0,
            "icon": "mdi:counter",
            "value_template": _path("good"),
        },
    )
    for meter in meters:
        yield (
            f"energy_{meter}",
            {
                "name": "Energy" if meter == "electricity" else f"Energy {meter}",
                "device_class": "energy",
                "unit_of_measurement": "kWh",
                "state_class": "total_increasing",
                "suggested_display_precision": 2,
                "value_template": f"{{{{ value_json.energy['{meter}'] }}}}",
            },
        )


def _path(key: str) -> str:
    return f"{{{{ value_json.{key} }}}}"


def _object(asset: str) -> str:
    """Return a machine's identifier: names have no `_`, so no two paths are one."""
    return _OBJECT + asset.replace("/", "_")
