"""Ticks that serve a share of the machines, in turn: what is published is still what the same question answers."""

import asyncio

import hypothesis
import pytest
from hypothesis import strategies as st

from broker.contract.events import Job, StateChange
from broker.plant.plant import NO_PLANT, Plant
from services.kpi.machine import SILENT_NS
from services.kpi.published.window_totals import REPEAT_NS
from services.kpi.published.windows import SHARE
from services.ledger.fields import NANO
from services.ledger.history import MINUTE
from tests.kpi.test_windows import LINE, MILL, Running, at, state
from tests.ledger.deliveries import PLANTS, Step, deliveries, histories
from tests.ledger.stores import empty_store
from tests.properties import examples

TICK = 7 * NANO


async def ticks(running: Running, number: int, share: int) -> None:
    """Let some ticks pass, each for its share."""
    for _ in range(number):
        running.now += TICK
        await running.tick(share)


async def check(running: Running) -> None:
    """Hold what is published against the answers, once all is published again with rows that reach the present."""
    running.now += REPEAT_NS
    for _ in range(SHARE):
        await running.tick()
    await running.check()


@pytest.mark.slow
@examples(15)
@hypothesis.given(PLANTS, histories(12).flatmap(deliveries), st.integers(2, 4), st.integers(0, 12))
def test_machines_that_grow_in_turn_are_published_as_they_are_answered(
    plant: Plant, steps: list[Step], share: int, number: int
) -> None:
    async def run() -> None:
        async with empty_store() as store:
            running = Running(store, plant)
            for step in steps:
                running.now = max(step.now, running.now, *(event.at + 1 for event in step.events))
                await running.writer.store_events(step.events)
                await ticks(running, number, share)
            await check(running)

    asyncio.run(run())


async def test_an_hour_that_begins_while_rows_are_behind_counts_no_second_twice() -> None:
    async with empty_store() as store:
        running = Running(store, NO_PLANT, SILENT_NS)
        machines = [f"{LINE}/mill-{number}" for number in range(6)]
        running.now = at("08:59:00")
        await running.writer.store_events([state("08:30", "running", machine) for machine in machines])
        await running.check()
        await ticks(running, 10, share=3)
        await running.writer.store_events(
            [
                Job(asset=MILL, at=running.now - NANO, phase="start", order="wo-1"),
                StateChange(asset=MILL, at=running.now - NANO, state="down"),
            ]
        )
        await ticks(running, 5, share=3)
        await check(running)
        hour = running.shown[LINE, "hour"]
        assert (hour.start, hour.coverage) == ("2026-11-24T09:00:00Z", 1)


async def test_a_tick_writes_rows_of_its_share_and_after_a_pause_of_all() -> None:
    async with empty_store() as store:
        running = Running(store, NO_PLANT)
        machines = {f"{LINE}/mill-{number}" for number in range(6)}
        running.now = at("08:30:20")
        await running.writer.store_events([state("08:30", "running", machine) for machine in sorted(machines)])
        await running.writer.advance()
        served: list[set[str]] = []
        for _ in range(3):
            before = {machine: running.writer.live()[machine].until for machine in machines}
            running.now += NANO
            await running.writer.advance(3)
            served.append({machine for machine in machines if running.writer.live()[machine].until > before[machine]})
        assert [len(turn) for turn in served] == [2, 2, 2]
        assert set().union(*served) == machines
        running.now += MINUTE
        await running.writer.advance(3)
        assert {running.writer.live()[machine].until for machine in machines} == {running.now}
