"""The how-to on recomputing and export lists the columns that the sheets have."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from broker.plant.plant import NO_PLANT
from cli.ledger.export import KINDS
from services.query.export import exporting
from services.query.export.exporting import Range, Sheet

if TYPE_CHECKING:
    from services.store.interface import Store

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "recompute-and-export.md"
ROWS = {
    cells[0].strip("` "): cells[1]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
    for cells in [line.strip("| ").split(" | ", 1)]
}
PLACE = ("time", "site", "area", "line", "machine")


def sheet(kind: str) -> Sheet:
    nothing = cast("Store", None)  # columns are known without asking it
    asked = Range("", 0, 1)
    match kind:
        case "ledger":
            return exporting.ledger(nothing, asked, "minute")
        case "reasons":
            return exporting.reasons(nothing, asked)
        case "indicators":
            return exporting.indicators(nothing, NO_PLANT, asked, 1, now=1)
        case _:
            return exporting.events(nothing, kind, asked)


def test_every_kind_is_listed() -> None:
    assert tuple(ROWS) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_those_of_the_sheet(kind: str) -> None:
    columns = tuple(column.name for column in sheet(kind).columns)
    listed = tuple(ROWS[kind].split("`")[1].split(", "))
    assert columns[:5] == PLACE
    assert columns[5 : 5 + len(listed)] == listed
    assert len(columns) == 5 + len(listed) or "then every" in ROWS[kind]
