"""Each dialect's cases: what comes in means what is expected, and once more it gives nothing new."""

import json

import pytest

from broker.contract.codec import decode, encode
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from edge.dialects import DIALECTS
from tests.edge.dialects.cases import Case, answer, cases

CASES = cases()
each_case = pytest.mark.parametrize("case", CASES, ids=["-".join(case) for case in CASES])


def test_every_dialect_has_cases() -> None:
    assert {case.dialect for case in CASES} >= DIALECTS.keys() - {"shdr"}  # that has recordings of its own


@each_case
def test_a_case_means_what_is_expected(case: Case) -> None:
    found = [json.dumps(line, ensure_ascii=False) for line in case.found()]
    assert found == [json.dumps(line, ensure_ascii=False) for line in case.expected()]


@each_case
def test_a_message_that_comes_again_gives_nothing_new(case: Case) -> None:
    dialect = case.make()
    for message in case.messages():
        first = [key(event) for event in answer(dialect, message).events]
        again = [key(event) for event in answer(dialect, message).events]
        assert set(again) <= set(first)


@each_case
def test_what_comes_out_is_of_the_contract(case: Case) -> None:
    dialect = case.make()
    for message in case.messages():
        for event in answer(dialect, message).events:
            sent = encode(event)
            again = decode(Message(sent.topic, sent.payload, received_at=event.at or 1))
            assert [key(one) for one in again] == [key(event)]


def key(event: AnyEvent) -> tuple[str, str, str, int, bytes]:
    """Return what makes an event the same as another."""
    return event.asset, event.kind, event.series, event.at, encode(event).payload
