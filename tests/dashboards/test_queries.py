"""Every query of every page, sent to a real InfluxDB with a simulated day in it."""

from typing import Any

import pytest

from dashboards.queries import Cut, indicator
from services.ledger.fields import Sums, add
from services.ledger.indicators import INDICATORS, coverage, evaluate
from services.ledger.terms import TERMS
from services.store.interface import LedgerRow
from tests.dashboards.conftest import HOUR, START, view_of
from tests.dashboards.viewing import View, answer, filled_in, questions, rows
from tests.store.influxd import Influxd

Rows = list[LedgerRow]

PLAIN = {name for name, one in INDICATORS.items() if one.terms and all(TERMS[term].fields for term in one.terms)} | {
    "coverage",
    "co2e_per_good_piece",
}
"""The indicators that a sum of the ledger knows all of."""

pytestmark = pytest.mark.influx


def test_every_query_of_every_page_is_answered_with_rows(
    day: Influxd, pages: dict[str, dict[str, Any]], view: View
) -> None:
    for page in pages.values():
        for question in questions(page):
            series = answer(day, question.source, filled_in(question.query, view, question.interval))
            assert series, f"{question.page}, {question.panel}: no rows from {question.query}"


@pytest.mark.parametrize("name", sorted(PLAIN))
@pytest.mark.parametrize("by", [(), ("site", "area", "line", "machine")], ids=["all together", "each machine"])
@pytest.mark.parametrize("hours", [(0, 24), (20, 21), (3, 3.05)], ids=["a day", "an hour", "three minutes"])
def test_an_indicator_in_grafana_is_that_of_the_ledger(
    day: Influxd, ledger: Rows, name: str, by: tuple[str, ...], hours: tuple[float, float]
) -> None:
    start, end = (round(START + hour * HOUR) for hour in hours)
    query = filled_in(indicator(name, Cut(by)), view_of(start, end))
    seen = {"/".join(row[tag] for tag in by): row[name] for row in rows(answer(day, "corridor-ledger", query))}

    expected: dict[str, float | None] = {}
    for asset, sums in _sums(ledger, start, end, is_each=bool(by)).items():
        expected[asset] = coverage(sums) if name == "coverage" else evaluate(sums).values[name]

    assert seen == {asset: pytest.approx(value, rel=1e-9) for asset, value in expected.items() if value is not None}


def _sums(ledger: Rows, start: int, end: int, *, is_each: bool) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    for row in ledger:
        if start <= row.start < end:
            add(found.setdefault(row.asset if is_each else "", {}), row.sums)
    return found
