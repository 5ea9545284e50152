"""The page for operators: the words that it explains are those that the wall shows."""

import re
from pathlib import Path
from typing import get_args

from broker.contract.events import State

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/how-to/read-the-wall.md").read_text("utf-8")
WORDS = (ROOT / "services/wall/static/words.js").read_text("utf-8")


def shown(key: str) -> str:
    """Return a text of the wall."""
    (text,) = re.findall(rf"'{re.escape(key)}': '([^']*)'", WORDS)
    return str(text)


def test_every_state_is_explained_under_the_word_that_the_wall_shows() -> None:
    table = PAGE.split("## What a machine does")[1].split("\n## ")[0]
    words = {word for row in re.findall(r"^\| (.+?) \|", table, re.MULTILINE) for word in row.split(", ")}
    states = get_args(State)
    assert len(states) == 9
    assert {shown(f"state.{state}") for state in states} - words == set()


def test_what_it_quotes_is_shown() -> None:
    quoted = {
        "silent": "silent for", "figures.old": "figures", "broker.lost": "the broker cannot be reached",
        "lost.short": "connection lost", "mixed.plant": "partly simulated", "cannot.be": "cannot be",
        "range.back": "Back to live", "range.previous-shift": "Last shift", "range.now-1d": "Last day",
        "range.custom": "From – to", "most.lost": "main loss", "live": "live", "stale": "no message for",
        "foot.rejected": "rejected in the last hour", "without": "without", "short": "points short",
    }  # fmt: skip
    assert {key for key, text in quoted.items() if text not in shown(key) or text not in PAGE} == set()
