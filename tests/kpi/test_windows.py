"""The running windows: what is published is what the same question answers, whatever came before and in which order."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import msgspec
import pytest

from broker.codec import decode_kpi
from broker.events import AnyEvent, Count, Meter, State, StateChange
from broker.instants import parse as instant
from broker.message import Message
from broker.plant import NO_PLANT, Plant, parse
from services.kpi.keeping import Keeper
from services.kpi.windows import REPEAT_NS, SHARE, Windows, paths
from services.ledger.fields import NANO
from services.store.answers import answer
from services.store.interface import Store
from services.store.sqlite import SqliteStore
from tests.ledger.deliveries import PHASES, PLANTS, Step, deliveries, histories

if TYPE_CHECKING:
    from broker.payloads import KpiPayload

MORE = int(os.environ.get("EXAMPLES", "1"))
LINE = "sheffield/machining/line-1"
MILL = f"{LINE}/mill-1"
SAW = f"{LINE}/saw-1"
DAY = parse(
    """
    [calendar.day]
    time-zone = "UTC"
    shifts = [{ name = "day", start = "06:00", end = "14:00" }]
    [asset.sheffield]
    calendar = "day"
    """,
    "day.toml",
)


def at(clock: str) -> int:
    return instant(f"2026-11-24T{clock if clock.count(':') == 2 else clock + ':00'}Z")


def state(clock: str, word: State, machine: str = MILL) -> StateChange:
    return StateChange(asset=machine, at=at(clock), state=word)


class Running:
    """A keeper and its windows at a time that the test tells, as the service joins them."""

    def __init__(self, store: Store, plant: Plant) -> None:
        self.store, self.plant, self.now = store, plant, 0
        self.windows = Windows(store, plant)
        self.keeper = Keeper(store, plant, lambda: self.now, changed=self.windows.apply)
        self.shown: dict[tuple[str, str], KpiPayload] = {}

    async def tick(self) -> set[tuple[str, str]]:
        """Let the present pass, and return what is published."""
        await self.windows.roll(self.keeper, await self.keeper.advance())
        due = set()
        for publication in self.windows.due(self.now):
            assert (publication.qos, publication.retain) == (1, True)
            message = Message(publication.topic, publication.payload, 1, retained=True, received_at=self.now)
            asset, payload = decode_kpi(message)
            due.add((asset, payload.window))
            self.shown[asset, payload.window] = payload
        return due

    async def check(self) -> None:
        """Hold all that is shown against the answers to the same questions."""
        await self.tick()
        for (asset, window), payload in self.shown.items():
            start, end = instant(payload.start), instant(payload.end)
            if end < self.now:
                continue  # that window is over
            right = await answer(self.store, self.plant, asset, start, end, now=self.now)
            assert payload.indicators == right.indicators, (asset, window)
            assert payload.coverage == right.coverage, (asset, window)


@asynccontextmanager
async def empty_store() -> AsyncIterator[Store]:
    with tempfile.TemporaryDirectory(prefix="windows-") as folder:
        store = await SqliteStore.open(Path(folder) / "corridor.db")
        try:
            yield store
        finally:
            await store.close()


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with empty_store() as opened:
        yield opened


@hypothesis.settings(max_examples=40 * MORE, phases=PHASES)
@hypothesis.given(PLANTS, histories(16).flatmap(deliveries))
def test_what_is_published_is_what_is_answered(plant: Plant, steps: list[Step]) -> None:
    async def run() -> None:
        async with empty_store() as store:
            running = Running(store, plant)
            for step in steps:
                running.now = max(step.now, running.now, *(event.at + 1 for event in step.events))
                await running.keeper.keep_events(step.events)
                if step.then == "advance":
                    await running.check()
                elif step.then == "restart":
                    running, now = Running(store, plant), running.now
                    running.now = now
            await running.check()

    asyncio.run(run())


async def test_every_level_has_its_hour_and_its_shift(store: Store) -> None:
    running = Running(store, DAY)
    running.now = at("08:30")
    await running.keeper.keep_events([state("08:00", "running"), state("08:15", "down", SAW)])
    levels = {*paths(MILL), SAW}
    assert await running.tick() == {(level, window) for level in levels for window in ("hour", "shift")}
    hour = running.shown[LINE, "hour"]
    assert (hour.start, hour.end) == ("2026-11-24T08:00:00Z", "2026-11-24T08:30:00Z")
    assert hour.indicators["availability"] == 30 / 45
    assert hour.coverage == 45 / 60
    shift = running.shown[LINE, "shift"]
    assert shift.start == "2026-11-24T06:00:00Z"
    assert shift.coverage == 45 / 300


async def test_what_no_event_touches_is_published_again_as_time_goes_by(store: Store) -> None:
    running = Running(store, NO_PLANT)
    running.now = at("08:30")
    meter = f"{LINE}/meter-1"
    events: list[AnyEvent] = [
        state("08:00", "running"),
        Meter(asset=meter, at=at("08:10"), name="electricity", total=5),
        Meter(asset=meter, at=at("08:20"), name="electricity", total=9),
        Count(asset=MILL, at=at("08:00"), produced=0),
        Count(asset=MILL, at=at("08:20"), produced=8),
    ]
    await running.keeper.keep_events(events)
    await running.tick()
    assert running.shown[LINE, "hour"].indicators["comprehensive_energy_consumption"] == 0.5
    assert running.shown[meter, "hour"].coverage is None
    running.windows.apply([], by_events=False)
    assert await running.tick() == set()
    running.now += REPEAT_NS
    again = [await running.tick() for _ in range(SHARE)]
    assert any((LINE, "hour") in part for part in again)
    assert not again[0] & again[1], "evenly, not all at once"
    await running.check()


async def test_a_new_hour_begins_with_what_is_in_force(store: Store) -> None:
    running = Running(store, DAY)
    running.now = at("08:59:59")
    await running.keeper.keep_events([state("08:00", "running"), state("08:30", "setup")])
    await running.tick()
    running.now = at("09:00:01")
    await running.tick()
    hour = running.shown[MILL, "hour"]
    assert (hour.start, hour.end) == ("2026-11-24T09:00:00Z", "2026-11-24T09:00:01Z")
    assert (hour.coverage, hour.indicators["availability"], hour.indicators["setup_rate"]) == (1, 0, 1)
    running.now = at("14:00:01")
    assert (MILL, "shift") not in await running.tick(), "the shift is over"


async def test_a_late_event_before_all_others_is_not_counted_besides_the_unknown(store: Store) -> None:
    running = Running(store, NO_PLANT)
    running.now = at("08:40")
    await running.keeper.keep_events([state("08:30", "running")])
    await running.check()
    assert running.shown[MILL, "hour"].coverage == 0.25
    await running.keeper.keep_events([state("08:10", "setup")])
    await running.check()
    assert running.shown[MILL, "hour"].coverage == 0.75


async def test_after_a_write_that_failed_the_sums_are_read_anew(store: Store) -> None:
    running = Running(store, NO_PLANT)
    running.now = at("08:40")
    await running.keeper.keep_events([state("08:30", "running")])
    await running.tick()
    running.keeper = Keeper(store, NO_PLANT, lambda: running.now)  # of what it writes nobody is told
    await running.keeper.keep_events([state("08:35", "down")])
    running.windows.forget()
    await running.check()
    assert running.shown[MILL, "hour"].indicators["availability"] == 0.5


async def test_a_reading_joins_time_only_once_its_machine_counts(store: Store) -> None:
    running = Running(store, NO_PLANT)
    running.now = at("08:30")
    await running.keeper.keep_events([Meter(asset=MILL, at=at("08:10"), name="electricity", total=5)])
    await running.check()
    assert running.shown[MILL, "hour"].coverage is None
    running.now += 60 * NANO
    await running.keeper.keep_events([state("08:30", "running")])
    await running.check()
    assert running.shown[MILL, "hour"].coverage == pytest.approx(1 / 31)
    assert msgspec.json.encode(running.shown[MILL, "hour"])
