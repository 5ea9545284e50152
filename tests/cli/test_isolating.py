"""A replay, a back-fill and a recomputation go on when one message, event or machine makes a stage raise."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.contract import codec
from broker.contract.events import AnyEvent, Count, StateChange
from broker.contract.instants import FOR_EVER
from broker.contract.message import Message
from broker.contract.topics import PREFIX
from broker.plant.plant import NO_PLANT
from cli import past
from cli.messages import recordings
from cli.running.stores import opened
from edge.simulation import districts
from edge.simulation.simulator import Simulator
from services.ledger.columnar.columns import ColumnBuilder, Slice
from services.ledger.history import History
from services.ledger.readings.cumulative import Cumulative
from services.store.interface import Batch, Store
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor

ROOT = Path(__file__).resolve().parents[2]
MILL = "sheffield/machining/line-1/mill-1"
START = 1_795_507_200_000_000_000
MINUTE = 60_000_000_000
GUILTY = 66
RECORDED = [
    Message(
        f"{PREFIX}/{MILL}/count",
        json.dumps({"ts": START // 1_000_000 + 1_000 * number, "produced": number}).encode(),
        received_at=START + 1_000_000_000 * number,
    )
    for number in range(100)
]


class UnforeseenError(Exception):
    """Nobody has thought of it."""


def putting(patch: pytest.MonkeyPatch, is_guilty: Callable[[AnyEvent], bool]) -> None:
    put = History.put

    def failing(self: History, event: AnyEvent, *how: Any) -> set[int]:
        touched = put(self, event, *how)
        if is_guilty(event):
            raise UnforeseenError
        return touched

    patch.setattr(History, "put", failing)


def is_guilty(event: AnyEvent) -> bool:
    return isinstance(event, Count) and event.produced == GUILTY


def read_or_raise(message: Message) -> list[AnyEvent]:
    events = codec.decode(message)
    if any(map(is_guilty, events)):
        raise UnforeseenError
    return events


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'corridor.db'}"


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["reading", "storing"])
async def test_a_replay_rejects_the_message_at_fault_alone(
    stage: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stage == "storing":
        putting(monkeypatch, is_guilty)
    tally = recordings.Tally()
    async with opened(url) as store:
        read = read_or_raise if stage == "reading" else codec.decode
        await recordings.store_messages(RECORDED, store, NO_PLANT, tally, read_message=read)
        counts = await produced(store)
        stored = await store.rejected(0, FOR_EVER)
    assert counts == {*range(100)} - {GUILTY}
    assert [one.payload for one in stored] == [RECORDED[GUILTY].payload]
    assert (tally.messages, tally.events, tally.rejected.total()) == (100, 99, 1)
    (reason,) = tally.rejected
    assert "UnforeseenError" in reason
    assert f"rejected 1 ×: {reason}" in list(tally.lines())


@pytest.mark.slow
async def test_a_past_is_made_without_the_event_at_fault(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guilty: list[AnyEvent] = []

    def first_stop(event: AnyEvent) -> bool:
        if isinstance(event, StateChange) and event.state == "idle" and not guilty:
            guilty.append(event)
        return event in guilty

    write = SqliteStore.write

    async def failing(self: SqliteStore, batch: Batch) -> None:
        if any(map(first_stop, batch.events)):
            raise UnforeseenError
        await write(self, batch)

    monkeypatch.setattr(SqliteStore, "write", failing)
    plant = districts.plant()
    simulator = Simulator(plant, tmp_path / "simulator", source="test")
    async with opened(url) as store:
        await past.make(simulator, plant, store, (START, START + 60 * MINUTE))
        states = await store.events(["state"], "", 0, FOR_EVER)
        stored = await store.rejected(0, FOR_EVER)
        watermark = await store.watermark("")
    (event,) = guilty
    assert event not in states
    assert len(states) > 10
    assert [(one.topic, one.at) for one in stored] == [(f"{PREFIX}/{event.asset}/state", event.at)]
    assert watermark
    assert min(watermark.values()) >= START + 59 * MINUTE


@pytest.mark.slow
async def test_a_past_has_the_rows_of_the_other_machines_when_those_of_one_cannot_be_computed(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = ColumnBuilder.put

    def failing(self: ColumnBuilder, machine: Slice, *how: Any) -> Cumulative:
        readings = put(self, machine, *how)
        if machine.asset == MILL:
            raise UnforeseenError
        return readings

    monkeypatch.setattr(ColumnBuilder, "put", failing)
    plant = districts.plant()
    simulator = Simulator(plant, tmp_path / "simulator", source="test")
    async with opened(url) as store:
        await past.make(simulator, plant, store, (START, START + 60 * MINUTE))
        states = await store.events(["state"], MILL, 0, FOR_EVER)
        watermark = await store.watermark("")
    assert states
    assert watermark.keys() == set(plant.machines()) - {MILL}
    assert min(watermark.values()) >= START + 59 * MINUTE


def test_recomputing_ends_with_the_machines_that_failed(
    corridor: Corridor, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def store() -> None:
        async with opened(url) as written:
            await recordings.store_messages(RECORDED, written, NO_PLANT, recordings.Tally())

    def failing(*_: object) -> None:
        raise UnforeseenError

    asyncio.run(store())
    monkeypatch.setattr(ColumnBuilder, "put", failing)
    status, _, reported = corridor("recompute", "--from", str(START // 1_000_000), "--store", url)
    assert status == 1
    assert f"the program fails on the events of {MILL} (UnforeseenError)" in reported


async def produced(store: Store) -> set[float | None]:
    return {event.produced for event in await store.events(["count"], "", 0, FOR_EVER) if isinstance(event, Count)}
