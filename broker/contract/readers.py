"""From the wire to events: a reader for each kind, which checks what the wire types cannot express.

A reader is given the message's parsed topic, its payload as a wire type (`broker.contract.payloads`) and what all
events of the message share, and returns the events or raises `ContractError`.
"""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from unicodedata import category

import msgspec
from msgspec import UNSET

from broker.contract import instants
from broker.contract.entry import Entry
from broker.contract.errors import ContractError, shown
from broker.contract.events import (
    FURTHEST_AHEAD_NS,
    NS_PER_MS,
    STATES,
    AnyEvent,
    Command,
    Notice,
    Reply,
    Sample,
    StateChange,
    Status,
    TimeSource,
    Value,
)
from broker.contract.kinds import TABLE, stored
from broker.contract.lenient.leniency import DeclaredText, never_text, number, quality
from broker.contract.names import is_name
from broker.contract.payloads import (
    NOT_PLAIN,
    AdjustPayload,
    CommandPayload,
    JobPayload,
    MeterPayload,
    Payload,
    Reading,
    ReplyPayload,
    StatePayload,
    StatusPayload,
    TelemetryPayload,
    is_one_line,
)
from broker.contract.topics import Kind, Topic
from broker.contract.units import SUMMED, ucum

LONGEST_TEXT: Final = 256
LONGEST_ID: Final = 64

_NOT_PLAIN: Final = re.compile(rf"[{NOT_PLAIN}\ud800-\udfff]")
"""Surrogates are no characters. The schema need not name them: JSON in UTF-8 cannot hold them alone."""
_ENCODER: Final = msgspec.json.Encoder()


class Stamp(NamedTuple):
    """What all events of one message share, and when it was received (nanoseconds)."""

    asset: str
    at: int
    time_source: TimeSource
    simulated: bool
    received_at: int

    def shared(self) -> dict[str, Any]:
        """Return the fields that all events have."""
        return {"asset": self.asset, "at": self.at, "time_source": self.time_source, "simulated": self.simulated}


def example(kind: Kind) -> str:
    """Return advice on what to send, to end an error text with."""
    return f"send, for example, {next(iter(TABLE[kind].examples.values()))}"


def unit_code(unit: str) -> str:
    """Return the code of a unit that was sent.

    Raises:
        ContractError: it is no plain text.
    """
    if not unit:
        return ""
    _plain("unit", unit)
    return ucum(unit)


def read(topic: Topic, wire: Any, stamp: Stamp, is_text: DeclaredText = never_text) -> list[AnyEvent]:
    """Return the events of a payload; for one of bad quality a notice that there is no value.

    Args:
        topic: of the message.
        wire: its payload.
        stamp: what its events share.
        is_text: whether a signal is declared as text, so that a number that comes as text stays one.

    Raises:
        ContractError: the payload does not fit the kind.
    """
    if not isinstance(wire, Reading) or wire.quality == "good" or quality(wire.quality) != "bad":
        if topic.kind == "telemetry":
            return _telemetry(topic, wire, stamp, is_text)
        return _READERS[topic.kind](topic, wire, stamp)
    notice = _no_value(topic.name or topic.kind, stamp)
    return [StateChange(**stamp.shared(), state="unknown"), notice] if topic.kind == "state" else [notice]


def _telemetry(
    topic: Topic, wire: TelemetryPayload | Value | None, stamp: Stamp, is_text: DeclaredText
) -> list[AnyEvent]:
    if not isinstance(wire, TelemetryPayload):
        return [_sample(_named(topic), wire, "", stamp, is_text)]
    unit, values = unit_code(wire.unit), wire.values
    if values is UNSET:
        if wire.value is UNSET:
            raise ContractError("payload has neither value nor values", example("telemetry"))
        return [_sample(_named(topic), wire.value, unit, stamp, is_text)]
    if wire.value is not UNSET:
        raise ContractError("payload has both value and values", "send one of the two")
    if not values:
        raise ContractError("values is empty", example("telemetry"))
    if isinstance(values, dict):
        return _instant(topic, values, unit, stamp, is_text)
    return _evenly_spaced(topic, values, wire.dt, unit, stamp)


