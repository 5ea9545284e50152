"""The rows of a past that was made by columns are those that the ledger's other ways make of the same events."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from broker.contract.events import NS_PER_S
from cli import past
from edge.simulation import districts
from edge.simulation.simulator import Simulator
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.past_ledger import PastLedger
from services.store.interface import Store
from services.store.opening import open_store

HOUR: Final = 3_600 * NS_PER_S
START: Final = 1_790_000_000 * NS_PER_S + 7


@pytest.mark.parametrize(
    "district",
    [
        "sheffield/light-weighting",  # a batch machine
        pytest.param("samlesbury/amrc-nw", marks=pytest.mark.slow),  # a vehicle that several lines share
    ],
)
def test_the_rows_of_a_past_are_those_of_the_live_ledger(tmp_path: Path, district: str) -> None:
    plant = districts.plant([district])

    async def go() -> None:
        first, second = [await open_store(f"sqlite:///{tmp_path / name}") for name in ("past.db", "live.db")]
        try:
            await past.make(Simulator(plant), plant, first, (START, START + 7 * HOUR))
            reached = START
            writer = LedgerWriter(second, plant, lambda: reached)
            for events in Simulator(plant).backfill(START, START + 7 * HOUR):
                reached = events[-1].at
                await writer.store_events(events)
                await writer.advance()
            reached = START + 7 * HOUR
            await writer.advance()
            assert await everything(first) == await everything(second)
        finally:
            await first.close()
            await second.close()

    asyncio.run(go())


@pytest.mark.slow
def test_no_machine_of_the_corridor_has_to_be_recomputed() -> None:
    plant = districts.plant(districts.names())
    ledger = PastLedger(plant)
    for events in Simulator(plant).backfill(START, START + 4 * HOUR):
        ledger.add(events)
        ledger.rows(events[-1].at)
    assert not ledger.unsure


async def everything(store: Store) -> list[object]:
    """Return what a store holds of machines, their rows and their reasons."""
    end = START + 100 * HOUR
    rows = await store.rows("", 0, end)
    assert rows
    return [await store.machines(), rows, await store.reason_rows("", 0, end), await store.rows("", 0, end, "hour")]
