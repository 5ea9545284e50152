"""Properties that hold for all events and all bytes."""

import json
import re
from collections.abc import Sequence

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from broker.contract import codec
from broker.contract.errors import ContractError
from broker.contract.events import (
    COUNTERS,
    NS_PER_MS,
    NS_PER_S,
    QUANTITY_LIMIT,
    SHORTEST_CYCLE_S,
    STATES,
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
    Reply,
    Sample,
    StateChange,
    Status,
)
from broker.contract.instants import format_rfc3339
from broker.contract.kinds import TABLE
from broker.contract.lenient import leniency
from broker.contract.message import Message
from broker.contract.payloads import MATERIALS, NOT_PLAIN, KpiPayload, Payload
from broker.contract.topics import KINDS
from broker.contract.units import SUMMED, ucum

NOW = 1_795_507_200 * NS_PER_S
MILL = "sheffield/machining/line-1/mill-1"
NO_VALUES = {"nan", "inf", "infinity", "unavailable"}


names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True)
paths = st.tuples(names, names, names, names).map("/".join)
instants = st.integers(NOW - 29 * 86_400 * NS_PER_S, NOW + 299 * NS_PER_S)
printable = st.characters(exclude_categories=["Cc", "Cs"]).filter(lambda each: not re.match(f"[{NOT_PLAIN}]", each))
labels = st.text(printable, max_size=64)
any_text = st.characters(exclude_categories=["Cs"])
texts = st.text(any_text, max_size=256)
units = st.text(printable, max_size=32).map(ucum)
numbers = st.floats(-QUANTITY_LIMIT, QUANTITY_LIMIT)
totals = st.floats(0, QUANTITY_LIMIT)
cycles = st.floats(SHORTEST_CYCLE_S, QUANTITY_LIMIT)
json_texts = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(any_text, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=3),
    max_leaves=8,
).map(lambda value: msgspec.json.encode(value).decode())
value_texts = texts.filter(lambda text: text.lstrip("+-").lower() not in NO_VALUES)
values = numbers | st.booleans() | value_texts.filter(lambda text: leniency.number(text) is None)
common = {
    "asset": paths,
    "at": instants,
    "time_source": st.sampled_from(["device", "receipt", "retained"]),
    "simulated": st.booleans(),
}


maybe = st.none() | numbers
maybe_total = st.none() | totals
limits = {"lower": maybe, "nominal": maybe, "upper": maybe}
severities = st.sampled_from(["alarm", "warning", "notice"])
ids = labels.filter(bool)
events: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(Sample, **common, signal=names, value=values, unit=units),
    st.builds(StateChange, **common, state=st.sampled_from(STATES), reason=st.just("") | names),
    st.builds(Count, **common, **dict.fromkeys(COUNTERS, maybe_total)).filter(lambda event: some(event, COUNTERS)),
    st.builds(
        Job,
        **common,
        phase=st.just("start"),
        order=ids,
        product=labels,
        planned=maybe_total,
        ideal_cycle=st.none() | cycles,
    ),
    st.builds(Job, **common, phase=st.just("end"), order=labels),
    st.builds(Meter, **common, name=names, total=totals, unit=units).filter(
        lambda event: event.unit in SUMMED.get(event.name, [event.unit])
    ),
    st.sampled_from(sorted(SUMMED)).flatmap(
        lambda name: st.builds(
            Meter, **common, name=st.just(name), total=totals, unit=st.sampled_from(sorted(SUMMED[name]))
        )
    ),
    st.builds(Measurement, **common, **limits, characteristic=names, value=numbers, part=labels, unit=units),
    st.builds(Labour, **common, present=totals, working=maybe_total),
    st.builds(Material, **common, **dict.fromkeys(MATERIALS, maybe_total), name=names, unit=units).filter(
        lambda event: some(event, MATERIALS)
    ),
    st.builds(Notice, **common, code=ids, severity=severities, text=texts, active=st.booleans()),
    st.builds(Status, **common, online=st.booleans()),
    st.builds(
        Adjust,
        **common,
        **dict.fromkeys(COUNTERS, maybe),
        id=ids,
        reason=labels,
        by=labels,
        void=st.booleans(),
        booked=st.integers(NOW - 40 * 86_400 * NS_PER_S, NOW - 30 * 86_400 * NS_PER_S).map(format_rfc3339),
    ).filter(lambda event: event.void or some(event, COUNTERS)),
    st.builds(Command, **common, name=names, id=ids, args=json_texts, by=texts),
    st.builds(Reply, **common, name=names, id=ids, ok=st.booleans(), result=json_texts),
)


