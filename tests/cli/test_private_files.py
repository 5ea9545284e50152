"""What is stored is its owner's alone, whoever makes the folder first."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.simulation import districts
from edge.simulation.simulator import Simulator
from services.store.sqlite.file import APPLICATION_ID, bring_up_to_date
from services.store.sqlite.schema import STEPS
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights are otherwise there")
HOUR = 3_600 * 10**9
NOW = 1_795_507_200 * 10**9


@pytest.fixture(autouse=True)
def _generous() -> Iterator[None]:
    former = os.umask(0o022)
    yield
    os.umask(former)


def open_to_others(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.stat().st_mode & 0o077]


def test_a_store_its_log_and_its_copies_are_its_owners_alone(corridor: Corridor, tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"

    async def open_() -> None:
        store = await SqliteStore.open(data / "corridor.db")
        assert {path.name for path in data.iterdir()} == {"corridor.db", "corridor.db-wal", "corridor.db-shm"}
        assert not open_to_others(tmp_path)
        await store.close()

    asyncio.run(open_())
    assert corridor("store", "backup", str(data / "copy.db"), "--data", str(data))[0] == 0
    with closing(sqlite3.connect(data / "copy.db")) as copy:
        assert copy.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        newer = [*STEPS, lambda: ["CREATE TABLE more (x)"]]
        bring_up_to_date(copy, data / "copy.db", newer)
    assert (data / f"copy.db.schema-{len(STEPS)}").exists()
    assert not open_to_others(tmp_path)


@pytest.mark.slow
def test_what_the_simulator_remembers_is_its_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for _ in Simulator(districts.plant(), data, source="test").backfill(NOW - HOUR, NOW):
        pass
    assert {path.name for path in data.iterdir()} >= {"simulator.json", "truth.jsonl"}
    assert not open_to_others(tmp_path)


def test_rights_that_its_owner_gave_stay(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    file = tmp_path / "corridor.db"
    file.touch(mode=0o644)

    async def open_() -> None:
        await (await SqliteStore.open(file)).close()

    asyncio.run(open_())
    assert (tmp_path.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o755, 0o644)
