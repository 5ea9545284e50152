"""`corridor plant check`, as its user sees it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.plant.plant_file import parse
from cli.plants.plant import describe

Corridor = Callable[..., tuple[int, str, str]]

GOOD = """
name = "Two sites"
[calendar.days]
shifts = [
  { name = "day", days = "mon-fri", start = "06:00", end = "14:00", breaks = [{ start = "09:00", end = "09:15" }] },
]
[calendar.always]
time-zone = "Europe/London"
shifts = [{ name = "all", start = "00:00", end = "24:00" }]
[calendar.spare]
[asset."a"]
calendar = "days"
[asset."a/x/l/m1"]
[asset."a/x/l/m2"]
[asset."b"]
title = "Site B"
[asset."b/x/l/m1"]
calendar = "always"
[product.p]
[reason.r]
"""


def test_a_good_file_is_described(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(GOOD)
    status, output, errors = corridor("plant", "check", str(file))
    assert (status, errors) == (0, "")
    for words in (
        f"{file} is a valid plant file.",
        "Two sites: 2 sites, 2 lines, 3 machines, 1 product, 1 reason.",
        "Site B, 1 machine",
        "days in UTC, 2 machines",
        "mon 7.75  tue 7.75  wed 7.75  thu 7.75  fri 7.75  sat 0  sun 0  together 38.75 h",
        "always in Europe/London, 1 machine",
        "No asset uses the calendar spare.",
    ):
        assert words in output


def test_a_week_has_the_hours_that_its_clocks_give_it() -> None:
    facts = describe(parse(GOOD, "plant.toml"), datetime(2026, 3, 29, 22, tzinfo=UTC))
    (always,) = (one for one in facts["calendars"] if one["name"] == "always")
    assert always["planned_hours"] == {f"2026-03-{day}": 24.0 for day in range(23, 29)} | {"2026-03-29": 23.0}


def test_mistakes_are_listed_and_end_with_status_1(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text('nmae = "x"\n[asset.a]\ncalendar = "c"\n')
    status, output, errors = corridor("plant", "check", str(file))
    assert (status, errors) == (1, "")
    assert output.splitlines() == [
        f"{file}:1: nmae: this key is not known here; did you mean name?",
        f"{file}:3: asset.a.calendar: no calendar is named 'c'; there is none yet",
        f"{file} has 2 mistakes.",
    ]


def test_a_flow_that_is_none_is_found_before_a_service_needs_it(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text('[simulate.line."a/b/c"]\nstages = 3\n')
    status, output, _ = corridor("plant", "check", str(file))
    assert status == 1
    assert f'{file}:2: simulate.line."a/b/c".stages: 3 is not an array' in output


SIMULATED = """[product.x]
[simulate.line."a/b/c"]
stages = [["m-1"]]
orders = [{ product = "x", pieces = 4 }]
buffers = []
[simulate.machine."a/b/c/m-1"]
model = "washer"
cell = "cmm"
[flow.rods]
from = "x/y/z"
to = "a/b/c"
batch = 5
transit = "30min"
[simulate.flow.rods]
late = 0.1
"""


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("late = 0.1", "late = 2", "15: simulate.flow.rods.late: late is 2.0; it goes from 0 to 1"),
        (
            "late = 0.1",
            "stock = 0",
            "15: simulate.flow.rods.stock: a stock of 0 pieces; give at least 1, or leave it out",
        ),
        ("late = 0.1", "every-h = 0", "15: simulate.flow.rods.every-h: every-h is 0.0; it goes from 0.01 to 10000"),
        ("late = 0.1", "lates = 0.1", "15: simulate.flow.rods.lates: Object contains unknown field `lates`; compare"),
        ("late = 0.1", 'late = "a"', "15: simulate.flow.rods.late: Expected `float`, got `str`; compare"),
        (
            'model = "washer"',
            'model = "wash"',
            "7: simulate.machine.\"a/b/c/m-1\".model: unknown model 'wash'; use one of",
        ),
        ("buffers = []\n", "", '2: simulate.line."a/b/c": Object missing required field `buffers`; compare'),
    ],
)
def test_a_mistake_in_what_is_simulated_has_its_line_too(
    corridor: Corridor, tmp_path: Path, old: str, new: str, found: str
) -> None:
    file = tmp_path / "plant.toml"
    assert old in SIMULATED
    file.write_text(SIMULATED.replace(old, new))
    status, output, errors = corridor("plant", "check", str(file))
    assert (status, errors) == (1, "")
    first, last = output.splitlines()
    assert first.startswith(f"{file}:{found}")
    assert last == f"{file} has 1 mistake."
    including = tmp_path / "including.toml"
    including.write_text('name = "x"\ninclude = ["plant.toml"]\n')
    assert corridor("plant", "check", str(including))[1].splitlines()[0] == first


def test_json(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(GOOD)
    status, output, _ = corridor("plant", "check", str(file), "--json")
    assert status == 0
    assert json.loads(output)["machines"] == ["a/x/l/m1", "a/x/l/m2", "b/x/l/m1"]
    file.write_text("microstop-limit = 0\n")
    status, output, _ = corridor("plant", "check", str(file), "--json")
    assert status == 1
    (mistake,) = json.loads(output)["mistakes"]
    assert (mistake["line"], mistake["key"]) == (1, "microstop-limit")


def test_a_file_that_is_not_there(corridor: Corridor, tmp_path: Path) -> None:
    status, _, errors = corridor("plant", "check", str(tmp_path / "none.toml"))
    assert status == 1
    assert "none.toml: No such file" in errors
