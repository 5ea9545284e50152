"""What is the SQLite engine's own: its threads, other processes on its file, and what it does when it fails."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from broker.contract.events import AnyEvent, Command, Count, Job, Sample, StateChange, Status
from services.ledger.fields import NANO
from services.store.interface import Batch, LedgerRow, ReasonRow, Rejected, StoreError
from services.store.sqlite import retention as sqlite_retention
from services.store.sqlite.file import APPLICATION_ID, open_writer
from services.store.sqlite.reading import Reading
from services.store.sqlite.schema import STEPS, views
from services.store.sqlite.store import SqliteStore
from tests.store.conftest import MILL, samples, stored

if TYPE_CHECKING:
    from broker.contract.topics import Kind

ROOT = Path(__file__).parents[3]
FOR_EVER = 2**62
DAY = 86_400 * NANO
HOUR = 3_600 * NANO
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(file)
    yield opened
    await opened.close()


# ---- Readers and writers ----


@pytest.mark.slow
async def test_a_field_last_reported_long_ago_is_found_without_reading_all_events_since(
    store: SqliteStore, file: Path
) -> None:
    rework = Count(asset=MILL, at=5, produced=1, rework=1)
    later = [Count(asset=MILL, at=2 * HOUR + at, produced=1) for at in range(20_000)]
    await store.write(Batch(events=[rework, *later]))
    assert await store.latest_before(["count"], MILL, 2**62) == [rework, later[-1]]
    assert await store.latest_before(["count"], MILL, 2 * HOUR) == [rework]
    steps: list[None] = []
    with closing(sqlite3.connect(file)) as connection:
        connection.set_progress_handler(lambda: steps.append(None), 1_000)
        assert len(Reading(connection, lambda: False, 10).latest_before(["count"], MILL, 2**62)) == 2
    assert len(steps) < 5


async def test_a_reader_does_not_wait_for_a_write_that_is_not_committed(store: SqliteStore, file: Path) -> None:
    await store.write(samples(3))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM telemetry")
        assert await stored(store) == 3
        other.execute("COMMIT")
    assert await stored(store) == 0


async def test_a_write_does_not_wait_for_a_reader(store: SqliteStore, file: Path) -> None:
    await store.write(samples(3))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM telemetry").fetchone() == (3,)
        await store.write(samples(9))
        assert other.execute("SELECT count(*) FROM telemetry").fetchone() == (3,)
    assert await stored(store) == 9


async def test_a_question_sees_one_state_of_the_file_from_beginning_to_end(store: SqliteStore, file: Path) -> None:
    await store.write(samples(3))

    def ask(reading: Reading) -> tuple[int, int]:
        first = len(reading.events(["telemetry"], "", 0, FOR_EVER, None, newest_first=False))
        with closing(sqlite3.connect(file)) as other, other:
            other.execute("DELETE FROM telemetry")
        return first, len(reading.events(["telemetry"], "", 0, FOR_EVER, None, newest_first=False))

    assert await store._query(ask) == (3, 3)
    assert await stored(store) == 0


async def test_samples_of_a_batch_that_failed_are_not_in_the_next(store: SqliteStore) -> None:
    await store.write(samples(2))
    unwritable = Sample(asset=MILL, at=7, signal="load", value="\ud800")
    with pytest.raises(StoreError):
        await store.write(Batch(events=[*samples(6).events, unwritable]))
    await store.write(samples(3))
    assert await stored(store) == 3


async def test_two_stores_write_to_one_file(store: SqliteStore, file: Path) -> None:
    other = await SqliteStore.open(file)
    async with asyncio.TaskGroup() as tasks:
        for n in range(30):
            # Both meet every machine and series as new ones, in another order.
            tasks.create_task(store.write(samples(20, f"{MILL}{n}")))
            tasks.create_task(other.write(samples(20, f"{MILL}{29 - n}", first=20)))
    for one in (store, other):
        assert await stored(one) == 30 * 40
        assert {(machine.first, machine.last) for machine in await one.machines()} == {(0, 39)}
    await other.close()


async def test_many_open_a_new_file_at_once(file: Path) -> None:
    stores = await asyncio.gather(*(SqliteStore.open(file) for _ in range(8)))
    await asyncio.gather(*(one.write(samples(5, f"{MILL}{n}")) for n, one in enumerate(stores)))
    assert await stored(stores[0]) == 40
    for one in stores:
        await one.close()


async def test_a_locked_file_is_an_error_for_the_writer(file: Path) -> None:
    writer = open_writer(file)
    writer.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store = await SqliteStore.open(file)
        assert store._writing is not None
        store._writing._connection.execute("PRAGMA busy_timeout = 10")
        with pytest.raises(StoreError, match=r"corridor\.db: another program held the file"):
            await store.write(samples(1))
        other.execute("ROLLBACK")
    await store.write(samples(1))
    assert await stored(store) == 1
    await store.close()


async def test_a_write_that_has_begun_is_finished_though_nobody_waits(store: SqliteStore, file: Path) -> None:
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()
    assert store._writing is not None
    store._writing._connection.set_trace_callback(lambda _: loop.call_soon_threadsafe(begun.set))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        write = asyncio.create_task(store.write(samples(5)))
        await begun.wait()
        write.cancel()
        with pytest.raises(asyncio.CancelledError):
            await write
        other.execute("COMMIT")
    await store.write(samples(1, first=100))
    assert await stored(store) == 6


async def test_closing_finishes_what_is_being_written(file: Path) -> None:
    store = await SqliteStore.open(file)
    writes = [asyncio.create_task(store.write(samples(100, first=n * 100))) for n in range(20)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*writes)
    again = await SqliteStore.open(file)
    assert await stored(again) == 2_000
    await again.close()


async def test_a_closed_store_raises(store: SqliteStore) -> None:
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="is closed"):
        await store.write(samples(1))
    with pytest.raises(StoreError, match="is closed"):
        await store.machines()


# ---- Limits ----


async def test_a_question_that_takes_too_long_is_ended(file: Path) -> None:
    store = await SqliteStore.open(file, query_limit_s=0.05)
    with pytest.raises(StoreError, match=r"took more than 0\.05 s; ask for a shorter time"):
        await store._query(lambda reading: reading.connection.execute(ENDLESS).fetchall())
    assert await store.machines() == []
    await store.close()


async def test_a_question_whose_asker_is_gone_is_ended(store: SqliteStore) -> None:
    begun = threading.Event()

    def ask(reading: Reading) -> None:
        begun.set()
        reading.connection.execute(ENDLESS).fetchall()

    question = asyncio.create_task(store._query(ask))
    assert await asyncio.to_thread(begun.wait, 10)
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
    await store.close()


async def test_an_answer_with_too_many_rows_is_an_error(file: Path) -> None:
    store = await SqliteStore.open(file, row_limit=10)
    await store.write(samples(10))
    assert await stored(store) == 10
    await store.write(samples(11))
    with pytest.raises(StoreError, match="more than 10 rows; ask for a shorter time"):
        await stored(store)
    assert len(await store.events(["telemetry"], "", 0, FOR_EVER, limit=10)) == 10
    await store.close()


# ---- Crashes and full disks ----

WRITE_UNTIL_KILLED = """
import asyncio, itertools, pathlib, sys
from broker.contract.events import Sample
from services.store.interface import Batch
from services.store.sqlite.store import SqliteStore