def _instant(
    topic: Topic, values: dict[str, Value | None], unit: str, stamp: Stamp, is_text: DeclaredText
) -> list[AnyEvent]:
    """Several signals of one instant."""
    if topic.name:
        raise ContractError("values is an object, but the topic names one signal", "publish it to …/telemetry")
    for signal in values:
        if not is_name(signal):
            raise ContractError(
                f"signal {shown(signal)} is not a name", "use 1 to 32 of a-z, 0-9 and -, as in spindle-speed"
            )
    return [_sample(signal, value, unit, stamp, is_text) for signal, value in values.items()]


def _evenly_spaced(topic: Topic, values: list[float], dt: float | None, unit: str, stamp: Stamp) -> list[AnyEvent]:
    if dt is None:
        raise ContractError("values is a list, but dt is missing", "send dt, the milliseconds between two of them")
    asset, start, time_source, simulated, _ = stamp
    signal, step_ns = _named(topic), dt * NS_PER_MS
    return [
        Sample(
            asset=asset,
            at=start + round(place * step_ns),
            time_source=time_source,
            simulated=simulated,
            signal=signal,
            value=value,
            unit=unit,
        )
        for place, value in enumerate(values)
    ]


def _named(topic: Topic) -> str:
    if not topic.name:
        raise ContractError("one value needs a signal in its topic", "publish it to …/telemetry/<signal>")
    return topic.name


def _sample(signal: str, value: Value | None, unit: str, stamp: Stamp, is_text: DeclaredText) -> AnyEvent:
    if value is None:
        return _no_value(signal, stamp)
    if isinstance(value, str):
        if value.upper() == "UNAVAILABLE":
            return _no_value(signal, stamp)
        if value.lstrip("+-").lower() in {"nan", "inf", "infinity"}:
            raise ContractError(f"value of {signal} is not a finite number", "leave it out, or send null")
        if len(value) > LONGEST_TEXT:
            raise ContractError(f"text of {len(value)} characters, the limit is {LONGEST_TEXT}", "send a short text")
        if (sent := number(value)) is not None and not is_text(stamp.asset, signal):
            value = sent
    asset, at, time_source, simulated, _ = stamp
    return Sample(
        asset=asset, at=at, time_source=time_source, simulated=simulated, signal=signal, value=value, unit=unit
    )


def _no_value(signal: str, stamp: Stamp) -> Notice:
    return Notice(**stamp.shared(), code=f"bad-{signal}", text=f"{signal} has no good value")


def _state(_: Topic, wire: StatePayload | str, stamp: Stamp) -> list[AnyEvent]:
    word, reason = (wire, "") if isinstance(wire, str) else (wire.state, wire.reason)
    if word not in STATES:
        raise ContractError(f"unknown state {shown(word)}", f"use one of {', '.join(STATES)}")
    if reason and not is_name(reason):
        raise ContractError(
            f"reason {shown(reason)} is not a name", "use 1 to 32 of a-z, 0-9 and -, as in spindle-overheat"
        )
    return [StateChange(**stamp.shared(), state=word, reason=reason)]


def _job(topic: Topic, wire: JobPayload, stamp: Stamp) -> list[AnyEvent]:
    if wire.phase == "start" and not wire.order:
        raise ContractError("a job that starts needs its order", example("job"))
    return _as_it_is(topic, wire, stamp)


def _meter(topic: Topic, wire: MeterPayload | float, stamp: Stamp) -> list[AnyEvent]:
    events = _as_it_is(topic, wire, stamp)
    units = SUMMED.get(topic.name)
    if units is not None and isinstance(wire, MeterPayload) and wire.unit and ucum(wire.unit) not in units:
        raise ContractError(
            f"{topic.name} in {shown(wire.unit)} cannot be added up",
            f"send {', '.join(filter(None, units))}; a meter of another name may have any unit, and is not added up",
        )
    return events


def _status(_: Topic, wire: StatusPayload | str, stamp: Stamp) -> list[AnyEvent]:
    word = wire if isinstance(wire, str) else wire.status
    if word not in {"online", "offline"}:
        raise ContractError(f"unknown status {shown(word)}", "send online or offline")
    return [Status(**stamp.shared(), online=word == "online")]


