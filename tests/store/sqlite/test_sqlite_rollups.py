"""What refreshing hours, days and weeks costs the writer: nothing where a minute grows, or one follows another."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.store.interface import LedgerRow, ReasonRow
from services.store.sqlite.file import open_writer
from services.store.sqlite.ledger import SIZES_NS, prepare
from services.store.sqlite.ledger_writing import SumsWriter, refresh_rollups_before

MINUTE, HOUR, DAY = SIZES_NS["minute"], SIZES_NS["hour"], SIZES_NS["day"]
MACHINES = ("sheffield/shop/line-1/mill", "sheffield/shop/line-1/lathe")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(tmp_path / "corridor.db")) as opened:
        prepare(opened)
        yield opened


def writer(connection: sqlite3.Connection) -> SumsWriter:
    return SumsWriter(connection, MACHINES.index)


def write(to: SumsWriter, minute: int, good: int, machines: tuple[str, ...] = MACHINES) -> None:
    rows = [LedgerRow(machine, minute * MINUTE, "-", "day", {"good": good}) for machine in machines]
    to.write(to.prepared(rows, [ReasonRow(machine, minute * MINUTE, "down", "jam", good, 0) for machine in machines]))


def hours(connection: sqlite3.Connection, table: str, column: str) -> list[tuple[int, int, int]]:
    return connection.execute(
        f"SELECT asset, start / {HOUR}, {column} FROM {table}_hour ORDER BY asset, start"
    ).fetchall()


def dirty(connection: sqlite3.Connection) -> list[tuple[int, str, int]]:
    return connection.execute("SELECT asset, resolution, start FROM ledger_dirty ORDER BY 1, 2, 3").fetchall()


def test_a_minute_that_grows_and_the_next_one_look_up_no_dirty_rows(connection: sqlite3.Connection) -> None:
    to = writer(connection)
    write(to, 61, 1)
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    write(to, 61, 2)
    write(to, 62, 1)
    write(to, 62, 1, MACHINES[:1])
    connection.set_trace_callback(None)
    assert statements
    assert {statement.split()[0] for statement in statements} == {"INSERT"}


def test_an_hour_is_summed_once_the_next_one_begins(connection: sqlite3.Connection) -> None:
    to = writer(connection)
    for minute in range(58, 63):
        write(to, minute, minute)
    for table, column in (("ledger", "good"), ("ledger_reason", "seconds")):
        assert hours(connection, table, column) == [(0, 0, 58 + 59), (1, 0, 58 + 59)]
    assert [mark for mark in dirty(connection) if mark[1] == "hour"] == [(0, "hour", HOUR), (1, "hour", HOUR)]


def test_an_hour_that_one_machine_alone_begins_is_summed_for_it(connection: sqlite3.Connection) -> None:
    to = writer(connection)
    write(to, 59, 1)
    write(to, 60, 1, MACHINES[:1])
    assert hours(connection, "ledger", "good") == [(0, 0, 1)]
    write(to, 60, 1)
    assert hours(connection, "ledger", "good") == [(0, 0, 1), (1, 0, 1)]


def test_a_late_minute_is_summed_into_its_hour_at_once(connection: sqlite3.Connection) -> None:
    to = writer(connection)
    for minute in (59, 61, 58):
        write(to, minute, minute)
    assert hours(connection, "ledger", "good") == [(0, 0, 58 + 59), (1, 0, 58 + 59)]


def test_an_hour_that_was_refreshed_by_another_is_refreshed_again_when_it_grows(
    connection: sqlite3.Connection,
) -> None:
    to = writer(connection)
    write(to, 58, 1)
    refresh_rollups_before(connection, 7 * DAY)  # as retention does, or another process
    assert not dirty(connection)
    write(to, 59, 2)
    assert (0, "hour", 0) in dirty(connection)
    write(to, 60, 4)
    assert hours(connection, "ledger", "good") == [(0, 0, 3), (1, 0, 3)]


def test_a_week_is_not_refreshed_before_it_is_over(connection: sqlite3.Connection) -> None:
    to = writer(connection)
    write(to, 58, 1)
    write(to, 24 * 60, 1)
    refresh_rollups_before(connection, DAY)
    assert [mark[1:] for mark in dirty(connection)] == [("day", DAY), ("hour", DAY), ("week", 0)] * 2
    write(to, 24 * 60 + 1, 2)
    refresh_rollups_before(connection, 7 * DAY)
    assert connection.execute("SELECT asset, start, good FROM ledger_week").fetchall() == [(0, 0, 4), (1, 0, 4)]


def test_what_an_earlier_writer_left_dirty_is_refreshed_with_the_first_write(connection: sqlite3.Connection) -> None:
    write(writer(connection), 59, 1)
    connection.executemany("INSERT INTO ledger_dirty VALUES (?, 'hour', ?)", [(0, HOUR), (0, 2 * HOUR)])
    to = writer(connection)
    write(to, 2 * 60, 1, MACHINES[:1])
    assert [mark for mark in dirty(connection) if mark[1] == "hour"] == [(0, "hour", 2 * HOUR), (1, "hour", 0)]
    assert hours(connection, "ledger", "good") == [(0, 0, 1)]


def test_after_a_transaction_that_failed_dirty_rows_are_looked_up_again(connection: sqlite3.Connection) -> None:
    to = writer(connection)
    write(to, 59, 1)
    connection.execute("BEGIN")
    write(to, 61, 1)
    connection.execute("ROLLBACK")
    to.clear()
    write(to, 61, 5)
    assert hours(connection, "ledger", "good") == [(0, 0, 1), (1, 0, 1)]
