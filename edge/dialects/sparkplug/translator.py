"""Sparkplug B as a dialect: a host application, whose readings become events of the contract.

A device is a machine. Its path is the one that its birth has, where it is of an edge node of ours
(`contract_metrics`), or has the place that Factory+ gives it; else group, node and device name are area, line and
machine at the place's site. Metrics of the edge node itself are a machine of the node's name.
"""

from collections.abc import Sequence
from typing import Final

from broker.contract.durations import parse as parse_duration
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_MS, NS_PER_S, AnyEvent, Status
from broker.contract.message import Message, Publication
from broker.contract.topics import RETAINED
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names
from edge.dialects.sparkplug import contract_metrics, factory_plus, topics
from edge.dialects.sparkplug.contract_metrics import Assembler
from edge.dialects.sparkplug.datatypes import Value
from edge.dialects.sparkplug.host import REORDER_NS, Host, Outcome
from edge.dialects.sparkplug.meaning import CONTROL, Meaning
from edge.dialects.sparkplug.presence import Presence
from edge.dialects.sparkplug.readings import Birth, Change, Death, Reading
from edge.dialects.sparkplug.topics import Key

HOST: Final = "corridor"
"""The host application's id, where the user sets none."""


class Sparkplug(Dialect):
    """The devices of all edge nodes of a broker, or of one group's.

    Its options: `host`, the host application's id; `group`, the only one to follow; `reorder`, how long a message may
    be late before its node is asked for its births.
    """

    persistent = False

    def __init__(self, setup: Setup) -> None:
        host = setup.options.get("host", HOST)
        group = setup.options.get("group", "+")
        self._presence = Presence(host)
        self._host = Host(_reorder_ns(setup.options.get("reorder", "")))
        self._setup = setup
        self._names = Names()
        self._machines = Machines(setup, self._names)
        self._devices: dict[Key, _Device] = {}
        self._claimed: dict[str, Key] = {}
        of_nodes = (topics.build(kind, Key(group, "+")) for kind in ("NBIRTH", "NDATA", "NDEATH"))
        of_devices = (topics.build(kind, Key(group, "+", "+")) for kind in ("DBIRTH", "DDATA", "DDEATH"))
        self.filters = (self._presence.topic, *of_nodes, *of_devices)

    def translate(self, message: Message) -> Translation:
        """Translate a message of a node or device, or this host's own state."""
        if message.topic != self._presence.topic and message.topic.startswith(topics.state("")):
            return NOTHING  # another host's
        try:
            if message.topic == self._presence.topic:
                return Translation(requests=self._presence.seen(message))
            return self._translation(self._host.receive(message), message.received_at)
        except ContractError as error:
            return Translation(rejections=[error])

    @property
    def due(self) -> int | None:
        """When a late message counts as lost, or a node may be asked again."""
        return self._host.due

    def tick(self, now: int) -> Translation:
        """Return the requests that are due, and the devices that are offline."""
        return self._translation(self._host.tick(now), now)

    def will(self, now: int) -> Publication:
        """Return the host's state as the broker publishes it if the gateway dies."""
        return self._presence.will(now)

    def connected(self, now: int) -> Translation:
        """Return the host's birth, then requests to the nodes that it knew before."""
        return Translation(requests=[self._presence.birth(), *self._host.reconnected(now).requests])

    def leaving(self, now: int) -> Translation:
        """Return the host's death."""
        return Translation(requests=[self._presence.death(now)])

    def _translation(self, outcome: Outcome, now: int) -> Translation:
        events: list[AnyEvent] = []
        rejections = list(outcome.rejections)
        for change in outcome.changes:
            try:
                events += self._events(change, now, rejections)
            except ContractError as error:
                rejections.append(error)
        return Translation(events=events, rejections=rejections, requests=outcome.requests)

    def _events(self, change: Change, now: int, rejections: list[ContractError]) -> list[AnyEvent]:
        if isinstance(change, Birth):
            return self._born(change, now, rejections)
        device = self._devices.get(change.key)
        if device is None:
            return []
        if isinstance(change, Death):
            return [Status(asset=device.asset, at=change.at, simulated=device.simulated, online=False)]
        return device.events(change.readings, now, rejections)

    def _born(self, birth: Birth, now: int, rejections: list[ContractError]) -> list[AnyEvent]:
        if not birth.key.device and all(one.name.startswith(CONTROL) for one in birth.readings):
            return []
        device = self._devices.get(birth.key)
        if device is None or not device.is_of(birth):
            device = self._devices[birth.key] = self._new_device(birth)
        events = device.events(birth.readings, now, rejections)
        if birth.was_online or any(isinstance(event, Status) for event in events):
            return events
        at = now if birth.at_ms is None else birth.at_ms * NS_PER_MS
        return [Status(asset=device.asset, at=at, simulated=device.simulated, online=True), *events]

    def _new_device(self, birth: Birth) -> "_Device":
        values = {one.name: one.value for one in birth.readings}
        simulated = values.get(contract_metrics.SIMULATED) is True
        asset = contract_metrics.asset_of(values)
        if asset is not None:
            return _Device(birth, Assembler(asset, simulated=simulated), asset, simulated)
        asset = self._place(birth, values)
        return _Device(birth, Meaning(asset, simulated=simulated, names=self._names), asset, simulated)

    def _place(self, birth: Birth, values: dict[str, Value | None]) -> str:
        """Return the machine's path of a foreign device.

        Raises:
            ContractError: another device has the same place in the hierarchy of ISA-95.
        """
        key = birth.key
        levels = factory_plus.place(values) if factory_plus.is_factory_plus(birth.uuid, values) else []
        if not levels or key.device in self._setup.machines:
            return self._machines.asset(key.device or key.node, key.group, key.node)
        unit = levels.pop() if len(levels) == len(factory_plus.LEVELS) else key.device or key.node
        levels += (key.group, key.node)[len(levels) - 1 :]
        asset = self._machines.asset(unit, *levels)
        first = self._claimed.setdefault(asset, key)
        if first != key:
            hint = f"give one of them a work unit of its own, or a place by --machine {key.device or key.node}=PATH"
            raise ContractError(f"{first} and {key} are both {asset}", hint)
        return asset


