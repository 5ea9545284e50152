"""Pieces booked by hand, from the message to the answer: replaced, taken back, late, and in any order."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from broker.contract.codec import decode
from broker.contract.events import Adjust, AnyEvent, Count, Job, StateChange
from broker.contract.message import Message
from broker.plant.plant import NO_PLANT
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.recompute import recompute
from services.ledger.fields import NANO
from services.query.answers import answer
from services.query.explaining import explain
from services.store.interface import Batch, Store
from services.store.retiring import retire, retired
from services.store.sqlite.store import SqliteStore

MINUTE = 60 * NANO
T0 = 1_795_500_000 * NANO  # 06:00 of a day in November
MILL = "works/hall/line-1/mill-1"
NOW = T0 + 60 * MINUTE


@pytest.fixture
async def store(tmp_path: Path) -> Store:
    return await SqliteStore.open(tmp_path / "corridor.db")


def booking(id_: str, at: int, booked: int = 0, **fields: object) -> Adjust:
    """A booking as it comes over the wire, received an hour and so many seconds after the shift began."""
    payload = {"ts": at // 1_000_000, "id": id_, **fields}
    message = Message(f"corridor/v1/{MILL}/adjust", json.dumps(payload).encode(), received_at=NOW + booked * NANO)
    (event,) = decode(message)
    assert isinstance(event, Adjust)
    return event


def an_hour() -> list[AnyEvent]:
    """A machine that runs for an hour: two orders, 40 pieces counted, all of them good."""
    return [
        StateChange(asset=MILL, at=T0, state="running"),
        Job(asset=MILL, at=T0, phase="start", order="wo-1", product="bolt", ideal_cycle=60),
        Count(asset=MILL, at=T0, produced=0, good=0, scrap=0),
        Count(asset=MILL, at=T0 + 30 * MINUTE, produced=20, good=20, scrap=0),
        Job(asset=MILL, at=T0 + 30 * MINUTE, phase="start", order="wo-2", product="nut", ideal_cycle=60),
        Count(asset=MILL, at=T0 + 59 * MINUTE, produced=40, good=40, scrap=0),
    ]


async def write(store: Store, *batches: Sequence[AnyEvent], restart: bool = False, now: int = NOW) -> None:
    writer = LedgerWriter(store, NO_PLANT, lambda: now)
    for batch in batches:
        await writer.store_events(batch)
        if restart:
            writer = LedgerWriter(store, NO_PLANT, lambda: now)
    await writer.advance()
    await writer.finish()


async def pieces(store: Store, start: int = T0, end: int = NOW) -> tuple[float, float]:
    """Good and scrap of a range."""
    ledger = (await answer(store, NO_PLANT, MILL, start, end, now=NOW)).ledger
    return ledger["good"], ledger["scrap"]


async def test_good_pieces_become_scrap_and_quality_and_oee_follow(store: Store) -> None:
    await write(store, an_hour())
    before = await answer(store, NO_PLANT, MILL, T0, NOW, now=NOW)
    await write(store, [booking("b-1", T0 + 20 * MINUTE, good=-5, scrap=5)])
    after = await answer(store, NO_PLANT, MILL, T0, NOW, now=NOW)
    assert (before.indicators["quality_ratio"], after.indicators["quality_ratio"]) == (1, 35 / 40)
    assert (before.indicators["oee"], after.indicators["oee"]) == (40 / 60, 35 / 60)
    assert after.ledger["produced"] == 40


async def test_it_is_of_the_order_that_was_on_and_of_the_moment_before(store: Store) -> None:
    await write(
        store, an_hour(), [booking("b-1", T0 + 30 * MINUTE, scrap=1), booking("b-2", T0 + 31 * MINUTE, scrap=2)]
    )
    found = await store.totals(MILL, T0, NOW)
    assert {product: sums.get("scrap") for (_, product, _), sums in found.items()} == {"bolt": NANO, "nut": 2 * NANO}


@pytest.mark.slow
async def test_the_one_booked_last_counts_in_any_order_and_recomputing_changes_nothing(tmp_path: Path) -> None:
    bookings = [
        booking("b-1", T0 + 10 * MINUTE, 0, good=-5, scrap=5),
        booking("b-1", T0 + 40 * MINUTE, 1, good=-3, scrap=3),  # at another time
        booking("b-1", T0 + 40 * MINUTE, 2, good=-2, rework=2),  # as a whole: no scrap
        booking("b-2", T0 + 40 * MINUTE, 3, scrap=1),
    ]
    outcomes = []
    for number, order in enumerate(itertools.permutations(bookings)):
        opened = await SqliteStore.open(tmp_path / f"{number}.db")
        batches = [[each] for each in order] if number % 2 else [order]
        await write(opened, an_hour(), *batches, restart=number % 3 == 0)
        outcomes.append((await opened.rows("", 0, 2**62), await opened.events(("adjust",), "", 0, 2**62)))
        assert await pieces(opened) == (38, 1)
        done = await recompute(opened, NO_PLANT, "", T0, NOW, now=NOW)
        assert done.changed == 0
        await opened.close()
    assert all(outcome == outcomes[0] for outcome in outcomes)


async def test_void_takes_it_back_whenever_it_comes(store: Store) -> None:
    taken_back = booking("b-1", NOW, 5, void=True)
    await write(store, an_hour(), [booking("b-1", T0 + 10 * MINUTE, good=-5, scrap=5)], [taken_back])
    assert await pieces(store) == (40, 0)
    await write(store, [booking("b-1", T0 + 10 * MINUTE, good=-5, scrap=5)])  # it came late, or again
    assert await pieces(store) == (40, 0)
    await write(store, [booking("b-1", T0 + 10 * MINUTE, 6, scrap=1)])
    assert await pieces(store) == (40, 1)


async def test_pieces_may_be_booked_where_nothing_was_counted(store: Store) -> None:
    await write(store, [booking("b-1", T0 + 10 * MINUTE, produced=7, good=6, scrap=1)])
    assert await pieces(store) == (6, 1)
    assert await pieces(store, T0 + 10 * MINUTE, NOW) == (0, 0)
    await write(store, an_hour())
    assert await pieces(store) == (46, 1)


@pytest.mark.slow
async def test_days_later_it_is_recomputed_in_portions(store: Store) -> None:
    now = NOW + 3 * 24 * 60 * MINUTE
    await write(store, an_hour())
    await write(store, [StateChange(asset=MILL, at=now - MINUTE, state="idle")], now=now)
    await write(store, [booking("b-1", T0 + 10 * MINUTE, good=-5, scrap=5)], now=now)
    assert await pieces(store) == (35, 5)
    assert (await recompute(store, NO_PLANT, "", T0, now, now=now)).changed == 0


async def test_a_machine_stays_retired_by_what_is_booked_for_the_time_before(store: Store) -> None:
    await write(store, an_hour())
    await retire(store, await store.machines(), NOW)
    now = NOW + 10 * MINUTE
    writer = LedgerWriter(store, NO_PLANT, lambda: now)
    await writer.advance()
    await writer.store_events([booking("b-1", T0 + 10 * MINUTE, good=-5, scrap=5)])
    await writer.advance()
    assert MILL in await retired(store)
    assert writer.counted() == {}
    assert await pieces(store) == (35, 5)


async def test_explain_names_what_was_booked_why_and_by_whom(store: Store) -> None:
    batch = [booking("b-1", T0 + 10 * MINUTE, good=-5, scrap=5, reason="burr found", by="ann")]
    await write(store, an_hour(), batch, [booking("b-2", T0 + 10 * MINUTE, 0, good=1, reason="a slip")])
    await write(store, [booking("b-2", T0 + 10 * MINUTE, 1, void=True)])
    found = await explain(store, NO_PLANT, MILL, "quality_ratio", (T0, NOW), now=NOW)
    booked = {(event.booking, event.booked, event.field, event.amount) for event in found.events if event.booking}
    words = "booked by hand: −5 good, +5 scrap, burr found, by ann (booking b-1)"
    assert ("b-1", words, "good", -5) in booked or ("b-1", words, "ideal_good_s", -300) in booked
    assert {each[0] for each in booked} == {"b-1"}
    for field, total in found.sums.items():
        assert sum(event.amount for event in found.events if event.field == field) == pytest.approx(total)


@pytest.mark.parametrize("is_void", [False, True], ids=["of pieces", "void"])
async def test_a_machine_of_which_there_is_but_a_booking_of_long_ago_is_not_due_for_ever(
    store: Store, is_void: bool
) -> None:
    await store.write(Batch(events=[booking("a", T0 - 600 * MINUTE, good=5, void=is_void)]))
    writer = LedgerWriter(store, NO_PLANT, lambda: NOW)
    portions = 0
    while await writer.catch_up():
        portions += 1
        assert portions < 20
    assert not writer.behind()
    rows = await store.rows(MILL, 0, NOW)
    assert sum(row.sums.get("good", 0) for row in rows) == (0 if is_void else 5 * NANO)
    await writer.store_events(an_hour())
    await writer.advance()
    assert await pieces(store) == (40, 0)
