"""The page on adapter lines: every form that it lists is read as it says."""

import re
from pathlib import Path

import pytest

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, Count, Notice, Sample, StateChange
from edge.dialects.shopfloor.shdr import Adapter

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/shdr.md").read_text("utf-8")
EXAMPLES = re.findall(r"^    (2026\S+)$", PAGE, re.MULTILINE)
FORMS = re.findall(r"^\| `(\S[^`]*)`", PAGE, re.MULTILINE)
FILLED = {
    r"item\|value": ("load|7", ["telemetry"]),
    r"item\|code\|text": ("message|C1|Change inserts", ["event"]),
    r"item\|level\|code\|severity\|qualifier\|text": ("servo|Fault|E1:left|||hot", ["event"]),
    r"item\|count\|rate\|v v v": ("current|3|100|1 2 3", ["telemetry"] * 3),
    r'item\|k=1 k2="two words"': ('vars|k=1 k2="two words"', ["telemetry"] * 2),
    r"item\|0:DAY": ("PartCount|0:DAY", ["count"]),
    r"item\|code\|native\|severity\|ACTIVE\|text": ("alarm|OTHER|E1|CRITICAL|ACTIVE|hot", ["event"]),
    "@ASSET@": ("@ASSET@|K1|CuttingTool|<CuttingTool/>", None),
    "* PING": ("", []),
}


def test_the_lines_on_the_page_are_a_state_and_a_count() -> None:
    adapter = Adapter("a/b/c/d")
    events = [event for line in EXAMPLES for event in adapter.events(line)]
    assert {type(event) for event in events} == {StateChange, Sample, Count}


def test_every_form_on_the_page_is_one_of_these() -> None:
    assert list(FILLED) == FORMS


@pytest.mark.parametrize("form", FILLED)
def test_a_line_of_each_form_means_what_the_page_says(form: str) -> None:
    rest, kinds = FILLED[form]
    line = f"2026-11-24T06:00:00|{rest}" if rest else form
    found: list[AnyEvent] = []
    if kinds is None:
        with pytest.raises(ContractError, match="is not read"):
            Adapter("a/b/c/d").events(line)
    else:
        found = Adapter("a/b/c/d").events(line)
    assert [event.kind for event in found] == (kinds or [])


def test_the_notice_of_another_device_is_named_as_on_the_page() -> None:
    events = Adapter("a/b/c/mill-1").events("2026-11-24T06:00:00Z|mill-1:load|1|mill-2:load|1")
    assert "`not-read-<device>`" in PAGE
    assert [event.code for event in events if isinstance(event, Notice)] == ["not-read-mill-2"]
