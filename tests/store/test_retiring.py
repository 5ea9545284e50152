"""Retired machines: history as it was, no present, and back with the first event."""

import pytest

from broker.contract.events import Count, State, StateChange
from broker.contract.instants import parse as instant
from broker.plant.plant import NO_PLANT
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.published.windows import Windows
from services.ledger.fields import NANO, TIME
from services.query.ranges import measure
from services.store.interface import Batch, Store
from services.store.retiring import retire, retired

LINE = "sheffield/machining/line-1"
MILL = f"{LINE}/mill-1"
SAW = f"{LINE}/saw-1"
HOUR = 3_600 * NANO


def at(clock: str) -> int:
    return instant(f"2026-11-24T{clock}:00Z")


def state(clock: str, word: State, machine: str = MILL) -> StateChange:
    return StateChange(asset=machine, at=at(clock), state=word)


async def hours(store: Store, start: str, end: str, now: str, asset: str = LINE) -> dict[str, float]:
    sums = (await measure(store, NO_PLANT, asset, at(start), at(end), now=at(now))).total()
    return {field: amount / HOUR for field, amount in sums.items() if field in TIME and amount}


class Service:
    """A ledger writer with its windows, as the service has them."""

    def __init__(self, store: Store, now: str) -> None:
        self.now = at(now)
        self.windows = Windows(store, NO_PLANT)
        self.writer = LedgerWriter(store, NO_PLANT, lambda: self.now, changed=self.windows.apply)

    async def until(self, now: str) -> dict[str, bytes]:
        self.now = at(now)
        await self.writer.advance()
        await self.writer.finish()
        await self.windows.roll(self.writer, await self.writer.advance())
        return {each.topic.partition("/v1/")[2]: each.payload for each in self.windows.due(self.now)}


async def begun(store: Store) -> Service:
    stored = Service(store, "08:00")
    await stored.writer.store_events([state("08:00", "running"), state("08:00", "running", SAW)])
    assert (await stored.until("10:00"))[f"{MILL}/kpi/hour"]
    return stored


@pytest.mark.slow
async def test_a_retired_machine_has_its_past_and_no_present(store: Store) -> None:
    stored = await begun(store)
    assert await retire(store, await store.machines(MILL), at("10:00")) == {MILL: at("10:00")}
    shown = await stored.until("12:00")
    assert list(stored.writer.counted()) == [SAW]
    assert shown[f"{MILL}/kpi/hour"] == b"", "what the broker holds of it is cleared"
    assert shown[f"{LINE}/kpi/hour"]
    assert await hours(store, "08:00", "10:00", "12:00") == {"running_s": 4}
    assert await hours(store, "10:00", "12:00", "12:00") == {"running_s": 2}
    assert await hours(store, "08:30", "12:00", "12:00") == {"running_s": 1.5 + 3.5}, "parts add up to the whole"
    assert await hours(store, "10:00", "12:00", "12:00", MILL) == {}
    assert await retire(store, await store.machines(MILL), at("11:00")) == {}, "it is already"
    again = Service(store, "12:00")
    await again.writer.advance()
    assert list(again.writer.counted()) == [SAW], "after a restart, too"


@pytest.mark.slow
async def test_rows_that_were_made_after_it_was_retired_do_not_count(store: Store) -> None:
    await begun(store)
    await retire(store, await store.machines(MILL), at("09:30"))
    assert await hours(store, "08:00", "10:00", "10:00") == {"running_s": 1.5 + 2}


@pytest.mark.slow
async def test_it_comes_back_with_the_first_event_and_was_unknown_meanwhile(store: Store) -> None:
    stored = await begun(store)
    await retire(store, await store.machines(MILL), at("10:00"))
    await stored.until("11:00")
    stored.now = at("12:00")
    await stored.writer.store_events([state("12:00", "idle")])
    assert await retired(store) == {}
    shown = await stored.until("13:00")
    assert shown[f"{MILL}/kpi/hour"]
    assert await hours(store, "08:00", "13:00", "13:00", MILL) == {"running_s": 2, "unknown_s": 2, "no_order_s": 1}
    rows = await store.totals(MILL, 0, 2**62)
    assert sum(sums.get("running_s", 0) for sums in rows.values()) == 2 * HOUR


@pytest.mark.slow
async def test_it_comes_back_with_what_another_service_stores(store: Store) -> None:
    stored = await begun(store)
    await retire(store, await store.machines(MILL), at("10:00"))
    await stored.until("11:00")
    await store.write(Batch(events=[Count(asset=MILL, at=at("11:30"), produced=1)]))
    await stored.until("12:00")
    assert sorted(stored.writer.counted()) == [MILL, SAW]


async def test_an_event_of_before_does_not_bring_it_back(store: Store) -> None:
    await begun(store)
    await retire(store, await store.machines(LINE), at("10:00"))
    await store.write(Batch(events=[state("09:00", "idle")]))
    assert (await retired(store)).keys() == {MILL, SAW}
