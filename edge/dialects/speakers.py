"""The dialects in which a simulated machine can publish, beside Sparkplug, which has sessions of its own."""

from typing import Final

from edge.dialects.home.shelly_plug import ShellyPlugs
from edge.dialects.shopfloor.mtconnect_device import MTConnectDevices
from edge.dialects.shopfloor.packml_machine import PackMLMachines
from edge.dialects.speaking import Speaker

SPEAKERS: Final[dict[str, type[Speaker]]] = {
    "packml": PackMLMachines,
    "mtconnect": MTConnectDevices,
    "shelly": ShellyPlugs,
}
"""By the name that stands in the plant file, which is that of the gateway."""
