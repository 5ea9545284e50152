# ruff: noqa: S608  (names of tables come from sqlite_events, values are parameters)
"""Retention: deleting what is older than its retention time, in steps so small that writing hardly waits.

Raw events and rejected messages are deleted, except the newest event of each series, and of each field of a count or
material: a report holds until the next one, however long that takes. Commands, replies and bookings by hand hold for a
moment, and all are deleted. Minutes of the ledger are deleted by whole days, once their hours and days are up to date;
these stay for ever. Space in the file is reused, not returned to the disk.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from broker.contract.kinds import by_id
from services.store.sqlite import ledger as sqlite_ledger
from services.store.sqlite.events import FORMS, Form, reported
from services.store.sqlite.ledger_writing import refresh_rollups_before
from services.store.sqlite.schema import LEDGER, REASONS

STEP_ROWS: Final = 5_000
"""So many rows are deleted in one transaction."""
PASSING: Final = by_id()
"""Kinds whose series end and are deleted with their events: each id is a series of its own."""


def step(connection: sqlite3.Connection, *, events_before: int, minutes_before: int) -> int:
    """Delete some of what is older, within the running transaction; return how many rows, 0 when none is left."""
    return (
        _events(connection, events_before)
        or connection.execute(
            "DELETE FROM rejected WHERE (time, topic, payload) IN"
            " (SELECT time, topic, payload FROM rejected WHERE time < ? LIMIT ?)",
            (events_before, STEP_ROWS),
        ).rowcount
        or _minutes(connection, minutes_before)
    )


def _events(connection: sqlite3.Connection, before: int) -> int:
    gone = 0
    for kind, form in FORMS.items():
        old = connection.execute(
            f"SELECT s.id, s.type FROM series s WHERE kind = ? AND"
            f" (SELECT min(time) FROM {form.table} WHERE series = s.id) < ?",
            (kind, before),
        ).fetchall()
        for series, fields in old:
            last = [] if kind in PASSING else _last(connection, form, series, reported(fields) if form.fields else {})
            gone += _oldest(
                connection,
                form.table,
                ("series", "time"),
                series,
                before=before,
                wanted=STEP_ROWS - gone,
                but=last,
            )
            if kind in PASSING:
                connection.execute(
                    f"DELETE FROM series WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM {form.table} WHERE series = ?1)",
                    (series,),
                )
            if gone >= STEP_ROWS:
                return gone
    return gone


def _last(connection: sqlite3.Connection, form: Form, series: int, fields: Mapping[str, int]) -> list[int]:
    """Return the times of a series' events that still hold: its newest, that of each field, jobs since a start."""
    newest = connection.execute(f"SELECT max(time) FROM {form.table} WHERE series = ?", (series,)).fetchone()
    of_fields = [
        connection.execute(
            f"SELECT time FROM {form.table} WHERE series = ? AND time <= ? AND {field} IS NOT NULL"
            " ORDER BY time DESC LIMIT 1",
            (series, until),
        ).fetchone()
        for field, until in fields.items()
    ]
    last = {found[0] for found in (newest, *of_fields) if found is not None}
    if form is FORMS["job"]:  # the running order follows from the last start on
        jobs = "SELECT time FROM job WHERE series = ?1 AND time >="
        last |= {
            found[0]
            for found in connection.execute(
                f"{jobs} (SELECT max(time) FROM job WHERE series = ?1 AND phase = 'start')", (series,)
            )
        }
    return sorted(last)


def _minutes(connection: sqlite3.Connection, before: int) -> int:
    day_ns = sqlite_ledger.SIZES_NS["day"]
    before = before // day_ns * day_ns
    gone = 0
    refresh_rollups_before(connection, before)
    for family in (LEDGER, REASONS):
        table = f"{family.name}_minute"
        old = connection.execute(
            f"SELECT a.id FROM asset a WHERE (SELECT min(start) FROM {table} WHERE asset = a.id) < ?", (before,)
        ).fetchall()
        for (asset,) in old:
            gone += _oldest(connection, table, ("asset", "start"), asset, before=before, wanted=STEP_ROWS - gone)
            if gone >= STEP_ROWS:
                return gone
    return gone


def _oldest(
    connection: sqlite3.Connection,
    table: str,
    key: tuple[str, str],
    number: int,
    *,
    before: int,
    wanted: int,
    but: Sequence[int] = (),
) -> int:
    """Delete about `wanted` of the oldest rows of one series or machine, `but` those of these instants.

    Returns:
        How many.
    """
    owner, instant = key
    left_out = f"{instant} NOT IN ({', '.join('?' * len(but))})"
    cut = connection.execute(
        f"SELECT {instant} FROM {table} WHERE {owner} = ? AND {instant} < ? AND {left_out}"
        f" ORDER BY {instant} LIMIT 1 OFFSET ?",
        (number, before, *but, wanted),
    ).fetchone()
    end = before if cut is None else cut[0]
    return connection.execute(
        f"DELETE FROM {table} WHERE {owner} = ? AND {instant} < ? AND {left_out}", (number, end, *but)
    ).rowcount
