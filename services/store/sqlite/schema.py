# ruff: noqa: S608  (every name here is written here)
"""The tables of the SQLite store, and the views that make them readable in the sqlite3 shell.

An event stands in the table of its measurement under (series, time); `series` is whose series it is, and `asset`
which machine. A table without row ids is its own index: a series' events lie together in order of time. Every table
`x` has a view `x_view` with the columns that people look for: site, area, line, machine, the time as text, and the
ledger's sums as floats of their unit, as in

    SELECT utc, machine, state, reason FROM state_view WHERE line = 'line-1' ORDER BY time DESC LIMIT 20;

The ledger's sums are integers of 10⁻⁹ of their unit, so that they add exactly; a sum that 64 bits cannot hold is
stored as text. `ledger_dirty` names the hours, days and weeks whose rows are no longer the sums of the minutes. Names
of tables and columns are a contract: they change only by adding, and each change is a further step in `STEPS`.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from broker.contract.entry import ColumnType, Entry
from broker.contract.kinds import measurements, stored
from services.ledger.fields import FIELDS
from services.store.client_ids import MARK_NOTE, new_mark

_TYPES: Final[dict[ColumnType, str]] = {
    "number": "REAL NOT NULL",
    "optional number": "REAL",
    "any-subset number": "REAL",
    "text": "TEXT NOT NULL",
    "optional text": "TEXT",
    "truth": "INTEGER NOT NULL",
    "whole": "INTEGER NOT NULL",
    "receipt": "INTEGER NOT NULL",
}
_KEYWORDS: Final = {"by", "case", "default", "from", "group", "index", "limit", "order", "set", "table", "to", "values"}
"""Words of SQL that could be a column's name; they are quoted."""


