"""The page on units has the tables of the code."""

import re
from pathlib import Path

from broker.contract.units import NAMES, SUMMED

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/units.md").read_text("utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]


def test_every_name_is_on_the_page_with_its_code() -> None:
    listed = {name: row[0].strip("`") for row in ROWS if len(row) == 2 for name in re.findall(r"`([^`]+)`", row[1])}
    assert listed == NAMES


def test_every_meter_that_is_added_up_is_on_the_page_with_its_units() -> None:
    listed = {row[0].strip("`"): re.findall(r"`([^`]+)`", row[2]) for row in ROWS if len(row) == 3}
    assert listed == {meter: [unit for unit in units if unit] for meter, units in SUMMED.items()}
