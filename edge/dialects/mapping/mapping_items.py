"""What a mapping finds in a message: its readings, each with the names of its topic and key, its value and its time."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from broker.contract.errors import ContractError
from edge.dialects import values
from edge.dialects.mapping import mapping_file
from edge.dialects.mapping.mapping_file import MessageMapping, Path, Reading, value_at

ABSENT: Final = object()
"""What a reading has none of, where None is that it has no value."""
JOB: Final = ("order", "product", "planned", "ideal_cycle", "ideal_rate")
_MOST_ITEMS: Final = 20_000
_MOST_LEAVES: Final = 1_000
_DEEPEST: Final = 8
_BAD: Final = frozenset({"bad", "false", "0", "uncertain_bad"})


class Item(NamedTuple):
    """One reading of a message: names of topic and key, its key ('' of a document), its value, and its time as sent."""

    names: dict[str, str]
    key: str
    value: Any
    time: Any


class Compiled:
    """A mapping, ready to be used."""

    def __init__(self, mapping: MessageMapping) -> None:
        self.mapping = mapping
        self.topic = mapping_file.pattern(mapping.topic)
        self._key_pattern = mapping_file.pattern(mapping.key_pattern, ".") if mapping.key_pattern else None
        self._each = None if mapping.each is None else mapping_file.path(mapping.each)
        self._key = None if mapping.key is None else mapping_file.path(mapping.key)
        self._value = mapping_file.path(mapping.value)
        self._time = None if mapping.time is None else mapping_file.path(mapping.time)
        self._good = None if mapping.good is None else mapping_file.path(mapping.good)
        self._paths: dict[str, Path] = {}
        self._readings = [
            (kind, name, Reading(from_=reading) if isinstance(reading, str) else reading)
            for kind, readings in (("telemetry", mapping.telemetry), ("meter", mapping.meter))
            for name, reading in readings.items()
        ]
        self.counters = {
            name: Reading(from_=reading) if isinstance(reading, str) else reading
            for name, reading in mapping.count.items()
        }
        state, job = mapping.state, mapping.job
        used = [reading.from_ for _, _, reading in self._readings] + [one.from_ for one in self.counters.values()]
        used += [state.from_, state.reason or ""] if state else []
        used += [str(getattr(job, field)) for field in JOB if isinstance(getattr(job, field), str)] if job else []
        self._used = frozenset(used)
        if not mapping.is_keyed:
            for one in used:
                self._paths[one] = mapping_file.path(one)

    def items(self, document: Any, names: dict[str, str]) -> Iterator[Item]:
        """Yield the readings of a message."""
        if not self.mapping.is_keyed:
            if _is_good(document, self._good):
                yield Item(names, "", document, self._time_in(document, document))
            return
        inner = document if self._each is None else value_at(document, self._each)
        for one in (inner if isinstance(inner, list) else [inner])[:_MOST_ITEMS]:
            key = names.get(mapping_file.TAG) if self._key is None else value_at(one, self._key)
            if not isinstance(key, (str, int)):
                continue
            own = names
            if self._key_pattern is not None:
                found = self._key_pattern.match(str(key))
                if found is None:
                    continue
                own = names | found.groupdict()
                key = own.get(mapping_file.TAG, key)
            value = value_at(one, self._value) if _is_good(one, self._good) else None
            yield Item(own, str(key), value, self._time_in(one, document))

    def find(self, item: Item, wanted: str) -> Any:
        """Return the value of an entry in a reading; absent where the reading has none of it."""
        if self.mapping.is_keyed:
            return item.value if item.key == wanted else ABSENT
        steps = self._paths.get(wanted)
        if steps is None:
            steps = self._paths[wanted] = mapping_file.path(wanted)
        found = value_at(item.value, steps)
        return ABSENT if found is None else found

    def readings(self, item: Item) -> Iterator[tuple[str, str, Reading]]:
        """Yield what is read: telemetry and meters by name, and all others where they are wanted."""
        yield from self._readings
        if not self.mapping.others:
            return
        if self.mapping.is_keyed:
            if item.key not in self._used:
                yield "telemetry", item.key, Reading(from_=item.key)
            return
        own = {self.mapping.time, self.mapping.good}
        for name in list(_leaves(item.value))[:_MOST_LEAVES]:
            if name not in self._used and name not in own:
                yield "telemetry", name, Reading(from_=name)

    def time_of(self, item: Item) -> int | None:
        """Return the time of an item; None where it has none.

        Raises:
            ContractError: what stands there is no time.
        """
        return None if item.time is None else values.instant(item.time)

    def _time_in(self, item: Any, document: Any) -> Any:
        """Return the time of an item, else of its message, as it was sent."""
        if self._time is None:
            return None
        found = value_at(item, self._time)
        return value_at(document, self._time) if found is None else found


def document_of(payload: bytes) -> Any:
    """Return a payload as JSON, or as the text that it is."""
    try:
        return msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        text = values.text(payload)
        if text[:1] in {"{", "["}:
            raise ContractError("payload begins as JSON and is none", "send JSON, or a plain value") from None
        return text


def _is_good(document: Any, good: Path | None) -> bool:
    if good is None:
        return True
    found = value_at(document, good)
    return found is None or str(found).strip().lower() not in _BAD


def _leaves(document: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the paths of all values in objects."""
    if isinstance(document, dict) and depth < _DEEPEST:
        for name, inner in document.items():
            step = f"['{name}']" if not name or set(name) & set(".[]") else f".{name}" if prefix else name
            if "'" not in name:
                yield from _leaves(inner, prefix + step, depth + 1)
    elif not isinstance(document, (dict, list)) and prefix:
        yield prefix
