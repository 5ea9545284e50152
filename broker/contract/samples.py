"""The fast path for telemetry: messages of signals that are known already, read without the codec's general steps.

A `SampleReader` learns from messages that the codec has read: of a topic, its asset and signals. From then on it reads
objects of numbers and truth values on that topic in one step. Whatever else comes (a text, a list, a unit that is not
plain, a time that is far off, anything wrong) it leaves to `decode`: it returns the same samples or none at all.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import UNSET

from broker.contract.device_time import RETENTION_NS, instant
from broker.contract.events import FURTHEST_AHEAD_NS, NS_PER_MS, AnyEvent, Sample, TimeSource
from broker.contract.message import Message
from broker.contract.payloads import TelemetryPayload
from broker.contract.readers import unit_code
from broker.contract.topics import PREFIX, parse
from broker.contract.wire_payload import LONGEST_PAYLOAD

_DECODE: Final = msgspec.json.Decoder(TelemetryPayload).decode
_MANY_UNITS: Final = 1_000


class _Known(msgspec.Struct):
    """What is known of a topic.

    Attributes:
        asset: whose it is.
        signal: which it names; '' for a topic of several.
        signals: those that have come on it.
    """

    asset: str
    signal: str
    signals: set[str]


class SampleReader:
    """Reads the telemetry of topics that it has learned.

    Args:
        prefix: the first levels of every topic, as of `decode`.
        retention_ns: as of `decode`.
    """

    def __init__(self, prefix: str = PREFIX, retention_ns: int = RETENTION_NS) -> None:
        self._prefix = prefix
        self._retention_ns = retention_ns
        self._topics: dict[str, _Known] = {}
        self._units: dict[str, str] = {"": ""}

    def learn(self, topic: str, events: Iterable[AnyEvent]) -> None:
        """Learn from the events that `decode` returned for a message, and that may be stored."""
        for event in events:
            if isinstance(event, Sample):
                known = self._topics.get(topic)
                if known is None:
                    known = self._topics[topic] = _Known(event.asset, parse(topic, self._prefix).name, set())
                known.signals.add(event.signal)

    def read(self, message: Message) -> list[Sample] | None:
        """Return the samples of a message, as `decode` would; None where that has to read it."""
        known = self._topics.get(message.topic)
        payload = message.payload
        if known is None or payload[:1] != b"{" or len(payload) > LONGEST_PAYLOAD:
            return None
        try:
            wire = _DECODE(payload)
            received_at, ts = message.received_at, wire.ts
            if wire.quality != "good" or (ts is None and (message.retained or wire.stale)):
                return None
            source: TimeSource = "device"
            if ts is None:
                at, source = received_at, "receipt"
            else:
                at = ts * NS_PER_MS if type(ts) is int else instant(ts)
                if not -self._retention_ns <= at - received_at <= FURTHEST_AHEAD_NS:
                    return None
            unit = self._units.get(wire.unit)
            if unit is None:
                unit = self._learned_unit(wire.unit)
        except (ValueError, RecursionError):  # ContractError is one of the first
            return None
        value = wire.value
        if known.signal and wire.values is UNSET and (type(value) is float or type(value) is bool):
            return [
                Sample(
                    asset=known.asset,
                    at=at,
                    time_source=source,
                    simulated=wire.simulated,
                    signal=known.signal,
                    value=value,
                    unit=unit,
                )
            ]
        return _several(known, wire, at, source, unit)

    def _learned_unit(self, unit: str) -> str:
        if len(self._units) > _MANY_UNITS:
            self._units = {"": ""}
        code = self._units[unit] = unit_code(unit)
        return code


def _several(known: _Known, wire: TelemetryPayload, at: int, source: TimeSource, unit: str) -> list[Sample] | None:
    """Return the samples of several signals; None where one is not known, or is no number."""
    values = wire.values
    if known.signal or wire.value is not UNSET or not isinstance(values, dict) or not values:
        return None
    if not values.keys() <= known.signals:
        return None
    asset, simulated = known.asset, wire.simulated
    found = [
        Sample(asset=asset, at=at, time_source=source, simulated=simulated, signal=name, value=each, unit=unit)
        for name, each in values.items()
        if type(each) is float or type(each) is bool
    ]
    return found if len(found) == len(values) else None
