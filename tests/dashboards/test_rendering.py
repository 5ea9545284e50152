"""Every page as a person sees it: drawn by Grafana's own libraries in a browser, over a simulated day in InfluxDB."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from broker.plant.plant import Plant
from cli import main
from dashboards.names import LINE as LINE_PAGE
from dashboards.names import MACHINE, ORDERS, OVERVIEW, PAGES, QUALITY, SITE
from dashboards.pages.losses import TITLES as LOSS_TITLES
from services.ledger.fields import FIELDS, NANO
from services.ledger.indicators.indicators import INDICATORS
from services.store.interface import LedgerRow
from tests.dashboards.conftest import BOOKED, END, HOUR, START, Pages, levels_of, view_of
from tests.dashboards.rendering import PICTURES, PROGRAM, Panel, Screen
from tests.dashboards.test_queries import MAY_BE_EMPTY
from tests.dashboards.viewing import View, answer, rows
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
WITHOUT_UNIT = {"Cp", "Cpk", "Cm", "Cmk", "Mean", "Lower limit", "Upper limit"}
SMALLEST_PICTURE = 10_000
NO_UNIT = {"", "none", "short"}


def views(plant: Plant, day: Influxd) -> dict[str, View]:
    """Return what is looked at: all of a day, a day of one line, an hour of one machine, which measures parts."""
    site, area, line = LINE.split("/")
    sent = rows(answer(day, "corridor-raw", 'SHOW TAG VALUES WITH KEY = "signal" WHERE "machine" = \'cmm-1\''))
    described = plant.asset(CMM).signals
    signals = "|".join(row["value"] for row in sent if row["value"] in described and described[row["value"]].unit)
    return {
        "day": view_of(START, END),
        "line": view_of(START, END, site=site, area=area, line=line),
        "hour": view_of(END - HOUR, END, **levels_of(CMM), signal=signals),
        "machine": view_of(START, END, **levels_of(CMM), signal=signals),
    }


ALL = [
    *((page.uid, "day") for page in PAGES if page not in {MACHINE, SITE, LINE_PAGE}),
    *((page.uid, "line") for page in (SITE, LINE_PAGE)),
    *((page.uid, "hour") for page in PAGES),
    (MACHINE.uid, "machine"),
    (QUALITY.uid, "machine"),
]
"""Which page is looked at in which view: by a choice that it offers."""


class Seen(dict[tuple[str, str], list[Panel]]):
    """The panels of each page in each view, drawn when they are asked for first."""

    def __init__(self, draw: Callable[[str, str], list[Panel]]) -> None:
        super().__init__()
        self._draw = draw

    def __missing__(self, which: tuple[str, str]) -> list[Panel]:
        return self.setdefault(which, self._draw(*which))


@pytest.fixture(scope="session")
def seen(screen: Screen, day: Influxd, pages: Pages, plant: Plant) -> Seen:
    chosen = views(plant, day)

    def draw(uid: str, name: str) -> list[Panel]:
        return screen.draw(pages[uid], day, chosen[name], f"{uid.removeprefix('corridor-')}-{name}")

    return Seen(draw)


def test_the_libraries_are_of_the_version_that_the_stack_runs() -> None:
    stack = yaml.safe_load((PROGRAM.parents[2] / "docker-compose.yml").read_text(encoding="utf-8"))
    version = stack["services"]["grafana"]["image"].partition(":")[2]
    wanted = json.loads((PROGRAM / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {wanted[f"@grafana/{name}"] for name in ("data", "ui", "schema")} == {version}


@pytest.mark.parametrize("which", ALL, ids="-".join)
def test_no_panel_is_in_error(seen: Seen, which: tuple[str, str]) -> None:
    assert {panel.title: panel.error for panel in seen[which] if panel.error} == {}


@pytest.mark.parametrize("which", [one for one in ALL if one[1] != "hour"], ids="-".join)
def test_no_panel_is_empty_over_a_day(seen: Seen, which: tuple[str, str]) -> None:
    empty = {panel.title for panel in seen[which] if not panel.frames and panel.type != "alertlist"}
    assert empty <= MAY_BE_EMPTY


@pytest.mark.parametrize("which", ALL, ids="-".join)
def test_no_table_hides_a_column_or_cuts_a_text(seen: Seen, which: tuple[str, str]) -> None:
    tables = {panel.title: (panel.columns_beyond_px, panel.clipped) for panel in seen[which]}
    assert {title: cut for title, cut in tables.items() if cut != (0, [])} == {}


@pytest.mark.parametrize("which", ALL, ids="-".join)
def test_nothing_is_called_by_its_raw_name(seen: Seen, which: tuple[str, str], plant: Plant) -> None:
    raw = {*FIELDS, *INDICATORS, "n", "seconds", "Value", "coverage"}
    raw |= {name for machine in plant.machines() for name, info in plant.asset(machine).signals.items() if info.title}
    titles = {
        (panel.title, field.title)
        for panel in seen[which]
        if panel.type != "stat"
        for field in panel.fields()
        if not field.hidden and (panel.type != "bargauge" or field.type == "string")
    }
    # A name behind that of its machine, which no capital begins: "mill-1 vibration" is raw, "Axis speed" a title.
    assert {one for one in titles if one[1] in raw or (one[1][:1].islower() and one[1].split()[-1] in raw)} == set()


@pytest.mark.parametrize("which", ALL, ids="-".join)
def test_every_number_has_its_unit(seen: Seen, which: tuple[str, str]) -> None:
    assert {
        (panel.title, field.title)
        for panel in seen[which]
        if panel.type != "state-timeline"
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
    screen: Screen, day: Influxd, pages: Pages, asset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = dict(zip(("site", "area", "line", "machine"), asset.split("/"), strict=False))
    panels = screen.draw(pages["corridor-site"], day, view_of(START, END, **levels), f"site-as-kpi-show-{len(levels)}")
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
    (losses,) = (panel for panel in panels if panel.title == "Six big losses")
    planned_s = next(step["seconds"] for step in answer["waterfall"] if step["name"] == "planned")
    assert losses.error == ""
    loss, share, _ = losses.frames[0]
    assert dict(zip(loss.shown, share.shown, strict=True)) == {
        title: f"{answer['six_big_losses'][name] / planned_s:.1%}" for name, title in LOSS_TITLES.items()
    }
    for title, name in {"OEE": "oee", "Availability": "availability", "Effectiveness": "effectiveness"}.items():
        assert shown[title] == f"{answer['indicators'][name]:.1%}"
    assert shown["Good pieces"] == f"{answer['ledger']['good']:,.0f}"


def test_all_scrap_is_shown_by_the_reason_that_it_was_booked_with(seen: Seen, ledger: list[LedgerRow]) -> None:
    (panel,) = (panel for panel in seen[QUALITY.uid, "day"] if panel.title == "Scrap by reason")
    reasons, amounts = panel.frames[0]
    scrapped = sum(row.sums.get("scrap", 0) for row in ledger) / NANO
    with_reason = sum(amount for reason, amount in BOOKED.values() if reason and reason != "taken back")
    assert scrapped > with_reason
    assert dict(zip(reasons.shown, amounts.shown, strict=True)) == {
        "burr found": "6",
        "wrong bore": "1",
        "no reason reported": f"{scrapped - with_reason:,.0f}",
    }


def test_an_order_is_shown_with_when_it_is_due_at_its_ideal_cycle_and_at_its_pace(seen: Seen) -> None:
    (panel,) = (panel for panel in seen[ORDERS.uid, "day"] if panel.title == "Order progress")
    column = {field.title: field for field in panel.frames[0]}
    pace = column["Due at its pace"]
    known = [place for place, shown in enumerate(pace.shown) if shown != "–"]
    assert len(known) > len(pace.shown) // 2
    assert all((column["Done"].shown[place] == "–") == (place not in known) for place in range(len(pace.shown)))
    for place in known:
        assert column["Started"].values[place] < column["Due at ideal cycle"].values[place]
        assert column["Started"].values[place] < pace.values[place]
    assert not any("NaN" in text for field in panel.frames[0] for text in field.shown)


@pytest.mark.parametrize("title", ["Individual values", "Moving range", "Distribution"])
def test_a_chart_of_a_characteristic_has_the_unit_that_came_with_it(seen: Seen, title: str) -> None:
    (panel,) = (panel for panel in seen[QUALITY.uid, "machine"] if panel.title == title)
    numbers = [field for field in panel.fields() if field.type == "number"]
    assert numbers
    assert {(field.unit, field.title.rpartition(", ")[2]) for field in numbers} == {("lengthmm", "mm")}


def test_each_machine_is_shown_with_its_own_target(seen: Seen, plant: Plant) -> None:
    of_the_line = [machine for machine in plant.machines() if machine.startswith(f"{LINE}/")]
    for which, machines in (((LINE_PAGE.uid, "line"), of_the_line), ((MACHINE.uid, "machine"), [CMM])):
        (trend,) = (panel for panel in seen[which] if panel.title == "OEE over time")
        shown = {field.title for field in trend.fields() if field.title.startswith("target ")}
        assert shown == {f"target {plant.asset(machine).targets['oee'] * 100:g} %" for machine in machines}


def test_days_are_shown_whatever_the_range_of_the_page(seen: Seen) -> None:
    (days,) = (panel for panel in seen[OVERVIEW.uid, "hour"] if panel.title == "OEE by day, 30 days")
    assert [frame[0].shown[-2:] for frame in days.frames] == [["Nov 25", "Nov 26"]]


@pytest.mark.parametrize("which", ALL, ids="-".join)
def test_a_picture_is_there_to_be_looked_at(seen: Seen, which: tuple[str, str]) -> None:
    assert seen[which]
    picture = PICTURES / f"{which[0].removeprefix('corridor-')}-{which[1]}.png"
    assert picture.stat().st_size > SMALLEST_PICTURE
