"""`corridor plant check`, as its user sees it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.plant.plant_file import parse
from cli.plants.plant import describe
from edge.simulation import districts
from edge.simulation.planning.trades import TRADES

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
        ("late = 0.1", "late = 2", "15: simulate.flow.rods.late: 2 is not possible; it goes from 0 to 1"),
        (
            "late = 0.1",
            "stock = 0",
            "15: simulate.flow.rods.stock: a stock of 0 pieces; give at least 1, or leave it out",
        ),
        ("late = 0.1", "every-h = 0", "15: simulate.flow.rods.every-h: 0 is not possible; it goes from 0.01 to 10000"),
        ("late = 0.1", "lates = 0.1", "15: simulate.flow.rods.lates: this key is not known here; did you mean late"),
        ("late = 0.1", 'late = "a"', "15: simulate.flow.rods.late: 'a' is not a number; write"),
        (
            'model = "washer"',
            'model = "wash"',
            "7: simulate.machine.\"a/b/c/m-1\".model: there is no model 'wash'; did you mean washer",
        ),
        ("buffers = []\n", "", '2: simulate.line."a/b/c": buffers is missing; write buffers = …'),
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


def test_mistakes_of_the_plant_and_of_what_is_simulated_are_listed_together(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    wrong = SIMULATED.replace("[product.x]", "[product.x]\nideal-cycle = -1").replace('"cmm"', '"cnn"')
    file.write_text(wrong.replace('[["m-1"]]', '["m-1"]'))
    assert [line.partition(";")[0] for line in corridor("plant", "check", str(file))[1].splitlines()] == [
        f"{file}:2: product.x.ideal-cycle: -1 is not a time above zero",
        f'{file}:4: simulate.line."a/b/c".stages: these are not stages',
        f"{file}:9: simulate.machine.\"a/b/c/m-1\".cell: there is no cell 'cnn'",
        f"{file} has 3 mistakes.",
    ]


SLIPS = """[calendar.c]
shifts = [{ name = "day", start = "06:00", end = "14:00" }]
[asset."a/b/c"]
calendar = "c"
targets = { oe = 0.7, oee = 0.6 }
signals.t = { unit = "degCC" }
signals.own = { unit = "widgets" }
[asset."a/b/c/m-2"]
[product.x.ideal-cycle]
"a/b/d" = 5
[simulate.line."a/b/c"]
stages = [["m-1"]]
buffers = []
orders = [{ product = "xx", pieces = 4 }]
[simulate.machine."a/b/c/m-1"]
model = "batch-washer"
cell = "cmm"
upkeep-shift = "early"
"""


def test_what_is_probably_a_slip_is_worth_a_look_and_no_mistake(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(SLIPS)
    status, output, errors = corridor("plant", "check", str(file))
    assert (status, errors) == (0, "")
    striking = output.partition("Worth a look:\n")[2].splitlines()
    assert [(line.split(":")[1], line.partition(": ")[2].partition(";")[0]) for line in striking] == [
        ("5", 'asset."a/b/c".targets.oe: no indicator has this name'),
        ("6", "asset.\"a/b/c\".signals.t.unit: 'degCC' is no unit that is known here, and is shown as it is"),
        ("8", 'asset."a/b/c/m-2": its line is simulated, the machine is not'),
        ("10", 'product.x.ideal-cycle."a/b/d": no asset stands there'),
        ("14", "simulate.line.\"a/b/c\".orders[1]: no product is named 'xx'"),
        ("15", 'simulate.machine."a/b/c/m-1": it counts 12 pieces at once'),
        ("18", 'simulate.machine."a/b/c/m-1".upkeep-shift: the machine has no such shift'),
    ]
    data = json.loads(corridor("plant", "check", str(file), "--json")[1])
    assert [remark["line"] for remark in data["remarks"]] == [5, 6, 8, 10, 14, 15, 18]


@pytest.mark.parametrize("trade", TRADES)
def test_a_first_plant_has_nothing_worth_a_look(corridor: Corridor, tmp_path: Path, trade: str) -> None:
    file = tmp_path / "plant.toml"
    corridor("plant", "new", str(file), "--trade", trade)
    assert json.loads(corridor("plant", "check", str(file), "--json")[1])["remarks"] == []


def test_the_shipped_plant_has_nothing_worth_a_look(corridor: Corridor) -> None:
    assert json.loads(corridor("plant", "check", str(districts.CORRIDOR), "--json")[1])["remarks"] == []


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
