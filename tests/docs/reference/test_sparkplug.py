"""The page of Sparkplug: every rule has a test that exists, and tests that name a rule are of one on the page."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "reference" / "sparkplug.md").read_text("utf-8")
TESTS = {
    name
    for file in (ROOT / "tests" / "edge").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)
}
ROWS = re.findall(r"^\| ([HE]\d+(?:, [HE]\d+)*) \|.*\| (`test_[^|]+`) \|$", PAGE, re.MULTILINE)


def test_every_rule_of_the_table_has_tests_that_exist() -> None:
    named = {name for _, tests in ROWS for name in re.findall(r"`(test_\w+)`", tests)}
    assert named
    assert named <= TESTS


def test_every_rule_of_the_design_is_in_the_table() -> None:
    rules = {rule for rules, _ in ROWS for rule in rules.split(", ")}
    assert rules == {*(f"H{number}" for number in range(1, 11)), *(f"E{number}" for number in range(1, 13))}
    of_tests = {rule.upper() for name in TESTS for rule in re.findall(r"^test_([he]\d+)_", name)}
    assert of_tests <= rules
