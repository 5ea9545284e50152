"""The shipped pages are those of the plant that the stack runs: limits, targets and rules of every district."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from broker.contract.events import Sample
from broker.plant.plant import Plant
from broker.plant.plant_file import load
from dashboards import building, looks
from dashboards.names import LINE, MACHINE, OVERVIEW, SITE
from edge.simulation import districts
from services.ledger.fields import NANO
from services.store.influx.address import parse
from services.store.influx.store import InfluxStore
from services.store.interface import Batch, LedgerRow
from tests.dashboards.conftest import HOUR, START, Pages, levels_of, view_of
from tests.dashboards.rendering import Panel, Screen
from tests.store.influx.influxd import Influxd

TEN_MINUTES = HOUR // 6
TEN_MINUTES_OF_WORK = {
    "running_s": HOUR // 10,
    "starved_s": HOUR // 15,
    "ideal_s": HOUR // 12,
    "ideal_good_s": HOUR // 12,
    "produced": 5 * NANO,
    "good": 5 * NANO,
}
"""Six minutes of running, in which five pieces of an ideal cycle of a minute were made, and four of waiting."""
REPOSITORY = building.ROOT.parent
MOST_BYTES = 400_000

drawn_by_grafana = [
    pytest.mark.slow,
    pytest.mark.influx,
    pytest.mark.browser,
    pytest.mark.javascript,
    pytest.mark.xdist_group("a day in InfluxDB"),
]


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory, plant: Plant) -> Iterator[Influxd]:
    """An hour of all districts."""
    server = Influxd(tmp_path_factory.mktemp("influxd"))
    try:
        asyncio.run(_store_an_hour(server.make_store("corridor"), plant))
        yield server
    finally:
        server.kill()


async def _store_an_hour(url: str, plant: Plant) -> None:
    """Store a value of each signal, and how each machine ran and waited and made good pieces."""
    store = await InfluxStore.open(parse(url))
    samples = [
        Sample(asset=machine, at=START + HOUR // 2, signal=name, value=1.0, unit=info.unit)
        for machine in plant.machines()
        for name, info in plant.asset(machine).signals.items()
        if info.unit
    ]
    rows = [
        LedgerRow(machine, START + place * TEN_MINUTES, "-", "-", TEN_MINUTES_OF_WORK)
        for machine in plant.machines()
        for place in range(6)
    ]
    await store.write(Batch(events=samples, rows=rows))
    await store.close()


def _some(page: dict[str, Any], *titles: str) -> dict[str, Any]:
    """Return a page with these of its panels alone, none of them repeated."""
    panels = [{**panel, "repeat": None} for panel in page["panels"] if panel["title"] in titles and "targets" in panel]
    assert len(panels) == len(titles)
    return {**page, "panels": panels}


@pytest.mark.slow
def test_the_shipped_files_are_of_the_plant_that_the_stack_runs() -> None:
    stack = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
    [folder] = set(re.findall(r"\$\{CORRIDOR_PLANTS:-\./(.+?)\}:/plants:ro", stack))
    environment = yaml.safe_load(stack)["services"]["kpi"]["environment"]
    [name] = re.findall(r"\$\{CORRIDOR_PLANT-/plants/(.+)\}", environment["CORRIDOR_PLANT"])
    assert list(building.stale(load(REPOSITORY / folder / name))) == []


@pytest.mark.slow
def test_all_that_the_stack_takes_from_a_folder_of_pages_is_built(plant: Plant) -> None:
    volumes = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["grafana"][
        "volumes"
    ]
    taken = {
        found[1] for one in volumes if (found := re.match(r"\$\{CORRIDOR_PAGES:-\./dashboards\}/(.+):/.+:ro$", one))
    }
    built = {path.as_posix() for path, _ in building.files(plant)}
    assert taken == {"json", "provisioning/alerting/rules.yaml"}
    assert all(any(path == one or path.startswith(f"{one}/") for path in built) for one in taken)


def test_no_page_of_all_districts_is_large() -> None:
    sizes = {path.name: path.stat().st_size for path in (building.ROOT / "json").glob("*.json")}
    assert {name: size for name, size in sizes.items() if size > MOST_BYTES} == {}


class TestDrawn:
    """Drawn by Grafana's own libraries, over an hour of all districts."""

    pytestmark = drawn_by_grafana

    def test_every_signal_of_every_machine_has_its_title_unit_and_limits(
        self, screen: Screen, influxd: Influxd, pages: Pages, plant: Plant
    ) -> None:
        view = view_of(START, START + HOUR)
        [panel] = screen.draw(_some(pages[MACHINE.uid], ""), influxd, view, "machine-all-districts")
        assert panel.error == ""
        shown = {field.name: field for field in panel.fields() if field.type == "number"}
        seen = set()
        for machine in plant.machines():
            for name, info in plant.asset(machine).signals.items():
                if not info.unit:
                    continue
                field = shown[f"{machine} {name}"]
                limits = [info.alarm_low, info.low, info.high, info.alarm_high]
                assert field.title == (info.title or field.name)
                assert field.unit == looks.unit(info.unit)
                assert field.steps == sorted({limit for limit in limits if limit is not None}), field.name
                seen.add("/".join(machine.split("/")[:2]))
        assert seen == set(districts.names())

    def test_every_line_is_listed_with_its_own_target_and_how_far_it_is_from_it(
        self, screen: Screen, influxd: Influxd, pages: Pages, plant: Plant
    ) -> None:
        view = view_of(START, START + HOUR)
        [table] = screen.draw(_some(pages[OVERVIEW.uid], "Lines"), influxd, view, "lines-all-districts")
        [trend] = screen.draw(_some(pages[SITE.uid], "OEE over time"), influxd, view, "trend-all-districts")
        assert (table.error, trend.error, table.columns_beyond_px, table.clipped) == ("", "", 0, [])
        column = {field.title: field for field in table.frames[0]}
        places = zip(*(column[name].values for name in ("Site", "Area", "Line")), strict=True)
        listed = ["/".join(place) for place in places]
        targets = {line: plant.targets(line)["oee"] for line in plant.lines() if "oee" in plant.targets(line)}
        assert {line.rpartition("/")[0] for line in targets} == set(districts.names())
        assert dict(zip(listed, column["OEE"].values, strict=True)) == dict.fromkeys(plant.lines(), pytest.approx(0.5))
        for line, target, gap in zip(listed, column["Target"].values, column["To target"].values, strict=True):
            assert target == targets.get(line)
            assert gap == (pytest.approx(50 - 100 * targets[line], abs=1e-9) if line in targets else None)
        dashed = {field.title for field in trend.fields() if field.title.startswith("target ")}
        assert dashed == {f"target {target * 100:g} %" for target in targets.values()}

    @pytest.mark.parametrize("district", districts.names())
    def test_the_numbers_of_a_line_are_coloured_by_its_own_targets(
        self, screen: Screen, influxd: Influxd, pages: Pages, plant: Plant, district: str
    ) -> None:
        [line, *_] = (line for line in plant.lines() if line.startswith(f"{district}/") and plant.targets(line))
        view = view_of(START, START + HOUR, **levels_of(f"{line}/machine") | {"machine": ".*"})
        page = _some(pages[LINE.uid], "OEE", "Availability")
        for panel, name in zip(
            screen.draw(page, influxd, view, f"line-{district.replace('/', '-')}"), ("oee", "availability"), strict=True
        ):
            [step, target] = _only_number(panel)
            assert target == plant.targets(line)[name]
            assert step < target


def _only_number(panel: Panel) -> list[float]:
    [number] = (field for field in panel.fields() if field.type == "number")
    assert number.values[0] is not None
    return number.steps


def test_every_rule_of_a_line_asks_about_it_alone(plant: Plant) -> None:
    with_target = {line for line in plant.lines() if "oee" in plant.targets(line)}
    groups = yaml.safe_load((building.ROOT / "provisioning/alerting/rules.yaml").read_text(encoding="utf-8"))["groups"]
    queries = {
        rule["title"]: json.dumps(rule["data"][0]["model"]["query"]) for group in groups for rule in group["rules"]
    }
    for line in with_target:
        site, area, last = line.split("/")
        query = queries[f"OEE of {line} below target"].replace("\\", "")
        assert f"\"site\" = '{site}' AND \"area\" = '{area}' AND \"line\" = '{last}'" in query
    assert sum(title.startswith("OEE of ") for title in queries) == len(with_target)
