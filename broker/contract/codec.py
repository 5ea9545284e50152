"""Messages to events and back.

`decode` validates a message and returns its events, or raises `ContractError` and nothing else, whatever the bytes.
`encode` is its inverse. Both are pure: time enters as the message's `received_at`.

A message is decoded in three steps: its topic (`broker.contract.topics`), its payload into a wire type
(`broker.contract.wire_payload`), and the wire type into events (`broker.contract.readers`).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

from broker.contract import instants
from broker.contract.device_time import RETENTION_NS, check_time, instant
from broker.contract.entry import Entry
from broker.contract.errors import ContractError, shown
from broker.contract.events import (
    Adjust,
    AnyEvent,
    Command,
    Event,
    Reply,
    Status,
    TimeSource,
)
from broker.contract.kinds import stored
from broker.contract.lenient import foreign
from broker.contract.lenient.leniency import DeclaredText, never_text
from broker.contract.message import Message
from broker.contract.payloads import KpiPayload, Payload, RejectedPayload
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
from broker.contract.wire_payload import read_payload

_KPI: Final = msgspec.json.Decoder(KpiPayload)
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
        wire = read_payload(topic.kind, message.payload)
        if isinstance(wire, Payload):
            simulated = wire.simulated
            if wire.ts is not None:
                at = instants.parse(wire.ts) if isinstance(wire.ts, int) else instant(wire.ts)
                source = "device"
                check_time(at, message.received_at, retention_ns)
            elif wire.stale:
                source = "retained"
        events = read(topic, wire, Stamp(topic.asset, at, source, simulated, message.received_at), is_text)
        if len(events) > 1:
            # The latest, for a message's times never go back.
            check_time(events[-1].at, message.received_at, retention_ns)
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
        payload: KpiPayload = _KPI.decode(message.payload)
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
