"""Hostile payloads: nothing but events of the contract and rejections comes out of a dialect, and not without end."""

import gzip
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from broker.contract.codec import decode, encode
from broker.contract.message import Message
from broker.contract.wire_payload import LONGEST_PAYLOAD
from edge.dialects import DIALECTS, guard
from edge.dialects.dialect import Dialect, Setup, Translation
from tests.edge.dialects.cases import Case, cases
from tests.properties import examples

AT = 1_795_507_200_000_000_000
BY_DIALECT = {name: [case for case in cases() if case.dialect == name] for name in DIALECTS}
LINES = ["2026-11-24T08:00:00Z|execution|ACTIVE|load|7", "2026-11-24T08:00:00Z|servo|FAULT|1|||hot"]
each_dialect = pytest.mark.parametrize("name", DIALECTS)
rarely = examples(30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 1e308, 10**400, "", "NaN", "UNAVAILABLE", "\ud800", [], {}, [[]], "9,5", "Ä" * 300]
)
DEEP: st.SearchStrategy[Any] = st.recursive(
    ODD | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


def messages(name: str) -> list[Message]:
    """Return all messages of a dialect's cases; of one without cases lines of an adapter."""
    found = [message for case in BY_DIALECT[name] for message in case.messages()]
    return found or [Message("shdr/a", line.encode(), received_at=AT) for line in LINES]


def make(name: str) -> Dialect:
    """Return a dialect with the mapping of a case, where its cases have one."""
    mapped = [case.setup() for case in BY_DIALECT[name] if case.setup().mapping]
    return DIALECTS[name].make(Case(name, "").setup() if not mapped else Setup(mapping=mapped[0].mapping))


def check(dialect: Dialect, message: Message) -> Translation:
    found = guard.translate(dialect, message)
    assert [one.problem for one in found.rejections if one.problem.startswith("the dialect fails")] == []
    assert len(found.events) <= guard.MOST_EVENTS
    for event in found.events:
        sent = encode(event)
        decode(Message(sent.topic, sent.payload, received_at=message.received_at))
    return found


@each_dialect
@rarely
@given(data=st.data())
def test_bytes_that_were_changed(name: str, data: st.DataObject) -> None:
    dialect = make(name)
    for message in data.draw(st.lists(st.sampled_from(messages(name)), min_size=1, max_size=4)):
        payload = bytearray(message.payload)
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(0, len(payload)))
            payload[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
        changed = Message(message.topic, bytes(payload), retained=data.draw(st.booleans()), received_at=AT)
        first = check(dialect, changed)
        again = check(dialect, changed)
        assert {encode(event).payload for event in again.events} <= {encode(event).payload for event in first.events}


@each_dialect
@rarely
@given(data=st.data())
def test_values_of_another_type_anywhere(name: str, data: st.DataObject) -> None:
    dialect = make(name)
    message = data.draw(st.sampled_from(messages(name)))
    try:
        document = json.loads(message.payload)
    except ValueError:
        document = message.payload.decode("latin-1")
    payload = json.dumps(_replaced(document, data)).encode("utf-8", "surrogatepass")
    levels = message.topic.split("/")
    if data.draw(st.booleans()):
        levels[data.draw(st.integers(0, len(levels) - 1))] = data.draw(st.text(max_size=40))
    check(dialect, Message("/".join(levels), payload, received_at=AT))


def _replaced(document: Any, data: st.DataObject) -> Any:
    """Return a document with another value at one place."""
    if isinstance(document, dict) and document and data.draw(st.integers(0, 5)):
        key = data.draw(st.sampled_from(sorted(document)))
        return document | {key: _replaced(document[key], data)}
    if isinstance(document, list) and document and data.draw(st.integers(0, 5)):
        at = data.draw(st.integers(0, len(document) - 1))
        return [*document[:at], _replaced(document[at], data), *document[at + 1 :]]
    return data.draw(DEEP)


LARGE = {
    "nested": b"[" * 100_000 + b"]" * 100_000,
    "objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "names": json.dumps({f"name {number}": number for number in range(14_000)}).encode(),
    "list": json.dumps([{"id": number, "v": 1, "valid": True} for number in range(7_000)]).encode(),
    "digits": b"9" * LONGEST_PAYLOAD,
    "too long": b" " * (LONGEST_PAYLOAD + 1),
    "text": b'"' + b"a" * 200_000 + b'"',
    "pipes": b"|" * LONGEST_PAYLOAD,
    "compressed": gzip.compress(b" " * 64_000_000),
}
MOST_MEMORY = 48 * 1024 * 1024
"""For one message, bytes: many times what is let in, and less than what a small one may unpack to."""


@pytest.mark.slow
@each_dialect
@pytest.mark.parametrize("payload", LARGE.values(), ids=LARGE)
def test_large_payloads(name: str, payload: bytes) -> None:
    dialect = make(name)
    for topic in {message.topic for message in messages(name)[:3]}:
        tracemalloc.start()
        try:
            check(dialect, Message(topic, payload, received_at=AT))
            assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
        finally:
            tracemalloc.stop()


@each_dialect
def test_topics_of_many_devices(name: str) -> None:
    dialect = make(name)
    topic = messages(name)[0].topic
    for number in range(60):
        for part in range(len(topic.split("/"))):
            levels = topic.split("/")
            levels[part] = f"{levels[part]}{number}"
            check(dialect, Message("/".join(levels), messages(name)[0].payload, received_at=AT))
