"""Recordings of devices that do not quite speak the contract, with answers worked out by hand (`cases/`)."""

import asyncio
import json
from pathlib import Path

import pytest

from broker.contract import recording
from broker.contract.events import NS_PER_S, AnyEvent, Sample
from broker.plant.plant import NO_PLANT, Plant
from broker.plant.plant_file import parse
from cli.recordings import Tally, keep
from services.query.answers import answer
from services.query.histories import FOR_EVER
from services.store.interface import Store
from services.store.sqlite.store import SqliteStore
from services.wall.live_state import LiveState

CASES = Path(__file__).parent / "cases"
MACHINE = "fab/shop/line-1/m1"
BEGAN, ENDED = (1_795_500_000 * NS_PER_S, 1_795_503_600 * NS_PER_S)


Numbers = dict[str, float | None]


def replayed(
    case: str, tmp_path: Path, plant: Plant = NO_PLANT
) -> tuple[Tally, dict[str, float | None], list[AnyEvent]]:
    """Play a recording into a store; return what was counted, ledger and indicators of the hour, and the samples."""
    tally = Tally()

    async def asked(store: Store) -> tuple[Numbers, list[AnyEvent]]:
        with recording.Recording(CASES / case / "recording.jsonl") as messages:
            await keep(messages, store, plant, tally)
        found = await answer(store, plant, MACHINE, BEGAN, ENDED, now=ENDED)
        return found.ledger | found.indicators, await store.events(["telemetry"], "", 0, FOR_EVER)

    async def run() -> tuple[Numbers, list[AnyEvent]]:
        store = await SqliteStore.open(tmp_path / "corridor.db")
        try:
            return await asked(store)
        finally:
            await store.close()

    return tally, *asyncio.run(run())


@pytest.mark.parametrize("case", ["quality-word-in-capitals", "meter-unit-kwh"])
def test_the_numbers_are_those_worked_out_by_hand(case: str, tmp_path: Path) -> None:
    tally, numbers, _ = replayed(case, tmp_path)
    expected = json.loads((CASES / case / "expected.json").read_text())["expected"]
    assert not tally.rejected
    assert expected
    for path, value in expected.items():
        assert numbers[path.partition(".")[2]] == pytest.approx(value), path


def test_numbers_as_text_are_stored_as_numbers(tmp_path: Path) -> None:
    tally, _, samples = replayed("numbers-as-text", tmp_path)
    assert not tally.rejected
    assert [event.value for event in samples if isinstance(event, Sample)] == [317.0, 317.1, 317.2, 317.3, 317.4]


def test_or_as_the_texts_that_the_plant_file_declares(tmp_path: Path) -> None:
    plant = parse('[asset.fab]\nsignals.level = { type = "text" }\n', "plant.toml")
    _, _, samples = replayed("numbers-as-text", tmp_path, plant)
    assert [event.value for event in samples if isinstance(event, Sample)] == [f"317.{n}" for n in range(5)]


def test_what_c_programs_send_around_a_payload_is_taken_off(tmp_path: Path) -> None:
    tally, _, samples = replayed("trailing-nul", tmp_path)
    assert [event.value for event in samples if isinstance(event, Sample)] == [15, 15.5, 16.5, 17.5, 18.5]
    (reason,) = tally.rejected
    assert reason.startswith("payload is not UTF-8 at byte 5, 0xB0: in Latin-1 that is '°'; ")


@pytest.mark.parametrize("case", ["quality-word-in-capitals", "meter-unit-kwh", "numbers-as-text", "trailing-nul"])
def test_the_live_state_reads_them_as_a_replay_does(case: str, tmp_path: Path) -> None:
    tally, _, samples = replayed(case, tmp_path)
    live_state = LiveState()
    with recording.Recording(CASES / case / "recording.jsonl") as messages:
        received = [live_state.receive(message) for message in messages]
    assert [f"{one.problem}; {one.hint}" for one in received if one is not None and one.problem] == list(
        tally.rejected.elements()
    )
    shown = live_state.changes(0, lambda *_: True)[MACHINE]
    newest = [event.value for event in samples[-1:] if isinstance(event, Sample)]
    assert [value[1] for name, value in shown.items() if name == "signal/level"] == newest
