"""The page on units has the tables of the code."""

import re
from pathlib import Path

import pytest

from broker.contract.events import Meter
from broker.contract.units import NAMES, SUMMED
from services.ledger.entries import readings
from services.ledger.fields import NANO

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/units.md").read_text("utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]


def test_every_name_is_on_the_page_with_its_code() -> None:
    listed = {name: row[0].strip("`") for row in ROWS if len(row) == 2 for name in re.findall(r"`([^`]+)`", row[1])}
    assert listed == NAMES


def test_every_meter_that_is_added_up_is_on_the_page_with_its_units() -> None:
    listed = {row[0].strip("`"): re.findall(r"`([^`]+)`", row[2]) for row in ROWS if len(row) == 3}
    assert listed == {meter: [unit for unit in units if unit] for meter, units in SUMMED.items()}


KWH = {"kW.h": 1, "W.h": 0.001, "MW.h": 1_000, "GW.h": 1e6, "GJ": 277.777_777_8, "MJ": 0.277_777_777_8}
KWH |= {"kJ": 277.777_777_8e-6, "J": 277.777_777_8e-9}
CUBIC_METRES = {"m3": 1, "m3{norm}": 1, "L": 0.001, "hL": 0.1, "dm3": 0.001}


@pytest.mark.parametrize(
    ("meter", "unit", "amount"),
    [
        *(("electricity", unit, amount) for unit, amount in KWH.items()),
        *(
            (meter, unit, amount)
            for meter in ("compressed-air", "water", "gas")
            for unit, amount in CUBIC_METRES.items()
        ),
    ],
)
def test_a_meter_counts_what_its_unit_is_worth(meter: str, unit: str, amount: float) -> None:
    event = Meter(asset="works/hall/line-1/press-1", at=0, name=meter, total=3_600_000, unit=unit)
    ((field, _, total),) = readings(event)
    assert field == {"electricity": "electricity_kwh", "compressed-air": "air_m3"}.get(meter, f"{meter}_m3")
    assert total / NANO == pytest.approx(3_600_000 * amount)


def test_every_unit_of_the_page_is_tried() -> None:
    expected = {"electricity": KWH} | dict.fromkeys(("compressed-air", "water", "gas"), CUBIC_METRES)
    assert {meter: {unit for unit in units if unit} for meter, units in SUMMED.items()} == {
        meter: set(units) for meter, units in expected.items()
    }