class _Device:
    """A device, and how its metrics are read."""

    def __init__(self, birth: Birth, reader: Assembler | Meaning, asset: str, simulated: bool) -> None:
        self.asset = asset
        self.simulated = simulated
        self._reader = reader
        self._identity = _identity(birth)
        self._newest: dict[tuple[str, str], AnyEvent] = {}

    def is_of(self, birth: Birth) -> bool:
        """Return whether a birth is that of the same machine, read the same way."""
        return self._identity == _identity(birth)

    def events(self, readings: Sequence[Reading], now: int, rejections: list[ContractError]) -> list[AnyEvent]:
        """Return the events of readings.

        What an edge node stored comes after newer values. Of kinds that are retained the newest is sent again then, so
        that later subscribers receive it.
        """
        again: dict[tuple[str, str], AnyEvent] = {}
        events = self._read(readings, now, rejections)
        for event in events:
            if event.kind not in RETAINED:
                continue
            series = (event.kind, event.series)
            newest = self._newest.get(series, event)
            if event.at < newest.at:
                again[series] = newest
            else:
                again.pop(series, None)
                self._newest[series] = event
        return [*events, *again.values()]

    def _read(self, readings: Sequence[Reading], now: int, rejections: list[ContractError]) -> list[AnyEvent]:
        if isinstance(self._reader, Assembler):
            events, errors = self._reader.events(readings)
            rejections += errors
            return events
        events = []
        for one in readings:
            try:
                events += self._reader.events(one, now)
            except ContractError as error:
                rejections.append(error)
        return events


def _identity(birth: Birth) -> tuple[object, ...]:
    names = (contract_metrics.CONTRACT, contract_metrics.ASSET, contract_metrics.SIMULATED)
    values = {one.name: one.value for one in birth.readings if one.name in names}
    return tuple(values.get(name) for name in names)


def _reorder_ns(text: str) -> int:
    return round(parse_duration(text) * NS_PER_S) if text else REORDER_NS


DIALECT: Final = Entry(
    "sparkplug",
    "Sparkplug B 3.0",
    Sparkplug,
    loses=(
        "Data sets, templates, property sets and metadata; bytes and files.",
        "Arrays of more than 16 elements; shorter ones are a signal an element.",
        "Retained births: nobody knows whether they still hold.",
    ),
    seen=("npm's sparkplug-client 3.2.4", "Eclipse Tahu 1.0.13"),
    device="""\
1. In the settings of the edge node (in Ignition, those of MQTT Transmission): server `tcp://HOST:PORT`, or
   `ssl://HOST:8883` with TLS; name-space Sparkplug B.
2. The ids are the place: group, edge node and device are area, line and machine, so `hall`, `line-1`, `press-3`;
   the site is that of `--place`.
3. Give each metric its unit as the property `engUnit`. A text metric `State` is the machine's state, where its values
   are words of PackML or MTConnect (`Execute`, `ACTIVE`); `Total Count`, `Good Count` and `Scrap Count` are its pieces.
4. Primary host: `corridor`, so that the edge node stores what happens while the gateway is away, and sends it later.
5. Metrics of the types DataSet, Template and Bytes are not read: send what is in them as metrics of their own.
""",
)
