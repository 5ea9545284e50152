"""The fast path for telemetry: the samples of the codec, or none at all."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker.contract.codec import decode
from broker.contract.device_time import RETENTION_NS
from broker.contract.errors import ContractError
from broker.contract.events import FURTHEST_AHEAD_NS, NS_PER_MS, NS_PER_S, Sample
from broker.contract.message import Message
from broker.contract.samples import SampleReader
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
    for topic, payload in ((ONE, b"1"), (SEVERAL, b'{"values":{"load":1,"telemetry":"a text"}}')):
        reader.learn(topic, decode(Message(topic, payload, received_at=NOW)))
    return reader


def both(message: Message) -> None:
    """Check that the fast path has nothing, or what the codec has."""
    found = learned().read(message)
    if found is None:
        return
    assert message.topic != OTHER
    expected = decode(message)
    assert found == expected
    assert [type(one.value) for one in found] == [type(one.value) for one in expected]  # type: ignore[union-attr]


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
        samples: list[Sample] = []
        first, place = place, reader.read_run(some, place, samples, most)
        of_each = [decode(message) for message in some[first:place]]
        assert samples == [sample for found in of_each for sample in found]
        assert sum(map(len, of_each[:-1])) < most
        if len(samples) < most and place < len(some):
            assert reader.read(some[place]) is None
            place += 1


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
    assert len(learned().read(message) or ()) == number
    both(message)


def test_a_unit_that_is_rejected_is_rejected_each_time() -> None:
    reader = learned()
    message = Message(ONE, b'{"value":1,"unit":"a\\nb"}', received_at=NOW)
    assert reader.read(message) is None
    assert reader.read(message) is None
    with pytest.raises(ContractError, match="control character"):
        decode(message)
