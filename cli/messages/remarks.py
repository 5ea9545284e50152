"""What `corridor check` remarks on a message that is accepted: what was understood leniently, and what seems wrong.

The decoder reads leniently without a word, for it must be quick. Here the same rules
(`broker.contract.lenient.leniency`, `broker.contract.units`) are asked again, to show what they did to this message.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from broker.contract import instants
from broker.contract.errors import ContractError, shown
from broker.contract.events import AnyEvent
from broker.contract.kinds import TABLE
from broker.contract.lenient import leniency
from broker.contract.lenient.leniency import DeclaredText, never_text
from broker.contract.message import Message
from broker.contract.topics import RETAINED, Topic, parse
from broker.contract.units import SUMMED, ucum

_TIMES = frozenset({"timestamp", "time", "t", "timestamp_ms", "datetime", "date", "when", "Time", "Timestamp"})
"""Fields in which other systems send the time, which are not read."""


def understood(message: Message, is_text: DeclaredText = never_text) -> list[str]:
    """Return what was read leniently in a message that is accepted, a sentence each."""
    topic, document = _parsed(message)
    return list(_understood(topic, message.payload.decode(), document, is_text))


def warnings(message: Message, events: tuple[AnyEvent, ...], is_text: DeclaredText = never_text) -> list[str]:
    """Return what seems wrong in a message that is accepted, a sentence each."""
    topic, document = _parsed(message)
    is_bad = topic.kind != "event" and any(event.kind == "event" for event in events)
    fields = [] if is_bad else [*_of_units(topic, document), *_of_fields(topic, document, is_text)]
    return [*_of_time(topic, message, events), *fields]


def _parsed(message: Message) -> tuple[Topic, Any]:
    """Return the topic and the payload as JSON; None for a bare word or number that is none."""
    try:
        document = msgspec.json.decode(leniency.trimmed(message.payload.decode()))
    except (ValueError, RecursionError):
        document = None
    return parse(message.topic), document


def _understood(topic: Topic, sent: str, document: Any, is_text: DeclaredText) -> Iterator[str]:
    bare = leniency.trimmed(sent)
    around = sent.replace(bare, "", 1)
    if "\0" in around:
        yield "the NUL at the end is not read"
    if "\ufeff" in around:
        yield "the byte-order mark is not read"
    if document is None and leniency.is_number(bare):
        yield f"{shown(bare)} is read as the number {float(bare):.10g}"
    for name, text, signal in _texts(topic, document):
        number = leniency.number(text) if signal or not leniency.is_number(text.strip()) else float(text)
        if number is not None and not (signal and is_text(topic.asset, signal)):
            yield f"{name} is the text {shown(text)}, read as the number {number:.10g}"
    if not isinstance(document, dict):
        return
    unit, quality, ts = (document.get(name) for name in ("unit", "quality", "ts"))
    if isinstance(unit, str) and "unit" in TABLE[topic.kind].payload.__struct_fields__ and ucum(unit) != unit:
        yield f"unit {shown(unit)} is read as {ucum(unit)}"
    if isinstance(quality, str) and quality != quality.strip().lower():
        yield f"quality {shown(quality)} is read as {quality.strip().lower()}"
    if isinstance(ts, str):
        yield from _of_instant(ts)


def _of_instant(ts: str) -> Iterator[str]:
    milliseconds = leniency.milliseconds(ts)
    if milliseconds is not None:
        yield f"ts is the text {shown(ts)}, read as the number {milliseconds:.16g}"
        return
    try:
        at = instants.format_rfc3339(instants.parse(ts))
    except ContractError:  # it is of a reading of bad quality
        return
    if ts[-1] not in "Zz" and ts[-3] != ":":
        yield f"ts {shown(ts)} is read as {at}"


def _texts(topic: Topic, document: Any) -> Iterator[tuple[str, str, str]]:
    """Yield the texts of a payload that may be numbers: where it stands, the text, and the signal if it may be text."""
    fields, is_bare = leniency.numeric(topic.kind)
    is_signal = topic.kind == "telemetry"
    if isinstance(document, str) and (is_bare or is_signal):
        yield "payload", document, topic.name if is_signal else ""
    if not isinstance(document, dict):
        return
    for name, value in document.items():
        if isinstance(value, str) and name in fields:
            yield name, value, ""
    if not is_signal:
        return
    if isinstance(document.get("value"), str):
        yield "value", document["value"], topic.name
    match document.get("values"):
        case dict() as values:
            yield from ((name, value, name) for name, value in values.items() if isinstance(value, str))
        case list() as listed:
            yield from ((f"values[{place}]", one, "") for place, one in enumerate(listed) if isinstance(one, str))


def _of_time(topic: Topic, message: Message, events: tuple[AnyEvent, ...]) -> Iterator[str]:
    source = events[0].time_source if events else ""
    if topic.kind == "status" and source == "device" and not getattr(events[0], "online", True):
        yield (
            "a last will with a time of its own: the broker publishes it as it was when the device connected; "
            "leave ts out of a will"
        )
    if message.retained and source == "retained" and topic.kind == "count":
        yield "a retained count without ts sets no base and adds no pieces; it is the last known value"
    if message.retained and topic.kind not in RETAINED:
        yield f"{topic.kind} is not published retained: each new subscriber would receive an old value"


def _of_units(topic: Topic, document: Any) -> Iterator[str]:
    if topic.kind != "meter":
        return
    units = SUMMED.get(topic.name)
    if units is None:
        yield f"the meter {topic.name} is stored, and not added up: those that are, are {', '.join(SUMMED)}"
    elif not isinstance(document, dict) or not document.get("unit"):
        yield f"no unit: {next(filter(None, units))} is taken"


def _of_fields(topic: Topic, document: Any, is_text: DeclaredText) -> Iterator[str]:
    for name, text, signal in _texts(topic, document):
        if signal and leniency.seems_number(text) and not is_text(topic.asset, signal):
            yield (
                f"{name} {shown(text)} looks like a number, and is stored as text; if it is one, send it without "
                'quotes, else declare the signal in the plant file (type = "text")'
            )
    if not isinstance(document, dict):
        return
    unknown = [name for name in document if name not in TABLE[topic.kind].payload.__struct_fields__]
    if "ts" not in document and (times := [name for name in unknown if name in _TIMES]):
        yield f"{shown(times[0])} is not read: call the time ts, else that of receipt counts"
    if others := [name for name in unknown if name not in _TIMES]:
        yield f"not read, for the contract does not have them: {', '.join(map(shown, others[:5]))}"
