"""Findings are data: each code has a sentence and a hint, stands in use, and no sentence is made elsewhere."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from services.ledger.fields import NANO, from_units
from services.ledger.indicators import findings
from services.ledger.indicators.findings import SENTENCES, found
from services.ledger.indicators.indicators import evaluate
from services.ledger.indicators.terms import TERMS

ROOT = Path(__file__).parents[2]
TABLE = Path(findings.__file__)
PAGE = ROOT / "docs/reference/indicators.md"
SOURCES = sorted(
    path for folder in ("broker", "edge", "services", "cli", "dashboards") for path in (ROOT / folder).rglob("*.py")
)


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    for path in SOURCES:
        if name in (text := path.read_text()):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                    yield path, node


@cache
def codes_found() -> dict[str, set[str]]:
    """Return each code that is found somewhere, with the gaps that are filled there."""
    used: dict[str, set[str]] = {}
    for _, call in calls("found"):
        match call.args[0]:
            case ast.Constant(value=str(code)):
                used.setdefault(code, {str(keyword.arg) for keyword in call.keywords})
            case other:
                assert ast.unparse(other) == "term.missing"
    return used | {term.missing: set() for term in TERMS.values() if term.missing}


@pytest.mark.slow
def test_every_code_has_a_text_and_a_hint_and_is_used() -> None:
    assert all(sentence.text and sentence.hint for sentence in SENTENCES.values())
    assert codes_found().keys() == SENTENCES.keys()


def test_every_code_stands_in_the_table_once() -> None:
    keys = re.findall(r'^    "([\w-]+)": Sentence\(', TABLE.read_text(), re.MULTILINE)
    assert sorted(keys) == sorted(SENTENCES)


@pytest.mark.parametrize("code", SENTENCES)
def test_whoever_finds_something_fills_the_gaps_of_its_sentence(code: str) -> None:
    sentence = SENTENCES[code]
    gaps = {name for text in sentence for _, name, _, _ in Formatter().parse(text) if name} - {"hint"}
    assert codes_found()[code] == gaps


def test_no_warning_is_made_elsewhere() -> None:
    assert {path for path, _ in calls("KpiWarning")} == {TABLE}
    ledger = TABLE.parent
    assert {path for path, _ in calls("Finding") if path.is_relative_to(ledger)} == {TABLE}
    texts = [path.name for path in SOURCES if path != TABLE and re.search(r'f".* is not defined: ', path.read_text())]
    assert texts == []


def test_a_warning_has_what_it_is_of_in_fields_of_its_own() -> None:
    finding = evaluate(from_units({"running_s": 60, "produced": 2, "good": 2, "unrated": 2})).reasons["oee"]
    warning = finding.of_indicator("a/b/c", "oee")
    assert (warning.code, warning.asset, warning.indicator, warning.amount) == ("no-ideal-cycle", "a/b/c", "oee", 2)
    assert warning.text == f"oee is not defined: 2 pieces have no ideal cycle: {warning.hint}"
    assert warning.text == f"oee is not defined: {warning.why}"
    alone = finding.of_machine("a/b/c/d")
    assert (alone.asset, alone.indicator, alone.text) == ("a/b/c/d", None, f"a/b/c/d: {finding.why}")


def test_what_fills_a_gap_is_no_template() -> None:
    finding = found("ledger-stands-still", machine="a/b/c/d", failure="{hint} {0}")
    assert finding.of_answer("a/b/c/d").text == "the ledger of a/b/c/d stands still ({hint} {0}): report it"


def test_an_amount_is_in_units_not_in_their_billionths() -> None:
    assert evaluate({"running_s": 60 * NANO, "produced": 3 * NANO, "unrated": 3 * NANO}).reasons["oee"].amount == 3


def test_the_reference_lists_every_code_with_its_hint() -> None:
    written = dict(
        re.findall(r"^\| `([\w-]+)` \| (.+) \|$", PAGE.read_text().partition("### Warnings as data")[2], re.MULTILINE)
    )
    assert written == {code: sentence.hint for code, sentence in SENTENCES.items()}
