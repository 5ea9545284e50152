"""Messages to events and back.

`decode` validates a message and returns its events, or raises `ContractError` and nothing else, whatever the bytes.
`encode` is its inverse. Both are pure: time enters as the message's `received_at`.

A message is decoded in three steps: its topic (`broker.contract.topics`), its payload into a wire type
(`broker.contract.payloads`), and the wire type into events (`broker.contract.readers`). A payload that is not of the
strict form is read leniently where its meaning is certain (`broker.contract.lenient.leniency`).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from typing import Any, Final

import msgspec

from broker.contract import instants
from broker.contract.entry import Entry
from broker.contract.errors import ContractError, shown
from broker.contract.events import (
    FURTHEST_AHEAD_NS,
    NS_PER_MS,
    NS_PER_S,
    QUANTITY_LIMIT,
    STATES,
    Adjust,
    AnyEvent,
    Command,
    Event,
    Reply,
    Status,
    TimeSource,
)
from broker.contract.kinds import TABLE, stored
from broker.contract.lenient import foreign, leniency
from broker.contract.lenient.leniency import DeclaredText, never_text
from broker.contract.message import Message
from broker.contract.payloads import QUALITIES, KpiPayload, Payload, RejectedPayload
from broker.contract.readers import Stamp, example, read
from broker.contract.topics import (
    PREFIX,
    REJECTED,
    RETAINED,
    WINDOWS,
    Kind,
    Topic,
    build,
    is_kpi,
    parse,
    parse_kpi,
)

LONGEST_PAYLOAD: Final = 256 * 1024
RETENTION_NS: Final = 30 * 86_400 * NS_PER_S

_BEYOND: Final = re.compile(rf"Expected `float` [<>]= -?{re.escape(str(QUANTITY_LIMIT))}")
_SMALLER: Final = (
    'send it in a larger unit; if it stands for "no value", leave it out, or send "quality":"bad"; if it is a name, '
    "send it as a text"
)
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z", re.ASCII)
_NOT_FINITE: Final = re.compile(r"(?<![\w\"'])[+-]?(nan|inf(inity)?)(?![\w\"'])", re.ASCII | re.IGNORECASE)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+\Z", re.ASCII)
_DECODERS: Final[dict[Kind, msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(entry.wire) for kind, entry in TABLE.items()
}
_REJECTED: Final = msgspec.json.Decoder(RejectedPayload)
_ENCODER: Final = msgspec.json.Encoder()


def decode(
    message: Message,
    *,
    prefix: str = PREFIX,
    retention_ns: int = RETENTION_NS,
    is_text: DeclaredText = never_text,
) -> list[AnyEvent]:
    """Return the events of a message.

    Some valid messages have no events: an empty payload that clears a retained topic, indicators, and rejected
    messages. Of the last two the form is checked: the window exists, the payload decodes, and its window is that of
    the topic. Who published them is checked by the broker.

    Args:
        message: as received; its `received_at` is the time of events whose payload has none.
        prefix: the first levels of every topic.
        retention_ns: events older than this are rejected, since the store would drop them.
        is_text: whether the plant file declares a signal as text: a text that is a number stays a text there.

    Raises:
        ContractError: the message is not of the contract; the text says what is wrong and how to fix it.
    """
    topic = _topic(message.topic, prefix)
    if topic is None:
        _check_our_own(message, prefix)
        return []
    if not message.payload and topic.kind in RETAINED:
        return []
    at, simulated = message.received_at, False
    source: TimeSource = "retained" if message.retained else "receipt"
    try:
        wire = _read(topic.kind, message.payload)
        if isinstance(wire, Payload):
            simulated = wire.simulated
            if wire.ts is not None:
                at = instants.parse(wire.ts) if isinstance(wire.ts, int) else instant(wire.ts)
                source = "device"
                _check_time(at, message.received_at, retention_ns)
            elif wire.stale:
                source = "retained"
        events = read(topic, wire, Stamp(topic.asset, at, source, simulated, message.received_at), is_text)
        if len(events) > 1:
            # The latest, for a message's times never go back.
            _check_time(events[-1].at, message.received_at, retention_ns)
    except ContractError as error:
        raise foreign.explained(error, message.payload) from error
    return events


def decode_kpi(message: Message, *, prefix: str = PREFIX) -> tuple[str, KpiPayload]:
    """Return the asset path, of any level, and its indicators.

    Raises:
        ContractError: the message does not hold indicators.
    """
    topic = parse_kpi(message.topic, prefix)
    if topic.window not in WINDOWS:
        raise _unknown_window(topic.window)
    try:
        payload: KpiPayload = _DECODERS["kpi"].decode(message.payload)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"payload of kpi: {error}", example("kpi")) from error
    if payload.window != topic.window:
        raise ContractError(
            f"payload is of the window {shown(payload.window)}, the topic of {topic.window}",
            "leave kpi to the KPI service",
        )
    return topic.asset, payload


def encode(event: AnyEvent, *, prefix: str = PREFIX) -> Message:
    """Return the message of an event; `decode` returns the event again.

    Its `retained` is whether the message is to be published retained.
    """
    payload = _WRITERS[event.kind](event)
    if event.time_source == "device":
        payload["ts"] = instants.to_wire(event.at)
    elif event.time_source == "retained":
        payload["stale"] = True
    if event.simulated:
        payload["simulated"] = True
    return Message(
        topic=_topic_of(event, prefix),
        payload=_ENCODER.encode(payload),
        retained=event.kind in RETAINED,
        received_at=max(event.at, instants.parse(event.booked)) if isinstance(event, Adjust) else event.at,
    )


def instant(ts: float | str) -> int:
    """Return the nanoseconds of a time; a number may come as text, as other numbers may.

    Raises:
        ContractError: it is neither a number nor RFC 3339.
    """
    sent = leniency.milliseconds(ts) if isinstance(ts, str) else None
    return instants.parse(ts if sent is None else sent)


# ---- Reading ----


@lru_cache(maxsize=65_536)
def _topic(topic: str, prefix: str) -> Topic | None:
    """Parse a topic; None where messages are not of machines."""
    if topic == f"{prefix}/{REJECTED}":
        return None
    if is_kpi(topic, prefix):
        parse_kpi(topic, prefix)
        return None
    parsed = parse(topic, prefix)
    if parsed.kind == "kpi":  # its window is called as a kind, so `is_kpi` takes it for a machine's topic
        raise _unknown_window(parsed.name)
    return parsed


def _unknown_window(window: str) -> ContractError:
    return ContractError(
        f"unknown window {shown(window)}", "leave kpi to the KPI service; a value of your own is telemetry"
    )


def _check_our_own(message: Message, prefix: str) -> None:
    """Check the form of a message on a topic of the services."""
    if not message.payload:
        return
    if message.topic != f"{prefix}/{REJECTED}":
        decode_kpi(message, prefix=prefix)
        return
    try:
        _REJECTED.decode(message.payload)
    except (ValueError, RecursionError) as error:
        raise ContractError(
            f"payload is not that of a rejected message: {error}", "leave this topic to the services"
        ) from error


def _read(kind: Kind, payload: bytes) -> Any:
    """Decode a payload into its wire type; a bare word counts as a JSON string."""
    if len(payload) > LONGEST_PAYLOAD:
        raise ContractError(
            f"payload is {len(payload)} bytes, the limit is {LONGEST_PAYLOAD}", "send less at once, and more often"
        )
    try:
        return _DECODERS[kind].decode(payload)
    except msgspec.ValidationError as error:
        return _read_leniently(kind, payload, error)
    except (ValueError, RecursionError) as error:
        return _read_text(kind, payload, error)


def _read_leniently(kind: Kind, payload: bytes, error: msgspec.ValidationError) -> Any:
    """Return the wire type of JSON that is not of the strict form, if its meaning is certain."""
    try:
        document = msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        raise _invalid(kind, error) from error
    bad = leniency.without_value(kind, document)
    if bad is not None:
        return bad
    changed = leniency.numbers(kind, document)
    if changed is None:
        raise _invalid(kind, error) from error
    try:
        return msgspec.convert(changed, TABLE[kind].wire)
    except (msgspec.ValidationError, RecursionError) as remaining:
        raise _invalid(kind, remaining) from error


def _invalid(kind: Kind, error: Exception) -> ContractError:
    problem = _BEYOND.sub("a number is beyond ±10¹⁵, the limit of every quantity", str(error))
    return ContractError(f"payload of {kind}: {problem}", _hint(kind, problem))


def _hint(kind: Kind, problem: str) -> str:
    if "$.quality" in problem:
        return f"send one of {', '.join(QUALITIES)} as quality, or leave it out"
    if "enum" in problem and kind == "state":
        return f"use one of {', '.join(STATES)}"
    if "beyond" in problem or ("Number out of range" in problem and "$.ts" not in problem):
        return _SMALLER
    if "of length <=" in problem and "$.values" in problem:
        return "send fewer values at once, and more often"
    return example(kind)


def _read_text(kind: Kind, payload: bytes, error: Exception) -> Any:
    """Return a payload that is no JSON as it is, if it is one word or number, or JSON with something around it."""
    sent = leniency.utf8(payload)
    text = leniency.trimmed(sent)
    if not text:
        raise ContractError("payload is empty", example(kind))
    if text != sent:
        return _read(kind, text.encode())
    not_finite = _NOT_FINITE.search(text)
    if not_finite:
        raise ContractError(
            f"{not_finite[0]} is not a finite number", 'leave the sample out, or send null or "quality":"bad"'
        )
    if _DECIMAL_COMMA.match(text):
        raise ContractError(f"{shown(text)} has a decimal comma", "write a decimal point")
    if kind in {"telemetry", "state", "status"} and _WORD.match(text):
        return text
    if leniency.is_number(text) and isfinite(float(text)):
        return _read(kind, str(float(text)).encode())
    if "\0" in text:
        raise ContractError(
            f"payload goes on after a NUL character at byte {len(text.partition(chr(0))[0].encode())}",
            "send as many bytes as the text has, not the whole buffer",
        ) from error
    if isinstance(error, RecursionError):
        raise ContractError("payload is nested too deep", example(kind)) from error
    hint = "JSON wants double quotes: " if "'" in text and '"' not in text else ""
    raise ContractError(f"payload does not parse: {error}", hint + example(kind)) from error


def _check_time(at: int, received_at: int, retention_ns: int) -> None:
    if at > received_at + FURTHEST_AHEAD_NS:
        raise ContractError(
            f"time is {_duration_text(at - received_at)} ahead of its receipt",
            _unit_advice(at, received_at, retention_ns),
        )
    if at < received_at - retention_ns:
        raise ContractError(
            f"time is {_duration_text(received_at - at)} ago, retention is {_duration_text(retention_ns)}",
            _unit_advice(at, received_at, retention_ns),
        )


def _unit_advice(at: int, received_at: int, retention_ns: int) -> str:
    """Return a hint: the unit that the time's size suggests, else to set the clock."""
    sent = at // NS_PER_MS
    for unit, factor in (("seconds", NS_PER_S), ("microseconds", 1_000), ("nanoseconds", 1)):
        if received_at - retention_ns <= sent * factor <= received_at + FURTHEST_AHEAD_NS:
            return f"ts looks like {unit}, send milliseconds since 1970"
    return "set the device's clock, or leave ts out to have the time of receipt"


