"""What the states of OPC UA's companion specifications mean, by the version that says so.

The specifications agree on the two state machines, and not on the times of ISO 22400 that they stand for: a machine
that does not execute is down (ADOT) by MachineTool 1.01, and delayed (ADET) by 1.02. So a profile has a version in its
name, and the user chooses.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from broker.contract.events import State

_ANY: Final = ""


class Profile(msgspec.Struct, frozen=True):
    """One version's meaning of states.

    Attributes:
        source: where it is written.
        states: by `MachineryItemState` and `MachineryOperationMode`; '' is any other mode.
    """

    source: str
    states: Mapping[tuple[str, str], State]

    def state(self, item: str, mode: str) -> State:
        """Return the state of a machine by its item state and operation mode; '' is one that is not known."""
        return self.states.get((item, mode)) or self.states.get((item, _ANY), "unknown")


_MACHINE_TOOL_1_01: Final = Profile(
    source="OPC 40501-1 1.01, annex C.2.3",
    states={
        ("Executing", "Setup"): "setup",
        ("Executing", "Maintenance"): "maintenance",
        ("Executing", _ANY): "running",
        ("NotExecuting", "Maintenance"): "maintenance",
        ("NotExecuting", _ANY): "down",
        ("OutOfService", "Maintenance"): "maintenance",
        ("OutOfService", _ANY): "idle",
    },
)
_MACHINERY: Final = Profile(
    source="OPC 40501-1 1.02, annex C.1.2, which points to OPC 40001-1, annex C.2",
    states={
        ("Executing", "Setup"): "setup",
        ("Executing", "Maintenance"): "maintenance",
        ("Executing", _ANY): "running",
        ("NotExecuting", "Setup"): "setup",
        ("NotExecuting", "Maintenance"): "maintenance",
        ("NotExecuting", _ANY): "idle",
        ("OutOfService", "Setup"): "setup",
        ("OutOfService", "Maintenance"): "maintenance",
        ("OutOfService", "Processing"): "idle",
        ("OutOfService", _ANY): "down",
        ("NotAvailable", "Setup"): "setup",
        ("NotAvailable", "Maintenance"): "maintenance",
        ("NotAvailable", "Processing"): "idle",
        ("NotAvailable", _ANY): "unknown",
    },
)
PROFILES: Final[Mapping[str, Profile]] = {
    "machinetool-1.01": _MACHINE_TOOL_1_01,
    "machinetool-1.02": _MACHINERY,
    "machinery-1.03": _MACHINERY,
}
"""By the names that a mapping file may have."""
