"""The SQLite store's file: what is no store is rejected, and an older schema is migrated."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from broker.contract.events import AnyEvent, Count, Labour, Meter
from services.ledger.fields import FIELDS
from services.store.interface import Batch, LedgerRow, ReasonRow, StoreError
from services.store.sqlite.file import bring_up_to_date, open_writer
from services.store.sqlite.schema import STEPS, views
from services.store.sqlite.store import SqliteStore
from tests.store.conftest import MILL, samples, stored


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(file)
    yield opened
    await opened.close()


# ---- Files that are no store, or cannot be one ----


def rejected(path: Path) -> str:
    with pytest.raises(StoreError) as reported:
        asyncio.run(SqliteStore.open(path))
    assert str(reported.value).startswith(f"{path}: ") or str(reported.value).startswith(f"{path.parent}: ")
    return str(reported.value)


def test_a_file_of_another_kind_is_rejected_and_left_alone(file: Path) -> None:
    file.write_bytes(b"not a database" * 1_000)
    assert "not a SQLite file; choose another file" in rejected(file)
    assert file.read_bytes() == b"not a database" * 1_000


def test_another_programs_database_is_rejected_and_left_alone(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    before = file.read_bytes()
    assert "another program's SQLite file" in rejected(file)
    assert file.read_bytes() == before


async def test_a_damaged_file_is_an_error(store: SqliteStore, file: Path) -> None:
    await store.write(samples(20_000))
    await store.close()
    damage(file)
    with pytest.raises(StoreError, match="the file is damaged; stop the services, make a copy"):
        await open_and_read(file)


def damage(file: Path) -> None:
    """Overwrite all pages but the first two."""
    left = file.read_bytes()[: 4096 * 2]
    file.write_bytes(left + b"\x5a" * (file.stat().st_size - len(left)))


async def open_and_read(file: Path) -> None:
    store = await SqliteStore.open(file)
    try:
        await stored(store)
    finally:
        await store.close()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "the folder cannot be made" in rejected(tmp_path / "file" / "corridor.db")
    assert "cannot be opened" in rejected(tmp_path)


@contextlib.contextmanager
def without_privilege() -> Iterator[None]:
    """Be nobody for a while where the tests run as root, whom permissions do not stop."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are other ones")
@pytest.mark.parametrize("exists", [False, True])
def test_a_read_only_folder_is_an_error(*, exists: bool) -> None:
    folder = Path(tempfile.mkdtemp())  # not tmp_path, into which only its owner may go
    path = folder / "corridor.db"
    try:
        if exists:
            open_writer(path).close()
            path.chmod(0o444)
        folder.chmod(0o555)
        with without_privilege():
            reported = rejected(path)
        assert "is read-only; make both writable" in reported or "see that its folder is there and writable" in reported
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_newer_schema_is_rejected(file: Path) -> None:
    connection = open_writer(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert f"has schema 99, this program knows up to {len(STEPS)}; use the Corridor that made it" in rejected(file)


# ---- Migration ----


def more() -> list[str]:
    return ["ALTER TABLE note ADD COLUMN author TEXT NOT NULL DEFAULT 'ann'"]


async def test_an_older_schema_is_migrated_after_a_copy(store: SqliteStore, file: Path) -> None:
    await store.set_metadata("plant", "x")
    await store.close()
    with closing(open_writer(file)) as connection:
        bring_up_to_date(connection, file, (*STEPS, more))
        bring_up_to_date(connection, file, (*STEPS, more))
        assert connection.execute("SELECT text, author FROM note WHERE name = 'plant'").fetchall() == [("x", "ann")]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS) + 1,)
    with closing(sqlite3.connect(file.with_name(f"corridor.db.schema-{len(STEPS)}"))) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
        assert copy.execute("SELECT * FROM note WHERE name = 'plant'").fetchall() == [("plant", "x")]