def some(event: AnyEvent, fields: Sequence[str]) -> bool:
    return any(getattr(event, field) is not None for field in fields)


@given(event=events, late=st.integers(0, NS_PER_S))
def test_every_event_survives_the_wire(event: AnyEvent, late: int) -> None:
    sent = codec.encode(event)
    received_at = sent.received_at + late if event.time_source == "device" else event.at
    came = msgspec.structs.replace(sent, retained=event.time_source == "retained", received_at=received_at)
    assert codec.decode(came) == [event]


@given(text=value_texts | numbers.map(repr) | st.from_regex(r"[+-]?[0-9.]{1,9}", fullmatch=True))
def test_every_text_of_a_signal_that_is_declared_as_text_survives_the_wire(text: str) -> None:
    sample = Sample(asset=MILL, at=NOW, signal="program", value=text)
    assert codec.decode(codec.encode(sample), is_text=lambda *_: True) == [sample]


def check_decoding(message: Message) -> None:
    """Decode: only events or a ContractError may come out, and accepted events must survive the wire."""
    try:
        found = codec.decode(message)
    except ContractError as rejection:
        if not (rejection.problem and rejection.hint):
            raise
        return
    for event in found:
        retained = event.time_source == "retained"
        again = msgspec.structs.replace(codec.encode(event), retained=retained)
        assert codec.decode(again) == [event]


topics = st.one_of(
    st.sampled_from([f"{kind}/x" for kind in KINDS] + sorted(KINDS)).map(lambda end: f"corridor/v1/{MILL}/{end}"),
    st.lists(names | st.sampled_from(sorted(KINDS)), max_size=8).map(lambda levels: "corridor/v1/" + "/".join(levels)),
    st.text(max_size=40).map("corridor/v1/".__add__),
    st.text(),
)


@given(topic=topics, payload=st.binary(max_size=200), retained=st.booleans())
def test_no_bytes_on_any_topic_raise_anything_else(topic: str, payload: bytes, retained: bool) -> None:
    check_decoding(Message(topic=topic, payload=payload, retained=retained, received_at=NOW))


FIELDS = sorted(
    {field for payload in Payload.__subclasses__() for field in payload.__struct_fields__ if payload is not KpiPayload}
)
words = st.sampled_from(
    ["2026-11-24T08:00:00Z", "start", "bad", "Bad", "online", "down", "12.5", "0012", "kWh", "1e400"]
)
odd_numbers = st.sampled_from([NOW // NS_PER_MS, NOW, 1e308, -0.0, 1e-320])
wild = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats() | st.text() | words | odd_numbers,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)
almost = st.dictionaries(st.sampled_from(FIELDS), wild, max_size=5).map(lambda value: json.dumps(value).encode())


@given(kind=st.sampled_from([f"{kind}/x" for kind in sorted(KINDS)] + sorted(KINDS)), payload=almost)
@example(kind="telemetry/x", payload=b'{"values":[1,2],"dt":1e-6}')
def test_no_json_raises_anything_else(kind: str, payload: bytes) -> None:
    check_decoding(Message(topic=f"corridor/v1/{MILL}/{kind}", payload=payload, received_at=NOW))


GOOD = [(topic, payload) for entry in TABLE.values() for topic, payload in entry.examples.items()]


@given(
    good=st.sampled_from(GOOD),
    cuts=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=4),
)
def test_no_damaged_message_raises_anything_else(good: tuple[str, str], cuts: list[tuple[int, int, bytes]]) -> None:
    topic, payload = good[0], good[1].encode()
    for place, length, put in cuts:
        payload = payload[:place] + put + payload[place + length :]
    check_decoding(Message(topic=f"corridor/v1/{MILL}/{topic}", payload=payload, received_at=NOW))
