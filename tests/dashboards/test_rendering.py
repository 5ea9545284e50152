"""Every page as a person sees it: drawn by Grafana's own libraries in a browser, over a simulated day in InfluxDB."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page

from broker.plant.plant import Plant
from cli import main
from dashboards.names import PAGES
from services.ledger.fields import FIELDS
from services.ledger.indicators.indicators import INDICATORS
from tests.dashboards.conftest import END, HOUR, START, Pages, levels_of, view_of
from tests.dashboards.rendering import PROGRAM, Panel, browser, drawn, installed, opened
from tests.dashboards.test_queries import MAY_BE_EMPTY
from tests.dashboards.viewing import View
from tests.store.influx.influxd import Influxd

pytestmark = [
    pytest.mark.slow,
    pytest.mark.influx,
    pytest.mark.browser,
    pytest.mark.javascript,
    pytest.mark.xdist_group("a day in InfluxDB"),
]

LINE = "sheffield/machining/line-1"
CMM = f"{LINE}/cmm-1"
COUNTS_MACHINES_ALONE = {"corridor-machine"}
"""Pages that are of one machine: any other choice shows nothing there."""
IN_ITS_OWN_UNIT = {"Individual values", "Distribution", "Moving range"}
"""Charts of the chosen characteristic; its unit is in the table above them."""
WITHOUT_UNIT = {"Cp", "Cpk", "Cm", "Cmk", "Mean", "Lower limit", "Upper limit"}
NO_UNIT = {"", "none", "short"}


@pytest.fixture(scope="session")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    installed()
    folder = tmp_path_factory.mktemp("render")
    with browser(folder) as running, opened(running, folder) as page:
        yield page


def views(plant: Plant) -> dict[str, View]:
    """Return what is looked at: all of it, an hour of it, one line, one machine that measures parts."""
    site, area, line = LINE.split("/")
    signals = "|".join(name for name, info in plant.asset(CMM).signals.items() if info.unit)
    return {
        "24h": view_of(START, END),
        "1h": view_of(END - HOUR, END),
        "line": view_of(START, END, site=site, area=area, line=line),
        "machine": view_of(START, END, **levels_of(CMM), signal=signals),
    }


@pytest.fixture(scope="session")
def seen(screen: Page, day: Influxd, pages: Pages, plant: Plant) -> dict[tuple[str, str], list[Panel]]:
    """The panels of each page in each view."""
    return {
        (uid, name): drawn(screen, page, day, view, f"{uid.removeprefix('corridor-')}-{name}")
        for uid, page in pages.items()
        for name, view in views(plant).items()
        if name == "machine" or uid not in COUNTS_MACHINES_ALONE
    }


ALL = [
    (page.uid, name)
    for page in PAGES
    for name in ("24h", "1h", "line", "machine")
    if name == "machine" or page.uid not in COUNTS_MACHINES_ALONE
]
Seen = dict[tuple[str, str], list[Panel]]


def test_the_libraries_are_of_the_version_that_the_stack_runs() -> None:
    stack = yaml.safe_load((PROGRAM.parents[2] / "docker-compose.yml").read_text(encoding="utf-8"))
    version = stack["services"]["grafana"]["image"].partition(":")[2]
    wanted = json.loads((PROGRAM / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {wanted[f"@grafana/{name}"] for name in ("data", "ui", "schema")} == {version}


@pytest.mark.parametrize("which", ALL, ids="-".join)
def test_no_panel_is_in_error(seen: Seen, which: tuple[str, str]) -> None:
    assert {panel.title: panel.error for panel in seen[which] if panel.error} == {}


@pytest.mark.parametrize("which", [one for one in ALL if one[1] in {"24h", "line"}], ids="-".join)
def test_no_panel_is_empty_over_a_day(seen: Seen, which: tuple[str, str]) -> None:
    assert {panel.title for panel in seen[which] if not panel.frames} <= MAY_BE_EMPTY


@pytest.mark.parametrize("which", ALL, ids="-".join)
def test_no_table_hides_a_column_or_cuts_a_text(seen: Seen, which: tuple[str, str]) -> None:
    tables = {panel.title: (panel.columns_beyond_px, panel.clipped) for panel in seen[which]}
    assert {title: cut for title, cut in tables.items() if cut != (0, [])} == {}


@pytest.mark.parametrize("which", ALL, ids="-".join)
def test_nothing_is_called_by_its_raw_name(seen: Seen, which: tuple[str, str], plant: Plant) -> None:
    raw = {*FIELDS, *INDICATORS, "n", "value", "seconds", "Value", "coverage"}
    raw |= {name for machine in plant.machines() for name, info in plant.asset(machine).signals.items() if info.title}
    titles = {
        (panel.title, field.title)
        for panel in seen[which]
        if panel.type != "stat"
        for field in panel.fields()
        if not field.hidden and (panel.type != "bargauge" or field.type == "string")
    }
    assert {one for one in titles if one[1].rpartition(" ")[2] in raw} == set()


@pytest.mark.parametrize("which", ALL, ids="-".join)
def test_every_number_has_its_unit(seen: Seen, which: tuple[str, str]) -> None:
    assert {
        (panel.title, field.title)
        for panel in seen[which]
        if panel.title not in IN_ITS_OWN_UNIT
        for field in panel.fields()
        if field.type == "number" and field.unit in NO_UNIT and field.title not in WITHOUT_UNIT
    } == set()


@pytest.mark.parametrize("which", ALL, ids="-".join)
def test_numbers_are_written_as_people_write_them(seen: Seen, which: tuple[str, str]) -> None:
    odd = re.compile(r"\d (?:K|Mil)\b|weeks?\b|\S  +\S|\bum\b|\bCel\b")
    shown = {(panel.title, text) for panel in seen[which] for field in panel.fields() for text in field.shown}
    assert {one for one in shown if odd.search(one[1])} == set()


@pytest.mark.parametrize("asset", ["sheffield", LINE, f"{LINE}/cmm-1"])
def test_the_numbers_are_those_of_kpi_show(
    screen: Page, day: Influxd, pages: Pages, asset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = dict(zip(("site", "area", "line", "machine"), asset.split("/"), strict=False))
    panels = drawn(screen, pages["corridor-site"], day, view_of(START, END, **levels), f"site-as-kpi-show-{len(levels)}")
    with pytest.raises(SystemExit) as ended:
        main.run(
            [
                *("kpi", "show", asset, "--json", "--store", f"influxdb1://127.0.0.1:{day.port}/corridor"),
                *("--from", "2026-11-25T08:00:00Z", "--to", "2026-11-26T08:00:00Z"),
            ]
        )
    assert ended.value.code == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    shown = {panel.title: panel.shown for panel in panels if panel.type == "stat"}
    for title, name in {"OEE": "oee", "Availability": "availability", "Effectiveness": "effectiveness"}.items():
        assert shown[title] == f"{answer['indicators'][name]:.1%}"
    assert shown["Good pieces"] == f"{answer['good']:,.0f}"


def test_a_picture_of_each_is_there_to_be_looked_at(seen: Seen) -> None:
    for uid, name in seen:
        picture = Path(__file__).parents[2] / "build" / "grafana" / f"{uid.removeprefix('corridor-')}-{name}.png"
        assert picture.stat().st_size > 10_000
