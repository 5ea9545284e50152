"""What the page on Grafana says is so: pages, data sources, variables of the environment, rules, options."""

import re
from pathlib import Path

import yaml

from cli.main import LazyGroup
from dashboards import provisioned
from dashboards.names import PAGES

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "how-to" / "grafana.md").read_text(encoding="utf-8")
PROVISIONING = provisioned.ROOT / "provisioning"


def test_every_page_is_listed_with_its_address() -> None:
    assert re.findall(r"^\| (.+?) \| `/d/([\w-]+)` \|", TEXT, re.MULTILINE) == [
        (page.title, page.uid) for page in PAGES
    ]


def test_the_data_sources_are_those_that_are_provisioned() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources" / "corridor.yaml").read_text())["datasources"]
    listed = re.findall(r"^\| `(corridor-\w+)` \| `(\w+)` \|", TEXT, re.MULTILINE)
    assert listed == [(source["uid"], source["jsonData"]["dbName"]) for source in sources]


def test_every_variable_of_the_environment_is_on_the_page() -> None:
    files = [path for path in PROVISIONING.rglob("*.yaml") if path.name != provisioned.RULES.name]
    lines = [line for path in files for line in path.read_text().splitlines() if not line.startswith("#")]
    wanted = set(re.findall(r"\$(\w+)", "\n".join(lines)))
    assert wanted == set(re.findall(r"^\| `(CORRIDOR_\w+)` \|", TEXT, re.MULTILINE))


def test_every_rule_is_on_the_page() -> None:
    table = TEXT.partition("## Alerts")[2].partition("##")[0]
    for group in provisioned.rule_groups():
        for rule in group["rules"]:
            assert re.sub(r" of \S+ below", " below", rule["title"]) in table


def test_the_options_of_the_commands_are_there() -> None:
    root = LazyGroup(name="corridor")
    used = re.findall(r"^\./corridor dashboards (\w+)(.*)$", TEXT, re.MULTILINE)
    assert {command for command, _ in used} == {"push", "pull", "build"}
    for command, options in used:
        group = root.get_command(None, "dashboards")
        parameters = group.get_command(None, command).params
        known = {option for parameter in parameters for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", options)) <= known
