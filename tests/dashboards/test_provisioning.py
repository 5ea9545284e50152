"""Alert rules from files as Grafana reads them: what it interpolates, how InfluxDB answers, whom they notify."""

import re
from typing import Any

import pytest
import yaml

from dashboards import provisioned
from tests.dashboards.conftest import END, START
from tests.dashboards.viewing import DATABASES
from tests.store.influx.influxd import Influxd

FILES = provisioned.ROOT / "provisioning" / "alerting"

NOT_INTERPOLATED = re.compile(r"groups\[\]\.rules\[\]\.(annotations|relativeTimeRange|data\[\]\.model)\b.*")
"""As Grafana's documentation lists them: file provisioning of alerting, template variable interpolation."""
REQUIRED_LABELS = {"alertname", "grafana_folder"}
"""Grafana takes no `group_by` of a rule without them."""


def as_read(value: Any, place: str = "") -> Any:
    """Return a provisioning file's value as Grafana has it once it has interpolated an empty environment."""
    match value:
        case str() if not NOT_INTERPOLATED.fullmatch(place):
            return re.sub(r"\$(\$|\{\w+\}|\w+)", lambda found: "$" if found[1] == "$" else "", value)
        case dict():
            return {name: as_read(part, f"{place}.{name}".lstrip(".")) for name, part in value.items()}
        case list():
            return [as_read(part, f"{place}[]") for part in value]
        case _:
            return value


def rules() -> list[dict[str, Any]]:
    groups = as_read(yaml.safe_load((FILES / "rules.yaml").read_text(encoding="utf-8")))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.influx
@pytest.mark.xdist_group("a day in InfluxDB")
@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["uid"])
def test_the_query_of_each_rule_is_one_that_influxdb_understands(day: Influxd, rule: dict[str, Any]) -> None:
    (ask,) = (step for step in rule["data"] if step["datasourceUid"] in DATABASES)
    # Grafana's data source fills in this alone, wherever it stands.
    query = ask["model"]["query"].replace("$timeFilter", f"time >= {START} and time <= {END}")
    day.query(query, DATABASES[ask["datasourceUid"]])  # fails on an error


def test_the_text_of_each_rule_has_the_names_that_grafana_fills_in() -> None:
    names = {name for rule in rules() for name in re.findall(r"\$+[\w.]+", rule["annotations"]["summary"])}
    assert names == {"$values.B.Value", *(f"$labels.{level}" for level in ("site", "area", "line", "machine"))}


def test_rules_that_are_pushed_are_those_of_the_file_without_its_contact_point() -> None:
    pushed = [rule for group in provisioned.rule_groups() for rule in group["rules"]]
    ours = {"folderUID", "ruleGroup", "orgID"}
    assert [{name: part for name, part in rule.items() if name not in ours} for rule in pushed] == [
        {name: part for name, part in rule.items() if name != "notification_settings"} for rule in rules()
    ]


def test_rules_name_a_contact_point_that_is_there_and_no_file_replaces_the_notification_policies() -> None:
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES.glob("*.yaml")]
    points = {point["name"] for file in files for point in file.get("contactPoints", ())}
    for rule in rules():
        settings = rule["notification_settings"]
        assert settings["receiver"] in points
        assert set(settings["group_by"]) >= REQUIRED_LABELS
    assert not [file for file in files if "policies" in file or "resetPolicies" in file]
