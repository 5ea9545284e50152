"""The numbers of now: they come with the message that changes them, as the interface answers them, once for all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest

from broker.contract import instants
from broker.contract.events import NS_PER_S, Count, StateChange
from services.kpi.ledger_writer import LedgerWriter
from services.query.answers import answer
from services.query.running_answers import RunningAnswers
from services.store.interface import Store
from services.wall.addresses import Parts
from services.wall.answers import running_sums as module
from services.wall.answers.answering import Answers
from services.wall.answers.asset_range import AssetRanges
from services.wall.answers.numbers import Numbers
from services.wall.answers.running_sums import RunningSums
from services.wall.live.live_state import LiveState
from services.wall.live.plant_sheet import sheet
from services.wall.live.stream import Scope, Stream
from tests.wall.live.test_stream import following, message, read
from tests.wall.works import CMM, EIGHT, LINE, MILL, NOW, PLANT, Clock

START = EIGHT - 2 * 3_600 * NS_PER_S


class Running(msgspec.Struct):
    stream: Stream
    live_state: LiveState
    numbers: Numbers
    clock: Clock

    def count(self, made: int, after_s: float) -> None:
        self.clock.now += round(after_s * NS_PER_S)
        body = {"ts": self.clock.now // 1_000_000, "produced": made, "good": made - 2, "scrap": 2}
        self.live_state.receive(message("count", body))
        self.stream.touch()


@asynccontextmanager
async def running(store: Store) -> AsyncIterator[Running]:
    clock, live_state = Clock(NOW), LiveState()
    for machine in PLANT.machines():
        live_state.declare(machine)
    numbers = Numbers(store, PLANT, AssetRanges(PLANT, live_state, clock), Answers(store, PLANT, clock).beside, clock)
    live_state.follow = numbers.take
    stream = Stream(live_state, clock, lambda scope: sheet(PLANT, live_state, scope, None), numbers=numbers)
    tasks = [asyncio.create_task(stream.run()), asyncio.create_task(numbers.run(stream.wake))]
    try:
        async with asyncio.timeout(30):
            yield Running(stream, live_state, numbers, clock)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def of(events: AsyncIterator[bytes], asset: str, good: float | None = None) -> tuple[Any, Any]:
    """Return the next answer and plan of an asset, or the next whose good pieces are so many."""
    while True:
        reported = await following(events, "numbers")
        plans = {each["asset"]: each for each in reported["plans"]}
        for each in reported["answers"]:
            if each["asset"] == asset and (good is None or each["ledger"]["good"] == good):
                return each, plans.get(asset)


async def test_a_count_changes_the_numbers_of_its_machine_line_and_plant_before_the_store_has_it(
    filled: Store,
) -> None:
    async with running(filled) as wall, aclosing(wall.stream.events(Scope(numbers="shift"))) as events:
        before, plan = await of(events, LINE)
        assert (before["ledger"]["good"], plan["good"]) == (33, 33)
        wall.count(40, after_s=1)
        shown, plan = await of(events, LINE, good=38)
        assert shown["counted_to"] == "2026-11-25T09:00:01Z"
        assert plan["good"] == 38
        assert shown["indicators"]["oee"] != before["indicators"]["oee"]


async def test_the_whole_plant_changes_with_its_machine(filled: Store) -> None:
    async with running(filled) as wall, aclosing(wall.stream.events(Scope(numbers="shift"))) as events:
        before, _ = await of(events, "")
        wall.count(40, after_s=1)
        shown, plan = await of(events, "", good=38)
        assert plan["good"] == 38
        assert shown["indicators"]["oee"] != before["indicators"]["oee"]


async def test_what_is_sent_is_what_the_interface_answers(filled: Store) -> None:
    async with running(filled) as wall:
        stored = await answer(filled, PLANT, MILL, START, NOW, now=NOW)
        async with aclosing(wall.stream.events(Scope(MILL, numbers="shift"))) as events:
            shown, _ = await of(events, MILL)
        assert shown == msgspec.to_builtins(stored)
        line = await answer(filled, PLANT, LINE, START, NOW, now=NOW)
        async with aclosing(wall.stream.events(Scope(numbers="shift"))) as events:
            shown, _ = await of(events, LINE)
        known = msgspec.to_builtins(line)
        assert shown["waterfall"] == known["waterfall"]
        for part in ("indicators", "ledger"):
            assert shown[part] == {name: known[part][name] for name in shown[part]}
            assert shown[part]


async def test_a_line_has_all_of_its_own_numbers_and_a_tile_of_each_machine(filled: Store) -> None:
    async with running(filled) as wall, aclosing(wall.stream.events(Scope(LINE, numbers="shift"))) as events:
        shown: dict[str, Any] = {}
        while shown.keys() != {LINE, MILL, CMM}:
            shown |= {each["asset"]: each for each in (await following(events, "numbers"))["answers"]}
        assert "cpk" in shown[LINE]["indicators"]
        assert "cpk" not in shown[MILL]["indicators"]


async def test_each_number_is_computed_once_however_many_look(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    real = RunningAnswers.answer

    async def counted(self: Any, store: Store, asset: str, now: int) -> Any:
        computed.append(asset)
        return await real(self, store, asset, now)

    monkeypatch.setattr(RunningAnswers, "answer", counted)
    async with running(filled) as wall:
        pages = [wall.stream.events(Scope(MILL, numbers="shift")) for _ in range(20)]
        for page in pages:
            await of(page, MILL)
        wall.count(40, after_s=1)
        for page in pages:
            await of(page, MILL, good=38)
        # Once at first and once after the count, each with the pieces that count against the plan.
        assert computed.count(MILL) <= 6
        for page in pages:
            await page.aclose()
        assert not wall.numbers._looks


@pytest.mark.slow
async def test_a_page_that_does_not_read_gets_the_newest_numbers_only(filled: Store) -> None:
    async with (
        running(filled) as wall,
        aclosing(wall.stream.events(Scope(MILL, numbers="shift"))) as slow,
        aclosing(wall.stream.events(Scope(MILL, numbers="shift"))) as quick,
    ):
        await of(slow, MILL)
        await of(quick, MILL)
        for made in (40, 41, 42):
            wall.count(made, after_s=1)
            await of(quick, MILL, good=made - 2)
        shown, _ = await of(slow, MILL)
        assert shown["ledger"]["good"] == 40


@pytest.mark.slow
async def test_a_late_state_is_in_the_numbers_once_they_are_loaded_again(filled: Store) -> None:
    async with running(filled) as wall, aclosing(wall.stream.events(Scope(MILL, numbers="shift"))) as events:
        await of(events, MILL)
        late = StateChange(asset=MILL, at=NOW - 40 * 60 * NS_PER_S, state="down")
        await LedgerWriter(filled, PLANT, wall.clock).store_events([late])
        wall.numbers.take([late])
        while True:
            shown, _ = await of(events, MILL)
            if shown["ledger"]["down_s"] != 720:
                break


@pytest.mark.slow
async def test_a_shift_that_begins_has_numbers_of_its_own(filled: Store) -> None:
    async with running(filled) as wall, aclosing(wall.stream.events(Scope(MILL, numbers="shift"))) as events:
        await of(events, MILL)
        wall.clock.now = START + 24 * 3_600 * NS_PER_S
        wall.count(50, after_s=5)
        while True:
            shown, _ = await of(events, MILL)
            if shown["from"] == "2026-11-26T06:00:00Z":
                break


@pytest.mark.parametrize("start", ["now-1h", "now-7d"])
async def test_a_range_that_moves_with_the_clock_changes_with_a_message(filled: Store, start: str) -> None:
    async with running(filled) as wall, aclosing(wall.stream.events(Scope(LINE, numbers=start))) as events:
        before, _ = await of(events, LINE)
        stored = await answer(filled, PLANT, LINE, instants.parse(before["from"]), NOW, now=NOW)
        assert before["ledger"] == stored.ledger
        wall.count(40, after_s=1)
        shown, plan = await of(events, LINE, good=before["ledger"]["good"] + 5)
        assert shown["from"] == plan["from"] == before["from"]


@pytest.mark.slow
async def test_a_range_that_moves_with_the_clock_begins_later_after_a_while(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOVES_S", (0.1, 0.1))
    monkeypatch.setattr(module, "_AGAIN_S", 0.1)
    monkeypatch.setattr("services.wall.answers.numbers._FOLLOW_S", 0.2)
    async with running(filled) as wall, aclosing(wall.stream.events(Scope(MILL, numbers="now-1h"))) as events:
        before, _ = await of(events, MILL)
        wall.clock.now += 1_800 * NS_PER_S
        made = Count(asset=MILL, at=wall.clock.now - 60 * NS_PER_S, produced=40, good=38, scrap=2)
        await LedgerWriter(filled, PLANT, wall.clock).store_events([made])
        wall.numbers.take([made])
        while True:
            shown, plan = await of(events, MILL)
            if shown["from"] != before["from"]:
                break
        assert shown["from"] == plan["from"] == instants.format_rfc3339(wall.clock.now - 3_600 * NS_PER_S)
        assert shown["ledger"]["good"] == 14


@pytest.mark.parametrize("start", ["previous-shift", "soon"])
async def test_other_ranges_are_asked_for(filled: Store, start: str) -> None:
    async with running(filled) as wall, aclosing(wall.stream.events(Scope(MILL, numbers=start))) as events:
        await following(events, "snapshot")
        wall.count(40, after_s=1)
        reported = ""
        while reported != "changes":
            reported, _ = read(await anext(events))
        assert wall.numbers.revision == 0


async def test_very_many_machines_have_no_numbers_but_each_line_has(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_MACHINES", 1)
    async with running(filled) as wall:
        async with aclosing(wall.stream.events(Scope(MILL, numbers="shift"))) as events:
            assert (await of(events, MILL))[0]["ledger"]["good"] == 33
        async with aclosing(wall.stream.events(Scope(numbers="shift"))) as events:
            await following(events, "snapshot")
            wall.count(40, after_s=1)
            await following(events, "changes")
            assert all(look.asset == MILL for look in wall.numbers._numbers)


async def test_sums_are_held_of_the_largest_part_that_has_few_enough_machines(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = RunningSums(PLANT, parts.ranges, parts.answers.beside, Clock(NOW))
    assert sums.root_of(MILL) == sums.root_of("") == ""
    monkeypatch.setattr(module, "MOST_MACHINES", 1)
    assert sums.root_of(MILL) == MILL
    assert sums.root_of(LINE) is None


def test_parts_are_those_of_the_server(parts: Parts) -> None:
    assert parts.ranges.machines("") == [MILL, CMM]
    assert parts.ranges.range(MILL, "shift", "now").start == START
