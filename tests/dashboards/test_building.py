"""What is committed is what the code gives, it is good, and `dashboards check` finds what is not."""

import copy
import json
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.plant.plant import Plant
from broker.plant.plant_file import parse
from cli import main
from dashboards import building, checking, looks, provisioned
from dashboards.names import PAGES, SOURCES
from tests.dashboards.viewing import questions

Page = dict[str, Any]


@pytest.mark.slow
def test_what_is_committed_is_what_the_code_gives(plant: Plant) -> None:
    assert list(building.stale(plant)) == []


def test_every_page_and_rule_is_good() -> None:
    assert list(checking.all_faults(provisioned.ROOT)) == []


def test_every_page_is_there(pages: dict[str, Page]) -> None:
    assert set(pages) == {page.uid for page in PAGES}


@pytest.mark.slow
def test_a_file_that_was_changed_is_missing_or_nobody_makes_is_reported(plant: Plant, tmp_path: Path) -> None:
    for path, text in building.files(plant):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "json" / "corridor-line.json").write_text("{}")
    (tmp_path / "json" / "corridor-site.json").unlink()
    (tmp_path / "json" / "corridor-old.json").write_text("{}")

    found = {fault.file: fault.problem for fault in building.stale(plant, tmp_path)}

    assert found == {
        str(Path("json/corridor-line.json")): "it is not what the code gives; run: corridor dashboards build",
        str(Path("json/corridor-site.json")): "it is missing; run: corridor dashboards build",
        str(Path("json/corridor-old.json")): "no code makes it; take it away",
    }


def _panel(page: Page, title: str) -> Page:
    found: Page = next(panel for panel in page["panels"] if panel["title"] == title and panel["type"] != "row")
    return found


def _wrong_unit(page: Page) -> None:
    _panel(page, "OEE")["fieldConfig"]["defaults"]["unit"] = "percents"


def _wrong_unit_of_a_column(page: Page) -> None:
    properties = _panel(page, "Lines")["fieldConfig"]["overrides"][-1]["properties"]
    next(one for one in properties if one["id"] == "unit")["value"] = "percents"


def _wrong_colour(page: Page) -> None:
    _panel(page, "OEE")["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["color"] = "reddish"


def _overlap(page: Page) -> None:
    _panel(page, "Availability")["gridPos"]["x"] -= 1


def _half_a_row(page: Page) -> None:
    _panel(page, "Lines")["gridPos"]["w"] = 12


def _too_wide(page: Page) -> None:
    _panel(page, "Lines")["gridPos"]["w"] = 25


def _wrong_target_key(page: Page) -> None:
    _panel(page, "OEE")["targets"][0]["expr"] = "up"


def _no_text(page: Page) -> None:
    _panel(page, "OEE")["targets"][0]["query"] = " "


def _no_query(page: Page) -> None:
    _panel(page, "OEE")["targets"] = []


def _undefined_variable(page: Page) -> None:
    _panel(page, "OEE")["targets"][0]["query"] += ' AND "cell" = ${cell}'


def _closed_threshold(page: Page) -> None:
    _panel(page, "OEE")["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] = 0


def _wrong_reducer(page: Page) -> None:
    _panel(page, "OEE")["options"]["reduceOptions"]["calcs"] = ["latest"]


def _wrong_transformation(page: Page) -> None:
    _panel(page, "Lines")["transformations"][0]["id"] = "mergeAll"


def _same_id(page: Page) -> None:
    _panel(page, "Availability")["id"] = _panel(page, "OEE")["id"]


def _no_description(page: Page) -> None:
    del _panel(page, "OEE")["description"]


def _unknown_source(page: Page) -> None:
    _panel(page, "OEE")["targets"][0]["datasource"]["uid"] = "P951FEA4DE68E13C5"


def _against_the_schema(page: Page) -> None:
    _panel(page, "OEE")["options"]["colorMode"] = "rainbow"


def _unknown_key(page: Page) -> None:
    page["refreshEvery"] = "30s"


@pytest.mark.parametrize(
    ("spoil", "reported"),
    [
        (_wrong_unit, "panel 'OEE': the unit 'percents' is none of Grafana's"),
        (_wrong_unit_of_a_column, "panel 'Lines': the unit 'percents' is none of Grafana's"),
        (_wrong_colour, "the colour 'reddish' is none of Grafana's"),
        (_overlap, "panel 'Availability': it lies over panel 'OEE'"),
        (_half_a_row, "panel 'Lines': beside it 12 of 24 columns of its row are empty"),
        (_too_wide, "do not fit into the grid of 24 columns"),
        (_wrong_target_key, "a query has the unknown key 'expr'"),
        (_no_text, "a query has no text"),
        (_no_query, "panel 'OEE': it has no query"),
        (_undefined_variable, "the variable $cell is not defined on this page"),
        (_closed_threshold, "the first threshold must be null"),
        (_wrong_reducer, "the reducer 'latest' is none of Grafana's"),
        (_wrong_transformation, "panel 'Lines': the transformation 'mergeAll' is none of Grafana's"),
        (_same_id, "is that of panel 'OEE' too"),
        (_no_description, "panel 'OEE': it has no description"),
        (_unknown_source, "a query asks none of the data sources"),
        (_against_the_schema, "panel 'OEE', options: data.colorMode must be one of"),
        (_unknown_key, "refreshEvery"),
    ],
)
def test_a_planted_fault_is_found(pages: dict[str, Page], spoil: Callable[[Page], None], reported: str) -> None:
    page = copy.deepcopy(pages["corridor-overview"])
    spoil(page)
    assert any(reported in str(fault) for fault in checking.faults("overview.json", page))


def test_a_rule_without_a_reduce_step_is_reported() -> None:
    group = copy.deepcopy(provisioned.rule_groups()[0])
    rule = group["rules"][0]
    rule["data"] = [step for step in rule["data"] if step["refId"] != "B"]
    assert [fault.problem for fault in checking.rule_faults("rules.yaml", group)] == [
        "no step reduces a series to a number"
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("written", "wrong", "reported"),
    [
        ("$timeFilter", "$$timeFilter", "as two dollar signs"),
        ("{{ $labels", "{{ $$labels", "as two dollar signs"),
        ("title: Device", "title: $Device", "is a variable of the environment"),
    ],
)
def test_a_dollar_sign_in_the_file_of_rules_that_grafana_reads_otherwise_is_reported(
    plant: Plant, tmp_path: Path, written: str, wrong: str, reported: str
) -> None:
    for path, text in building.files(plant):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text.replace(written, wrong, 1) if path == provisioned.RULES else text)
    assert [fault for fault in checking.all_faults(tmp_path) if reported in fault.problem]


def test_every_rule_has_its_own_uid_and_there_is_one_for_each_line_with_a_target(plant: Plant) -> None:
    rules = [rule for group in provisioned.rule_groups() for rule in group["rules"]]
    uids = [rule["uid"] for rule in rules]
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 for uid in uids)
    targets = {rule["title"]: rule["data"][2]["model"]["conditions"][0]["evaluator"]["params"] for rule in rules}
    for line in plant.lines():
        assert targets.get(f"OEE of {line} below target", [None]) == [plant.targets(line).get("oee")]


