"""Readings that turn out to be something else hours later: the rows of the minutes concerned are written again."""

from collections.abc import Sequence

import pytest

from broker.contract.events import AnyEvent, Count, Meter, StateChange
from broker.plant.plant import Plant
from broker.plant.plant_file import parse
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.recompute import recompute
from services.ledger.fields import Sums, add
from services.store.sqlite.store import SqliteStore
from tests.ledger.deliveries import MACHINES, T0, Step
from tests.ledger.oracle import MINUTE, NANO, winners
from tests.ledger.stores import empty_store
from tests.ledger.test_against_oracle import Clock, read, store_steps

MILL = MACHINES[0]
CYCLE = parse(f'[asset."{MILL}"]\nideal-cycle = 30\nmax-power = 20\n', "cycle.toml")


def count(minute: float, total: float) -> Count:
    return Count(asset=MILL, at=T0 + round(minute * MINUTE), produced=total, good=total)


def meter(minute: float, total: float) -> Meter:
    return Meter(asset=MILL, at=T0 + round(minute * MINUTE), name="electricity", total=total)


RUNS = StateChange(asset=MILL, at=T0 - 60 * MINUTE, state="running")
BEFORE: list[AnyEvent] = [RUNS, *(count(minute - 30, 970 + minute) for minute in range(0, 31, 2))]
NIGHT: list[AnyEvent] = [count(10 * place + 1, 0) for place in range(48)]
BACK: list[AnyEvent] = [count(481, 1_002), count(482, 1_004)]
RESET: list[AnyEvent] = [count(481, 1), count(482, 3)]
METER: list[AnyEvent] = [
    RUNS,
    *(meter(20 * place, 100 + place) for place in range(9)),
    meter(190, 5_000),
    meter(200, 109),
]


def live(events: Sequence[AnyEvent], then: str) -> list[Step]:
    """Each event when it happens, followed by an advance or a restart."""
    return [Step([event], event.at + NANO, then) for event in sorted(events, key=lambda event: event.at)]


async def put(store: SqliteStore, plant: Plant, *batches: Sequence[AnyEvent], now: int = 0) -> None:
    """Store batches as they happen, or later, by a service that has just started."""
    clock = Clock()
    writer = LedgerWriter(store, plant, clock)
    for batch in batches:
        clock.now = max(clock.now, now, *(event.at + NANO for event in batch))
        await writer.store_events(batch)
        await writer.advance()
    await writer.finish()


async def total(store: SqliteStore, start: int = 0, end: int = 2**62) -> Sums:
    found: Sums = {}
    for row in await store.rows("", start, end):
        add(found, row.sums)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("then", ["advance", "restart", ""])
@pytest.mark.parametrize("events", [[*BEFORE, *NIGHT, *BACK], [*BEFORE, *NIGHT, *RESET], METER])
async def test_live_rows_are_those_of_all_readings_at_once(events: list[AnyEvent], then: str) -> None:
    async with empty_store() as store, empty_store() as at_once:
        now = await store_steps(store, CYCLE, live(events, then))
        await store_steps(at_once, CYCLE, [Step(winners(events), now, "advance")])
        assert await read(store) == await read(at_once)
        assert (await recompute(store, CYCLE, "", 0, now, now=now)).changed == 0


async def test_a_counter_that_was_zero_all_night_and_is_back_in_the_morning_has_dipped() -> None:
    async with empty_store() as store:
        await put(store, CYCLE, *([event] for event in (*BEFORE, *NIGHT)))
        assert (await total(store))["resets"] == NANO
        await put(store, CYCLE, *([event] for event in BACK))
        found = await total(store)
        assert "resets" not in found
        assert (await total(store, T0, T0 + 2 * MINUTE))["dips"] == found["dips"] == NANO
        assert found["produced"] == (1_004 - 970) * NANO


@pytest.mark.parametrize("plant", [CYCLE, parse("", "nothing.toml")])
async def test_a_late_reading_from_before_a_fall_changes_nothing_after_it(plant: Plant) -> None:
    after = [count(40, 3), count(50, 5), count(60, 9)]
    async with empty_store() as store:
        await put(store, plant, *([event] for event in (*BEFORE, *after)))
        expected = await total(store, T0 + MINUTE)
        await put(store, plant, [count(20, 1_012)], now=after[-1].at + NANO)
        found = await total(store)
        assert found["resets"] == NANO
        later = await total(store, T0 + 30 * MINUTE)
        assert {field: later.get(field) for field in ("produced", "resets")} == {
            field: expected.get(field) for field in ("produced", "resets")
        }
        assert found["produced"] == (1_012 - 970 + 9) * NANO
