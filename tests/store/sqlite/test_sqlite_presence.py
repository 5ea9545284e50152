"""A store whose file is removed while it is open: it writes nothing and reports why, until a file is there again."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from services.store.interface import StoreError
from services.store.sqlite.backup import backup
from services.store.sqlite.file import open_writer
from services.store.sqlite.store import SqliteStore
from tests.store.conftest import samples, stored


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(file)
    await opened.write(samples(10))
    yield opened
    await opened.close()


def deleted(file: Path) -> None:
    file.unlink()


def moved_away(file: Path) -> None:
    file.rename(file.with_name("elsewhere.db"))


def folder_moved_away(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))


def without_side_files_too(file: Path) -> None:
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()


def is_there(file: Path) -> bool:
    return file.exists()


def content(file: Path) -> bytes:
    return file.read_bytes()


def moved(file: Path, to: Path) -> None:
    file.replace(to)


def write(file: Path, text: bytes) -> None:
    file.write_bytes(text)


def copied(file: Path, folder: Path) -> None:
    for each in file.parent.glob(f"{file.name}*"):
        shutil.copy(each, folder)


def without_side_file(file: Path, end: str) -> None:
    file.with_name(f"{file.name}{end}").unlink()


def count(file: Path) -> int:
    """Count the samples by a connection of its own, as another program sees them."""
    other = sqlite3.connect(file)
    try:
        (found,) = other.execute("SELECT count(*) FROM telemetry").fetchone()
        return int(found)
    finally:
        other.close()


@pytest.mark.parametrize("take_away", [deleted, moved_away, folder_moved_away, without_side_files_too])
async def test_without_its_file_writes_and_queries_fail_with_a_reason(
    store: SqliteStore, file: Path, take_away: Callable[[Path], None]
) -> None:
    take_away(file)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"deleted or moved away .* put it or a backup back"):
            await store.write(samples(1, first=90))
        with pytest.raises(StoreError, match="deleted or moved away"):
            await store.metadata("plant")
        with pytest.raises(StoreError, match="deleted or moved away"):
            await store.apply_retention(events_before=0, minutes_before=0)
    assert not is_there(file)


async def test_a_file_that_comes_back_is_gone_on_with(store: SqliteStore, file: Path) -> None:
    moved_away(file)
    with pytest.raises(StoreError):
        await store.write(samples(5, first=50))
    moved(file.with_name("elsewhere.db"), file)
    await store.write(samples(5, first=50))
    assert await stored(store) == count(file) == 15


async def test_a_backup_in_its_place_is_gone_on_with(store: SqliteStore, file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    backup(file, copy)
    await store.write(samples(7, first=100))  # these stand in the old file's -wal, which must not get into the new one
    deleted(file)
    moved(copy, file)
    await store.write(samples(5, first=50))
    assert await stored(store) == count(file) == 15
    await store.write(samples(1, first=60))
    assert count(file) == 16
    integrity = sqlite3.connect(file)
    assert integrity.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    integrity.close()


async def test_a_question_sees_another_file_as_soon_as_a_write_does(
    store: SqliteStore, file: Path, tmp_path: Path
) -> None:
    assert await stored(store) == 10
    fresh = await SqliteStore.open(tmp_path / "fresh.db")
    await fresh.write(samples(3))
    await fresh.close()
    moved(tmp_path / "fresh.db", file)
    assert await stored(store) == 3


@pytest.mark.parametrize("end", ["-wal", "-shm"])
async def test_what_was_committed_survives_when_the_files_beside_it_are_removed(
    store: SqliteStore, file: Path, end: str
) -> None:
    assert await stored(store) == 10
    without_side_file(file, end)
    await store.write(samples(5, first=50))
    assert count(file) == 15
    assert await stored(store) == 15


async def test_a_copy_that_is_not_done_yet_is_left_alone(store: SqliteStore, file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    backup(file, copy)
    whole = content(copy)
    deleted(file)
    for length in (0, 50, 4_096, len(whole) - 1):
        write(file, whole[:length])
        with pytest.raises(StoreError, match="not whole"):
            await store.write(samples(1, first=90))
        assert content(file) == whole[:length]
    write(file, whole)
    await store.write(samples(1, first=90))
    assert count(file) == 11


@pytest.mark.parametrize("text", [b"no database at all" * 400, None])
async def test_a_file_that_is_no_store_is_left_alone(store: SqliteStore, file: Path, text: bytes | None) -> None:
    deleted(file)
    if text is None:
        other = sqlite3.connect(file)
        other.execute("CREATE TABLE theirs (x)")
        other.commit()
        other.close()
    else:
        write(file, text)
    before = content(file)
    with pytest.raises(StoreError, match=r"not a SQLite file|another program's"):
        await store.write(samples(1))
    assert content(file) == before
    deleted(file)
    open_writer(file).close()
    await store.write(samples(1))
    assert await stored(store) == 1


async def test_a_copy_of_all_files_taken_while_it_runs_can_be_put_back(
    store: SqliteStore, file: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    backup.mkdir()
    copied(file, backup)
    without_side_files_too(file)
    with pytest.raises(StoreError):
        await store.write(samples(1, first=90))
    copied(backup / file.name, file.parent)
    await store.write(samples(1, first=90))
    assert await stored(store) == count(file) == 11