def _duration_text(ns: int) -> str:
    seconds = ns // NS_PER_S
    for size, unit in ((365 * 86_400, "years"), (86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


# ---- Writing ----


@lru_cache(maxsize=65_536)
def _topic_for(asset: str, kind: Kind, name: str, prefix: str) -> str:
    return build(asset, kind, name, prefix)


def _topic_of(event: AnyEvent, prefix: str) -> str:
    field = _NAME_FIELDS[event.kind]
    return _topic_for(event.asset, event.kind, getattr(event, field) if field else "", prefix)


_COMMON: Final = frozenset(Event.__struct_fields__)
_NAME_FIELDS: Final[dict[Kind, str]] = {
    entry.kind: "" if entry.topic == "not named" else entry.name for entry in stored()
}
"""The field of each kind's events that is in the topic, '' where none is."""


def _own_fields(entry: Entry) -> tuple[tuple[str, object], ...]:
    """Return the fields of a payload, each with the default at which it is left out."""
    assert entry.event is not None
    in_topic = {*_COMMON, _NAME_FIELDS[entry.kind]}
    return tuple(
        (field.name, field.default) for field in msgspec.structs.fields(entry.event) if field.name not in in_topic
    )


_OWN_FIELDS: Final[dict[Kind, tuple[tuple[str, object], ...]]] = {entry.kind: _own_fields(entry) for entry in stored()}


def _filled(event: Event) -> dict[str, Any]:
    """Return an event's own fields for the wire, without those at their default."""
    return {name: value for name, default in _OWN_FIELDS[event.kind] if (value := getattr(event, name)) != default}


def _status(event: Status) -> dict[str, Any]:
    return {"status": "online" if event.online else "offline"}


def _raw(event: Command | Reply) -> dict[str, Any]:
    return {
        name: msgspec.Raw(text.encode()) if name in {"args", "result"} else text
        for name, text in _filled(event).items()
    }


_WRITERS: Final[dict[Kind, Callable[[Any], dict[str, Any]]]] = {
    **dict.fromkeys((entry.kind for entry in stored()), _filled),
    "status": _status,
    "cmd": _raw,
    "reply": _raw,
}
"""The writer of each kind's payload: those named here write more than the event's fields."""
