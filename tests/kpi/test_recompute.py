"""Recomputing leaves a right ledger as it is, fixes a damaged one, and applies a plant as if it had always held."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random

import hypothesis
import pytest
from hypothesis import strategies as st

from broker.contract.events import AnyEvent, Count, State, StateChange
from broker.plant.plant import NO_PLANT, Plant
from services.kpi.growth import LEFT_NS, grows
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.recompute import Progress, Recomputed, recompute
from services.ledger.fields import NANO
from services.ledger.history import KINDS
from services.store.interface import Batch, LedgerRow, ReasonRow
from services.store.sqlite.schema import MEASUREMENTS
from services.store.sqlite.store import SqliteStore
from tests.ledger.deliveries import MACHINES, PLANTS, SHIFTS, T0, Step, deliveries, histories
from tests.ledger.oracle import MINUTE
from tests.ledger.stores import empty_store
from tests.properties import examples

FOR_EVER = 2**62
MILL, SAW = MACHINES[0], MACHINES[2]
PAGES = st.sampled_from([1, 4, 100_000])


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    async with empty_store() as opened:
        yield opened


async def store_steps(store: SqliteStore, plant: Plant, steps: Sequence[Step]) -> int:
    """Keep what comes as it comes; return the present at the end."""
    now = 0
    writer = LedgerWriter(store, plant, lambda: now, silent_ns=FOR_EVER)
    for step in steps:
        now = max(now, step.now)
        await writer.store_events(step.events)
    await writer.advance()
    await writer.finish()
    return now


async def stored(store: SqliteStore) -> tuple[list[LedgerRow], list[ReasonRow]]:
    return await store.rows("", 0, FOR_EVER), await store.reason_rows("", 0, FOR_EVER)


async def again(store: SqliteStore, plant: Plant, now: int, page: int = 100_000) -> Recomputed:
    return await recompute(store, plant, "", T0 - 90 * MINUTE, now + 10 * MINUTE, now=now, page=page)


async def check_resolutions(store: SqliteStore) -> None:
    assert await store.totals("", 0, FOR_EVER, "day") == await store.totals("", 0, FOR_EVER, "minute")


def emptied(rows: Sequence[LedgerRow]) -> list[LedgerRow]:
    return [LedgerRow(row.asset, row.start, row.product, row.shift, {}) for row in rows]


@pytest.mark.slow
@examples(25)
@hypothesis.given(PLANTS, histories(40).flatmap(deliveries), PAGES)
def test_the_live_ledger_is_what_recomputing_makes(plant: Plant, steps: list[Step], page: int) -> None:
    async def run() -> None:
        async with empty_store() as store:
            now = await store_steps(store, plant, steps)
            live = await stored(store)
            done = await again(store, plant, now, page)
            assert await stored(store) == live
            assert (done.changed, done.rows) == (0, len(live[0]) + len(live[1]))

    asyncio.run(run())


@pytest.mark.slow
@examples(20)
@hypothesis.given(PLANTS, histories(30).flatmap(deliveries), PAGES, st.integers(0, 99).map(Random))
def test_a_damaged_ledger_is_as_it_was(plant: Plant, steps: list[Step], page: int, draw: Random) -> None:
    async def run() -> None:
        async with empty_store() as store:
            now = await store_steps(store, plant, steps)
            live = await stored(store)
            watermark = await store.watermark("")
            hit = [row for row in live[0] if row.start < watermark[row.asset] and draw.random() < 0.5]
            wrong = emptied(hit)
            wrong += [
                LedgerRow(row.asset, row.start, "nut", "moon", {"running_s": 7, "good": 3}, "wo-9") for row in hit
            ]
            reasons = [ReasonRow(row.asset, row.start, "down", draw.choice(["jam", "moon"]), 5, 7) for row in hit]
            await store.write(Batch(rows=wrong, reasons=reasons))
            done = await again(store, plant, now, page)
            assert await stored(store) == live
            assert bool(done.changed) == bool(hit)
            await check_resolutions(store)

    asyncio.run(run())


@pytest.mark.slow
@examples(20)
@hypothesis.given(PLANTS, PLANTS, histories(30).flatmap(deliveries), PAGES)
def test_another_plant_holds_as_if_it_always_had(before: Plant, after: Plant, steps: list[Step], page: int) -> None:
    async def run() -> None:
        async with empty_store() as store, empty_store() as other:
            now = await store_steps(store, before, steps)
            await store_steps(other, after, steps)
            await again(store, after, now, page)
            assert await stored(store) == await stored(other)
            await check_resolutions(store)

    asyncio.run(run())


@pytest.mark.slow
@examples(20)
@hypothesis.given(PLANTS, histories(30))
def test_events_without_a_ledger_get_theirs(plant: Plant, events: list[AnyEvent]) -> None:
    async def run() -> None:
        async with empty_store() as store, empty_store() as other:
            now = events[-1].at + 20 * MINUTE
            await store_steps(other, plant, [Step(events, now, "")])
            await store.write(Batch(events=await other.events(KINDS, "", 0, FOR_EVER)))
            await again(store, plant, now)
            assert await stored(store) == await stored(other)

    asyncio.run(run())


# ---- A morning of two machines ----


def state(minute: float, word: State, machine: str = MILL, reason: str = "") -> StateChange:
    return StateChange(asset=machine, at=T0 + round(minute * MINUTE), state=word, reason=reason)


def morning(minutes: int = 300) -> list[AnyEvent]:
    """Events of two machines, two each minute."""
    words: list[State] = ["running", "down", "running", "idle"]
    events: list[AnyEvent] = []
    for minute in range(minutes):
        machine = MILL if minute % 3 else SAW
        events.append(state(minute, words[minute // 3 % 4], machine, "jam"))
        events.append(Count(asset=machine, at=T0 + minute * MINUTE + NANO, produced=minute // 3))
    return events


END = T0 + 300 * MINUTE
MORNING = [Step(morning(), END, "")]


@pytest.mark.slow
async def test_only_whole_minutes_of_the_range_and_the_asset_are_made(store: SqliteStore) -> None:
    now = await store_steps(store, NO_PLANT, MORNING)
    live = await stored(store)
    await store.write(Batch(rows=emptied(live[0][:-4])))
    left = await store.rows("", 0, FOR_EVER)
    done = await recompute(store, NO_PLANT, MILL, T0 + 61 * NANO, T0 + 10 * MINUTE - 1, now=now)
    assert (done.machines, done.changed) == (1, 9)
    inside = [row for row in live[0] if row.asset == MILL and T0 + MINUTE <= row.start < T0 + 10 * MINUTE]
    assert await store.rows("", 0, FOR_EVER) == [*inside, *left]


async def test_what_was_interrupted_is_made_by_doing_it_again(store: SqliteStore) -> None:
    now = await store_steps(store, NO_PLANT, MORNING)
    seen: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 2:
            raise asyncio.CancelledError  # as Ctrl-C does

    with pytest.raises(asyncio.CancelledError):
        await recompute(store, SHIFTS, "", T0, now, now=now, page=100, watch=interrupt)
    assert 0 < seen[0].done < seen[1].done < seen[1].total
    await recompute(store, SHIFTS, "", 0, now, now=now)
    async with empty_store() as other:
        await store_steps(other, SHIFTS, MORNING)
        assert await stored(store) == await stored(other)
    assert (await again(store, SHIFTS, now)).changed == 0


async def test_rows_whose_events_are_no_longer_stored_stay(store: SqliteStore) -> None:
    now = await store_steps(store, NO_PLANT, MORNING)
    live = await stored(store)
    await store.apply_retention(events_before=T0 + 100 * MINUTE, minutes_before=0)
    done = await again(store, NO_PLANT, now)
    assert await stored(store) == live
    assert [note.partition(":")[0] for note in done.notes] == [MILL, SAW]
    assert "older events are no longer stored: rows before 2026-11-24T07:" in done.notes[0]
    assert done.changed == 0
    assert done.rows > 300
    await store.apply_retention(events_before=FOR_EVER, minutes_before=0)
    done = await again(store, NO_PLANT, now)
    assert await stored(store) == live
    assert done.changed == 0
    assert "older events are no longer stored" in done.notes[0]


async def test_rows_of_a_machine_without_stored_events_stay(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "corridor.db")
    now = await store_steps(store, NO_PLANT, MORNING)
    live = await stored(store)
    with closing(sqlite3.connect(tmp_path / "corridor.db")) as connection, connection:
        for table in MEASUREMENTS:
            connection.execute(f"DELETE FROM {table}")
    done = await again(store, NO_PLANT, now)
    assert await stored(store) == live
    assert (done.machines, done.rows) == (0, 0)
    assert "none of its events is stored any more" in done.notes[0]
    await store.close()


async def test_amounts_of_any_size_are_made(store: SqliteStore) -> None:
    events: list[AnyEvent] = [Count(asset=MILL, at=T0 + n * MINUTE, produced=n * 1e12, good=n) for n in range(5)]
    now = await store_steps(store, NO_PLANT, [Step(events, T0 + 5 * MINUTE, "")])
    live = await stored(store)
    await store.write(Batch(rows=emptied(live[0][1:-1])))
    done = await again(store, NO_PLANT, now)
    assert await stored(store) == live
    assert done.changed == len(live[0]) - 2


# ---- While a service keeps the same ledger ----


class Shared(SqliteStore):
    """A store into which another ledger writer writes just before the first write of whoever uses it."""

    writer: LedgerWriter | None = None
    late: Sequence[AnyEvent] = ()

    async def write(self, batch: Batch) -> None:
        writer, self.writer = self.writer, None
        if writer is not None:
            await writer.store_events(self.late)
        await super().write(batch)


async def test_an_event_that_comes_meanwhile_is_not_lost(tmp_path: Path) -> None:
    store = await Shared.open(tmp_path / "corridor.db")
    other = await SqliteStore.open(tmp_path / "corridor.db")
    await store_steps(other, NO_PLANT, MORNING)
    late = state(30.5, "setup")
    await other.write(Batch(rows=emptied(await store.rows(MILL, T0, T0 + 60 * MINUTE))))
    store.writer, store.late = LedgerWriter(other, NO_PLANT, lambda: END), [late]
    await recompute(store, NO_PLANT, "", 0, END, now=END, is_stored=True)
    assert await store.events(["state"], MILL, late.at, late.at + 1) == [late]
    async with empty_store() as right:
        await store_steps(right, NO_PLANT, [Step([*morning(), late], END, "")])
        assert await stored(store) == await stored(right)
    await store.close()
    await other.close()


async def test_the_newest_hour_is_left_to_the_service(store: SqliteStore) -> None:
    now = await store_steps(store, NO_PLANT, MORNING)
    done = await recompute(store, SHIFTS, "", 0, now, now=now, is_stored=True)
    assert done.notes == ("rows from 2026-11-24T09:29:00Z on are left to the service that is writing this ledger",)
    assert {row.shift for row in await store.rows("", T0, END - LEFT_NS - MINUTE)} == {"early", "late", "-"}
    left = await store.rows("", END - LEFT_NS - MINUTE, END)
    assert left == [row for row in left if row.shift == "-"]


async def test_a_ledger_that_grows_is_being_written(store: SqliteStore) -> None:
    now = await store_steps(store, NO_PLANT, MORNING)
    assert not await grows(store, "", now, now=now, wait_s=0)
    assert not await grows(store, "", T0, now=now, wait_s=1_000), "it is not asked about what is long past"
    assert not await grows(store, "", now, now=now + 2 * 86_400 * NANO, wait_s=1_000), "nobody has written it for days"

    seconds = count(1)

    class Growing(SqliteStore):
        """A store that a service has let grow when one looks again."""

        async def watermark(self, asset: str) -> dict[str, int]:
            found = await super().watermark(asset)
            later = now + next(seconds) * NANO
            await LedgerWriter(store, NO_PLANT, lambda: later).advance()
            return found

    growing = await Growing.open(store.path)
    assert await grows(growing, "", now, now=now, wait_s=0)
    await growing.close()
