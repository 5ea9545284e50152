"""The plant file: what it holds is found, and inherited from the assets above."""

from pathlib import Path

import pytest

from broker.contract.events import NS_PER_S, STATES
from broker.plant.assets import INHERITED, SignalInfo
from broker.plant.calendar import TimeRange
from broker.plant.flow import Flow
from broker.plant.plant import NO_PLANT
from broker.plant.plant_file import PlantError, load, parse

PLANT = """
name = "Corridor"
microstop-limit = "4min"

[calendar.double-days]
time-zone = "Europe/London"
shifts = [{ name = "day", start = "06:00", end = "14:00", breaks = [{ start = "09:00", end = "09:15" }] }]

[calendar.always]
shifts = [{ name = "all", start = "00:00", end = "24:00" }]

[asset.sheffield]
title = "Sheffield"
calendar = "double-days"
sector = "advanced manufacturing"
capability = ["machining", "data"]
targets = { oee = 0.6, availability = 0.8 }
signals.spindle-temp = { unit = "Cel", low = 20, high = 58 }

[asset."sheffield/machining/line-1"]
title = "Line 1, titanium"
targets = { oee = 0.72 }

[asset."sheffield/machining/line-1/mill-1"]
ideal-cycle = "42min"
sector = "nuclear"
signals.spindle-temp = { alarm-high = 65.5 }

[asset."sheffield/machining/line-1/mill-2"]
calendar = "always"

[asset.guangdong]
time-zone = "Asia/Shanghai"
calendar = "double-days"

[asset."guangdong/twin/line-9/press-1"]

[product.bracket-7]
title = "Bracket"
ideal-cycle = { "sheffield/machining/line-1/mill-1" = 2520, "sheffield/machining" = 2600 }

[product.pin]
ideal-cycle = 30

[reason.spindle-overheat]
title = "Spindle overheat"
loss = "breakdown"

[reason.warm-up]
loss = "set-up"

[reason.lunch]

[simulate]
seed = 1
[simulate.machine."sheffield/machining/line-1/mill-1"]
anything = ["goes", 1]
"""
MILL = "sheffield/machining/line-1/mill-1"


def test_a_plant_holds_what_its_file_holds() -> None:
    plant = parse(PLANT, "plant.toml")
    assert plant.name == "Corridor"
    assert plant.microstop_limit_ns == 240 * NS_PER_S
    assert plant.text == PLANT
    assert plant.simulate == {"seed": 1, "machine": {MILL: {"anything": ["goes", 1]}}}
    assert plant.reasons["spindle-overheat"].title == "Spindle overheat"
    assert plant.products["bracket-7"].title == "Bracket"


def test_places() -> None:
    plant = parse(PLANT, "plant.toml")
    assert plant.machines() == [MILL, "sheffield/machining/line-1/mill-2", "guangdong/twin/line-9/press-1"]
    assert plant.lines() == ["sheffield/machining/line-1", "guangdong/twin/line-9"]
    assert plant.children("") == ["sheffield", "guangdong"]
    assert plant.children("sheffield") == ["sheffield/machining"]
    assert plant.children("sheffield/machining/line-1") == [MILL, "sheffield/machining/line-1/mill-2"]
    assert plant.children(MILL) == []


def test_a_title_is_declared_or_made_readable() -> None:
    plant = parse(PLANT, "plant.toml")
    assert plant.title("sheffield/machining/line-1") == "Line 1, titanium"
    assert plant.title(MILL) == "Mill 1"
    assert plant.title("lancaster/joining/line-1/friction-stir-2") == "Friction stir 2"


def test_a_signal_may_be_declared_as_text_and_its_unit_have_its_common_name() -> None:
    text = (
        f'[asset."sheffield"]\nsignals.program = {{ type = "text" }}\n[asset."{MILL}"]\nsignals.t = {{ unit = "°C" }}\n'
    )
    plant = parse(text, "plant.toml")
    assert plant.is_text(MILL, "program")
    assert not plant.is_text(MILL, "t")
    assert not plant.is_text("guangdong/twin/line-9/press-1", "program")
    assert plant.asset(MILL).signals["t"].unit == "Cel"


LINE = "sheffield/machining/line-1"


