"""A host application's own state on the broker; the rules are those of `docs/reference/sparkplug.md`, by number."""

import pytest

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S
from broker.contract.message import Message, Publication
from edge.dialects.sparkplug.presence import Presence

START = 1_795_507_200 * NS_PER_S


def test_h2_h3_will_and_birth_of_a_connection_have_the_time_of_its_beginning() -> None:
    presence = Presence("corridor")
    will = presence.will(START)
    assert will == Publication(
        "spBv1.0/STATE/corridor", b'{"online":false,"timestamp":1795507200000}', qos=1, retain=True
    )
    assert presence.birth() == Publication(will.topic, b'{"online":true,"timestamp":1795507200000}', qos=1, retain=True)


def test_h4_its_own_state_seen_as_offline_is_answered_at_once() -> None:
    presence = Presence("corridor")
    seen = Message("spBv1.0/STATE/corridor", presence.will(START).payload)
    assert presence.seen(seen) == []
    birth = presence.birth()
    assert presence.seen(seen) == [birth]
    assert presence.seen(Message(seen.topic, birth.payload)) == []


def test_h5_an_intended_end_is_published_with_its_time() -> None:
    presence = Presence("corridor")
    presence.will(START)
    presence.birth()
    death = presence.death(START + NS_PER_S)
    assert death.payload == b'{"online":false,"timestamp":1795507201000}'
    assert (death.qos, death.retain) == (1, True)
    assert presence.seen(Message(death.topic, death.payload)) == []


@pytest.mark.parametrize("payload", [b"", b"\xff", b"OFFLINE", b"[]", b'{"online":1}', b"[" * 100_000])
def test_a_state_that_cannot_be_read_is_rejected(payload: bytes) -> None:
    with pytest.raises(ContractError, match="the state of host 'corridor' cannot be read"):
        Presence("corridor").seen(Message("spBv1.0/STATE/corridor", payload))
