"""Mapped: any other JSON or plain values, by a mapping file (`edge.dialects.mapping_file`).

The first mapping whose topic pattern matches is taken. A state, an order and its fields are reported when they change;
counters are cumulative, as the machine counts. Where a value is marked as bad, or is null, there is no value.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from broker.contract.errors import ContractError, shown
from broker.contract.events import AnyEvent, Count, Job, Meter, State, StateChange, Status
from broker.contract.message import Message
from edge.dialects import mapping_file, values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.mapping_file import MessageMapping, Path, Reading, value_at
from edge.dialects.naming import Names, slug
from edge.dialects.parts import Parts
from edge.dialects.values import UNNAMED, Stamp

_MOST_ITEMS: Final = 20_000
_MOST_LEAVES: Final = 1_000
_DEEPEST: Final = 8
_ABSENT: Final = object()
_JOB: Final = ("order", "product", "planned", "ideal_cycle", "ideal_rate")
_BAD: Final = frozenset({"bad", "false", "0", "uncertain_bad"})


class _Item(NamedTuple):
    """One reading of a message: names of topic and key, its key ('' of a document), its value, and its time as sent."""

    names: dict[str, str]
    key: str
    value: Any
    time: Any


class _Machine(msgspec.Struct):
    """What was reported of a machine last."""

    state: tuple[State, str, bool] | None = None
    reason: str = ""
    job: dict[str, Any] = msgspec.field(default_factory=dict)
    reported_job: tuple[Any, ...] = ()


class Mapped(Dialect):
    """Devices whose messages the user has described."""

    def __init__(self, setup: Setup) -> None:
        self._mappings = [_Compiled(one) for one in (mapping_file.parse(setup.mapping) if setup.mapping else ())]
        self.filters = tuple(dict.fromkeys(mapping_file.topic_filter(each.mapping.topic) for each in self._mappings))
        self._names = Names()
        self._machines: dict[str, _Machine] = {}

    def translate(self, message: Message) -> Translation:
        """Translate a message by the first mapping of its topic."""
        for each in self._mappings:
            found = each.topic.match(message.topic)
            if found is not None:
                return self._by(each, message, found.groupdict())
        return NOTHING

    def _by(self, each: "_Compiled", message: Message, names: dict[str, str]) -> Translation:
        parts = Parts()
        for item in each.items(_document(message.payload), names):
            try:
                stamp = Stamp.of(message, self._asset(each.mapping.machine, item.names), each.time_of(item))
            except ContractError as error:
                parts.reject(item.key or message.topic.rpartition("/")[2], error)
            else:
                self._add(parts, each, stamp, item)
        return parts.translation()

    def _add(self, parts: Parts, each: "_Compiled", stamp: Stamp, item: _Item) -> None:
        for kind, name, reading in each.readings(item):
            parts.add(name, lambda: self._reading(stamp, kind, name, reading, each.find(item, reading.from_)))  # noqa: B023
        parts.add("count", lambda: _counted(stamp, each, item))
        parts.add("state", lambda: self._state(stamp, each, item))
        parts.add("job", lambda: self._job(stamp, each, item))
        parts.add("status", lambda: _present(stamp, each, item))

    def _asset(self, template: str, names: dict[str, str]) -> str:
        levels: list[str] = []
        for level in template.split("/"):
            scope = f"level {'/'.join(levels)}"
            levels.append(self._names.name(mapping_file.filled(level, names), scope))
        return "/".join(levels)

    def _reading(self, stamp: Stamp, kind: str, name: str, reading: Reading, found: Any) -> list[AnyEvent]:
        if found is _ABSENT:
            return []
        if kind == "telemetry":
            signal = self._names.name(name, stamp.asset)
            if reading.scale == 1.0 and reading.offset == 0.0:
                return stamp.sample(signal, found, reading.unit)
            return stamp.sample(signal, _scaled(found, reading), reading.unit)
        total = _scaled(found, reading)
        meter = self._names.name(name, f"{stamp.asset} meter")
        if total is None:
            return []
        if values.unit_code(reading.unit) in values.ENERGY:
            return stamp.energy(total, reading.unit, meter)
        return [Meter(**stamp.shared(), name=meter, total=total, unit=values.unit_code(reading.unit))]

    def _state(self, stamp: Stamp, each: "_Compiled", item: _Item) -> list[AnyEvent]:
        state = each.mapping.state
        if state is None:
            return []
        machine = self._machines.setdefault(stamp.asset, _Machine())
        sent = each.find(item, state.from_)
        reason = _ABSENT if state.reason is None else each.find(item, state.reason)
        if reason is not _ABSENT:
            machine.reason = slug(str(reason)) if reason else ""
        if sent is _ABSENT:
            if machine.state is None or reason is _ABSENT:
                return []
            found = machine.state[0]
        else:
            found = _state_of(sent, state)
        is_running = found == "running"
        now = (found, "" if is_running else machine.reason, stamp.source == "retained")
        if now == machine.state or (machine.state is not None and now[2] and not machine.state[2]):
            return []
        machine.state = now
        return [StateChange(**stamp.shared(), state=now[0], reason=now[1])]

    def _job(self, stamp: Stamp, each: "_Compiled", item: _Item) -> list[AnyEvent]:
        job = each.mapping.job
        if job is None:
            return []
        machine = self._machines.setdefault(stamp.asset, _Machine())
        known, seen = machine.job, False
        for field in _JOB:
            wanted = getattr(job, field)
            if wanted is None:
                continue
            if isinstance(wanted, (int, float)):
                known[field] = float(wanted)
                continue
            reading = Reading(from_=wanted) if isinstance(wanted, str) else wanted
            found = each.find(item, reading.from_)
            if found is _ABSENT:
                continue
            seen = True
            is_text = field in {"order", "product"}
            known[field] = (
                ("" if found is None else values.plain(str(found), 64)) if is_text else _scaled(found, reading)
            )
        return _changed_job(stamp, machine, has_order=job.order is not None) if seen else []


class _Compiled:
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
        used += [str(getattr(job, field)) for field in _JOB if isinstance(getattr(job, field), str)] if job else []
        self._used = frozenset(used)
        if not mapping.is_keyed:
            for one in used:
                self._paths[one] = mapping_file.path(one)

    def items(self, document: Any, names: dict[str, str]) -> Iterator[_Item]:
        """Yield the readings of a message."""
        if not self.mapping.is_keyed:
            if _is_good(document, self._good):
                yield _Item(names, "", document, self._time_in(document, document))
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
            yield _Item(own, str(key), value, self._time_in(one, document))

    def find(self, item: _Item, wanted: str) -> Any:
        """Return the value of an entry in a reading; absent where the reading has none of it."""
        if self.mapping.is_keyed:
            return item.value if item.key == wanted else _ABSENT
        steps = self._paths.get(wanted)
        if steps is None:
            steps = self._paths[wanted] = mapping_file.path(wanted)
        found = value_at(item.value, steps)
        return _ABSENT if found is None else found

    def readings(self, item: _Item) -> Iterator[tuple[str, str, Reading]]:
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

    def time_of(self, item: _Item) -> int | None:
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


def _document(payload: bytes) -> Any:
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


def _scaled(found: Any, reading: Reading) -> float | None:
    number = values.number(found)
    return None if number is None else number * reading.scale + reading.offset


def _leaves(document: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the paths of all values in objects."""
    if isinstance(document, dict) and depth < _DEEPEST:
        for name, inner in document.items():
            step = f"['{name}']" if not name or set(name) & set(".[]") else f".{name}" if prefix else name
            if "'" not in name:
                yield from _leaves(inner, prefix + step, depth + 1)
    elif not isinstance(document, (dict, list)) and prefix:
        yield prefix