def _columns(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the columns of a table that holds these kinds; what not all of them have may be empty."""
    found: dict[str, str] = {}
    for column in (column for entry in entries for column in entry.columns if not column.is_of_series):
        name = f'"{column.name}"' if column.name in _KEYWORDS else column.name
        is_shared = all(column in entry.columns for entry in entries)
        found[name] = _TYPES[column.type] if is_shared else _TYPES[column.type].removesuffix(" NOT NULL")
    return tuple(f"{name} {of}" for name, of in found.items())


MEASUREMENTS: Final[dict[str, tuple[str, ...]]] = {
    table: _columns(entries) for table, entries in measurements().items()
}
"""The tables of events: their columns beside series, time and simulated."""

INDEXES: Final[dict[str, str]] = {
    f"{table}_by_{column}": f"{table} ({column}) WHERE {column} <> ''"
    for table, column in (
        ("part", "part"),
        ("part", "source"),
        ("part", "material"),
        ("part", "batch"),
        ("quality", "part"),
    )
}
"""What a part's genealogy is found by: name, and table with its column. Rows without such a name are in none."""

SERIES_NAMES: Final = {
    **{entry.measurement: f"s.name AS {entry.name}" for entry in stored() if entry.name},
    "command": "s.kind AS kind, substr(s.name, 1, instr(s.name, ' ') - 1) AS name",
}
"""What the name of a series means in each measurement that has one."""


class Family(NamedTuple):
    """Tables of sums that are stored by minute, hour, day and week.

    Attributes:
        name: what the tables' names begin with; `_minute`, `_hour`, `_day` and `_week` follow.
        keys: what distinguishes the rows of one machine and minute.
        carried: what is neither key nor sum: of several rows, that of the latest is taken.
        sums: the columns that add.
    """

    name: str
    keys: tuple[str, str]
    carried: str
    sums: tuple[str, ...]


NOTHING: Final = "''"
"""What a family carries that carries nothing."""

LEDGER: Final = Family("ledger", ("product", "shift"), '"order"', FIELDS)
REASONS: Final = Family("ledger_reason", ("state", "reason"), NOTHING, ("seconds", "entries"))
RESOLUTIONS: Final = ("minute", "hour", "day", "week")

_TAGS: Final = "a.path AS asset, a.site, a.area, a.line, a.machine"


def _create() -> list[str]:
    return [
        """CREATE TABLE asset (
            id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,
            site TEXT NOT NULL, area TEXT NOT NULL, line TEXT NOT NULL, machine TEXT NOT NULL,
            first INTEGER, last INTEGER, simulated INTEGER NOT NULL DEFAULT 0)""",
        """CREATE TABLE series (
            id INTEGER PRIMARY KEY, asset INTEGER NOT NULL REFERENCES asset, kind TEXT NOT NULL, name TEXT NOT NULL,
            unit TEXT NOT NULL DEFAULT '', type TEXT NOT NULL DEFAULT '', UNIQUE (asset, kind, name))""",
        *(create_measurement(table) for table in MEASUREMENTS),
        *(_create_sums(family, resolution) for family in (LEDGER, REASONS) for resolution in ("minute", "hour", "day")),
        """CREATE TABLE ledger_dirty (
            asset INTEGER NOT NULL, resolution TEXT NOT NULL, start INTEGER NOT NULL,
            PRIMARY KEY (asset, resolution, start)) WITHOUT ROWID""",
        """CREATE TABLE rejected (
            time INTEGER NOT NULL, topic TEXT NOT NULL, reason TEXT NOT NULL, payload BLOB NOT NULL,
            bytes INTEGER NOT NULL, PRIMARY KEY (time, topic, payload)) WITHOUT ROWID""",
        "CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID",
        f"INSERT INTO note (name, text) VALUES ('{MARK_NOTE}', '{new_mark()}')",
    ]


def create_measurement(table: str) -> str:
    """Return the statement that makes the table of a measurement."""
    return (
        f"CREATE TABLE {table} (series INTEGER NOT NULL, time INTEGER NOT NULL, simulated INTEGER NOT NULL,"
        f" {', '.join(MEASUREMENTS[table])}, PRIMARY KEY (series, time)) WITHOUT ROWID"
    )


def _create_sums(family: Family, resolution: str) -> str:
    first, second = family.keys
    carried = f"{family.carried} TEXT NOT NULL DEFAULT '', " if family.carried != NOTHING else ""
    return (
        f"CREATE TABLE {family.name}_{resolution} (asset INTEGER NOT NULL, start INTEGER NOT NULL,"
        f" {first} TEXT NOT NULL, {second} TEXT NOT NULL, {carried}"
        f"{', '.join(f'{column} NOT NULL DEFAULT 0' for column in family.sums)},"
        f" PRIMARY KEY (asset, start, {first}, {second})) WITHOUT ROWID"
    )


def _add_weeks() -> list[str]:
    week = "start - start % 604800000000000"
    days = [f"{family.name}_day" for family in (LEDGER, REASONS)]
    return [
        *(_create_sums(family, "week") for family in (LEDGER, REASONS)),
        *(
            f"INSERT OR IGNORE INTO ledger_dirty SELECT DISTINCT asset, 'week', {week} FROM {days_of}"
            for days_of in (*days, "ledger_dirty WHERE resolution = 'day'")
        ),
    ]


STEPS: Final[tuple[Callable[[], list[str]], ...]] = (_create, _add_weeks)
"""What makes a file of each schema version from one of the version before; the first makes it from an empty file."""


def views() -> dict[str, str]:
    """Return the readable views: name and query."""
    found = {
        f"{table}_view": f"SELECT {_utc('e.time')}, {_TAGS}, {named}{_listed('e', columns)}, e.time, e.simulated"
        f" FROM {table} e JOIN series s ON s.id = e.series JOIN asset a ON a.id = s.asset"
        for table, columns in MEASUREMENTS.items()
        for named in [f"{SERIES_NAMES[table]}, " if table in SERIES_NAMES else ""]
    }
    for family in (LEDGER, REASONS):
        for resolution in RESOLUTIONS:
            carried = f"e.{family.carried}, " if family.carried != NOTHING else ""
            found[f"{family.name}_{resolution}_view"] = (
                f"SELECT {_utc('e.start')}, {_TAGS}, e.{family.keys[0]}, e.{family.keys[1]}, {carried}"
                f"{', '.join(f'e.{column} / 1e9 AS {column}' for column in family.sums)}, e.start"
                f" FROM {family.name}_{resolution} e JOIN asset a ON a.id = e.asset"
            )
    found["rejected_view"] = (
        f"SELECT {_utc('e.time')}, e.topic, e.reason, e.payload, e.bytes, e.count, e.time FROM rejected e"
    )
    found["signal_view"] = (
        f"SELECT {_TAGS}, s.name AS signal, s.unit, s.type AS kind,"
        " (SELECT min(time) FROM telemetry WHERE series = s.id) AS first,"
        " (SELECT max(time) FROM telemetry WHERE series = s.id) AS last"
        " FROM series s JOIN asset a ON a.id = s.asset WHERE s.kind = 'telemetry'"
    )
    return found


def _utc(column: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', {column} / 1e9, 'unixepoch') AS utc"


def _listed(alias: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{column.split()[0]}" for column in columns)
