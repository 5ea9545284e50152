"""The fast path for telemetry: messages of signals that are known already, read without the codec's general steps.

A `SampleReader` learns from messages that the codec has read: of a topic, its asset and signals. From then on it reads
objects of numbers and truth values on that topic in one step. Whatever else comes (a text, a list, a unit that is not
plain, a time that is far off, anything wrong) it leaves to `decode`: it has the same samples or none at all. What it
reads becomes no object for each sample: `Samples` has times and values in lists, a signal at a time, as a store writes
them.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, cast

import msgspec
from msgspec import UNSET

from broker.contract.device_time import RETENTION_NS, instant
from broker.contract.events import FURTHEST_AHEAD_NS, NS_PER_MS, AnyEvent, Sample
from broker.contract.message import Message
from broker.contract.payloads import TelemetryPayload
from broker.contract.readers import unit_code
from broker.contract.topics import PREFIX, parse
from broker.contract.wire_payload import LONGEST_PAYLOAD

_DECODE: Final = msgspec.json.Decoder(TelemetryPayload).decode
_PLAIN: Final = frozenset({float, bool})
_MANY_UNITS: Final = 1_000


class Run(msgspec.Struct, gc=False):
    """Samples of a signal, one after the other, alike in their unit and in whether they are simulated.

    Attributes:
        unit: as of `Sample`.
        sent_unit: the unit as the messages have it; None where only the codec knows.
        turns: `times` and `values` by turns, in one list: where many signals have few samples, making lists is what
            costs.
    """

    asset: str
    signal: str
    unit: str
    simulated: bool
    sent_unit: str | None
    turns: list[float | str]

    @property
    def times(self) -> list[int]:
        """When each was so, nanoseconds since 1970-01-01 UTC."""
        return cast("list[int]", self.turns[::2])

    @property
    def values(self) -> list[float | str]:
        """The value of each; a truth value is 1 or 0."""
        return self.turns[1::2]

    def __len__(self) -> int:
        return len(self.turns) // 2

    def __iter__(self) -> Iterator[Sample]:
        """Yield them as events."""
        asset, signal, unit, simulated = self.asset, self.signal, self.unit, self.simulated
        for at, value in zip(self.times, self.values, strict=True):
            yield Sample(asset=asset, at=at, simulated=simulated, signal=signal, value=value, unit=unit)


class Samples:
    """The samples of some messages, by signal; those of a signal are in the order in which they came.

    Attributes:
        runs: what they are made of; none is empty.
        newest: of each signal, by its `key`, the last of its runs.
        count: how many samples there are.
    """

    __slots__ = ("count", "newest", "runs")

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.newest: dict[str, Run] = {}
        self.count = 0

    @staticmethod
    def key(asset: str, signal: str) -> str:
        """Return what a signal is found by: one text, for that is found fastest."""
        return f"{asset}\n{signal}"

    def begin(self, key: str, run: Run) -> None:
        """Add a run, of which there may be more samples."""
        self.runs.append(run)
        self.newest[key] = run

    def add(self, sample: Sample) -> None:
        """Add a sample that the codec has read."""
        at, value = sample.at, sample.value if isinstance(sample.value, str) else float(sample.value)
        key = self.key(sample.asset, sample.signal)
        run = self.newest.get(key)
        if run is not None and run.unit == sample.unit and run.simulated is sample.simulated:
            run.turns += (at, value)
        else:
            self.begin(key, Run(sample.asset, sample.signal, sample.unit, sample.simulated, None, [at, value]))
        self.count += 1


class _Known(msgspec.Struct):
    """What is known of a topic.

    Attributes:
        asset: whose it is.
        signal: which it names; '' for a topic of several.
        key: that of `signal`.
        keys: those of the signals that have come on it.
    """

    asset: str
    signal: str
    key: str
    keys: dict[str, str]


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
            if isinstance(event, Sample) and type(event.value) is not str:
                known = self._topics.get(topic)
                if known is None:
                    signal = parse(topic, self._prefix).name
                    key = Samples.key(event.asset, signal)
                    known = self._topics[topic] = _Known(event.asset, signal, key, {})
                if event.signal not in known.keys:
                    known.keys[event.signal] = Samples.key(event.asset, event.signal)

    def read_run(self, messages: Sequence[Message], first: int, samples: Samples, most: int) -> int:
        """Read messages one after the other: in one loop, for a call takes as long as a sample.

        Args:
            messages: of which some are read.
            first: where to begin.
            samples: what is read is added to it, as `decode` would return it.
            most: it ends with the message with which there are so many samples.

        Returns:
            Where the first message stands that was not read: `decode` has to read it, or there are enough samples.
        """
        topics, runs, newest = self._topics.get, samples.newest, samples.newest.get
        add = samples.runs.append
        earliest, latest = -self._retention_ns, FURTHEST_AHEAD_NS
        enough = first + most - samples.count
        end, more = max(first, min(enough, len(messages))), 0
        try:
            for place in range(first, end):
                message = messages[place]
                known, payload = topics(message.topic), message.payload
                if known is None or not 0 < len(payload) <= LONGEST_PAYLOAD or payload[0] != 0x7B:
                    break
                wire = _DECODE(payload)
                ts, value = wire.ts, wire.value
                at = ts * NS_PER_MS if type(ts) is int else _at(wire, message)
                if wire.quality != "good" or not earliest <= at - message.received_at <= latest:
                    break
                if type(value) is float and known.signal and wire.values is UNSET:
                    run = newest(known.key)
                    sent, simulated = wire.unit, wire.simulated
                    if run is not None and run.sent_unit == sent and run.simulated is simulated:
                        turns = run.turns
                        turns.append(at)
                        turns.append(value)
                    else:
                        unit = self._unit(sent)
                        run = runs[known.key] = Run(known.asset, known.signal, unit, simulated, sent, [at, value])
                        add(run)
                else:
                    more += self._read_others(samples, known, wire, at) - 1
                    if place + 1 + more >= enough:
                        place += 1  # noqa: PLW2901  (it is read, and the last)
                        break
            else:
                place = end
        except (ValueError, RecursionError):  # ContractError is one of the first
            pass
        samples.count += place - first + more
        return place

    def _read_others(self, samples: Samples, known: _Known, wire: TelemetryPayload, at: int) -> int:
        """Read a truth value, or the values of several signals; return how many.

        Raises:
            ValueError: `decode` has to read it; nothing of it was added.
        """
        unit, sent, simulated = self._unit(wire.unit), wire.unit, wire.simulated
        asset, keys, runs, newest = known.asset, known.keys, samples.newest, samples.newest.get
        add = samples.runs.append
        values = _others(known, wire)
        for name, value in values.items():
            key = keys[name]
            run = newest(key)
            if run is not None and run.sent_unit == sent and run.simulated is simulated:
                turns = run.turns
                turns.append(at)
                turns.append(value)
            else:
                run = runs[key] = Run(asset, name, unit, simulated, sent, [at, value])
                add(run)
        return len(values)

    def _unit(self, sent: str) -> str:
        """Return the code of a unit.

        Raises:
            ContractError: it is not plain.
        """
        code = self._units.get(sent)
        if code is None:
            if len(self._units) > _MANY_UNITS:
                self._units.clear()
            code = self._units[sent] = unit_code(sent)
        return code


def _others(known: _Known, wire: TelemetryPayload) -> dict[str, float]:
    """Return the truth value of a topic's signal, or the numbers of several known signals.

    Raises:
        ValueError: `decode` has to read it.
    """
    value, values = wire.value, wire.values
    if known.signal and values is UNSET and type(value) is bool:
        return {known.signal: float(value)}
    if known.signal or value is not UNSET or not isinstance(values, dict) or not values:
        raise ValueError("it has no plain values")
    if not values.keys() <= known.keys.keys():
        raise ValueError("a signal is not known")
    types = set(map(type, values.values()))
    if not types <= _PLAIN:
        raise ValueError("a value is no number")
    plain = cast("dict[str, float]", values)
    return {name: float(each) for name, each in plain.items()} if bool in types else plain


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
