"""docs/reference/indicators.md has every indicator and term as the code has it."""

from pathlib import Path

from services.ledger.indicators.indicator import Indicator
from services.ledger.indicators.indicators import INDICATORS
from services.ledger.indicators.iso22400 import ISO22400
from services.ledger.indicators.terms import TERMS

PAGE = Path(__file__).parents[2] / "docs/reference/indicators.md"


def row(indicator: Indicator) -> str:
    unit = "" if indicator.unit == "1" else f" {indicator.unit}"
    formula = " = ".join(part for part in (indicator.standard, indicator.formula) if part)
    return f"| {indicator.number or ''} | `{indicator.name}`{unit} | {formula} | {indicator.meaning} |".replace(
        "|  |", "| |"
    )


def rows() -> dict[str, list[str]]:
    return {
        "standard": [row(each) for each in ISO22400.values()],
        "beyond": [row(each) for name, each in INDICATORS.items() if name not in ISO22400],
        "terms": [
            f"| {name} | {term.meaning} | {term.unit if term.unit != '1' else ''} | "
            f"{' + '.join(f'`{field}`' for field in term.fields) or '–'} |".replace("|  |", "| |")
            for name, term in TERMS.items()
        ],
    }


def test_the_page_has_each_row_in_order() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for table, wanted in rows().items():
        begin = lines.index(f"<!-- {table} -->")
        assert lines[begin + 3 : begin + 3 + len(wanted)] == wanted, f"fix the table {table!r} of {PAGE}"
        assert lines[begin + 3 + len(wanted)] == "", f"the table {table!r} of {PAGE} has rows of nothing in the code"
