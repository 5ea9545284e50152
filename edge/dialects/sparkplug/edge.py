"""An edge node of Sparkplug B 3.0, pure: events of the contract in, messages out.

Each machine is a device of the node. A device is born when its first event comes, and again when a metric is new or has
another type; data go by alias alone. While there is no connection, or the primary host is offline, values are stored
up to a limit, and sent as historical afterwards. Rules E1 to E12 of the reference page are shown here.

A connection goes: `will`, CONNECT with it, SUBSCRIBE to `filters` and its acknowledgement, `connected`, then `publish`
and `receive` as things come, `leaving`, DISCONNECT.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_MS, AnyEvent, Status
from broker.contract.message import Message, Publication
from edge.dialects.sparkplug import codec, contract_metrics, presence, topics
from edge.dialects.sparkplug.codec import Metric, Payload
from edge.dialects.sparkplug.contract_metrics import Field
from edge.dialects.sparkplug.datatypes import Datatype, Value
from edge.dialects.sparkplug.readings import BD_SEQ, REBIRTH
from edge.dialects.sparkplug.sequence import MODULUS
from edge.dialects.sparkplug.topics import Key

MOST_STORED: Final = 100_000
"""Values of a device that are stored while they cannot be sent; beyond, the oldest are dropped."""
MOST_IN_A_MESSAGE: Final = 2_000
"""Values in one message, which leaves it far below the 256 KiB of a payload."""


class _Known(msgspec.Struct):
    """A metric of a device, with its newest value."""

    alias: int
    datatype: Datatype
    unit: str
    value: Value | None = None
    at_ms: int = 0


class _Value(msgspec.Struct, frozen=True):
    """A value that is to be sent."""

    name: str
    value: Value | None
    at_ms: int


class _Device(msgspec.Struct):
    """A machine, as a device, with its metrics and the values that wait."""

    asset: str
    metrics: dict[str, _Known] = msgspec.field(default_factory=dict)
    waiting: list[_Value] = msgspec.field(default_factory=list)
    is_online: bool = False
    is_born: bool = False


class EdgeNode:
    """See the module.

    Args:
        key: the node's.
        primary: the id of the host application that the node waits for; '' for none.

    Attributes:
        must_leave: the primary host has gone: publish what `receive` returned, and disconnect; then connect again.
        dropped: values that were more than can be stored.
    """

    def __init__(self, key: Key, *, primary: str = "") -> None:
        self.must_leave = False
        self.dropped = 0
        self._key = key
        self._primary = topics.state(primary) if primary else ""
        self._bd_seq = MODULUS - 1
        self._seq = 0
        self._aliases = 0
        self._devices: dict[str, _Device] = {}
        self._is_connected = False
        self._host_since_ms = -1
        self._host_is_online = False

    @property
    def filters(self) -> Sequence[str]:
        """What to subscribe to, at QoS 1, before the births."""
        commands = [topics.build("NCMD", self._key), topics.build("DCMD", self._key) + "/+"]
        return [*commands, self._primary] if self._primary else commands

    @property
    def is_live(self) -> bool:
        """Whether values are sent now: there is a connection, and the primary host is there."""
        return self._is_connected and (self._host_is_online or not self._primary)

    def will(self) -> Publication:
        """Return the will of a connection that is about to be made; its number is one more than that of the last."""
        self._is_connected = self._host_is_online = self.must_leave = False
        self._bd_seq = (self._bd_seq + 1) % MODULUS
        return self._death()

    def connected(self, now: int) -> list[Publication]:
        """Return the births, once the subscription is acknowledged; none while the primary host is not there.

        Args:
            now: nanoseconds since 1970-01-01 UTC.
        """
        self._is_connected = True
        return self._births(now) if self.is_live else []

    def receive(self, message: Message, now: int) -> list[Publication]:
        """Return what to do on a command, or a state of the primary host.

        Raises:
            ContractError: the message cannot be read.
        """
        if message.topic == self._primary:
            return self._host_state(presence.parse(message), now)
        if topics.parse(message.topic) != topics.Topic("NCMD", self._key):
            return []
        wanted = [one for one in codec.decode(message.payload).metrics if one.name == REBIRTH]
        if self.is_live and any(one.value(Datatype.BOOLEAN) is True for one in wanted):
            return self._births(now)
        return []

    def publish(self, events: Iterable[AnyEvent], now: int) -> list[Publication]:
        """Return the messages of events, which are in order of time; while nothing can be sent they are stored.

        Raises:
            ContractError: two machines have one name.
        """
        found: list[Publication] = []
        owned = [(self._device(event), event) for event in events]
        for device, event in owned:  # all at first, so that a device is born once with all that is new
            self._define([one for one in contract_metrics.fields(event) if one.name not in device.metrics], device)
        for device, event in owned:
            found += self._event(_name(event.asset), device, event, now)
        for name, device in self._devices.items():
            found += self._flush(name, device, now)
        return found

    def disconnected(self) -> None:
        """Store what is published from now on: the connection is lost."""
        self._is_connected = False

    def leaving(self) -> list[Publication]:
        """Return what to publish before an intended DISCONNECT, after which the broker sends no will; once only."""
        was_connected, self._is_connected = self._is_connected, False
        return [self._death()] if was_connected else []

    # ---- Events ----

    def _device(self, event: AnyEvent) -> _Device:
        """Return the device of an event's machine; a new one has the metrics that say which machine it is."""
        name = _name(event.asset)
        device = self._devices.get(name)
        if device is not None:
            if device.asset != event.asset:
                raise ContractError(f"{device.asset} and {event.asset} are both {name} of {self._key}", "rename one")
            return device
        device = self._devices[name] = _Device(event.asset)
        properties: dict[str, Value] = {
            contract_metrics.CONTRACT: contract_metrics.VERSION,
            contract_metrics.ASSET: event.asset,
            contract_metrics.SIMULATED: event.simulated,
        }
        for name, value in properties.items():
            kind = Datatype.BOOLEAN if isinstance(value, bool) else Datatype.STRING
            device.metrics[name] = _Known(self._new_alias(), kind, "", value, event.at // NS_PER_MS)
        return device

    def _event(self, name: str, device: _Device, event: AnyEvent, now: int) -> list[Publication]:
        at_ms = event.at // NS_PER_MS
        found: list[Publication] = []
        if isinstance(event, Status) and not event.online:
            found = self._flush(name, device, now)
            if device.is_born and self.is_live:
                found.append(self._message("DDEATH", name, at_ms))
            device.is_online = device.is_born = False
            return found
        device.is_online = True
        fields = contract_metrics.fields(event)
        if changed := [one for one in fields if _is_changed(device.metrics[one.name], one)]:
            found += self._flush(name, device, now)
            self._define(changed, device)
        device.waiting += [_Value(one.name, one.value, at_ms) for one in fields]
        if len(device.waiting) > MOST_STORED:
            self.dropped += len(device.waiting) - MOST_STORED
            del device.waiting[:-MOST_STORED]
        return found

    def _define(self, fields: Sequence[Field], device: _Device) -> None:
        """Add metrics that are new, or have another type or unit: the device is to be born again."""
        for one in fields:
            device.is_born = False
            known = device.metrics.get(one.name)
            alias, unit = (self._new_alias(), "") if known is None else (known.alias, known.unit)
            device.metrics[one.name] = _Known(alias, one.datatype, one.unit or unit)
            device.waiting = [each for each in device.waiting if each.name != one.name]

    def _flush(self, name: str, device: _Device, now: int) -> list[Publication]:
        """Return the values of a device that wait, after its birth, where that is due."""
        if not self.is_live or not device.is_online:
            return []
        if not device.is_born:
            return self._device_birth(name, device, now)
        return self._data(name, device, now, is_historical=False)

    def _data(self, name: str, device: _Device, now: int, *, is_historical: bool) -> list[Publication]:
        """Return the values that wait, in messages of which none has two values of a metric with one time."""
        values, device.waiting = device.waiting, []
        messages: list[list[Metric]] = [[]]
        seen: set[tuple[str, int]] = set()
        for one in values:
            if (one.name, one.at_ms) in seen or len(seen) >= MOST_IN_A_MESSAGE:
                messages.append([])
                seen.clear()
            seen.add((one.name, one.at_ms))
            known = device.metrics[one.name]
            if one.at_ms >= known.at_ms:
                known.value, known.at_ms = one.value, one.at_ms
            sent = codec.metric(one.name, one.value, known.datatype, alias=known.alias, timestamp=one.at_ms)
            messages[-1].append(msgspec.structs.replace(sent, name="", datatype=None, is_historical=is_historical))
        return [self._message("DDATA", name, now // NS_PER_MS, *metrics) for metrics in messages if metrics]

    # ---- Births and deaths ----

    def _births(self, now: int) -> list[Publication]:
        """Return the births of the node and of all devices, and what was stored meanwhile."""
        self._seq = 0
        at_ms = now // NS_PER_MS
        number = codec.metric(BD_SEQ, self._bd_seq, Datatype.INT64, timestamp=at_ms)
        rebirth = codec.metric(REBIRTH, False, Datatype.BOOLEAN, timestamp=at_ms)
        found = [self._message("NBIRTH", "", at_ms, number, rebirth)]
        for device in self._devices.values():
            device.is_born = False
        for name, device in self._devices.items():
            if device.is_online:
                found += self._device_birth(name, device, now)
        return found

    def _device_birth(self, name: str, device: _Device, now: int) -> list[Publication]:
        """Return a birth with the newest values, and those before them as historical ones."""
        device.is_born = True
        newest = {one.name: one for one in device.waiting}
        device.waiting = [one for one in device.waiting if newest[one.name] is not one]
        for one in newest.values():
            known = device.metrics[one.name]
            known.value, known.at_ms = one.value, one.at_ms
        metrics = [
            codec.metric(
                each,
                known.value,
                known.datatype,
                alias=known.alias,
                timestamp=known.at_ms or now // NS_PER_MS,
                properties={contract_metrics.UNIT: known.unit} if known.unit else None,
            )
            for each, known in device.metrics.items()
        ]
        birth = self._message("DBIRTH", name, now // NS_PER_MS, *metrics)
        return [birth, *self._data(name, device, now, is_historical=True)]

    def _death(self) -> Publication:
        number = codec.metric(BD_SEQ, self._bd_seq, Datatype.INT64)
        payload = codec.encode(Payload(metrics=(number,)))
        return Publication(topics.build("NDEATH", self._key), payload, qos=1, retain=False)

    def _host_state(self, state: presence.State, now: int) -> list[Publication]:
        """Return the births when the primary host comes, the death when it goes; an older state is none of it."""
        if state.timestamp < self._host_since_ms:
            return []
        self._host_since_ms = state.timestamp
        was_live = self.is_live
        self._host_is_online = state.online
        if self.is_live and not was_live:
            return self._births(now)
        if was_live and not state.online:
            self.must_leave = True
            return self.leaving()
        return []

    # ---- Messages ----

    def _message(self, kind: str, device: str, at_ms: int, *metrics: Metric) -> Publication:
        payload = codec.encode(Payload(timestamp=at_ms, metrics=metrics, seq=self._seq))
        self._seq = (self._seq + 1) % MODULUS
        key = Key(self._key.group, self._key.node, device)
        return Publication(topics.build(kind, key), payload, qos=0, retain=False)

    def _new_alias(self) -> int:
        self._aliases += 1
        return self._aliases


def _name(asset: str) -> str:
    return asset.rpartition("/")[2]


def _is_changed(known: _Known, field: Field) -> bool:
    """Return whether a metric has another type or unit than its birth; a value without a unit has that."""
    return known.datatype is not field.datatype or bool(field.unit and known.unit != field.unit)
