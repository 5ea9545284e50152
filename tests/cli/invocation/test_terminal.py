"""Words that a device made up, in a terminal: they are shown as they are, and never obeyed."""

import asyncio
import json
import logging
import re
from pathlib import Path

import pytest
import structlog

from broker.contract.events import AnyEvent, Count, Job, StateChange
from broker.contract.instants import parse as instant
from broker.contract.message import Message
from broker.plant.plant_file import parse
from cli.messages.meaning import read
from cli.messages.tail import _line
from cli.running import loop
from services.kpi.ledger_writer import LedgerWriter
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor

MILL = "works/hall/line-1/mill-1"
OBEYED = "\x1b[2J\x1b]0;title\x07\x9b31m\u202e\u2066\r\n\x00"
"""What a terminal obeys: it clears itself, takes a title, a colour, writes from right to left, goes back."""
WORD = f"[/bold] [red]:smile:{OBEYED}"
RANGE = ("--from", "2026-11-24T12:00:00Z", "--to", "2026-11-24T14:00:00Z")


def at(clock: str) -> int:
    return instant(f"2026-11-24T{clock}:00Z")


def obeyed(text: str) -> set[str]:
    """Return what a terminal would obey; lines and tabs may stand in a text."""
    return {char for char in text if not char.isprintable() and char not in "\n\t"}


@pytest.fixture
def stored(tmp_path: Path) -> None:
    events: list[AnyEvent] = [
        Job(asset=MILL, at=at("12:00"), phase="start", order=WORD, product=WORD, ideal_cycle=60),
        Count(asset=MILL, at=at("12:00"), produced=0, good=0),
        StateChange(asset=MILL, at=at("12:00"), state="running"),
        StateChange(asset=MILL, at=at("13:00"), state="down", reason=WORD),
        Count(asset=MILL, at=at("13:00"), produced=24, good=21),
        Job(asset=MILL, at=at("13:30"), phase="end", order=WORD, product=WORD),
    ]

    async def keep() -> None:
        store = await SqliteStore.open(tmp_path / "corridor.db")
        writer = LedgerWriter(store, parse("", "test"), lambda: at("14:00"))
        await writer.store_events(events)
        await writer.advance()
        await store.close()

    asyncio.run(keep())


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    "question",
    [
        ("show", MILL),
        ("show", MILL, "--by", "order"),
        ("show", MILL, "--by", "product"),
        ("explain", MILL, "availability"),
        ("explain", MILL, "effectiveness"),
    ],
    ids=" ".join,
)
def test_a_name_with_brackets_and_escapes_is_shown_as_it_is(corridor: Corridor, question: tuple[str, ...]) -> None:
    status, out, err = corridor("kpi", *question, *RANGE)
    assert (status, err) == (0, "")
    assert not obeyed(out)
    assert "[/bold]" in out
    assert ":smile:" in out


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (f"{MILL}/job", {"phase": "start", "order": WORD}),
        (f"{MILL}/state", {"state": "down", "reason": WORD}),
        (f"{MILL}/event", {"code": "e-1", "severity": "alarm", "text": WORD}),
        (f"{MILL}/telemetry/t", {"value": WORD}),
        (f"{MILL}/state", WORD),
        (f"{MILL}/state", {WORD: WORD}),
        (f"{MILL}/telemetry/{WORD}", {"value": 1}),
        (f"{WORD}/hall/line-1/mill-1/state", {"state": "running"}),
        (WORD, {}),
        ("rejected", {"topic": WORD, "reason": WORD}),
    ],
)
def test_a_message_is_checked_and_tailed_without_its_escapes(corridor: Corridor, topic: str, payload: object) -> None:
    written = payload if isinstance(payload, str) else json.dumps(payload)
    _, out, err = corridor("check", topic.replace("\x00", ""), written.replace("\x00", ""))
    assert not obeyed(out + err)
    message = Message(topic=f"corridor/v1/{topic}", payload=written.encode(), received_at=at("12:00"))
    line = _line(message, read(message))
    assert not obeyed(re.sub("\x1b\\[(0|3[0-9])m", "", line))  # these colours are ours
    assert "\n" not in line


def test_an_error_and_a_log_line_are_without_escapes(corridor: Corridor, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = corridor("replay", f"no such {OBEYED[:-1]}file.jsonl", "--store", f"sqlite:///{WORD[:-1]}")
    assert err
    assert not obeyed(err)
    loop.log_to_stderr(logging.INFO)
    structlog.get_logger("test").info("a message was rejected", topic=WORD, error=ValueError(WORD))
    logged = capsys.readouterr().err
    assert "[/bold] [red]" in logged
    assert not obeyed(logged)
