"""Recomputing and paging on each engine: a plant applied afterwards gives the rows that it would have given live."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from broker.contract.events import AnyEvent, Count, Job, State, StateChange, Status
from broker.plant.plant import NO_PLANT, Plant
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.recompute import recompute
from services.ledger.history import KINDS, MINUTE
from services.query.paging import pages
from services.store.interface import LedgerRow, ReasonRow, Store
from services.store.sqlite.store import SqliteStore
from tests.ledger.deliveries import MACHINES, SHIFTS, T0
from tests.store.conftest import QUICK_ENGINES

FOR_EVER = 2**62
END = T0 + 200 * MINUTE


def morning() -> list[AnyEvent]:
    words: tuple[State, ...] = ("running", "down", "running", "idle", "off")
    events: list[AnyEvent] = []
    for step in range(60):
        machine, at = MACHINES[step % 2], T0 + step * 3 * MINUTE + step
        events.append(StateChange(asset=machine, at=at, state=words[step % 5], reason="jam"))
        events.append(Count(asset=machine, at=at, produced=step, good=step // 2))
    events.append(Status(asset=MACHINES[0], at=T0 + 20 * MINUTE, online=False))
    events.append(Job(asset=MACHINES[0], at=T0, phase="start", order="wo-1", product="bolt"))
    return events


async def keep(store: Store, plant: Plant) -> None:
    writer = LedgerWriter(store, plant, lambda: END)
    await writer.store_events(morning())
    await writer.advance()


async def stored(store: Store) -> tuple[Sequence[LedgerRow], Sequence[ReasonRow]]:
    return await store.rows("", 0, FOR_EVER), await store.reason_rows("", 0, FOR_EVER)


@pytest.mark.parametrize("store", QUICK_ENGINES, indirect=True)
@pytest.mark.parametrize("page", [50, 100_000])
async def test_a_plant_that_is_applied_afterwards(store: Store, tmp_path: Path, page: int) -> None:
    await keep(store, NO_PLANT)
    assert (await recompute(store, NO_PLANT, "", 0, END, now=END, page=page)).changed == 0
    assert (await recompute(store, SHIFTS, "", 0, END, now=END, page=page)).changed > 0
    right = await SqliteStore.open(tmp_path / "right.db")
    await keep(right, SHIFTS)
    assert await stored(store) == await stored(right)
    hours = [await one.totals("", 0, FOR_EVER, "hour") for one in (store, right)]
    assert hours[0] == hours[1]
    await right.close()


@pytest.mark.slow
async def test_pages_are_all_events_once_and_never_split_an_instant(store: Store) -> None:
    await keep(store, NO_PLANT)
    whole = await store.events(KINDS, MACHINES[0], T0 + 1, END)
    for size in (1, 2, 5, 1_000):
        found: list[AnyEvent] = []
        async for page in pages(store, KINDS, MACHINES[0], T0 + 1, END, size=size):
            assert not found or found[-1].at < page[0].at
            found += page
        assert found == whole, f"pages of {size}"
