"""Sheets as files: CSV, and Parquet where Polars is installed. However long a sheet is, little of it is in memory.

A file appears under its name when it is whole. In CSV times are RFC 3339, a missing value is empty, truths are `true`
and `false`, and a text that a spreadsheet would take for a formula begins with an apostrophe; in Parquet times are
timestamps of nanoseconds in UTC.
"""

import csv
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self, TextIO

from broker.contract import instants
from services.query.export.csv_cells import guarded
from services.query.export.exporting import Column, Row
from services.store.interface import StoreError

_PART_ROWS: Final = 200_000
"""So many rows are in memory before they go into a part of a Parquet file."""


class SheetFile(Protocol):
    """An open file, used in a `with`."""

    def __enter__(self) -> Self:
        """Begin it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish it, and give it its name; without a trace of it where something failed."""

    def write(self, rows: Sequence[Row]) -> None:
        """Append rows."""


def sheet_file(path: Path, columns: Sequence[Column]) -> SheetFile:
    """Return a new file of the kind that its name ends in.

    Raises:
        StoreError: it ends in neither `.csv` nor `.parquet`, exists, or Polars is missing.
    """
    if path.suffix not in {".csv", ".parquet"}:
        raise StoreError(f"{path}: an export is a .csv or a .parquet file; end its name so")
    if path.exists():
        raise StoreError(f"{path} exists; choose another name, or remove it")
    if path.suffix == ".csv":
        return _CsvFile(path, columns)
    if find_spec("polars") is None:
        raise StoreError(
            f"a Parquet file needs Polars; in a checkout: {sys.executable} -m pip install '.[export]', or write .csv"
        )
    return _ParquetFile(path, columns)


class _CsvFile:
    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._path, self._columns = path, columns
        self._partial = path.with_name(f"{path.name}.partial")

    def __enter__(self) -> Self:
        self._file = self._partial.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(_Lines(self._file))
        self._writer.writerow([column.name for column in self._columns])
        self._times = [place for place, column in enumerate(self._columns) if column.type == "time"]
        self._texts = [place for place, column in enumerate(self._columns) if column.type == "text"]
        self._truths = [place for place, column in enumerate(self._columns) if column.type == "truth"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)

    def write(self, rows: Sequence[Row]) -> None:
        self._writer.writerows(map(self._written, rows))

    def _written(self, row: Row) -> list[Any]:
        values = list(row)
        for place in self._times:
            values[place] = instants.format_rfc3339(values[place])
        for place in self._texts:
            values[place] = guarded(values[place])
        for place in self._truths:
            values[place] = None if values[place] is None else str(values[place]).lower()
        return values


class _Lines:
    """Ends rows with a newline alone; the writer's own option would leave a carriage return in a text unquoted."""

    def __init__(self, file: TextIO) -> None:
        self._write = file.write

    def write(self, row: str) -> int:
        return self._write(row.removesuffix("\r\n") + "\n")


class _ParquetFile:
    """Rows are gathered in parts, which are put together in the end."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        import polars as pl  # noqa: PLC0415  (it is optional, and takes a while to load)

        self._path, self._polars = path, pl
        types = {
            "time": pl.Datetime("ns", "UTC"),
            "text": pl.String(),
            "number": pl.Float64(),
            "whole": pl.Int64(),
            "truth": pl.Boolean(),
        }
        self._schema = {column.name: types[column.type] for column in columns}
        self._rows: list[Row] = []
        self._parts: list[Path] = []

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(dir=self._path.parent, prefix=f".{self._path.name}.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._folder as folder:
            if kind is None:
                self._put_away()
                whole = Path(folder) / "whole.parquet"
                self._polars.scan_parquet(self._parts).sink_parquet(whole)
                whole.replace(self._path)

    def write(self, rows: Sequence[Row]) -> None:
        self._rows += rows
        if len(self._rows) >= _PART_ROWS:
            self._put_away()

    def _put_away(self) -> None:
        part = Path(self._folder.name) / f"part-{len(self._parts)}.parquet"
        self._polars.DataFrame(self._rows, schema=self._schema, orient="row").write_parquet(part)
        self._parts.append(part)
        self._rows = []
