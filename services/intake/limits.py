"""How many machines, and how many series each, a service takes: what is remembered of each of them costs memory.

A device that makes a new signal name of each message would let a service grow until it is stopped. What it names beyond
the limits is rejected, and what was named before goes on. It is counted from the start of the service on.
"""

from collections.abc import Sequence
from typing import Final

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent

MOST_MACHINES: Final = 20_000
MOST_SERIES: Final = 2_000
"""Of a machine: signals, meters, materials and characteristics together."""
MOST_IN_ALL: Final = 200_000
"""Series of all machines: 100,000 of them were measured to take 81 MB."""
_NAMED: Final = frozenset({"telemetry", "meter", "quality", "material"})
"""Kinds with a series for each name; of codes, commands and replies each may be another, and none is remembered."""


class Limits:
    """The machines and series that a service has taken."""

    def __init__(self, machines: int = MOST_MACHINES, series: int = MOST_SERIES, in_all: int = MOST_IN_ALL) -> None:
        self._machines, self._series, self._in_all = machines, series, in_all
        self._taken: dict[str, set[tuple[str, str]]] = {}
        self._number = 0

    def admit(self, events: Sequence[AnyEvent]) -> Sequence[AnyEvent]:
        """Return the events of a message, if they stay within the limits.

        Raises:
            ContractError: they do not; nothing of them is counted.
        """
        new: dict[str, set[tuple[str, str]]] = {}
        for event in events:
            series = (event.kind, event.series if event.kind in _NAMED else "")
            taken = self._taken.get(event.asset)
            if taken is None or series not in taken:
                new.setdefault(event.asset, set()).add(series)
        for asset, names in new.items():
            if asset not in self._taken and len(self._taken) >= self._machines:
                raise ContractError(
                    f"there are {self._machines:,} machines already",
                    "send from machines that exist, on topics that do not vary; restart the service to count anew",
                )
            if len(self._taken.get(asset, ())) + len(names) > self._series:
                raise ContractError(
                    f"the machine has {self._series:,} signals already",
                    "name signals for what they measure: put what varies into the value, not into the topic",
                )
            if self._number + len(names) > self._in_all:
                raise ContractError(
                    f"the machines have {self._in_all:,} signals in all already",
                    "look on the devices page for a device whose signal names vary",
                )
        for asset, names in new.items():
            self._taken.setdefault(asset, set()).update(names)
            self._number += len(names)
        return events