async def test_a_migration_that_fails_leaves_the_file_as_it_was(store: SqliteStore, file: Path) -> None:
    await store.set_metadata("plant", "x")
    await store.close()

    def broken() -> list[str]:
        return [*more(), "ALTER TABLE nowhere ADD COLUMN x"]

    with closing(open_writer(file)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            bring_up_to_date(connection, file, (*STEPS, broken))
        assert connection.execute("SELECT * FROM note WHERE name = 'plant'").fetchall() == [("plant", "x")]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)


async def test_a_file_from_before_weeks_gets_them(store: SqliteStore, file: Path) -> None:
    days = range(20, 50)
    day_ns = 86_400_000_000_000
    rows = [LedgerRow(MILL, day * day_ns, "-", "-", {"good": day}) for day in days]
    await store.write(Batch(rows=rows, reasons=[ReasonRow(MILL, day * day_ns, "down", "jam", day, 1) for day in days]))
    await store.close()
    with closing(sqlite3.connect(file)) as connection, connection:
        for table in ("ledger_week", "ledger_reason_week"):
            connection.execute(f"DROP VIEW {table}_view")
            connection.execute(f"DROP TABLE {table}")
        connection.execute("DELETE FROM ledger_dirty WHERE resolution = 'week'")
        connection.execute("PRAGMA user_version = 1")
    again = await SqliteStore.open(file)

    async def check() -> None:
        assert await again.totals("", 0, 100 * day_ns, "day") == {(MILL, "-", "-"): {"good": sum(days)}}
        assert await again.totals("", 22 * day_ns, 44 * day_ns, "day") == {
            (MILL, "-", "-"): {"good": sum(range(22, 44))}
        }
        assert await again.reasons("", 0, 100 * day_ns) == [ReasonRow(MILL, 0, "down", "jam", sum(days), 30)]

    await check()
    await again.write(Batch(rows=rows[-1:]))
    await check()
    await again.close()
    with closing(sqlite3.connect(file)) as connection:
        weeks = connection.execute("SELECT start / 604800000000000, good FROM ledger_week").fetchall()
    assert weeks == [(week, sum(day for day in days if day // 7 == week)) for week in range(2, 7)]


async def test_a_field_that_the_ledger_gained_is_added_to_older_files(store: SqliteStore, file: Path) -> None:
    await store.write(Batch(rows=[LedgerRow(MILL, 0, "-", "-", {FIELDS[0]: 5})]))
    await store.close()
    with closing(sqlite3.connect(file)) as connection:
        for name in views():
            connection.execute(f"DROP VIEW {name}")
        for resolution in ("minute", "hour", "day", "week"):
            connection.execute(f"ALTER TABLE ledger_{resolution} DROP COLUMN {FIELDS[-1]}")
    again = await SqliteStore.open(file)
    assert (await again.rows("", 0, 1))[0].sums == {FIELDS[0]: 5}
    await again.close()


async def test_a_file_from_before_a_kind_or_a_field_gets_them(store: SqliteStore, file: Path) -> None:
    await store.close()
    with closing(open_writer(file)) as connection:
        for name in views():
            connection.execute(f"DROP VIEW {name}")
        connection.execute("DROP TABLE labour")
        connection.execute("ALTER TABLE count DROP COLUMN startup_scrap")
        connection.execute("ALTER TABLE meter DROP COLUMN unit")
        connection.execute("ALTER TABLE meter DROP COLUMN received_ms")
        connection.execute("INSERT INTO meter (series, time, simulated, total) VALUES (1, 1, 0, 2)")
    written: list[AnyEvent] = [
        Count(asset=MILL, at=1, startup_scrap=3),
        Labour(asset=MILL, at=1, present=2),
        Meter(asset=MILL, at=1, name="water", total=4, unit="L"),
    ]
    opened = await SqliteStore.open(file)
    await opened.write(Batch(events=written))
    assert await opened.events(["count", "labour", "meter"], "", 0, 9) == written
    await opened.close()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT present FROM labour_view").fetchall() == [(2,)]
        assert connection.execute("SELECT total, unit FROM meter WHERE time = 1 ORDER BY total").fetchall()[0] == (
            2,
            "",
        )
