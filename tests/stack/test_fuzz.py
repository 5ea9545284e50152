"""Whatever bytes come on whatever topic: from ingest and KPI service over the store to answers and the wall's JSON.

Every message is stored or rejected with a reason, none of them for a failure that nobody foresaw, and what is answered
and shown afterwards is JSON. `FUZZ_EXAMPLES=20000 pytest tests/stack/test_fuzz.py` looks for longer. What was found is
put into `corpus/`, as recordings, which are played each time.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.contract.codec import decode
from broker.contract.events import NS_PER_MS
from broker.contract.instants import parse as instant
from broker.contract.kinds import TABLE
from broker.contract.message import Message
from broker.contract.payloads import KpiPayload, Payload
from broker.contract.recordings.recording import from_line
from broker.contract.topics import KINDS, PREFIX
from broker.plant.plant import NO_PLANT
from services.intake.isolation import split_valid
from services.intake.routing import is_for_kpi
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.published.windows import Windows
from services.query.answers import answer
from services.store.interface import Batch, Rejected
from services.store.sqlite.store import SqliteStore
from services.wall.live.live_state import LiveState
from services.wall.live.stream import Scope, Stream

LONG: Final = int(os.environ.get("FUZZ_EXAMPLES", "25"))
CORPUS: Final = sorted((Path(__file__).parent / "corpus").glob("*.jsonl"))
SITE: Final = "sheffield"
MILL: Final = f"{SITE}/machining/line-1/mill-1"
NOW: Final = instant("2026-11-24T08:00:00Z")
HOUR_NS: Final = 3_600_000 * NS_PER_MS
FOR_EVER: Final = 2**62


class Corridor:
    """Services, store and wall, without a broker."""

    def __init__(self, path: Path) -> None:
        self.runner = asyncio.Runner()
        self.store = self.runner.run(SqliteStore.open(path))
        self.windows = Windows(self.store, NO_PLANT)
        self.writer = LedgerWriter(self.store, NO_PLANT, lambda: NOW, changed=self.windows.apply)
        self.live_state = LiveState()

    def take(self, messages: Sequence[Message]) -> list[Rejected]:
        return self.runner.run(self._take(messages))

    async def _take(self, messages: Sequence[Message]) -> list[Rejected]:
        events, rejected = split_valid([each for each in messages if not is_for_kpi(each.topic)], decode)
        await self.store.write(Batch(events=events, rejected=rejected))
        rejected += await self.writer.persist([each for each in messages if is_for_kpi(each.topic)])
        await self.windows.roll(self.writer, await self.writer.advance())
        await self.windows.read(NOW)
        for publication in self.windows.due(NOW):
            assert not publication.payload or "indicators" in json.loads(publication.payload)
        assert not self.writer.failing
        for asset in (MILL, SITE):
            found = await answer(self.store, NO_PLANT, asset, NOW - HOUR_NS, NOW, now=NOW)
            assert json.dumps(found.document(), allow_nan=False)
        shown = [self.live_state.receive(message) for message in messages]
        assert sum(bool(each and each.problem) for each in shown) == len(rejected)
        self.live_state.tick(NOW, 1)
        stream = Stream(self.live_state, lambda: NOW, lambda _: None).events(Scope("", True, True, True))
        assert (await anext(stream)).startswith(b"retry")
        assert json.loads((await anext(stream)).partition(b"data: ")[2])["facts"] is not None
        await stream.aclose()
        return rejected


@pytest.fixture(scope="module")
def corridor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corridor]:
    made = Corridor(tmp_path_factory.mktemp("fuzz") / "corridor.db")
    yield made
    made.runner.run(made.store.close())
    made.runner.close()


def checked(corridor: Corridor, messages: Sequence[Message]) -> None:
    rejected = corridor.take(messages)
    assert not [one.reason for one in rejected if "the program fails" in one.reason]
    assert all(one.reason.count(";") for one in rejected)  # what is wrong, and how to fix it


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_what_was_found_once_ends_nothing(corridor: Corridor, file: Path) -> None:
    checked(corridor, [from_line(line) for line in file.read_bytes().splitlines()])


TOPICS = st.one_of(
    st.sampled_from([f"{PREFIX}/{MILL}/{kind}{name}" for kind in sorted(KINDS) for name in ("", "/x", "/hour")]),
    st.sampled_from([f"{PREFIX}/{MILL}/{end}" for entry in TABLE.values() for end in entry.examples]),
    st.sampled_from([f"{PREFIX}/$rejected", f"{PREFIX}/{SITE}/kpi/hour", f"{PREFIX}/{MILL}/meter/electricity"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(f"{PREFIX}/{MILL}/".__add__),
)
FIELDS = sorted({name for kind in Payload.__subclasses__() for name in kind.__struct_fields__} | {"bytes", "base64"})
NUMBERS = st.sampled_from(
    [0, -0.0, 5e-324, 1e-160, 1e-9, 1, 7.5, 1e15, -1e15, 1e16, 2**53 + 1, 2**63, 2**64, 1e200, -1e200, 1.8e308, 10**400]
)
TIMES = st.integers(NOW - HOUR_NS, NOW + HOUR_NS // 6).map(lambda at: at // NS_PER_MS)
WORDS = st.sampled_from(
    ["running", "down", "start", "end", "bad", "MW.h", "W.h", "kg", "a", "alarm", "online", "nan", ""]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TIMES | WORDS | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=4,
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6).map(lambda each: json.dumps(each).encode())
NEARLY = st.sampled_from([text for entry in TABLE.values() for text in entry.examples.values()]).flatmap(
    lambda text: st.tuples(st.just(json.loads(text)), st.sampled_from(FIELDS), VALUES).map(
        lambda each: json.dumps(each[0] | {each[1]: each[2]} if isinstance(each[0], dict) else each[0]).encode()
    )
)
MESSAGES = st.builds(
    Message,
    topic=TOPICS,
    payload=st.one_of(NEARLY, OBJECTS, VALUES.map(lambda each: json.dumps(each).encode()), st.binary(max_size=40)),
    retained=st.booleans(),
    received_at=st.just(NOW),
)
assert KpiPayload in Payload.__subclasses__()


@pytest.mark.slow
@settings(max_examples=LONG, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(messages=st.lists(MESSAGES, min_size=1, max_size=25))
def test_no_bytes_on_any_topic_end_anything(corridor: Corridor, messages: list[Message]) -> None:
    checked(corridor, messages)
