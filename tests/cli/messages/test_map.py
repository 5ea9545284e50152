"""`corridor map`: what a message means by a file, and a first file for what is on a broker."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from broker.contract.message import Message, Publication
from broker.mqtt.session import Session
from broker.server.embedded import EmbeddedBroker
from edge.dialects.dialect import Setup
from edge.dialects.mapping.mapped import Mapped
from edge.dialects.mapping.mapping_suggestion import suggest

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "tests/edge/dialects/mapped/an-oee-from-one-json/mapping.toml"
MESSAGES = [
    ("acme/l1/m1/data", {"ts": 1, "status": "RUN", "total_count": 7, "scrap": 1, "kwh": 2.5, "rpm": 1200}),
    ("acme/l1/m2/data", {"ts": 2, "status": "FAULT", "total_count": 9, "scrap": 1, "kwh": 2.5, "rpm": 900}),
]


def corridor(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "cli.main", "map", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=environment, input=stdin, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_a_message_is_shown_as_a_gateway_would_publish_it() -> None:
    shown = corridor("try", str(FILE), "acme/line-1/mill-2/data", "-", stdin='{"counters":{"total":812}}')
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith('corridor/v1/sheffield/hall/line-1/mill-2/count {"produced":812.0,"ts":')


@pytest.mark.slow
def test_what_is_rejected_or_means_nothing_is_explained() -> None:
    shown = corridor("try", str(FILE), "acme/line-1/mill-2/data", '{"status":"REST"}', "--json")
    assert shown.returncode == 1
    document = json.loads(shown.stdout)
    assert document["messages"] == []
    assert document["rejected"] == ["state: 'REST' is not in values; add it to [message.state], or otherwise"]
    nothing = corridor("try", str(FILE), "other/topic", "1")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "has this topic" in nothing.stderr


@pytest.mark.slow
def test_a_mistake_in_the_file_is_named_with_its_place(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[message]]\ntopic = "a/{b}"\nmachine = "s/a/l/{c}"\nothers = true\n')
    shown = corridor("try", str(wrong), "a/b", "1")
    assert shown.returncode == 1
    assert "[[message]] 1: machine has {c}, which topic has not" in shown.stderr


def test_a_suggestion_is_a_mapping_that_gives_states_counts_and_meters() -> None:
    text = suggest(Message(topic, json.dumps(document).encode()) for topic, document in MESSAGES)
    dialect = Mapped(Setup(mapping=text))
    assert list(dialect.filters) == ["acme/l1/+/data"]
    topic, document = MESSAGES[1]
    document = document | {"ts": 1795507200}
    found = dialect.translate(Message(topic, json.dumps(document).encode(), received_at=1795507200_000000000))
    assert {event.kind for event in found.events} == {"state", "count", "meter", "telemetry"}
    assert {event.asset for event in found.events} == {"plant/floor/line-1/m2"}


def test_a_suggestion_for_plain_values_has_a_tag_for_the_last_level() -> None:
    text = suggest([Message("shop/press/temp", b"47.3"), Message("shop/lathe/temp", b"40"), Message("x/y", b"\xff")])
    assert 'topic = "shop/{level2}/{tag}"' in text
    found = Mapped(Setup(mapping=text)).translate(Message("shop/press/temp", b"48", received_at=1))
    assert [(event.asset, event.series) for event in found.events] == [("plant/floor/line-1/press", "temp")]


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_broker_is_listened_to(tmp_path: Path) -> None:
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker,
        Session(broker.url, client_id="device") as device,
        asyncio.timeout(120),
    ):
        topic, document = MESSAGES[0]
        await device.publish(Publication(topic, json.dumps(document).encode(), retain=True))
        file = tmp_path / "first.toml"
        shown = await asyncio.to_thread(corridor, "suggest", "--broker", broker.url, "--for", "1s", "--out", str(file))
    assert shown.returncode == 0, shown.stderr
    assert 'topic = "acme/l1/m1/data"' in file.read_text()
