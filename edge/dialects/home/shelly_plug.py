"""Simulated machines behind a Shelly plug of generation 2: what `shelly` reads, from events of the contract.

A plug knows whether it is there, and of its load the power and the energy. Its prefix is the path of its machine.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from broker.contract.events import AnyEvent, Meter, Sample, Status
from broker.contract.message import Publication
from edge.dialects.speaking import Speaker
from edge.dialects.values import kwh

_WATTS: Final = {"W": 1.0, "kW": 1_000.0}


class ShellyPlugs(Speaker):
    """See the module."""

    loses = (
        "Times: they are those of receipt.",
        "That the machine is simulated.",
        "All but the status, the meter `electricity`, and the signal `power` where its unit is W or kW.",
    )

    def publications(self, event: AnyEvent) -> Sequence[Publication]:
        """Return whether the plug is there, or its power or energy."""
        device = event.asset
        match event:
            case Status():
                payload = b"true" if event.online else b"false"
                return [Publication(f"{device}/online", payload, qos=1, retain=True)]
            case Meter(name="electricity") if (total := kwh(event.total, event.unit)) is not None:
                return [_status(device, {"aenergy": {"total": round(total * 1_000, 6)}})]
            case Sample(signal="power", value=float() as power) if event.unit in _WATTS:
                return [_status(device, {"apower": round(power * _WATTS[event.unit], 6)})]
        return []


def _status(device: str, fields: dict[str, object]) -> Publication:
    payload = msgspec.json.encode({"id": 0, "output": True, **fields})
    return Publication(f"{device}/status/switch:0", payload, qos=1, retain=False)
