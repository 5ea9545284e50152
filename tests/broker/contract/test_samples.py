"""The fast path for telemetry: the samples of the codec, or none at all."""

import json
from collections.abc import Iterable
from itertools import chain

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker.contract.codec import decode
from broker.contract.device_time import RETENTION_NS
from broker.contract.errors import ContractError
from broker.contract.events import FURTHEST_AHEAD_NS, NS_PER_MS, NS_PER_S, AnyEvent, Sample
from broker.contract.message import Message
from broker.contract.samples import SampleReader, Samples
from broker.contract.topics import PREFIX
from broker.contract.wire_payload import LONGEST_PAYLOAD

NOW = 1_795_507_200 * NS_PER_S
NOW_MS = NOW // NS_PER_MS
MILL = f"{PREFIX}/sheffield/machining/line-1/telemetry"
"""A machine whose name is that of the kind."""
ONE, SEVERAL = f"{MILL}/telemetry/load", f"{MILL}/telemetry"
OTHER = f"{PREFIX}/sheffield/machining/line-1/mill-9/telemetry/load"
EDGES = (NOW - RETENTION_NS, NOW + FURTHEST_AHEAD_NS)

numbers = st.floats() | st.integers() | st.sampled_from([1e15, -1e15, 1.1e15, 10**15, 2**63, 2**64, 1e400])
values = (
    numbers | st.booleans() | st.none() | st.text(max_size=8) | st.sampled_from(["1.5", "nan", "UNAVAILABLE", [], {}])
)
times = (
    st.integers(-5, 5).map(lambda ms: NOW_MS + ms)
    | st.sampled_from([edge // NS_PER_MS + ms for edge in EDGES for ms in (-1, 0, 1)])
    | st.floats(NOW_MS - 10, NOW_MS + 10)
    | st.sampled_from(
        ["2026-11-24T08:00:00.123Z", "2026-11-24T08:00:00,1Z", str(NOW_MS), "", None, True, 0, 1e19, 1e30]
    )
)
units = st.sampled_from(["Cel", "°C", "celsius", " kW ", "", "a\nb", "\u200b", "x" * 33, None, 1])
signals = st.sampled_from(["load", "telemetry", "new", "Not a name", ""])
payloads = st.fixed_dictionaries(
    {},
    optional={
        "value": values,
        "values": st.dictionaries(signals, values, max_size=3) | st.lists(values, max_size=3) | st.none(),
        "ts": times,
        "unit": units,
        "quality": st.sampled_from(["good", "bad", "uncertain", "GOOD", "so-so", None]),
        "simulated": st.booleans() | st.none(),
        "dt": st.sampled_from([1, 0.5, 0, None]),
        "stale": st.booleans() | st.none(),
        "comment": st.none() | st.text(max_size=3),
    },
)
bodies = payloads.map(lambda payload: json.dumps(payload).encode()) | st.binary(max_size=12)
changes = st.sampled_from([b"", b" ", b"\0", b"}", b"\xff"])
messages = st.builds(
    Message,
    topic=st.sampled_from([ONE, SEVERAL, OTHER]),
    payload=st.builds(lambda before, body, after: before + body + after, changes, bodies, changes) | bodies,
    retained=st.booleans(),
    received_at=st.just(NOW),
)


def learned() -> SampleReader:
    reader = SampleReader()
    for topic, payload in ((ONE, b"1"), (SEVERAL, b'{"values":{"load":1,"telemetry":2}}')):
        reader.learn(topic, decode(Message(topic, payload, received_at=NOW)))
    return reader


def read(reader: SampleReader, *some: Message, most: int = 1_000) -> tuple[int, Samples]:
    """Return how many messages the fast path reads, and what."""
    samples = Samples()
    return reader.read_run(some, 0, samples, most), samples


def by_signal(samples: Iterable[AnyEvent]) -> dict[str, list[tuple[object, ...]]]:
    """Return what is stored of samples, by signal."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for one in samples:
        if isinstance(one, Sample):
            value = float(one.value) if isinstance(one.value, bool) else one.value
            facts = (one.asset, one.at, type(value), value, one.unit, one.simulated)
            found.setdefault(one.signal, []).append(facts)
    return found


def flat(samples: Samples) -> list[Sample]:
    """Return samples as events."""
    assert all(samples.runs)
    assert samples.count == sum(map(len, samples.runs))
    return [one for run in samples.runs for one in run]


def both(message: Message) -> None:
    """Check that the fast path has nothing, or what the codec has."""
    number, samples = read(learned(), message)
    if not number:
        assert not samples.runs
        return
    assert message.topic != OTHER
    assert by_signal(flat(samples)) == by_signal(decode(message))


@given(messages)
@example(Message(ONE, b'{"value":1}' + b" " * LONGEST_PAYLOAD, received_at=NOW))
@example(Message(ONE, b'{"value":1,"value":2}', received_at=NOW))
@example(Message(ONE, b'{"value":1,"stale":true}', received_at=NOW))
@example(Message(ONE, b'{"value":1' + b',"comment":[' * 5_000, received_at=NOW))
def test_whatever_comes_the_fast_path_has_the_samples_of_the_codec_or_none(message: Message) -> None:
    both(message)


@given(st.lists(messages, max_size=6), st.integers(1, 4))
def test_a_run_has_the_samples_of_each_of_its_messages_and_ends_when_there_are_enough(
    some: list[Message], most: int
) -> None:
    reader, place = learned(), 0
    while place < len(some):
        number, samples = read(reader, *some[place:], most=most)
        of_each = [decode(message) for message in some[place : place + number]]
        assert by_signal(flat(samples)) == by_signal(chain.from_iterable(of_each))
        assert sum(map(len, of_each[:-1])) < most
        place += number
        if samples.count < most and place < len(some):
            assert read(reader, some[place])[0] == 0
            place += 1


@given(st.lists(messages.filter(lambda message: message.topic != OTHER), max_size=6))
def test_samples_from_either_path_stand_in_one_order(some: list[Message]) -> None:
    reader, samples, place = learned(), Samples(), 0
    expected: list[AnyEvent] = []
    for message in some:
        try:
            events = decode(message)
        except ContractError:
            continue
        expected += events
        place = reader.read_run([message], 0, samples, samples.count + 1)
        for event in () if place else events:
            if isinstance(event, Sample):
                samples.add(event)
    assert by_signal(flat(samples)) == by_signal(expected)


@pytest.mark.parametrize(
    ("topic", "payload", "number"),
    [
        (ONE, '{"value":21.5}', 1),
        (ONE, '{"value":21}', 1),
        (ONE, '{"value":true,"simulated":true}', 1),
        (ONE, f'{{"ts":{NOW_MS},"value":21.5,"unit":"°C","comment":"x"}}', 1),
        (ONE, '{"ts":"2026-11-24T08:00:00.123Z","value":-0.0}', 1),
        (SEVERAL, f'{{"ts":{NOW_MS}.25,"values":{{"load":1,"telemetry":2.5}}}}', 2),
    ],
)
def test_plain_numbers_of_known_signals_take_the_fast_path(topic: str, payload: str, number: int) -> None:
    message = Message(topic, payload.encode(), received_at=NOW)
    assert read(learned(), message)[1].count == number
    both(message)


def test_a_unit_that_is_rejected_is_rejected_each_time() -> None:
    reader = learned()
    message = Message(ONE, b'{"value":1,"unit":"a\\nb"}', received_at=NOW)
    assert read(reader, message)[0] == 0
    assert read(reader, message)[0] == 0
    with pytest.raises(ContractError, match="control character"):
        decode(message)


def test_a_topic_of_texts_is_left_to_the_codec_unread() -> None:
    reader = SampleReader()
    reader.learn(ONE, decode(Message(ONE, b'{"value":"a text"}', received_at=NOW)))
    assert read(reader, Message(ONE, b'{"value":1}', received_at=NOW))[0] == 0
