"""`corridor recompute`."""

import asyncio
from pathlib import Path

import pytest

from broker.contract.events import AnyEvent, Count, StateChange
from broker.contract.instants import parse as instant
from broker.plant.plant import NO_PLANT
from cli.ledger import recompute
from cli.running.stores import PLANT_METADATA
from services.kpi.ledger_writer import LedgerWriter
from services.store.interface import Batch, LedgerRow
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor

MILL = "sheffield/machining/line-1/mill-1"
EIGHT, TEN = instant("2026-11-24T08:00:00Z"), instant("2026-11-24T10:00:00Z")
RANGE = ("--from", "2026-11-24T00:00:00Z", "--to", "2026-11-25T00:00:00Z")
PLANT = """
[calendar.day]
time-zone = "UTC"
shifts = [{ name = "day", start = "06:00", end = "14:00", breaks = [{ start = "09:00", end = "09:15" }] }]
[asset.sheffield]
calendar = "day"
"""


async def fill(path: Path) -> None:
    store = await SqliteStore.open(path)
    events: list[AnyEvent] = [
        StateChange(asset=MILL, at=EIGHT, state="idle"),
        Count(asset=MILL, at=EIGHT, produced=0),
        Count(asset=MILL, at=EIGHT + 1_800_000_000_000, produced=7),
    ]
    await LedgerWriter(store, NO_PLANT, lambda: TEN).store_events(events)
    await store.close()


async def rows(path: Path) -> list[LedgerRow]:
    store = await SqliteStore.open(path)
    try:
        return await store.rows(MILL, 0, 2**62)
    finally:
        await store.close()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(recompute, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(recompute, "TICK_S", 0.0)
    asyncio.run(fill(tmp_path / "corridor.db"))
    return tmp_path / "corridor.db"


def test_a_right_ledger_stays_and_a_damaged_one_is_repaired(corridor: Corridor, file: Path) -> None:
    before = asyncio.run(rows(file))
    status, out, reported = corridor("recompute", *RANGE)
    assert (status, out) == (0, "")
    assert reported.startswith("1 machine, 3 events, 121 rows, of which 0 changed, in ")
    damaged = before[30]

    async def damage() -> None:
        store = await SqliteStore.open(file)
        await store.write(Batch(rows=[LedgerRow(MILL, damaged.start, damaged.product, damaged.shift, {})]))
        await store.close()

    asyncio.run(damage())
    assert "121 rows, of which 1 changed" in corridor("recompute", *RANGE, "--asset", "sheffield")[2]
    assert asyncio.run(rows(file)) == before


def test_a_plant_is_applied_to_the_past_and_noted(corridor: Corridor, file: Path, tmp_path: Path) -> None:
    (tmp_path / "plant.toml").write_text(PLANT)
    status, _, reported = corridor("recompute", *RANGE, "--plant", str(tmp_path / "plant.toml"))
    assert (status, "of which 242 changed" in reported) == (0, True), reported
    found = asyncio.run(rows(file))
    assert {row.shift for row in found} == {"day"}
    assert sum(row.sums.get("off_s", 0) for row in found) == 15 * 60 * 10**9

    async def noted() -> str | None:
        store = await SqliteStore.open(file)
        try:
            return await store.metadata(PLANT_METADATA)
        finally:
            await store.close()

    assert asyncio.run(noted()) == PLANT
    assert "of which 0 changed" in corridor("recompute", *RANGE)[2]


def test_another_plant_is_rejected_while_a_service_keeps_the_ledger(
    corridor: Corridor, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def it_grows(*_: object, **__: object) -> bool:
        return True

    monkeypatch.setattr(recompute, "grows", it_grows)
    (tmp_path / "plant.toml").write_text(PLANT)
    before = asyncio.run(rows(file))
    status, _, reported = corridor("recompute", *RANGE, "--plant", str(tmp_path / "plant.toml"))
    assert status == 1
    assert "stop it, recompute, and start it again" in reported
    assert asyncio.run(rows(file)) == before
    status, _, reported = corridor("recompute", *RANGE)
    assert status == 0
    assert "rows from 2026-11-24T08:59:00Z on are left to the service" in reported


def test_wrong_use_is_reported(corridor: Corridor, tmp_path: Path) -> None:
    assert corridor("recompute")[0] == 2
    assert "later than --from" in corridor("recompute", "--from", "2026-11-24T00:00:00Z", "--to", "0")[2]
    assert "there is no store" in corridor("recompute", *RANGE)[2]
    assert corridor("recompute", *RANGE, "--asset", "Not A Path")[0] == 2