async def main():
    store = await SqliteStore.open(pathlib.Path(sys.argv[1]))
    for n in itertools.count():
        await store.write(Batch([Sample(asset="a/b/c/d", at=n * 50 + k, signal="x", value=1.0) for k in range(50)]))
        print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged", [1, 40])
async def test_a_killed_writer_loses_no_acknowledged_batch(file: Path, acknowledged: int) -> None:
    acknowledged = write_until_killed(file, acknowledged)
    store = await SqliteStore.open(file)
    found = await stored(store)
    assert found >= 50 * acknowledged
    assert found % 50 == 0
    assert await store._query(lambda reading: reading.connection.execute("PRAGMA integrity_check").fetchone()) == (
        "ok",
    )
    await store.close()


def write_until_killed(file: Path, acknowledged: int) -> int:
    """Kill a writer once it has reported so many batches acknowledged; return how many it has reported by then."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_UNTIL_KILLED, str(file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(acknowledged):
            writer.stdout.readline()
        writer.kill()
        return acknowledged + len(writer.stdout.read().splitlines())


async def test_a_full_file_takes_nothing_of_a_batch_and_the_whole_of_it_later(store: SqliteStore) -> None:
    await store.write(samples(10))
    assert store._writing is not None
    connection = store._writing._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 3}")
    batch = Batch(events=[*samples(20_000, f"{MILL}-new").events, StateChange(asset=MILL, at=1, state="idle")])
    for _ in range(2):
        with pytest.raises(StoreError, match="the disk is full, nothing of this batch was written; make room"):
            await store.write(batch)
    assert await stored(store) == 10
    assert [machine.asset for machine in await store.machines()] == [MILL]
    connection.execute("PRAGMA max_page_count = 1000000")
    await store.write(batch)
    assert await stored(store) == 20_010
    assert len(await store.machines()) == 2


WRITE_INTO_A_LIMIT = """
import asyncio, pathlib, resource, sys
from broker.contract.events import Sample
from services.store.interface import Batch, StoreError
from services.store.sqlite.store import SqliteStore

