"""What messages mean, in words for people and as JSON for programs."""

from collections.abc import Sequence
from typing import Any

import msgspec

from broker.contract import codec, instants, topics
from broker.contract.errors import ContractError
from broker.contract.events import (
    COUNTERS,
    NS_PER_S,
    Adjust,
    AnyEvent,
    Command,
    Count,
    Job,
    Labour,
    Material,
    Measurement,
    Meter,
    Notice,
    Part,
    Reply,
    Sample,
    StateChange,
    Status,
)
from broker.contract.lenient.leniency import DeclaredText, never_text
from broker.contract.message import Message
from broker.contract.payloads import MATERIALS, KpiPayload
from broker.contract.topics import PREFIX, REJECTED
from cli.invocation.plain import plain
from cli.messages import remarks
from services.ledger import bookings

MOST_SIGNALS = 8
SHOWN_INDICATORS = ("oee", "availability", "effectiveness", "quality_ratio")


class Meaning(msgspec.Struct, frozen=True):
    """A validated message.

    Attributes:
        asset: whose it is; the topic where that is not known.
        at: when it was so, nanoseconds since 1970-01-01 UTC.
        kind: of the contract, `cleared`, `refused` (not of the contract), or `rejected` (a service's report of one).
        words: what it means, or what is wrong and how to fix it.
        events: what it means, for programs.
        problem: why it is rejected; '' if it is not.
        hint: how to fix that.
        understood: what was read leniently, a sentence each.
        warnings: what seems wrong in what was accepted, a sentence each.
    """

    asset: str
    at: int
    kind: str
    words: str
    events: tuple[AnyEvent, ...] = ()
    problem: str = ""
    hint: str = ""
    understood: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def remarked(message: Message, is_text: DeclaredText = never_text) -> Meaning:
    """Return what a message means, with what was understood leniently and what seems wrong."""
    meaning = read(message, is_text)
    if not meaning.events:
        return meaning
    return msgspec.structs.replace(
        meaning,
        understood=tuple(map(plain, remarks.understood(message, is_text))),
        warnings=tuple(map(plain, remarks.warnings(message, meaning.events, is_text))),
    )


def read(message: Message, is_text: DeclaredText = never_text) -> Meaning:
    """Return what a message means."""
    try:
        if message.topic == f"{PREFIX}/{REJECTED}":
            return _rejected(message)
        if topics.is_kpi(message.topic) and message.payload:
            asset, kpi = codec.decode_kpi(message)
            return Meaning(asset, message.received_at, f"kpi/{kpi.window}", indicators_in_words(kpi))
        events = codec.decode(message, is_text=is_text)
    except ContractError as error:
        return Meaning(
            message.topic, message.received_at, "refused", plain(str(error)), problem=error.problem, hint=error.hint
        )
    if not events:
        return Meaning(message.topic, message.received_at, "cleared", "the retained message is cleared")
    return Meaning(events[0].asset, events[0].at, events[0].kind, in_words(events), tuple(events))


def as_json(message: Message, meaning: Meaning) -> dict[str, Any]:
    """Return a validated message as one JSON document."""
    document: dict[str, Any] = {
        "received_at": instants.format_rfc3339(message.received_at),
        "topic": message.topic,
        "retained": message.retained,
        "ok": not meaning.problem,
        "kind": meaning.kind,
        "words": meaning.words,
        "events": [_event(event) for event in meaning.events],
    }
    if meaning.problem:
        document |= {"problem": meaning.problem, "cure": meaning.hint}
    if meaning.understood:
        document["understood"] = meaning.understood
    if meaning.warnings:
        document["warnings"] = meaning.warnings
    return document


def in_words(events: Sequence[AnyEvent]) -> str:
    """Return in one line what the events of one message mean."""
    samples = [event for event in events if isinstance(event, Sample)]
    if len(samples) > 1 and samples[0].signal == samples[-1].signal:
        return _series(samples)
    text = ", ".join(plain(_words(event)) for event in events[:MOST_SIGNALS])
    return text if len(events) <= MOST_SIGNALS else f"{text} and {len(events) - MOST_SIGNALS} more"


