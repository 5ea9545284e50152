"""The fast path for telemetry: messages of signals that are known already, read without the codec's general steps.

A `SampleReader` learns from messages that the codec has read: of a topic, its asset and signals. From then on it reads
objects of numbers and truth values on that topic in one step. Whatever else comes (a text, a list, a unit that is not
plain, a time that is far off, anything wrong) it leaves to `decode`: it returns the same samples or none at all.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

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
        samples: list[Sample] = []
        return samples if self.read_run([message], 0, samples, 1) else None

    def read_run(self, messages: Sequence[Message], first: int, samples: list[Any], most: int) -> int:
        """Read messages one after the other: in one loop, for a call takes as long as a sample.

        Args:
            messages: of which some are read.
            first: where to begin.
            samples: what is read is appended to it, as `decode` would return it.
            most: it ends with the message with which there are so many samples.

        Returns:
            Where the first message stands that was not read: `decode` has to read it, or there are enough samples.
        """
        topics, units, add = self._topics.get, self._units.get, samples.append
        earliest, latest = -self._retention_ns, FURTHEST_AHEAD_NS
        for place in range(first, len(messages)):
            message = messages[place]
            known, payload = topics(message.topic), message.payload
            if known is None or payload[:1] != b"{" or len(payload) > LONGEST_PAYLOAD:
                return place
            try:
                wire = _DECODE(payload)
                ts, value, unit = wire.ts, wire.value, units(wire.unit)
                at = ts * NS_PER_MS if type(ts) is int else _at(wire, message)
                if unit is None:
                    unit = self._learned_unit(wire.unit)
            except (ValueError, RecursionError):  # ContractError is one of the first
                return place
            if wire.quality != "good" or not earliest <= at - message.received_at <= latest:
                return place
            source: TimeSource = "receipt" if ts is None else "device"
            if known.signal and wire.values is UNSET and (type(value) is float or type(value) is bool):
                add(
                    Sample(
                        asset=known.asset,
                        at=at,
                        time_source=source,
                        simulated=wire.simulated,
                        signal=known.signal,
                        value=value,
                        unit=unit,
                    )
                )
            else:
                several = _several(known, wire, at, source, unit)
                if several is None:
                    return place
                samples += several
            if len(samples) >= most:
                return place + 1
        return len(messages)

    def _learned_unit(self, unit: str) -> str:
        if len(self._units) > _MANY_UNITS:
            self._units.clear()
        code = self._units[unit] = unit_code(unit)
        return code


def _at(wire: TelemetryPayload, message: Message) -> int:
    """Return the time of a message that has none, or not as a whole number.

    Raises:
        ValueError: `decode` has to find it.
    """
    if wire.ts is not None:
        return instant(wire.ts)
    if message.retained or wire.stale:
        raise ValueError("nobody knows how old it is")
    return message.received_at


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
