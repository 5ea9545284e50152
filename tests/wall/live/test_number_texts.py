"""Numbers that came as text are shown with their message, so that whoever makes the device learns of it."""

import pytest

from broker.contract.codec import decode
from broker.contract.message import Message
from services.wall.live.number_texts import numbers_as_text
from services.wall.live.received_messages import ReceivedMessage, shown
from tests.wall.works import MILL, NOW


def received(topic: str, payload: bytes) -> ReceivedMessage:
    message = Message(f"corridor/v1/{MILL}/{topic}", payload, received_at=NOW)
    return ReceivedMessage.of(1, message, decode(message))


@pytest.mark.parametrize(
    ("topic", "payload", "texts"),
    [
        ("telemetry/load", b'"41.5"', ["value"]),
        ("telemetry/load", b'{"value": "41.5", "unit": "%"}', ["value"]),
        ("telemetry/load", b'{"ts": "1795593600000", "value": 41.5}', ["ts"]),
        ("telemetry/load", b"41.5", []),
        ("telemetry/program", b'"O1234 rough"', []),
        ("telemetry/program", b'{"value": "idle"}', []),
        ("count", b'{"produced": "3", "good": 2}', ["produced"]),
        ("count", b'{"produced": 3, "good": 2}', []),
        ("state", b"running", []),
    ],
)
def test_what_was_written_as_text_is_named(topic: str, payload: bytes, texts: list[str]) -> None:
    one = received(topic, payload)
    assert numbers_as_text(payload, one.events) == texts
    assert shown(one).get("as_text", []) == texts
