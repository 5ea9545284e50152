"""Recordings of devices that do not quite speak the contract: what is read, and what is rejected by its name."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.contract.events import Sample
from broker.contract.instants import FOR_EVER
from broker.contract.recordings.recording import Recording
from broker.plant.plant import NO_PLANT, Plant
from broker.plant.plant_file import parse
from cli.messages.recordings import Tally, store_messages
from services.store.interface import Store
from services.store.sqlite.store import SqliteStore
from services.wall.live.live_state import LiveState
from tests.readings.cases import RECORDINGS, Case

MACHINE = "fab/shop/line-1/m1"
LATIN_1 = "payload is not UTF-8 at byte 5, 0xB0: in Latin-1 that is '°'; send UTF-8, in which '°' is C2 B0"


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Store]:
    """One engine, where the answer does not depend on it."""
    opened = await SqliteStore.open(tmp_path / "corridor.db")
    yield opened
    await opened.close()


async def played(name: str, store: Store, plant: Plant = NO_PLANT) -> tuple[list[str], list[object]]:
    """Play a recording into a store; return why messages were rejected, and the values of the signals."""
    tally = Tally()
    with Recording(RECORDINGS / name / "recording.jsonl") as messages:
        await store_messages(messages, store, plant, tally)
    events = await store.events(["telemetry"], "", 0, FOR_EVER)
    return list(tally.rejected.elements()), [event.value for event in events if isinstance(event, Sample)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["quality-word-in-capitals", "meter-unit-kwh"])
async def test_the_numbers_are_those_worked_out_by_hand(name: str, store: Store) -> None:
    case = Case.read(name)
    assert await played(name, store) == ([], [])
    case.check(await case.ask(store))


async def test_numbers_as_text_are_stored_as_numbers(store: Store) -> None:
    assert await played("numbers-as-text", store) == ([], [317.0, 317.1, 317.2, 317.3, 317.4])


async def test_or_as_the_texts_that_the_plant_file_declares(sqlite: Store) -> None:
    plant = parse('[asset.fab]\nsignals.level = { type = "text" }\n', "plant.toml")
    assert await played("numbers-as-text", sqlite, plant) == ([], [f"317.{n}" for n in range(5)])


async def test_what_c_programs_send_around_a_payload_is_taken_off(sqlite: Store) -> None:
    assert await played("trailing-nul", sqlite) == ([LATIN_1], [15, 15.5, 16.5, 17.5, 18.5])


@pytest.mark.parametrize("name", ["quality-word-in-capitals", "meter-unit-kwh", "numbers-as-text", "trailing-nul"])
async def test_the_live_state_reads_them_as_a_replay_does(name: str, sqlite: Store) -> None:
    rejected, values = await played(name, sqlite)
    live_state = LiveState()
    with Recording(RECORDINGS / name / "recording.jsonl") as messages:
        received = [live_state.receive(message) for message in messages]
    assert [f"{one.problem}; {one.hint}" for one in received if one is not None and one.problem] == rejected
    shown = live_state.changes(0, lambda *_: True)[MACHINE]
    assert [value[1] for fact, value in shown.items() if fact == "signal/level"] == values[-1:]
