"""Answers updated by events are those that the store gives, whatever arrives and however late."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from broker.contract.events import NS_PER_S, AnyEvent, Count, Job, Meter, Phase, StateChange, Status
from broker.plant.plant import Plant
from services.kpi.ledger_writer import LedgerWriter
from services.query.answers import Answer, answer
from services.query.running_answers import RunningAnswers, load
from services.store.interface import Store
from services.store.opening import open_store
from tests.wall.browser import mixed_works
from tests.wall.works import CMM, EIGHT, LINE, MILL, MINUTE, NOW, PLANT, Clock, worked_example

START = EIGHT - 2 * 60 * MINUTE  # of the shift
METER = "leeds/shop/line-1/meter-1"
BY_ORDERS = msgspec.structs.replace(
    PLANT, assets={path: msgspec.structs.replace(info, targets={}) for path, info in PLANT.assets.items()}
)
STATES = ("running", "down", "starved", "idle", "setup", "off", "blocked")


async def written(store: Store, clock: Clock, events: list[AnyEvent]) -> LedgerWriter:
    writer = LedgerWriter(store, PLANT, clock)
    await writer.store_events(events)
    await writer.advance()
    return writer


def following(seed: int, since: int) -> Iterator[AnyEvent]:
    """Yield what machines report in the next minutes: short stops, glitches of counters, orders."""
    chance = random.Random(seed)
    made = 35
    at = since
    while at < since + 7 * MINUTE:
        at += chance.randrange(1, 40) * NS_PER_S + chance.randrange(NS_PER_S)
        machine = chance.choice((MILL, CMM))
        made += chance.randrange(3)
        match chance.randrange(9):
            case 0 | 1 | 2:
                state = chance.choice(STATES)
                yield StateChange(asset=machine, at=at, state=state, reason=chance.choice(("", "spindle")))  # type: ignore[arg-type]
            case 3 | 4 | 5:
                shown = made if chance.random() < 0.9 else made - 20  # a dip, or a reset
                yield Count(asset=MILL, at=at, produced=shown, good=shown - 2, scrap=2)
            case 6:
                phase: Phase = "start" if chance.random() < 0.5 else "end"
                yield Job(
                    asset=MILL,
                    at=at,
                    phase=phase,
                    order=f"wo-{made % 5}",
                    product="bracket-7",
                    ideal_cycle=50.0,
                    planned=20.0,
                )
            case 7:
                yield Meter(asset=MILL, at=at, name="electricity", total=at / 1e12, unit="kW.h")
            case _:
                yield Status(asset=machine, at=at, online=chance.random() < 0.7)


def numbers(found: Answer | None) -> dict[str, object]:
    assert found is not None
    return found.document()


@pytest.fixture
async def begun(tmp_path: Path) -> tuple[Store, Clock, LedgerWriter]:
    store = await open_store(f"sqlite:///{tmp_path}/store.db")
    clock = Clock(NOW)
    events = [event for event in worked_example() if event.kind not in {"telemetry", "event"}]
    return store, clock, await written(store, clock, events)


async def seen(store: Store, now: int, start: int = START, plant: Plant = PLANT) -> RunningAnswers:
    running = await load(store, plant, "", start, now)
    for asset in ("", LINE, MILL, CMM):
        await running.see(store, asset, now)
    return running


@pytest.mark.slow
@pytest.mark.parametrize("plant", [PLANT, BY_ORDERS], ids=["planned by target", "planned by orders"])
@pytest.mark.parametrize("seed", range(2))
async def test_what_arrives_gives_the_numbers_that_the_store_gives(
    begun: tuple[Store, Clock, LedgerWriter], seed: int, plant: Plant
) -> None:
    store, clock, writer = begun
    running = await seen(store, clock.now, plant=plant)
    compared = reloaded = 0
    for event in following(seed, NOW):
        clock.now = max(clock.now, event.at + NS_PER_S // 3)
        await writer.store_events([event])
        running.put(event, clock.now)
        if running.is_outdated:
            running, reloaded = await seen(store, clock.now, plant=plant), reloaded + 1
        else:
            for asset in ("", LINE, MILL, CMM):
                await running.see(store, asset, clock.now)
        for asset in ("", LINE, MILL, CMM):
            shown = await running.answer(store, asset, clock.now)
            assert numbers(shown) == numbers(await answer(store, plant, asset, START, clock.now, now=clock.now))
            compared += 1
    assert compared > 40
    assert reloaded < 5
    await store.close()


async def test_a_late_event_is_counted_or_makes_the_range_outdated(begun: tuple[Store, Clock, LedgerWriter]) -> None:
    store, clock, _ = begun
    running = await seen(store, clock.now)
    assert running.put(StateChange(asset=MILL, at=NOW - 2 * MINUTE, state="down"), NOW)
    shown = await running.answer(store, MILL, NOW)
    assert shown is not None
    assert shown.ledger["down_s"] == 12 * 60 + 120
    assert not running.put(StateChange(asset=MILL, at=NOW - 30 * MINUTE, state="down"), NOW)
    assert running.is_outdated
    await store.close()


async def test_a_machine_nobody_knew_makes_the_range_outdated(begun: tuple[Store, Clock, LedgerWriter]) -> None:
    store, _, writer = begun
    await writer.store_events([Meter(asset=METER, at=EIGHT, name="electricity", total=5.0, unit="kW.h")])
    running = await seen(store, NOW)
    assert not running.put(StateChange(asset=METER, at=NOW, state="running"), NOW)
    assert running.is_outdated
    running = await seen(store, NOW)
    assert not running.put(StateChange(asset="leeds/shop/line-1/new", at=NOW, state="running"), NOW)
    assert running.is_outdated
    await store.close()


async def test_a_state_that_was_retained_without_a_time_changes_nothing(
    begun: tuple[Store, Clock, LedgerWriter],
) -> None:
    store, _, _ = begun
    running = await seen(store, NOW)
    assert not running.put(StateChange(asset=MILL, at=NOW, state="down", time_source="retained"), NOW)
    assert not running.is_outdated
    await store.close()


async def test_a_range_that_has_just_begun_has_no_past(begun: tuple[Store, Clock, LedgerWriter]) -> None:
    store, clock, writer = begun
    start = NOW + 17 * NS_PER_S
    running = await seen(store, start + 1, start)
    for at, made in ((20, 36), (50, 38), (80, 41)):
        clock.now = NOW + at * NS_PER_S
        event = Count(asset=MILL, at=clock.now, produced=made, good=made - 2, scrap=2)
        await writer.store_events([event])
        assert running.put(event, clock.now)
    for asset in ("", LINE, MILL, CMM):
        await running.see(store, asset, clock.now)
        stored = await answer(store, PLANT, asset, start, clock.now, now=clock.now)
        assert numbers(await running.answer(store, asset, clock.now)) == numbers(stored)
    await store.close()


async def test_where_only_a_meter_reports_there_is_no_running_answer(
    begun: tuple[Store, Clock, LedgerWriter],
) -> None:
    store, _, writer = begun
    await writer.store_events([Meter(asset=METER, at=EIGHT, name="electricity", total=5.0, unit="kW.h")])
    running = await load(store, PLANT, "", START, NOW)
    assert await running.answer(store, METER, NOW) is None
    await store.close()


async def test_what_spoils_a_total_is_named_alike(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/store.db")
    writer = LedgerWriter(store, mixed_works.MIXED, lambda: NOW)
    events = mixed_works.an_hour()
    early = [event for event in events if event.at < EIGHT + 40 * MINUTE]
    await writer.store_events(early)
    await writer.advance()
    running = await seen(store, EIGHT + 40 * MINUTE, EIGHT, mixed_works.MIXED)
    late = [event for event in events if event.at >= EIGHT + 40 * MINUTE]
    await writer.store_events(late)
    await writer.advance()
    for event in late:
        running.put(event, NOW)
    for asset in ("", mixed_works.LINE):
        updated = await running.answer(store, asset, NOW)
        asked = await answer(store, mixed_works.MIXED, asset, EIGHT, NOW, now=NOW)
        assert updated is not None
        assert updated.caveats == asked.caveats
        assert {caveat.kind for caveat in asked.caveats} >= {"doubtful", "unmetered", "simulated"}
        assert updated.implausible == asked.implausible
    await store.close()
