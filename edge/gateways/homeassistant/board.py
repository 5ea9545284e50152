"""What is to be published of a plant's machines to Home Assistant; pure: messages in, publications out.

A machine is announced with its first message, announced again where its announcement changes, and cleared when it is
retired: then its retained messages are published empty.
"""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from broker.contract.codec import decode, decode_kpi
from broker.contract.errors import ContractError
from broker.contract.message import Message, Publication
from broker.contract.topics import PREFIX, is_kpi, parse, parse_kpi
from edge.gateways.homeassistant import announcement
from edge.gateways.homeassistant.announcement import Titles
from edge.gateways.homeassistant.values import WINDOWS, Indicators, MachineValues, percents

FILTERS: Final = tuple(f"{PREFIX}/+/+/+/+/{kind}" for kind in ("state", "status", "count", "meter/+", "kpi/+"))
_RETAINED: Final = frozenset({"state", "status", "count"})
"""The kinds that a plant's broker retains of each machine that it has."""
_MOST: Final = 20_000


class Board:
    """See the module.

    Args:
        gateway: names it, among the gateways that announce to one Home Assistant.
        titles: returns the titles of a machine, by its path.
        base: Home Assistant's prefix.
    """

    def __init__(self, gateway: str, titles: Callable[[str], Titles], base: str = announcement.BASE) -> None:
        self.base = base
        self.gateway_at = announcement.gateway_topic(base, gateway)
        self._titles = titles
        self._machines: dict[str, MachineValues] = {}
        self._indicators: dict[str, Indicators] = {}
        self._kinds: dict[str, set[str]] = {}
        self._found: set[str] = set()
        self._published: dict[str, bytes] = {}
        self._changed: set[str] = set()

    @property
    def machines(self) -> int:
        """How many machines there are."""
        return len(self._machines)

    def take(self, message: Message) -> None:
        """Take a message of the plant; one that is not of the contract is rejected by the services."""
        try:
            if is_kpi(message.topic):
                self._take_indicators(message)
                return
            topic = parse(message.topic)
            if not message.payload:
                self._clear(topic.asset, topic.kind)
                return
            for event in decode(message):
                machine = self._machine(event.asset)
                if machine is not None:
                    machine.take(event)
                    self._kinds.setdefault(event.asset, set()).add(topic.kind)
        except ContractError:
            return

    def take_announcement(self, message: Message) -> None:
        """Take an announcement that Home Assistant's broker has: perhaps one of ours, of an earlier run."""
        asset = announcement.asset_of(self.base, message.topic)
        if asset and message.payload and announcement.is_of(message.payload, self.gateway_at):
            self._found.add(asset)

    def due(self) -> list[Publication]:
        """Return what has changed since the last time."""
        changed, self._changed = self._changed, set()
        return [one for asset in sorted(changed) for one in self._of(asset) if self._is_new(one)]

    def all(self) -> list[Publication]:
        """Return all, for a broker that has lost it perhaps: that the gateway runs, and what each machine has."""
        self._changed.clear()
        found = [one for asset in sorted(self._machines) for one in self._of(asset)]
        self._published |= {one.topic: one.payload for one in found}
        return [self.availability(online=True), *found]

    def strays(self) -> list[Publication]:
        """Return what clears announcements of machines that the plant has no more; nothing while it has none at all."""
        if not self._machines:
            return []
        gone = sorted(self._found - self._machines.keys())
        self._found.clear()
        return [one for asset in gone for one in self._cleared(asset)]

    def removed(self) -> list[Publication]:
        """Return what clears all announcements that were found, and that the gateway runs."""
        cleared = [one for asset in sorted(self._found) for one in self._cleared(asset)]
        return [*cleared, Publication(self.gateway_at, b"", retain=True)]

    def availability(self, *, online: bool) -> Publication:
        """Return whether the gateway runs."""
        return Publication(self.gateway_at, b"online" if online else b"offline", retain=True)

    def _machine(self, asset: str) -> MachineValues | None:
        if asset not in self._machines and len(self._machines) >= _MOST:
            return None
        self._changed.add(asset)
        return self._machines.setdefault(asset, MachineValues())

    def _take_indicators(self, message: Message) -> None:
        """Take indicators; they are shown once the machine itself has sent something: a retired one sends nothing."""
        topic = parse_kpi(message.topic)
        if topic.window not in WINDOWS or (topic.asset not in self._indicators and len(self._indicators) >= _MOST):
            return
        own = self._indicators.setdefault(topic.asset, {})
        if message.payload:
            own[topic.window] = percents(decode_kpi(message)[1])
        else:
            own.pop(topic.window, None)
        if topic.asset in self._machines:
            self._changed.add(topic.asset)

    def _clear(self, asset: str, kind: str) -> None:
        kinds = self._kinds.get(asset, set())
        kinds.discard(kind)
        if kind in _RETAINED and not kinds & _RETAINED:
            self._machines.pop(asset, None)
            self._kinds.pop(asset, None)
            self._changed.add(asset)

    def _of(self, asset: str) -> Iterator[Publication]:
        machine = self._machines.get(asset)
        if machine is None:
            yield from self._cleared(asset)
            return
        payload = announcement.config(
            self.base,
            asset,
            self._titles(asset),
            gateway_at=self.gateway_at,
            meters=machine.energy,
            is_simulated=machine.is_simulated,
        )
        values = msgspec.json.encode(machine.document(self._indicators.get(asset, {})))
        yield Publication(announcement.values_topic(self.base, asset), values, retain=True)
        yield Publication(announcement.config_topic(self.base, asset), payload, retain=True)

    def _cleared(self, asset: str) -> Iterator[Publication]:
        yield Publication(announcement.config_topic(self.base, asset), b"", retain=True)
        yield Publication(announcement.values_topic(self.base, asset), b"", retain=True)

    def _is_new(self, one: Publication) -> bool:
        if self._published.get(one.topic) == one.payload:
            return False
        if one.payload:
            self._published[one.topic] = one.payload
        else:
            self._published.pop(one.topic, None)
        return True