def _counted(stamp: Stamp, each: _Compiled, item: _Item) -> list[AnyEvent]:
    found = {name: each.find(item, reading.from_) for name, reading in each.counters.items()}
    known: dict[str, Any] = {
        name: number
        for name, value in found.items()
        if value is not _ABSENT and (number := _scaled(value, each.counters[name])) is not None
    }
    return [Count(**stamp.shared(), **known)] if known else []


def _present(stamp: Stamp, each: _Compiled, item: _Item) -> list[AnyEvent]:
    status = each.mapping.status
    sent = _ABSENT if status is None else each.find(item, status.from_)
    if status is None or sent is _ABSENT:
        return []
    online = {status.online: True, status.offline: False}.get(_word(sent))
    return [] if online is None else [Status(**stamp.shared(), online=online)]


def _state_of(sent: Any, state: mapping_file.StateReading) -> State:
    if sent is None:
        return "unknown"
    found = state.values.get(_word(sent), state.otherwise)
    if found is None:
        raise ContractError(f"{shown(_word(sent))} is not in values", "add it to [message.state], or otherwise")
    return found


def _word(sent: Any) -> str:
    """Return a value as a mapping file writes it."""
    if isinstance(sent, bool):
        return "true" if sent else "false"
    if isinstance(sent, float) and sent.is_integer() and abs(sent) < 1e15:
        return str(int(sent))
    return str(sent).strip()


def _changed_job(stamp: Stamp, machine: _Machine, *, has_order: bool) -> list[AnyEvent]:
    """Return the order if it or one of its fields changed; without an order it is over."""
    job = machine.job
    order = str(job.get("order", ""))
    cycle, rate = job.get("ideal_cycle"), job.get("ideal_rate")
    if cycle is None and rate:
        cycle = 60 / rate
    now = (order, str(job.get("product", "")), job.get("planned"), cycle or None)
    before, machine.reported_job = machine.reported_job, now
    if now == before or (has_order and "order" not in job):
        return []
    if has_order and not order:
        is_over = bool(before) and before[0] != ""
        return [Job(**stamp.shared(), phase="end", order=str(before[0]))] if is_over else []
    return [
        Job(**stamp.shared(), phase="start", order=order or UNNAMED, product=now[1], planned=now[2], ideal_cycle=now[3])
    ]


DIALECT: Final = Entry(
    "mapped",
    "Any JSON or plain values, by a mapping file",
    Mapped,
    loses=("Counts that are increments rather than totals.", "Values that are computed from several others."),
    seen=("Kepware's IoT Gateway 6", "Siemens Industrial Edge, Databus of 2023"),
    details=mapping_file.__doc__ or "",
    device="""\
1. Nothing: what it publishes is described in a file. `./corridor map suggest --broker URL --out first.toml`
   writes a first one.
2. Try it on a message: `./corridor map try first.toml TOPIC PAYLOAD`.
3. Give it to the gateway with `--mapping first.toml`.
""",
)