def indicators_in_words(kpi: KpiPayload) -> str:
    """Return the best known of the indicators in one line."""
    shown = {name: kpi.indicators.get(name) for name in SHOWN_INDICATORS}
    return ", ".join(
        f"{name.replace('_', ' ')} {'–' if value is None else f'{value:.1%}'}" for name, value in shown.items()
    )


def _words(event: AnyEvent) -> str:  # noqa: PLR0911, PLR0912  (one a kind)
    match event:
        case Sample():
            return f"{event.signal} {_amount(event.value, event.unit)}"
        case StateChange():
            return f"{event.state} ({event.reason})" if event.reason else event.state
        case Count():
            return _quantities(event, COUNTERS)
        case Job():
            return _job(event)
        case Meter():
            return f"{event.name} {_amount(event.total, event.unit)}"
        case Measurement():
            return _measurement(event)
        case Part():
            return _part(event)
        case Labour():
            return f"{event.present:g} present" + ("" if event.working is None else f", {event.working:g} working")
        case Material():
            return f"{event.name} {_quantities(event, MATERIALS)} {event.unit}".rstrip()
        case Notice():
            text = f": {event.text}" if event.text else ""
            return f"{event.severity} {event.code} {'raised' if event.active else 'cleared'}{text}"
        case Status():
            return "online" if event.online else "offline"
        case Adjust():
            return bookings.in_words(event)
        case Command() | Reply():
            return _call(event)


def _call(event: Command | Reply) -> str:
    if isinstance(event, Command):
        return f"{event.name} {event.args} (call {event.id})"
    result = "" if event.result == "null" else f" {event.result}"
    return f"{event.name} {'done' if event.ok else 'failed'}{result} (call {event.id})"


def _amount(value: float | bool | str, unit: str) -> str:
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else repr(value)
    return f"{value:.10g} {unit}".rstrip()


def _quantities(event: AnyEvent, fields: Sequence[str]) -> str:
    reported = {field: getattr(event, field) for field in fields}
    return ", ".join(
        f"{field.replace('_', ' ')} {value:.10g}" for field, value in reported.items() if value is not None
    )


def _part(event: Part) -> str:
    text = f"part {event.part}" + (f" {event.result}" if event.result else "")
    if event.seconds is not None:
        text += f" after {event.seconds:g} s"
    named = {"of batch": event.material, "made from": event.source, "into batch": event.batch}
    return ", ".join([text, *(f"{words} {name}" for words, name in named.items() if name)])


def _job(event: Job) -> str:
    parts = [f"{event.order} {event.phase}s".lstrip()]
    if event.product:
        parts.append(event.product)
    if event.planned is not None:
        parts.append(f"{event.planned:g} planned")
    if event.ideal_cycle is not None:
        parts.append(f"{event.ideal_cycle:g} s a piece")
    return ", ".join(parts)


def _measurement(event: Measurement) -> str:
    text = f"{event.characteristic} {_amount(event.value, event.unit)}"
    if event.lower is not None or event.upper is not None:
        lower = "" if event.lower is None else f"{event.lower:g}"
        upper = "" if event.upper is None else f"{event.upper:g}"
        text += f" {event.place} {lower}…{upper}"
    return f"{text} (part {event.part})" if event.part else text


def _series(samples: Sequence[Sample]) -> str:
    values = [sample.value for sample in samples if not isinstance(sample.value, str)]
    length_s = (samples[-1].at - samples[0].at) / NS_PER_S
    unit = samples[0].unit
    return plain(
        f"{samples[0].signal} {len(samples)} samples over {length_s:.4g} s, {min(values):.6g}…{max(values):.6g} {unit}"
    ).rstrip()


def _rejected(message: Message) -> Meaning:
    try:
        reported = msgspec.json.decode(message.payload, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        reported = {}
    return Meaning(
        plain(str(reported.get("topic", message.topic))),
        message.received_at,
        "rejected",
        plain(str(reported.get("reason", "by a service"))),
    )


def _event(event: AnyEvent) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(event)
    del fields["received_ms"]  # the message has it
    return {"kind": event.kind, **fields, "at": instants.format_rfc3339(event.at)}
