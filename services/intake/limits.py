"""How many machines, series and commands a service takes: each of them costs memory here, or a series in the store.

A device that makes a new name of each message would let a service and its store grow without end. What it names beyond
the limits is rejected, and what was named before goes on. What the store holds counts from the start; machines that are
retired do not.
"""

from collections.abc import Iterable, Sequence
from sys import intern
from typing import Final, Self

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S, AnyEvent
from broker.contract.kinds import by_id
from services.store.interface import NamedSeries, Store
from services.store.retiring import retired

MOST_MACHINES: Final = 20_000
MOST_SERIES: Final = 2_000
"""Of a machine: signals, meters, materials, characteristics and event codes together."""
MOST_IN_ALL: Final = 200_000
"""Series of all machines: 100,000 of them were measured to take 81 MB."""
MOST_CALLS: Final = 5_000
"""Messages by id of a machine (commands, replies, bookings) in an hour. None is remembered, but each is a series
in the store until its retention ends."""
_BY_ID: Final = by_id()
_HOUR_NS: Final = 3_600 * NS_PER_S


class Limits:
    """The machines and series that a service has taken."""

    def __init__(
        self,
        machines: int = MOST_MACHINES,
        series: int = MOST_SERIES,
        in_all: int = MOST_IN_ALL,
        calls: int = MOST_CALLS,
    ) -> None:
        self._machines, self._series, self._in_all, self._calls = machines, series, in_all, calls
        self._taken: dict[str, set[tuple[str, str]]] = {}
        self._number = 0
        self._called: dict[str, tuple[int, int]] = {}
        """Of a machine: the newest hour in which it had a command or reply, and how many."""

    @classmethod
    async def of(cls, store: Store) -> Self:
        """Return the contract's limits, of which what a store holds is taken.

        Raises:
            StoreError: it cannot be read.
        """
        limits = cls()
        limits.count(await cls.stored(store))
        return limits

    @staticmethod
    async def stored(store: Store) -> list[NamedSeries]:
        """Return the series that a store holds of machines that are not retired."""
        gone = await retired(store)
        return [series for series in await store.series() if series.asset not in gone]

    def count(self, series: Iterable[NamedSeries]) -> None:
        """Count series that are there, however many they are."""
        for asset, kind, name in series:
            taken = self._taken.setdefault(asset, set())
            key = (intern(kind), name)
            self._number += key not in taken
            taken.add(key)

    def admit(self, events: Sequence[AnyEvent]) -> Sequence[AnyEvent]:
        """Return the events of a message, if they stay within the limits.

        Raises:
            ContractError: they do not; nothing of them is counted.
        """
        if events and events[0].kind in _BY_ID:
            self._admit_call(events[0])
            return events
        new: dict[str, set[tuple[str, str]]] = {}
        for event in events:
            series = (event.kind, event.series)
            taken = self._taken.get(event.asset)
            if taken is None or series not in taken:
                new.setdefault(event.asset, set()).add(series)
        for asset, names in new.items():
            self._check_machine(asset)
            if len(self._taken.get(asset, ())) + len(names) > self._series:
                raise ContractError(
                    f"the machine has {self._series:,} signals already",
                    "name signals and event codes for what they are: put what varies into the value, not into the name",
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

    def _admit_call(self, event: AnyEvent) -> None:
        self._check_machine(event.asset)
        hour, number = self._called.get(event.asset, (0, 0))
        if event.at // _HOUR_NS > hour:
            hour, number = event.at // _HOUR_NS, 0
        if number >= self._calls:
            raise ContractError(
                f"the machine has had {self._calls:,} commands, replies and bookings in an hour already",
                "send what goes on all the time as telemetry or a count, not one by one under new ids",
            )
        self._taken.setdefault(event.asset, set())
        self._called[event.asset] = (hour, number + 1)

    def _check_machine(self, asset: str) -> None:
        if asset not in self._taken and len(self._taken) >= self._machines:
            raise ContractError(
                f"there are {self._machines:,} machines already",
                "send from machines that exist, on topics that do not vary; retire machines that are gone"
                " (corridor asset retire PATH), and start the service again",
            )
