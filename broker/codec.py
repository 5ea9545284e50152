"""Messages to events and back: the one place that knows how the contract looks on the wire.

`decode` judges a message and returns the events that it means, or raises `ContractError` and nothing else, whatever
the bytes. `encode` is its inverse. Both are pure: time enters as the message's `received_at`.
"""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from broker import instants
from broker.errors import ContractError
from broker.events import (
    COUNTERS,
    NS_PER_MS,
    NS_PER_S,
    STATES,
    AnyEvent,
    Command,
    Count,
    Event,
    Job,
    Labour,
    Material,
    Measurement,
    Meter,
    Notice,
    Reply,
    Sample,
    StateChange,
    Status,
    TimeSource,
    Value,
)
from broker.message import Message
from broker.payloads import (
    PAYLOADS,
    CommandPayload,
    CountPayload,
    EventPayload,
    JobPayload,
    LabourPayload,
    MaterialPayload,
    MeterPayload,
    Payload,
    QualityPayload,
    ReplyPayload,
    StatePayload,
    StatusPayload,
    TelemetryPayload,
)
from broker.topics import PREFIX, RETAINED, Kind, Topic, build, is_name, parse

LONGEST_PAYLOAD: Final = 256 * 1024
FURTHEST_AHEAD_NS: Final = 5 * 60 * NS_PER_S
RETENTION_NS: Final = 30 * 86_400 * NS_PER_S
LONGEST_TEXT: Final = 256

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z", re.ASCII)
_DECODERS: Final[dict[Kind, msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(wire) for kind, wire in PAYLOADS.items()
}
_ENCODER: Final = msgspec.json.Encoder()


class Stamp(NamedTuple):
    """What all events of one message share."""

    asset: str
    at: int
    time_source: TimeSource
    simulated: bool


def decode(message: Message, *, prefix: str = PREFIX, retention_ns: int = RETENTION_NS) -> list[AnyEvent]:
    """Return the events that a message means.

    An empty retained payload, which clears a retained topic, means nothing; the KPI service's own messages do too.

    Args:
        message: as it came; its `received_at` is the time when the payload tells none.
        prefix: what topics begin with.
        retention_ns: events older than this are refused, for the store would drop them.

    Raises:
        ContractError: the message is not of the contract; the text says what is wrong and how to mend it.
    """
    payload = message.payload
    if len(payload) > LONGEST_PAYLOAD:
        raise ContractError(
            f"payload is {len(payload)} bytes, the limit is {LONGEST_PAYLOAD}", "send less at once, or more often"
        )
    topic = _topic(message.topic, prefix)
    if topic.kind == "kpi" or (not payload and topic.kind in RETAINED):
        return []
    wire = _read(topic.kind, payload)
    stamp = _stamp(topic.asset, wire, message, retention_ns)
    try:
        events = _READERS[topic.kind](topic, wire, stamp)
    except OverflowError as error:
        raise ContractError("a number is too large", "send numbers below 1.8e308") from error
    for event in events[1:]:
        _check_time(event.at, message.received_at, retention_ns)
    return events


def encode(event: AnyEvent, *, prefix: str = PREFIX) -> Message:
    """Return the message that means this event; `decode` gives the event back."""
    name = event.series.partition(" ")[0] if event.kind != "event" else ""
    payload = _WRITERS[type(event)](event)
    if event.time_source == "device":
        payload["ts"] = instants.to_wire(event.at)
    if event.simulated:
        payload["simulated"] = True
    return Message(
        topic=build(event.asset, event.kind, name, prefix),
        payload=_ENCODER.encode(payload),
        retained=event.kind in RETAINED,
        received_at=event.at,
    )


# ---- Reading ----


@lru_cache(maxsize=65_536)
def _topic(topic: str, prefix: str) -> Topic:
    return parse(topic, prefix)


def _read(kind: Kind, payload: bytes) -> Any:
    """Parse a payload into its wire type; a bare word counts as a JSON string."""
    try:
        return _DECODERS[kind].decode(payload)
    except msgspec.ValidationError as error:
        raise ContractError(f"payload of {kind}: {error}", _example(kind)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _bare_word(kind, payload, error)


def _bare_word(kind: Kind, payload: bytes, error: Exception) -> str:
    try:
        word = payload.decode("utf-8")
    except UnicodeDecodeError as broken:
        raise ContractError(f"payload is not UTF-8 at byte {broken.start}", "send UTF-8") from error
    if not payload:
        raise ContractError("payload is empty", _example(kind))
    if word.strip().lstrip("+-").lower() in {"nan", "inf", "infinity"}:
        raise ContractError(
            f"{word.strip()[:16]} is not a finite number", 'leave the sample out, or send "quality":"bad"'
        )
    if kind in {"telemetry", "state", "status"} and _WORD.match(word.strip()):
        return word.strip()
    if re.fullmatch(r"[+-]?\d+,\d+", word.strip()):
        raise ContractError(f"{word.strip()[:24]!r} has a decimal comma", "write a decimal point")
    if word.startswith("\ufeff"):
        raise ContractError("payload begins with a byte-order mark", "send UTF-8 without one")
    if isinstance(error, RecursionError):
        raise ContractError("payload is nested too deep", _example(kind)) from error
    raise ContractError(f"payload does not parse: {error}", _example(kind)) from error


def _stamp(asset: str, wire: Any, message: Message, retention_ns: int) -> Stamp:
    if isinstance(wire, Payload):
        if wire.ts is not None:
            try:
                at = instants.parse(wire.ts)
            except OverflowError as error:
                raise ContractError(f"time {wire.ts} is too large", "send milliseconds since 1970") from error
            _check_time(at, message.received_at, retention_ns)
            return Stamp(asset, at, "device", wire.simulated)
        return Stamp(asset, message.received_at, "retained" if message.retained else "receipt", wire.simulated)
    return Stamp(asset, message.received_at, "retained" if message.retained else "receipt", simulated=False)


def _check_time(at: int, received_at: int, retention_ns: int) -> None:
    if at > received_at + FURTHEST_AHEAD_NS:
        raise ContractError(
            f"time is {_span(at - received_at)} ahead of its receipt", _unit_advice(at, received_at, retention_ns)
        )
    if at < received_at - retention_ns:
        raise ContractError(
            f"time is {_span(received_at - at)} ago, retention is {_span(retention_ns)}",
            _unit_advice(at, received_at, retention_ns),
        )


def _unit_advice(at: int, received_at: int, retention_ns: int) -> str:
    """Tell a wrong unit of time by its size, else blame the clock."""
    sent = at // NS_PER_MS
    for unit, factor in (("seconds", NS_PER_S), ("microseconds", 1_000), ("nanoseconds", 1)):
        if received_at - retention_ns <= sent * factor <= received_at + FURTHEST_AHEAD_NS:
            return f"ts looks like {unit}, send milliseconds since 1970"
    return "set the device's clock, or leave ts out to have the time of receipt"


def _span(ns: int) -> str:
    seconds = ns // NS_PER_S
    for size, unit in ((365 * 86_400, "years"), (86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _telemetry(topic: Topic, wire: TelemetryPayload | float | bool | str, stamp: Stamp) -> list[AnyEvent]:
    if not isinstance(wire, TelemetryPayload):
        return [_sample(_named(topic), wire, "", stamp)]
    if wire.quality == "bad":
        signal = topic.name or "telemetry"
        return [Notice(**stamp._asdict(), code=f"bad-{signal}"[:32], text=f"{signal} has no good value")]
    if isinstance(wire.values, dict):
        if topic.name:
            raise ContractError("values is an object, but the topic names one signal", "publish it to …/telemetry")
        if not wire.values:
            raise ContractError("values is empty", _example("telemetry"))
        for signal in wire.values:
            if not is_name(signal):
                raise ContractError(
                    f"signal {signal[:48]!r} is not a name", "use 1 to 32 of a-z, 0-9 and -, as in spindle-speed"
                )
        return [_sample(signal, value, wire.unit, stamp) for signal, value in wire.values.items()]
    if isinstance(wire.values, list):
        if wire.dt is None or not wire.values:
            raise ContractError("values is a list, which needs dt and at least one value", "send dt in milliseconds")
        signal, step_ns = _named(topic), wire.dt * NS_PER_MS
        return [
            _sample(signal, value, wire.unit, stamp._replace(at=stamp.at + round(place * step_ns)))
            for place, value in enumerate(wire.values)
        ]
    if wire.value is None:
        raise ContractError("payload has neither value nor values", _example("telemetry"))
    return [_sample(_named(topic), wire.value, wire.unit, stamp)]


def _named(topic: Topic) -> str:
    if not topic.name:
        raise ContractError("one value needs a signal in its topic", "publish it to …/telemetry/<signal>")
    return topic.name


def _sample(signal: str, value: Value | None, unit: str, stamp: Stamp) -> AnyEvent:
    asset, at, time_source, simulated = stamp
    if value is None or (isinstance(value, str) and value.upper() == "UNAVAILABLE"):
        return Notice(**stamp._asdict(), code=f"bad-{signal}"[:32], text=f"{signal} has no good value")
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise ContractError(f"text of {len(value)} characters, the limit is {LONGEST_TEXT}", "send a short text")
    elif not math.isfinite(value):
        raise ContractError(f"value of {signal} is not finite", 'leave the sample out, or send "quality":"bad"')
    return Sample(
        asset=asset, at=at, time_source=time_source, simulated=simulated, signal=signal, value=value, unit=unit
    )


def _state(_: Topic, wire: StatePayload | str, stamp: Stamp) -> list[AnyEvent]:
    word, reason = (wire, "") if isinstance(wire, str) else (wire.state, wire.reason)
    if word not in STATES:
        raise ContractError(f"unknown state {word[:48]!r}", f"use one of {', '.join(STATES)}")
    return [StateChange(**stamp._asdict(), state=word, reason=reason)]


def _count(_: Topic, wire: CountPayload, stamp: Stamp) -> list[AnyEvent]:
    values = {counter: getattr(wire, counter) for counter in COUNTERS}
    if all(value is None for value in values.values()):
        raise ContractError("count has none of its fields", f"send at least one of {', '.join(COUNTERS)}")
    return [Count(**stamp._asdict(), **values)]


def _job(_: Topic, wire: JobPayload, stamp: Stamp) -> list[AnyEvent]:
    if wire.phase == "start" and not wire.order:
        raise ContractError("a job that starts needs its order", _example("job"))
    return [Job(**stamp._asdict(), **_fields(wire))]


def _meter(topic: Topic, wire: MeterPayload | float, stamp: Stamp) -> list[AnyEvent]:
    total, unit = (wire.total, wire.unit) if isinstance(wire, MeterPayload) else (wire, "")
    if total < 0:
        raise ContractError(f"meter total {total} is below zero", "send what the meter has counted since it was new")
    return [Meter(**stamp._asdict(), name=topic.name, total=total, unit=unit)]


def _quality(topic: Topic, wire: QualityPayload | float, stamp: Stamp) -> list[AnyEvent]:
    fields = _fields(wire) if isinstance(wire, QualityPayload) else {"value": wire}
    return [Measurement(**stamp._asdict(), characteristic=topic.name, **fields)]


def _labour(_: Topic, wire: LabourPayload, stamp: Stamp) -> list[AnyEvent]:
    return [Labour(**stamp._asdict(), **_fields(wire))]


def _material(topic: Topic, wire: MaterialPayload, stamp: Stamp) -> list[AnyEvent]:
    return [Material(**stamp._asdict(), name=topic.name, **_fields(wire))]


def _event(_: Topic, wire: EventPayload, stamp: Stamp) -> list[AnyEvent]:
    return [Notice(**stamp._asdict(), **_fields(wire))]


def _status(_: Topic, wire: StatusPayload | str, stamp: Stamp) -> list[AnyEvent]:
    word = wire if isinstance(wire, str) else wire.status
    if word not in {"online", "offline"}:
        raise ContractError(f"unknown status {word[:48]!r}", "send online or offline")
    return [Status(**stamp._asdict(), online=word == "online")]


def _command(topic: Topic, wire: CommandPayload, stamp: Stamp) -> list[AnyEvent]:
    return [Command(**stamp._asdict(), name=topic.name, id=_id(wire.id), args=_json(wire.args), by=wire.by)]


def _reply(topic: Topic, wire: ReplyPayload, stamp: Stamp) -> list[AnyEvent]:
    return [Reply(**stamp._asdict(), name=topic.name, id=_id(wire.id), ok=wire.ok, result=_json(wire.result))]


_READERS: Final[dict[Kind, Callable[[Topic, Any, Stamp], list[AnyEvent]]]] = {
    "telemetry": _telemetry,
    "state": _state,
    "count": _count,
    "job": _job,
    "meter": _meter,
    "quality": _quality,
    "labour": _labour,
    "material": _material,
    "event": _event,
    "status": _status,
    "cmd": _command,
    "reply": _reply,
}


def _fields(wire: Payload) -> dict[str, Any]:
    """Return a payload's own fields, by name."""
    return {name: getattr(wire, name) for name in wire.__struct_fields__ if name not in {"ts", "simulated"}}


def _id(given: str | int) -> str:
    text = str(given)
    if not text or len(text) > 64:
        raise ContractError(f"id of {len(text)} characters", "send an id of 1 to 64 characters")
    return text


def _json(value: Any) -> str:
    return _ENCODER.encode(value).decode()


_EXAMPLES: Final[dict[Kind, str]] = {
    "telemetry": '21.5 or {"value":21.5,"unit":"Cel"}',
    "state": 'running or {"state":"down","reason":"spindle-overheat"}',
    "count": '{"produced":812,"good":801,"scrap":9}',
    "job": '{"phase":"start","order":"wo-1042","product":"bracket-7","ideal_cycle":42.0}',
    "meter": '{"total":5123.4,"unit":"kW.h"}',
    "quality": '{"value":12.013,"lower":11.98,"upper":12.02}',
    "labour": '{"present":3,"working":2}',
    "material": '{"consumed":12.5,"stock":80,"unit":"kg"}',
    "event": '{"code":"e-204","severity":"alarm","text":"door open"}',
    "status": "online or offline",
    "cmd": '{"id":"1","args":{}}',
    "reply": '{"id":"1","ok":true}',
    "kpi": "the KPI service publishes these",
}


def _example(kind: Kind) -> str:
    return f"send, for example, {_EXAMPLES[kind]}"


# ---- Writing ----


def _filled(event: Event, *left_out: str) -> dict[str, Any]:
    """Return an event's own fields for the wire, without those at their default."""
    common = {"asset", "at", "time_source", "simulated", *left_out}
    defaults = dict(zip(event.__struct_fields__[::-1], event.__struct_defaults__[::-1], strict=False))
    return {
        name: value
        for name in event.__struct_fields__
        if name not in common and (value := getattr(event, name)) != defaults.get(name, msgspec.NODEFAULT)
    }


def _raw(event: Command | Reply) -> dict[str, Any]:
    fields = _filled(event, "name")
    return {name: msgspec.Raw(text.encode()) if name in {"args", "result"} else text for name, text in fields.items()}


_WRITERS: Final[dict[type[Event], Callable[[Any], dict[str, Any]]]] = {
    Sample: lambda event: _filled(event, "signal"),
    StateChange: _filled,
    Count: _filled,
    Job: _filled,
    Meter: lambda event: _filled(event, "name"),
    Measurement: lambda event: _filled(event, "characteristic"),
    Labour: _filled,
    Material: lambda event: _filled(event, "name"),
    Notice: _filled,
    Status: lambda event: {"status": "online" if event.online else "offline"},
    Command: _raw,
    Reply: _raw,
}