def test_links_between_pages_name_pages_that_are_there(pages: dict[str, Page]) -> None:
    linked = set(re.findall(r"/d/([\w-]+)", json.dumps(list(pages.values()))))
    assert linked
    assert linked <= set(pages)


def test_no_column_is_called_time_for_grafana_would_leave_it_out(pages: dict[str, Page]) -> None:
    assert not [
        question for page in pages.values() for question in questions(page) if re.search(r'AS "time"', question.query)
    ]


def test_provisioned_sources_and_pages_are_those_that_the_pages_ask() -> None:
    sources = yaml.safe_load((provisioned.ROOT / "provisioning/datasources/corridor.yaml").read_text())["datasources"]
    assert tuple(source["uid"] for source in sources) == SOURCES
    assert {source["jsonData"]["dbName"] for source in sources} == {"corridor", "corridor_ledger", "corridor_hour"}
    (provider,) = yaml.safe_load((provisioned.ROOT / "provisioning/dashboards/corridor.yaml").read_text())["providers"]
    groups = yaml.safe_load((provisioned.ROOT / provisioned.RULES).read_text())["groups"]
    assert {group["folder"] for group in groups} == {provider["folder"]}


def test_pages_of_another_plant_have_its_targets_and_its_signals() -> None:
    plant = parse(
        """
        [asset."leeds/shop/line-1"]
        targets = { oee = 0.42 }
        [asset."leeds/shop/line-1/press-1"]
        [asset."leeds/shop/line-1/press-1".signals]
        force = { title = "Press force", unit = "kN", low = 0, high = 80, alarm-high = 95 }
        """,
        "leeds.toml",
    )
    made = {path.stem: json.loads(text) for path, text in building.files(plant) if path.parent.name == "json"}

    steps = _panel(made["corridor-overview"], "OEE")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in steps] == [None, 0.315, 0.42]
    (force,) = _panel(made["corridor-machine"], "")["fieldConfig"]["overrides"]
    assert force["matcher"]["options"] == "leeds/shop/line-1/press-1 force"
    settings = {one["id"]: one["value"] for one in force["properties"]}
    assert settings["unit"] == "forcekN"
    assert settings["displayName"] == "Press force"
    assert [step["value"] for step in settings["thresholds"]["steps"]] == [None, 0, 80, 95]
    assert (settings["custom.axisSoftMin"], settings["custom.axisSoftMax"]) == (0, 95)
    for page in made.values():
        assert checking.faults("page", page) == []


@pytest.mark.parametrize(
    ("ucum", "unit"),
    [
        ("um", "suffix:µm"),
        ("/min", "suffix:1/min"),
        ("mm/s", "suffix:mm/s"),
        ("N.m", "suffix:N·m"),
        ("m3/h", "suffix:m³/h"),
        ("Cel", "celsius"),
        ("1", "none"),
    ],
)
def test_a_unit_is_written_as_people_write_it(ucum: str, unit: str) -> None:
    assert looks.unit(ucum) == unit