def _adjust(topic: Topic, wire: AdjustPayload, stamp: Stamp) -> list[AnyEvent]:
    booked = stamp.received_at if wire.booked is None else instants.parse(wire.booked)
    if not instants.EARLIEST <= booked <= stamp.received_at + FURTHEST_AHEAD_NS:
        raise ContractError(
            "booked is more than 5 minutes ahead of its receipt, or centuries ago",
            "set the clock, or leave booked out to have the time of receipt",
        )
    own = msgspec.structs.replace(wire, id=_id(wire.id), booked=instants.format_rfc3339(booked))
    return _as_it_is(topic, own, stamp)


def _command(topic: Topic, wire: CommandPayload, stamp: Stamp) -> list[AnyEvent]:
    return [Command(**stamp.shared(), name=topic.name, id=_id(wire.id), args=_json(wire.args), by=wire.by)]


def _reply(topic: Topic, wire: ReplyPayload, stamp: Stamp) -> list[AnyEvent]:
    return [Reply(**stamp.shared(), name=topic.name, id=_id(wire.id), ok=wire.ok, result=_json(wire.result))]


class _Plan(NamedTuple):
    """How the payload of a kind is converted to its event, field by field.

    Attributes:
        event: the type of the event.
        name: the field that the topic's name becomes, '' where it has none.
        fields: the payload's own fields, which are fields of the event.
        one_line: those that must be plain text on one line.
        one_of: those of which at least one must be there, …
        unless: … but where this field has this value.
        bare: the field of a payload that is not an object.
        has_unit: it has a field for the unit.
    """

    event: Any
    name: str
    fields: tuple[str, ...]
    one_line: tuple[str, ...]
    one_of: tuple[str, ...]
    unless: tuple[str, Any]
    bare: str
    has_unit: bool


def _plan(entry: Entry) -> _Plan:
    own = [field for field in msgspec.structs.fields(entry.payload) if field.name not in Reading.__struct_fields__]
    names = tuple(field.name for field in own)
    one_line = tuple(field.name for field in own if is_one_line(field.type))
    name = "" if entry.topic == "not named" else entry.name
    return _Plan(entry.event, name, names, one_line, entry.one_of, entry.unless, names[0], "unit" in names)


def _as_it_is(topic: Topic, wire: Any, stamp: Stamp) -> list[AnyEvent]:
    """Return the event whose fields are those of the payload."""
    plan = _PLANS[topic.kind]
    fields = stamp.shared()
    if plan.name:
        fields[plan.name] = topic.name
    if isinstance(wire, Payload):
        for field in plan.fields:
            fields[field] = getattr(wire, field)
        for field in plan.one_line:
            _plain(field, fields[field])
        if plan.has_unit and fields["unit"]:
            fields["unit"] = ucum(fields["unit"])
        other, value = plan.unless
        if plan.one_of and fields.get(other) != value and all(fields[field] is None for field in plan.one_of):
            raise ContractError(
                f"{topic.kind} has none of its fields", f"send at least one of {', '.join(plan.one_of)}"
            )
    else:
        fields[plan.bare] = wire
    return [plan.event(**fields)]


def _plain(field: str, text: str) -> None:
    """Check that a text is one line: it is a name in tables and keys."""
    if found := _NOT_PLAIN.search(text):
        sort = "a control" if category(found[0]) == "Cc" else "an invisible"
        raise ContractError(
            f"{field} {shown(text)} has {sort} character, U+{ord(found[0]):04X}", "send one line of plain text"
        )


def _id(given: str | int) -> str:
    text = str(given)
    if not 0 < len(text) <= LONGEST_ID:
        raise ContractError(f"id has {len(text)} characters", f"send an id of 1 to {LONGEST_ID} characters")
    _plain("id", text)
    return text


def _json(value: Any) -> str:
    try:
        return _ENCODER.encode(value).decode()
    except RecursionError as error:
        raise ContractError("payload is nested too deep", "send flatter args or result") from error


_READERS: Final[dict[Kind, Callable[[Topic, Any, Stamp], list[AnyEvent]]]] = {
    **dict.fromkeys((entry.kind for entry in stored()), _as_it_is),
    "state": _state,
    "job": _job,
    "meter": _meter,
    "status": _status,
    "adjust": _adjust,
    "cmd": _command,
    "reply": _reply,
}
"""The reader of each kind that has events: those named here check or change more than the payload's type does."""
_PLANS: Final[dict[Kind, _Plan]] = {entry.kind: _plan(entry) for entry in stored()}
