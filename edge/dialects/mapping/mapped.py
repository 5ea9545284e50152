"""Mapped: any other JSON or plain values, by a mapping file (`edge.dialects.mapping.mapping_file`).

The first mapping whose topic pattern matches is taken. A state, an order and its fields are reported when they change;
counters are cumulative, as the machine counts; good pieces are those produced less scrap, unless it counts them. What
is marked as bad, or is null, is no value.
"""

from typing import Any, Final

import msgspec

from broker.contract.errors import ContractError, shown
from broker.contract.events import AnyEvent, Job, Meter, State, StateChange, Status
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.counters import CountingDialect
from edge.dialects.dialect import NOTHING, Entry, Setup, Translation
from edge.dialects.mapping import mapping_file
from edge.dialects.mapping.mapping_file import Reading
from edge.dialects.mapping.mapping_items import ABSENT, JOB, Compiled, Item, document_of
from edge.dialects.naming import Names, slug
from edge.dialects.parts import Parts
from edge.dialects.values import UNNAMED, Stamp


class _Machine(msgspec.Struct):
    """What was reported of a machine last."""

    state: tuple[State, str, bool] | None = None
    reason: str = ""
    job: dict[str, Any] = msgspec.field(default_factory=dict)
    reported_job: tuple[Any, ...] = ()


class Mapped(CountingDialect):
    """Devices whose messages the user has described."""

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self._mappings = [Compiled(one) for one in (mapping_file.parse(setup.mapping) if setup.mapping else ())]
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

    def _by(self, each: Compiled, message: Message, names: dict[str, str]) -> Translation:
        parts = Parts()
        for item in each.items(document_of(message.payload), names):
            try:
                stamp = Stamp.of(message, self._asset(each.mapping.machine, item.names), each.time_of(item))
            except ContractError as error:
                parts.reject(item.key or message.topic.rpartition("/")[2], error)
            else:
                self._add(parts, each, stamp, item)
        return parts.translation()

    def _add(self, parts: Parts, each: Compiled, stamp: Stamp, item: Item) -> None:
        for kind, name, reading in each.readings(item):
            parts.add(name, lambda: self._reading(stamp, kind, name, reading, each.find(item, reading.from_)))  # noqa: B023
        parts.add("count", lambda: self._counters.count(stamp, _counted(each, item)))
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
        if found is ABSENT:
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

    def _state(self, stamp: Stamp, each: Compiled, item: Item) -> list[AnyEvent]:
        state = each.mapping.state
        if state is None:
            return []
        machine = self._machines.setdefault(stamp.asset, _Machine())
        sent = each.find(item, state.from_)
        reason = ABSENT if state.reason is None else each.find(item, state.reason)
        if reason is not ABSENT:
            machine.reason = slug(str(reason)) if reason else ""
        if sent is ABSENT:
            if machine.state is None or reason is ABSENT:
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

    def _job(self, stamp: Stamp, each: Compiled, item: Item) -> list[AnyEvent]:
        job = each.mapping.job
        if job is None:
            return []
        machine = self._machines.setdefault(stamp.asset, _Machine())
        known, seen = machine.job, False
        for field in JOB:
            wanted = getattr(job, field)
            if wanted is None:
                continue
            if isinstance(wanted, (int, float)):
                known[field] = float(wanted)
                continue
            reading = Reading(from_=wanted) if isinstance(wanted, str) else wanted
            found = each.find(item, reading.from_)
            if found is ABSENT:
                continue
            seen = True
            is_text = field in {"order", "product"}
            known[field] = (
                ("" if found is None else values.plain(str(found), 64)) if is_text else _scaled(found, reading)
            )
        return _changed_job(stamp, machine, has_order=job.order is not None) if seen else []


def _scaled(found: Any, reading: Reading) -> float | None:
    number = values.number(found)
    return None if number is None else number * reading.scale + reading.offset


def _counted(each: Compiled, item: Item) -> dict[str, float]:
    found = {name: each.find(item, reading.from_) for name, reading in each.counters.items()}
    return {
        name: number
        for name, value in found.items()
        if value is not ABSENT and (number := _scaled(value, each.counters[name])) is not None
    }


def _present(stamp: Stamp, each: Compiled, item: Item) -> list[AnyEvent]:
    status = each.mapping.status
    sent = ABSENT if status is None else each.find(item, status.from_)
    if status is None or sent is ABSENT:
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