def test_a_chart_of_signals_knows_their_titles_and_units(pages: dict[str, Page], plant: Plant) -> None:
    overrides = _panel(pages["corridor-maintenance"], "Vibration")["fieldConfig"]["overrides"]
    settings = {
        one["matcher"]["options"]: {each["id"]: each["value"] for each in one["properties"]} for one in overrides
    }
    assert settings["sheffield/machining/line-1/mill-1 vibration"] == {
        "unit": "suffix:mm/s",
        "displayName": "machining/line-1/mill-1 Vibration",
    }
    assert settings["samlesbury/amrc-nw/utilities/compressor-1 vibration"]["displayName"] == "compressor-1 Vibration"
    with_vibration = [machine for machine in plant.machines() if "vibration" in plant.asset(machine).signals]
    assert {f"{machine} vibration" for machine in with_vibration} == set(settings)


LEVELS = ("site", "area", "line", "machine")


def _missing(named: Collection[str], page: Page) -> list[str]:
    """Return the levels above those that are named which are not, though several of them may be chosen on the page."""
    chosen = {one["name"] for one in page["templating"]["list"] if not one.get("multi")}
    deepest = max((place for place, level in enumerate(LEVELS) if level in named), default=0)
    return [level for level in LEVELS[:deepest] if level not in named and level not in chosen]


def test_no_query_adds_up_machines_or_lines_that_merely_have_the_same_name(pages: dict[str, Page]) -> None:
    asked = [(page, question) for page in pages.values() for question in questions(page)]
    grouped = [
        (page, question, re.findall(r'"(\w+)"', question.query.rpartition(" GROUP BY ")[2]))
        for page, question in asked
        if " GROUP BY " in question.query
    ]
    assert grouped
    assert [(one.page, one.panel) for page, one, named in grouped if _missing(named, page)] == []


def test_no_legend_or_table_names_a_machine_so_that_it_may_be_another(pages: dict[str, Page]) -> None:
    alike = []
    for page in pages.values():
        for panel in page["panels"]:
            named = [re.findall(r"\$tag_(\w+)", target.get("alias", "")) for target in panel.get("targets") or ()]
            if panel["type"] == "table":
                named += [list(step["options"].get("renameByName", ())) for step in panel["transformations"]]
            alike += [(page["uid"], panel["title"]) for names in named if _missing(names, page)]
    assert alike == []


def test_a_bar_is_named_by_the_path_from_the_site_on(pages: dict[str, Page]) -> None:
    rankings = [panel for page in pages.values() for panel in page["panels"] if panel["type"] == "bargauge"]
    assert rankings
    for panel in rankings:
        [order] = [step["options"]["indexByName"] for step in panel["transformations"] if step["id"] == "organize"]
        asked = re.findall(r'"(\w+)"', panel["targets"][0]["query"].rpartition(" GROUP BY ")[2])
        assert set(asked) <= set(order), panel["title"]
        assert sorted(LEVELS, key=order.__getitem__) == list(LEVELS)


@pytest.mark.slow
def test_the_command_builds_elsewhere_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as built:
        main.run(["dashboards", "build", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as checked:
        main.run(["dashboards", "check", "--json"])
    assert (built.value.code, checked.value.code) == (0, 0)
    assert (tmp_path / "json" / "corridor-overview.json").exists()
    assert json.loads(capsys.readouterr().out) == {"ok": True, "faults": []}


NEVER_ABOVE = {
    "oee": 1.5,
    "effectiveness": 1.5,
    "quality_ratio": 1.000_001,
    "first_pass_yield": 1.000_001,
    "scrap_ratio": 1.000_001,
}


DIFFERENCES = {"Against the period before"}
"""Panels of what became of an indicator, which may be anything."""


def test_every_number_that_cannot_be_is_shown_as_such_wherever_it_is_shown(pages: dict[str, Page]) -> None:
    shown = 0
    for page in pages.values():
        for panel in page["panels"]:
            if panel["type"] not in {"stat", "table"} or panel["title"] in DIFFERENCES:
                continue
            columns = {
                name: heading
                for each in panel.get("transformations", ())
                for name, heading in each["options"].get("renameByName", {}).items()
            }
            for name, most in NEVER_ABOVE.items():
                if not any(f'AS "{name}"' in target["query"] for target in panel["targets"]):
                    continue
                config = panel["fieldConfig"]
                settings = [
                    value["value"]
                    for each in config["overrides"]
                    if each["matcher"]["options"] == columns.get(name)
                    for value in each["properties"]
                    if value["id"] == "mappings"
                ]
                [mapping] = (settings or [config["defaults"].get("mappings")])[0]
                assert mapping["options"]["from"] == most, (page["title"], panel["title"], name)
                assert mapping["options"]["result"]["text"] == "? cannot be"
                shown += 1
    assert shown > 10
