"""Fields that are never reported differ from those that are zero, and no ratio is computed of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.contract.events import AnyEvent, Count, Labour, Material, StateChange
from broker.contract.instants import parse as instant
from broker.plant.plant import NO_PLANT
from services.kpi.ledger_writer import LedgerWriter
from services.query.answers import Answer, answer
from services.query.groups import answers_by
from services.store.sqlite.store import SqliteStore

LINE = "works/hall/line-1"
MILL, SAW = f"{LINE}/mill-1", f"{LINE}/saw-1"


def at(clock: str) -> int:
    return instant(f"2026-11-24T{clock}:00Z")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "corridor.db")
    yield opened
    await opened.close()


async def reported(store: SqliteStore, *events: AnyEvent, asset: str = MILL) -> Answer:
    writer = LedgerWriter(store, NO_PLANT, lambda: at("09:00"))
    await writer.store_events([StateChange(asset=MILL, at=at("08:00"), state="running"), *events])
    await writer.advance()
    return await answer(store, NO_PLANT, asset, at("08:00"), at("09:00"), now=at("09:00"))


async def test_a_ratio_of_what_is_not_reported_is_none_with_what_to_send(store: SqliteStore) -> None:
    found = await reported(
        store,
        Count(asset=MILL, at=at("08:00"), produced=0, inspected=0),
        Count(asset=MILL, at=at("08:30"), produced=5, inspected=5),
        Labour(asset=MILL, at=at("08:00"), present=2),
        Material(asset=MILL, at=at("08:00"), name="bar", consumed=0),
        Material(asset=MILL, at=at("08:30"), name="bar", consumed=3, stock=7),
    )
    names = ("scrap_ratio", "rework_ratio", "first_pass_yield", "worker_efficiency", "finished_goods_ratio")
    more = ("integrated_goods_ratio", "production_loss_ratio", "other_loss_ratio", "inventory_turns")
    assert {name: found.indicators[name] for name in (*names, *more)} == dict.fromkeys((*names, *more))


async def test_what_was_reported_as_zero_is_zero(store: SqliteStore) -> None:
    found = await reported(
        store,
        Count(asset=MILL, at=at("08:00"), produced=0, good=0, inspected=0, first_pass=0),
        Count(asset=MILL, at=at("08:10"), scrap=0, rework=0),
        Count(asset=MILL, at=at("08:30"), produced=5, good=5, inspected=5),
        Labour(asset=MILL, at=at("08:00"), present=2, working=0),
    )
    names = ("scrap_ratio", "rework_ratio", "first_pass_yield", "worker_efficiency")
    assert [found.indicators[name] for name in names] == [0.0, 0.0, 0.0, 0.0]


async def test_it_holds_of_each_part_of_a_range(store: SqliteStore) -> None:
    await reported(
        store,
        Count(asset=MILL, at=at("08:00"), produced=0, scrap=0),
        Count(asset=MILL, at=at("08:30"), produced=5),
        StateChange(asset=SAW, at=at("08:00"), state="running"),
        Count(asset=SAW, at=at("08:00"), produced=0),
        Count(asset=SAW, at=at("08:30"), produced=5),
    )
    between = (at("08:00"), at("09:00"))
    machines = await answers_by(store, NO_PLANT, LINE, "machine", between, now=at("09:00"))
    assert [each.indicators["scrap_ratio"] for each in machines] == [0.0, None]
    (product,) = await answers_by(store, NO_PLANT, LINE, "product", between, now=at("09:00"))
    assert (product.indicators["scrap_ratio"], product.indicators["rework_ratio"]) == (0.0, None)