@pytest.mark.parametrize("table", ["asset", "simulate.line"])
def test_a_line_has_the_flow_that_its_asset_or_its_simulation_declares(table: str) -> None:
    plant = parse(f'[{table}."{LINE}"]\nstages = [["mill-1", "mill-2"], ["cmm-1"]]\n', "plant.toml")
    assert plant.stages(LINE) == [[MILL, f"{LINE}/mill-2"], [f"{LINE}/cmm-1"]]
    assert plant.flow(LINE) == Flow((("mill-1", "mill-2"), ("cmm-1",)))
    assert plant.stages("sheffield/machining/line-2") == []


def test_the_asset_s_flow_counts_before_the_simulated_one_whose_buffers_are_of_its_own_stages() -> None:
    simulated = f'[simulate.line."{LINE}"]\nstages = [["mill-1"], ["cmm-1"]]\nbuffers = [8]\n'
    same = f'[asset."{LINE}"]\nstages = [["mill-1"], ["cmm-1"]]\n'
    assert parse(simulated + same, "plant.toml").flow(LINE).buffers == (8,)
    other = same.replace('[["mill-1"], ["cmm-1"]]', '[["cmm-1"]]')
    assert parse(simulated + other, "plant.toml").flow(LINE) == Flow((("cmm-1",),))


def test_settings_come_from_the_nearest_asset_above() -> None:
    plant = parse(PLANT, "plant.toml")
    assert plant.targets(MILL) == {"oee": 0.72, "availability": 0.8}
    assert plant.targets("sheffield/new/line/machine") == {"oee": 0.6, "availability": 0.8}
    assert plant.assets[MILL].sector == ("nuclear",)
    assert plant.assets[MILL].capability == ("machining", "data")
    assert plant.signal_info(MILL, "spindle-temp") == SignalInfo(unit="Cel", low=20, high=58, alarm_high=65.5)
    assert plant.signal_info("sheffield/machining/line-1/mill-3", "spindle-temp") == SignalInfo("Cel", low=20, high=58)
    assert plant.signal_info(MILL, "torque") is None


def test_an_asset_inherits_whatever_the_order_of_the_file() -> None:
    plant = parse('[asset."a/b/c/d"]\n[asset."a/b"]\ntargets = { oee = 0.5 }\n', "plant.toml")
    assert plant.targets("a/b/c/d") == {"oee": 0.5}
    assert list(plant.assets) == ["a/b/c/d", "a/b"]


SETTINGS = {
    "time-zone": ('"Europe/London"', '"Asia/Shanghai"'),
    "calendar": ('"a"', '"b"'),
    "sector": ('["energy"]', '["health", "digital"]'),
    "capability": ('"machining"', '"joining"'),
    "ideal-cycle": ("30", '"2min"'),
    "load-size": ("24", "6"),
    "max-power": ("120", "7.5"),
    "counter-max": ("32767", "999999"),
    "silent-after": ('"10m"', '"90s"'),
    "connected": ("true", "false"),
    "dialect": ('"sparkplug"', '"mtconnect"'),
    "targets": ("{ oee = 0.5 }", "{ oee = 0.7 }"),
    "signals": ('{ load = { unit = "%", high = 5 } }', "{ load = { high = 9 } }"),
}
"""Two values of each setting that is inherited."""


@pytest.mark.parametrize("level", range(4))
@pytest.mark.parametrize("key", INHERITED)
def test_a_setting_is_that_of_the_nearest_asset_above_that_has_one(key: str, level: int) -> None:
    calendars = "".join(
        f'[calendar.{name}]\nshifts = [{{ name = "x", start = "06:00", end = "14:00" }}]\n' for name in "ab"
    )
    above = "/".join(MILL.split("/")[: level + 1])
    here, elsewhere = SETTINGS[key]

    def setting(text: str, asset: str) -> object:
        return getattr(parse(calendars + text, "plant.toml").asset(asset), key.replace("-", "_"))

    declared = f'[asset."{above}"]\n{key} = {here}\n'
    value = setting(declared, above)
    assert value != setting("", above)
    assert setting(declared, MILL) == value  # not declared
    if level < 3:
        assert setting(f'{declared}[asset."{MILL}"]\ntitle = "Mill"\n', MILL) == value  # declared, without its own
        own = setting(f'{declared}[asset."{MILL}"]\n{key} = {elsewhere}\n', MILL)
        assert own != value
        assert own != setting("", MILL) or elsewhere == "false"