def batch(n):
    return Batch([Sample(asset="a/b/c/d", at=n * 5000 + k, signal="x", value=k + 0.5) for k in range(5000)])

async def main():
    store = await SqliteStore.open(pathlib.Path(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, -1))
    n = 0
    try:
        while True:
            await store.write(batch(n))
            n += 1
    except StoreError as error:
        print(error)
    assert len(await store.events(["telemetry"], "", 0, 2**62)) == n * 5000 > 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    await store.write(batch(n))
    print(len(await store.events(["telemetry"], "", 0, 2**62)) - n * 5000)
    await store.close()

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_file_that_may_not_grow_loses_nothing_and_goes_on_later(file: Path) -> None:
    reported = subprocess.run(
        [sys.executable, "-c", WRITE_INTO_A_LIMIT, str(file)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert reported.returncode == 0, reported.stderr
    error, more = reported.stdout.splitlines()
    assert "corridor.db: the disk could not be read or written; see that it has room" in error
    assert more == "5000"


# ---- Retention ----


async def test_retention_deletes_what_is_old_and_leaves_hours_and_days(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_retention, "STEP_ROWS", 7)
    minutes = [LedgerRow(MILL, day * DAY + n * 60 * NANO, "-", "-", {"good": 1}) for day in range(3) for n in range(90)]
    reasons = [ReasonRow(MILL, day * DAY, "down", "jam", 5, 1) for day in range(3)]
    await store.write(samples(50))
    await store.write(
        Batch(
            events=[Command(asset=MILL, at=at, name="start", id=str(at)) for at in (3, 40)],
            rejected=[Rejected(at, "x", f"reason {chr(97 + at)}", b"", 0) for at in range(20)],
            rows=minutes,
            reasons=reasons,
        )
    )
    gone = await store.apply_retention(events_before=10, minutes_before=2 * DAY + 5)
    assert gone == 10 + 1 + 10 + 2 * 90 + 2
    assert [event.at for event in await store.events(["telemetry", "cmd"], "", 0, 41)] == [*range(10, 41), 40]
    assert len(await store.rejected(0, 100)) == 10
    assert len(await store.rows("", 0, FOR_EVER)) == 90
    for resolution in ("hour", "day"):
        assert await store.totals("", 0, FOR_EVER, resolution) == {(MILL, "-", "-"): {"good": 270}}
    assert await store.reasons("", 0, 3 * DAY) == [ReasonRow(MILL, 0, "down", "jam", 15, 3)]
    assert await store.apply_retention(events_before=10, minutes_before=2 * DAY + 5) == 0
    kinds = await store._query(
        lambda reading: reading.connection.execute("SELECT name FROM series ORDER BY 1").fetchall()
    )
    assert kinds == [("load",), ("start 40",)]


async def test_retention_leaves_the_last_report_of_each_series(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_retention, "STEP_ROWS", 2)
    last: list[AnyEvent] = [
        Count(asset=MILL, at=3, scrap=1),
        Job(asset=MILL, at=3, phase="start", order="wo-2"),
        Job(asset=MILL, at=4, phase="end", order="wo-1"),
        Status(asset=MILL, at=5, online=True),
        Sample(asset=MILL, at=6, signal="load", value=1.0),
        StateChange(asset=MILL, at=7, state="running"),
        Count(asset=MILL, at=8, produced=9),
    ]
    older: list[AnyEvent] = [
        *(Count(asset=MILL, at=at, produced=at, good=at, scrap=1) for at in (1, 2)),
        *(Sample(asset=MILL, at=at, signal="load", value=1.0) for at in (1, 2, 3)),
        *(StateChange(asset=MILL, at=at, state="down") for at in (1, 2, 3, 4)),
        Job(asset=MILL, at=1, phase="start", order="wo-1"),
        Command(asset=MILL, at=1, name="start", id="1"),
    ]
    await store.write(Batch(events=[*last, *older]))
    kinds: tuple[Kind, ...] = ("state", "status", "job", "count", "telemetry", "cmd")
    assert await store.apply_retention(events_before=1_000, minutes_before=0) == len(older) - 1
    stored = await store.events(kinds, "", 0, 1_000)
    assert stored == [Count(asset=MILL, at=2, produced=2, good=2, scrap=1), *last], "the newest with good is of 2"
    assert await store.latest_before(kinds, "", 1_000) == [event for event in stored if event != last[1]]
    assert await store.apply_retention(events_before=1_000, minutes_before=0) == 0
    more: list[AnyEvent] = [
        StateChange(asset=MILL, at=9, state="down"),
        Count(asset=MILL, at=10, produced=9, good=3, scrap=2),
    ]
    await store.write(Batch(events=more))
    assert await store.apply_retention(events_before=1_000, minutes_before=0) == 4
    assert await store.events(("state", "count"), "", 0, 1_000) == more


async def test_the_last_minutes_of_a_machine_long_gone_are_in_its_hours_before_they_go(store: SqliteStore) -> None:
    await store.write(Batch(rows=[LedgerRow(MILL, 60 * NANO, "-", "-", {"good": 1})]))
    assert await store.apply_retention(events_before=0, minutes_before=DAY) == 1
    assert await store.totals("", 0, DAY, "hour") == {(MILL, "-", "-"): {"good": 1}}
    assert await store.totals("", 0, DAY, "day") == {(MILL, "-", "-"): {"good": 1}}


# ---- For researchers, and for those who look after it ----


async def test_every_table_can_be_read_as_a_view_with_the_machines_levels(store: SqliteStore, file: Path) -> None:
    await store.write(
        Batch(
            events=[StateChange(asset=MILL, at=1_764_158_400_250 * 10**6, state="down", reason="jam", simulated=True)],
            rows=[LedgerRow(MILL, 0, "bracket", "day", {"running_s": 1_500_000_000}, "wo-1")],
        )
    )
    with closing(sqlite3.connect(file)) as shell:
        shell.row_factory = sqlite3.Row
        for view in views():
            shell.execute(f"SELECT * FROM {view}").fetchall()
        (state,) = shell.execute("SELECT * FROM state_view").fetchall()
        assert dict(state) == {
            "utc": "2025-11-26T12:00:00.250Z",
            "asset": MILL,
            "site": "sheffield",
            "area": "machining",
            "line": "line-1",
            "machine": "mill-2",
            "state": "down",
            "code": 5,
            "reason": "jam",
            "received_ms": 0,
            "time": 1_764_158_400_250 * 10**6,
            "simulated": 1,
        }
        (row,) = shell.execute('SELECT running_s, down_s, "order" FROM ledger_minute_view').fetchall()
        assert tuple(row) == (1.5, 0.0, "wo-1")


async def test_the_status_counts_what_is_stored(store: SqliteStore, file: Path) -> None:
    await store.write(samples(7))
    await store.write(Batch(rejected=[Rejected(9, "x", "y", b"", 0)]))
    found = await store.status()
    assert (found.engine, found.place, found.version, found.machines) == ("sqlite", str(file), len(STEPS), 1)
    assert {kind: (held.n, held.oldest, held.newest) for kind, held in found.events.items()} == {"telemetry": (7, 0, 6)}
    assert (found.minutes.n, found.minutes.oldest) == (0, None)
    assert (found.rejected.n, found.rejected.oldest, found.rejected.newest) == (1, 9, 9)
    assert found.size
    assert found.free


async def test_the_file_is_marked_as_ours_and_every_commit_is_synced(store: SqliteStore) -> None:
    assert store._writing is not None
    ask: Callable[[str], sqlite3.Cursor] = store._writing._connection.execute
    assert ask("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert ask("PRAGMA journal_mode").fetchone() == ("wal",)
    assert ask("PRAGMA synchronous").fetchone() == (2,)
