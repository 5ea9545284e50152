"""Every query of every page, sent to a real InfluxDB with a simulated day in it."""

import re

import pytest

from dashboards.queries import Cut, indicator
from edge.simulation import districts
from services.ledger.fields import Sums, add
from services.ledger.indicators.indicators import INDICATORS, Context, coverage, evaluate
from services.ledger.indicators.terms import TERMS
from services.query.data_quality.metered import is_metered, sum_of_metered
from services.store.interface import LedgerRow
from tests.dashboards.conftest import END, HOUR, START, Pages, levels_of, view_of
from tests.dashboards.viewing import View, annotations, answer, asked, filled_in, questions, rows
from tests.store.influx.influxd import Influxd

Rows = list[LedgerRow]

PLAIN = {
    name
    for name, one in INDICATORS.items()
    if one.terms and all(TERMS[term].fields and not TERMS[term].operation for term in one.terms)
} | {
    "coverage",
    "comprehensive_energy_consumption",
    "energy_per_good_piece",
    "co2e_per_good_piece",
}
"""The indicators that a sum of the ledger knows all of."""

MAY_BE_EMPTY = {
    "Rejected messages",  # then 0
    "Newest rejected messages",
    "Corrective maintenance",  # none of either kind
    "Latest alarms and notices",
    "What made machines fail, 30 days",
    "Reasons by time",  # it ran all the hour
}
"""Panels that show that there is nothing to show."""

pytestmark = [pytest.mark.influx, pytest.mark.xdist_group("a day in InfluxDB")]


def is_of_other_sites(query: str) -> bool:
    """Return whether a query is about sites of which this day has none: those whose production day begins otherwise."""
    named = [name for found in re.findall(r'"site" =~ /\^\(([^)]*)\)\$/', query) for name in found.split("|")]
    return bool(named) and not {machine.split("/")[0] for machine in districts.plant().machines()} & set(named)


@pytest.mark.slow
def test_every_query_of_every_page_is_answered_with_rows(day: Influxd, pages: Pages, view: View) -> None:
    for page in pages.values():
        for question in (*questions(page), *annotations(page)):
            found = asked(day, question, view)
            may_be_empty = question.is_of_a_target or is_of_other_sites(question.query)
            assert found or may_be_empty, f"{question.page}, {question.panel}: no rows: {question.query}"


@pytest.mark.slow
@pytest.mark.parametrize("hour", [2, 9, 20, 23])
def test_every_panel_shows_something_of_any_hour(day: Influxd, pages: Pages, hour: int) -> None:
    start = START + hour * HOUR
    machines = districts.plant().machines()
    machine = machines[hour % len(machines)]
    for page in pages.values():
        view = view_of(start, start + HOUR, **(levels_of(machine) if page["uid"] == "corridor-machine" else {}))
        shown: dict[str, bool] = {}
        for question in questions(page):
            shown[question.panel] = shown.get(question.panel, False) or bool(asked(day, question, view))
        assert {panel for panel, is_shown in shown.items() if not is_shown} <= MAY_BE_EMPTY, page["uid"]


def test_the_values_of_every_variable_are_those_that_the_variables_above_it_leave(day: Influxd, pages: Pages) -> None:
    view = view_of(START, END, site="sheffield", area="machining", line="line-1", machine="cmm-1")
    expected = {
        "site": {"sheffield", "lancaster"},
        "area": {"machining"},
        "line": {"line-1"},
        "machine": {"mill-1", "mill-2", "deburr-1", "cmm-1"},
        "characteristic": {"bore-diameter", "height"},
    }
    for page in pages.values():
        for variable in page["templating"]["list"]:
            if variable["type"] != "query":
                continue
            found = rows(answer(day, variable["datasource"]["uid"], filled_in(variable["query"], view)))
            if variable["name"] == "unit":
                assert [row["unit"] for row in found] == ["mm"]
                continue
            values = {row["value"] for row in found}
            if variable["name"] == "signal":
                assert {"temp", "probe-force", "axis-speed"} <= values
                assert "spindle-speed" not in values
            else:
                assert values == expected[variable["name"]]


@pytest.mark.slow
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
        metered = _metered(ledger, asset, start, end)
        values = evaluate(sums, Context(metered=metered)).values
        expected[asset] = coverage(sums) if name == "coverage" else values[name]

    assert seen == {asset: pytest.approx(value, rel=1e-9) for asset, value in expected.items() if value is not None}


def _metered(ledger: Rows, asset: str, start: int, end: int) -> Sums:
    """Return the sums of the metered machines of an asset; '' is all."""
    each = _sums(ledger, start, end, is_each=True)
    return sum_of_metered(sums for path, sums in each.items() if asset in {"", path} and is_metered(sums))


def _sums(ledger: Rows, start: int, end: int, *, is_each: bool) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    for row in ledger:
        if start <= row.start < end:
            add(found.setdefault(row.asset if is_each else "", {}), row.sums)
    return found