def test_a_calendar_is_inherited_and_holds_in_the_zone_of_its_asset() -> None:
    plant = parse(PLANT, "plant.toml")
    sheffield, twin = plant.calendar_of(MILL), plant.calendar_of("guangdong/twin/line-9/press-1")
    assert sheffield is not None
    assert twin is not None
    assert sheffield is plant.calendar_of("sheffield")
    assert (sheffield.time_zone, twin.time_zone) == ("Europe/London", "Asia/Shanghai")
    assert plant.time_zone_of(MILL) == "Europe/London"
    assert plant.time_zone_of("sheffield/machining/line-1/mill-2") == "UTC"  # neither it nor its calendar has a zone
    assert plant.time_zone_of("nowhere") == "UTC"
    assert plant.calendar_of("nowhere/a/b/c") is None


def test_the_calendar_of_the_worked_example() -> None:
    text = """
        [calendar.example]
        shifts = [{ name = "day", start = "06:00", end = "14:00", breaks = [{ start = "09:00", end = "09:15" }] }]
        [asset.site]
        calendar = "example"
    """
    calendar = parse(text, "plant.toml").calendar_of("site/area/line/machine")
    assert calendar is not None
    eight = 1_764_144_000 * NS_PER_S  # 2025-11-26T08:00:00Z
    quarter = 900 * NS_PER_S
    assert calendar.time_ranges(eight, eight + 6 * quarter) == [
        TimeRange(eight, eight + 4 * quarter, "day", planned=True),
        TimeRange(eight + 4 * quarter, eight + 5 * quarter, "day", planned=False),
        TimeRange(eight + 5 * quarter, eight + 6 * quarter, "day", planned=True),
    ]


@pytest.mark.parametrize(
    ("machine", "product", "seconds"),
    [
        (MILL, "bracket-7", 2520),
        ("sheffield/machining/line-1/mill-2", "bracket-7", 2600),
        (MILL, "pin", 30),
        (MILL, "unknown-9", 2520),
        (MILL, "", 2520),
        ("guangdong/twin/line-9/press-1", "pin", 30),
        ("guangdong/twin/line-9/press-1", "bracket-7", None),
        ("nowhere/a/b/c", "unknown-9", None),
    ],
)
def test_ideal_cycle(machine: str, product: str, seconds: float | None) -> None:
    assert parse(PLANT, "plant.toml").ideal_cycle(machine, product) == seconds


def test_a_load_size_is_the_greatest_of_the_machines_at_or_under_an_asset() -> None:
    oven, printer = "a/b/c/oven", "a/b/d/printer"
    plant = parse(f'[asset."{oven}"]\nload-size = 6\n[asset."{printer}"]\nload-size = 24\n', "plant.toml")
    sizes = {oven: 6, "a/b/c": 6, "a/b": 24, "a": 24, "": 24, printer: 24, "a/b/c/mill": 1, "elsewhere": 1}
    assert {asset: plant.load_size(asset) for asset in sizes} == sizes


def test_loss_of_a_stop_is_that_of_its_reason_else_of_its_state() -> None:
    plant = parse(PLANT, "plant.toml")
    assert plant.loss_of("idle", "spindle-overheat") == "breakdown"
    assert plant.loss_of("down", "warm-up") == "setup"
    assert plant.loss_of("blocked", "lunch") == "minor-stop"
    assert {state: plant.loss_of(state, "") for state in STATES} == {
        "running": None,
        "setup": "setup",
        "starved": "minor-stop",
        "blocked": "minor-stop",
        "idle": "minor-stop",
        "down": "breakdown",
        "maintenance": None,
        "off": None,
        "unknown": None,
    }
    assert plant.loss_of("running", "spindle-overheat") is None


def test_without_a_plant_every_question_has_an_answer() -> None:
    assert NO_PLANT.microstop_limit_ns == 300 * NS_PER_S
    assert NO_PLANT.calendar_of(MILL) is None
    assert NO_PLANT.time_zone_of(MILL) == "UTC"
    assert NO_PLANT.ideal_cycle(MILL, "bracket-7") is None
    assert NO_PLANT.targets(MILL) == {}
    assert NO_PLANT.title(MILL) == "Mill 1"
    assert NO_PLANT.machines() == NO_PLANT.lines() == NO_PLANT.children("") == []
    assert parse("", "plant.toml") == NO_PLANT


def test_load_reads_a_file(tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_bytes(b"\xef\xbb\xbf" + PLANT.replace("\n", "\r\n").encode())
    assert load(file) == parse(PLANT, "plant.toml")
    file.write_bytes(b'name = "a"\ntitle = "\xff"\n')
    with pytest.raises(PlantError, match=r"plant\.toml:2: this is not UTF-8; save the file"):
        load(file)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.toml")
