"""Ingest with and without its fast path: the same rows, rejections and dead letters, whatever comes."""

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.contract.codec import decode
from broker.contract.events import Sample
from broker.contract.message import Message, Publication
from broker.contract.retained import is_snapshot
from broker.contract.samples import SampleReader
from broker.contract.topics import PREFIX
from services.ingest.service import ingest
from services.intake.steps import steps
from services.store.sqlite.store import SqliteStore

NOW = 1_795_507_200_000_000_000
NOW_MS = NOW // 1_000_000
MILL = f"{PREFIX}/sheffield/machining/line-1/mill-1"

numbers = st.integers(-3, 3) | st.floats(-9, 9) | st.booleans()
times = st.integers(-3, 3).map(lambda ms: NOW_MS + ms) | st.sampled_from([0, "2026-11-24T08:00:00.001Z", "x"])
good = st.fixed_dictionaries(
    {"value": numbers},
    optional={"ts": times, "simulated": st.booleans(), "unit": st.sampled_from(["Cel", "kW", "", "\n"])},
)
several = st.fixed_dictionaries(
    {"values": st.dictionaries(st.sampled_from(["load", "speed", "No name"]), numbers | st.just("a text"), max_size=2)},
    optional={"ts": times, "simulated": st.booleans()},
)
odd = st.sampled_from(
    [
        {"value": None},
        {"value": "7"},
        {"value": "a text"},
        {"value": 1e30},
        {"value": 1, "quality": "bad"},
        {"code": "x"},
        5,
    ]
)
messages = st.builds(
    Message,
    topic=st.sampled_from([f"{MILL}/telemetry/load", f"{MILL}/telemetry", f"{MILL}/event", f"{MILL}/telemetry/No"]),
    payload=(good | good | several | odd).map(lambda payload: json.dumps(payload).encode())
    | st.sampled_from([b"", b"{", b'{"value":01}']),
    retained=st.booleans(),
    received_at=st.integers(NOW, NOW + 3),
)


class Batch:
    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages

    def acknowledge(self) -> None:
        """Nothing waits for it."""


class Given:
    """A source of given batches, and what was published."""

    def __init__(self, given: Sequence[Sequence[Message]]) -> None:
        self._given = given
        self.published: list[bytes] = []

    async def batches(self) -> AsyncIterator[Batch]:
        for messages in self._given:
            yield Batch(messages)

    async def publish(self, *publications: Publication) -> None:
        self.published += [each.payload for each in publications]


async def stored(given: Sequence[Sequence[Message]]) -> dict[str, object]:
    """Return what ingest makes of messages."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "corridor.db"
        store = await SqliteStore.open(file)
        source = Given(given)
        await ingest(source, source, store, now=lambda: NOW)
        await store.close()
        with closing(sqlite3.connect(file)) as connection:
            tables = ("asset", "series", "telemetry", "event", "rejected")
            rows = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
        return {**rows, "dead letters": source.published}


async def both(given: Sequence[Sequence[Message]], monkeypatch: pytest.MonkeyPatch) -> None:
    fast = await stored(given)
    with monkeypatch.context() as patched:
        patched.setattr(SampleReader, "read_run", lambda _self, _messages, first, _samples, _most: first)
        slow = await stored(given)
    assert fast == slow


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=st.lists(st.lists(messages, min_size=1, max_size=8), min_size=1, max_size=3))
def test_rows_and_rejections_are_the_same_on_either_path(
    given: list[list[Message]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(both(given, monkeypatch))


def meant(some: Sequence[Message], most: int, reader: SampleReader | None) -> list[tuple[object, ...]]:
    """Return the steps of messages: samples that are stored, by signal, in their order, and all else."""
    found: list[tuple[object, ...]] = []
    for step in steps(some, decode, reader=reader, most=most):
        by_signal: dict[str, list[tuple[object, ...]]] = {}
        for sample in (*(one for run in step.samples.runs for one in run), *step.events):
            if isinstance(sample, Sample) and not is_snapshot(sample):
                facts = (sample.at, sample.value, sample.unit, sample.simulated)
                by_signal.setdefault(sample.signal, []).append(facts)
        others = [event for event in step.events if is_snapshot(event) or not isinstance(event, Sample)]
        found.append((by_signal, others, step.rejected, step.messages, step.size))
    return found


@given(some=st.lists(messages, max_size=8), most=st.integers(1, 5))
def test_steps_are_the_same_on_either_path(some: list[Message], most: int) -> None:
    reader = SampleReader()
    for topic, payload in ((f"{MILL}/telemetry/load", b"1"), (f"{MILL}/telemetry", b'{"values":{"load":1,"speed":2}}')):
        reader.learn(topic, decode(Message(topic, payload, received_at=NOW)))
    assert meant(some, most, reader) == meant(some, most, None)


def test_samples_of_unknown_age_stay_events() -> None:
    """The store does not keep them."""
    (step,) = steps([Message(f"{MILL}/telemetry/load", b"1", retained=True)], decode, reader=SampleReader())
    assert (step.size, step.samples.count, [is_snapshot(event) for event in step.events]) == (1, 0, [True])
