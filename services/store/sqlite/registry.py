"""What the writer of a file knows of machines and signals, so that a sample costs no question to the file.

The samples of a transaction wait here with their signal: so they are in the order in which they lie in the file, and
need no sorting.

A machine's time range and a signal's unit and type are read once, changed here as events are added, and written where
they changed. Another process may write to the same file: what is written only widens a time range, and of two units the
later stays. `clear` both after a transaction that failed.
"""

import sqlite3
from operator import attrgetter
from typing import Final, cast

from broker.contract.events import Sample
from broker.contract.samples import Run
from broker.contract.topics import LEVELS
from services.store.sqlite.samples import FIELDS

_TOUCH: Final = (
    "UPDATE asset SET first = min(coalesce(first, ?1), ?1), last = max(coalesce(last, ?2), ?2),"
    " simulated = CASE WHEN last > ?2 THEN simulated WHEN last = ?2 THEN simulated AND ?3 ELSE ?3 END WHERE id = ?4"
)
_REPORT: Final = "UPDATE series SET unit = CASE ?1 WHEN '' THEN unit ELSE ?1 END, type = ?2 WHERE id = ?3"
_id: Final = attrgetter("id")


class Asset:
    """A machine: its id, the times of its oldest and newest event, and whether the newest is simulated."""

    __slots__ = ("first", "id", "is_new", "last", "simulated")

    def __init__(self, found: tuple[int, int | None, int | None, int]) -> None:
        self.id, first, last, simulated = found
        self.is_new = False
        self.first = first if first is not None else 2**63 - 1
        self.last = last if last is not None else -(2**63)
        self.simulated = bool(simulated)


class Signal:
    """A signal of a machine: the id of its series, its newest unit and type, and its samples that are to be written."""

    __slots__ = ("asset", "id", "is_new", "rows", "type", "unit")

    def __init__(self, found: tuple[int, str, str], asset: Asset) -> None:
        self.id, self.unit, self.type = found
        self.asset = asset
        self.is_new = False
        self.rows: list[float | str] = []


class Registry:
    """The machines and signals of a file.

    Args:
        connection: the writer's.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._assets: dict[str, Asset] = {}
        self._signals: dict[tuple[str, str], Signal] = {}
        self._new_assets: list[Asset] = []
        self._new_signals: list[Signal] = []
        self._signals_with_rows: list[Signal] = []

    def clear(self) -> None:
        """Empty it: it is read again."""
        for memory in (
            self._assets,
            self._signals,
            self._new_assets,
            self._new_signals,
            self._signals_with_rows,
        ):
            memory.clear()

    def asset(self, path: str) -> Asset:
        """Return a machine; a new machine gets an id."""
        found = self._assets.get(path)
        if found is None:
            levels = [*path.split("/"), *[""] * len(LEVELS)][: len(LEVELS)]
            self._connection.execute(
                "INSERT OR IGNORE INTO asset (path, site, area, line, machine) VALUES (?, ?, ?, ?, ?)", (path, *levels)
            )
            row = self._connection.execute("SELECT id, first, last, simulated FROM asset WHERE path = ?", (path,))
            found = self._assets[path] = Asset(row.fetchone())
        return found

    def touch(self, asset: Asset, first: int, last: int, *, simulated: bool) -> None:
        """Note events of a machine, from the oldest to the newest; where a real one is at its newest instant, it is."""
        if last > asset.last or (last == asset.last and asset.simulated and not simulated):
            asset.last, asset.simulated = last, simulated
        elif first >= asset.first:
            return
        asset.first = min(first, asset.first)
        if not asset.is_new:
            asset.is_new = True
            self._new_assets.append(asset)

    def add_sample(self, event: Sample) -> None:
        """Note a sample, which is to be written."""
        signal = self._signals.get((event.asset, event.signal)) or self._signal(event.asset, event.signal)
        value, unit, at, simulated = event.value, event.unit, event.at, event.simulated
        value_type = "text" if type(value) is str else "number"
        if signal.type != value_type or (unit and unit != signal.unit):
            self._report(signal, value_type, unit)
        asset, rows = signal.asset, signal.rows
        if at > asset.last and asset.is_new and simulated == asset.simulated:
            asset.last = at  # as `touch` does it, where most samples are newer than those before
        elif at != asset.last or simulated != asset.simulated:
            self.touch(asset, at, at, simulated=simulated)
        if not rows:
            self._signals_with_rows.append(signal)
        rows += (signal.id, at, +simulated, +value if type(value) is bool else value)

    def add_run(self, run: Run) -> None:
        """Note samples of a signal, which are to be written."""
        signal = self._signals.get((run.asset, run.signal)) or self._signal(run.asset, run.signal)
        turns, unit, simulated = run.turns, run.unit, run.simulated
        value_type = "text" if type(turns[-1]) is str else "number"
        if signal.type != value_type or (unit and unit != signal.unit):
            self._report(signal, value_type, unit)
        if not signal.rows:
            self._signals_with_rows.append(signal)
        if len(turns) == 2:  # one time and one value
            at, value = cast("int", turns[0]), turns[1]
            self.touch(signal.asset, at, at, simulated=simulated)
            signal.rows += (signal.id, at, +simulated, value)
            return
        times = run.times
        self.touch(signal.asset, min(times), max(times), simulated=simulated)
        rows: list[float | str] = [signal.id, 0, +simulated, 0.0] * len(times)
        rows[1::4], rows[3::4] = times, run.values
        signal.rows += rows

    def take_samples(self) -> tuple[list[float | str], list[float | str]]:
        """Return the samples to be written, in order of their series: of those of numbers, and of those with texts.

        Of each sample there are the `FIELDS` of `samples`.
        """
        numbers: list[float | str] = []
        with_texts: list[float | str] = []
        self._signals_with_rows.sort(key=_id)
        for signal in self._signals_with_rows:
            if str in map(type, signal.rows[FIELDS - 1 :: FIELDS]):
                with_texts += signal.rows
            else:
                numbers += signal.rows
            signal.rows.clear()
        self._signals_with_rows.clear()
        return numbers, with_texts

    def write(self) -> None:
        """Write what changed."""
        self._connection.executemany(_TOUCH, [(one.first, one.last, one.simulated, one.id) for one in self._new_assets])
        self._connection.executemany(_REPORT, [(one.unit, one.type, one.id) for one in self._new_signals])
        for asset in self._new_assets:
            asset.is_new = False
        for signal in self._new_signals:
            signal.is_new = False
        self._new_assets.clear()
        self._new_signals.clear()

    def _report(self, signal: Signal, value_type: str, unit: str) -> None:
        signal.type, signal.unit = value_type, unit or signal.unit
        if not signal.is_new:
            signal.is_new = True
            self._new_signals.append(signal)

    def _signal(self, path: str, name: str) -> Signal:
        asset = self.asset(path)
        key = (asset.id, Sample.kind, name)
        self._connection.execute("INSERT OR IGNORE INTO series (asset, kind, name) VALUES (?, ?, ?)", key)
        row = self._connection.execute(
            "SELECT id, unit, type FROM series WHERE asset = ? AND kind = ? AND name = ?", key
        ).fetchone()
        found = self._signals[path, name] = Signal(row, asset)
        return found
