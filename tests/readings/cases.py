"""Recordings of what real devices send, with answers worked out by hand: replayed into a store, asked as users do.

A case is a folder of `recordings/`: `recording.jsonl`, and `expected.json` with the question (`ask`: as typed),
what must come out (`expected`: members of the answer by dotted name, a number or a range in words; `note`: words of one
of its notes), and why.
"""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from broker.contract.instants import parse as instant
from broker.contract.message import Message
from broker.contract.recordings.recording import Recording
from broker.plant.plant import NO_PLANT, Plant
from cli.messages.recordings import Tally, store_messages
from services.query.answers import Answer, answer
from services.store.interface import Store

RECORDINGS = Path(__file__).parent / "recordings"
_ASK = re.compile(r"kpi show (\S+) --from (\S+) --to (\S+)")
_RANGE = re.compile(r"(?:about )?([\d.]+) to ([\d.]+)")
_ABOUT = re.compile(r"about ([\d.]+)")
_NEAR = 0.01


class Case(NamedTuple):
    """A recording, its question, and what must come out."""

    messages: list[Message]
    asset: str
    start: int
    end: int
    expected: dict[str, Any]

    @classmethod
    def read(cls, name: str) -> "Case":
        """Read the case of this name."""
        folder = RECORDINGS / name
        document = json.loads((folder / "expected.json").read_text())
        found = _ASK.search(document["ask"])
        assert found is not None, f"{name}: the question is not one of kpi show"
        with Recording(folder / "recording.jsonl") as recording:
            messages = list(recording)
        return cls(messages, found[1], instant(found[2]), instant(found[3]), document["expected"])

    async def ask(self, store: Store, plant: Plant = NO_PLANT, *, now: int = 0) -> Answer:
        """Return the answer that a store gives."""
        return await answer(store, plant, self.asset, self.start, self.end, now=max(now, self.end))

    def check(self, found: Answer) -> None:
        """Check an answer against what is expected."""
        document = found.document()
        for name, wanted in self.expected.items():
            if name == "note":
                assert any(wanted in note for note in found.notes), f"no note has {wanted!r}: {found.notes}"
                continue
            value = document
            for member in name.split("."):
                value = value.get(member, 0) if member != "coverage" else document["coverage"]
            assert is_as(wanted)(value), f"{name} is {value}, expected {wanted}"  # type: ignore[arg-type]


async def replay(messages: Sequence[Message], store: Store, plant: Plant = NO_PLANT) -> None:
    """Write messages into a store as `corridor replay` does."""
    await store_messages(messages, store, plant, Tally())


def is_as(wanted: float | str) -> Callable[[float], bool]:
    """Return what checks a number against a number or a range in words: `3570 to 3600`, `about 0.13`."""
    if not isinstance(wanted, str):
        return lambda value: abs(value - wanted) < 1e-6
    if between := _RANGE.search(wanted):
        low, high = float(between[1]), float(between[2])
        return lambda value: low <= value <= high
    about = _ABOUT.search(wanted)
    assert about is not None, f"what is {wanted!r}?"
    near = float(about[1])
    return lambda value: abs(value - near) <= max(_NEAR * near, 0.0051)
