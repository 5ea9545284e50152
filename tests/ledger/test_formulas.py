"""A number with its formula: the text has the value, and the operands lead to the ledger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.fields import FIELDS, NANO, Sums, from_units
from services.ledger.indicators.formulas import Operand, explain
from services.ledger.indicators.indicators import INDICATORS, Context, evaluate

WORKED = from_units(
    {
        "running_s": 2_580,
        "setup_s": 300,
        "down_s": 720,
        "produced": 35,
        "good": 33,
        "ideal_s": 2_100,
        "ideal_good_s": 1_980,
    }
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("availability", "availability = APT / PBT = 2580 s / 3600 s = 0.716667"),
        ("effectiveness", "effectiveness = PRI×PQ / APT = 2100 s / 2580 s = 0.813953"),
        ("quality_ratio", "quality_ratio = GQ / PQ = PRI×GQ / PRI×PQ = 1980 s / 2100 s = 0.942857"),
        ("teep", "teep = PRI×GQ / CT = 1980 s / 3600 s = 0.55"),
        ("equipment_load_ratio", "equipment_load_ratio = PQ / EPC = PRI×PQ / PBT = 2100 s / 3600 s = 0.583333"),
        ("mean_time_to_failure", "mean_time_to_failure = TTF / (FE + 1) = 2880 s / (0 + 1) = 2880 s"),
        (
            "first_pass_yield",
            "first_pass_yield = GP / IP = 0 / 0: not defined, inspected parts (IP) is zero",
        ),
        (
            "fall_off_ratio",
            "fall_off_ratio = SQ / PQ1 = 0 / PQ1: not defined, it is of a line of which the operations are known",
        ),
    ],
)
def test_the_text(name: str, text: str) -> None:
    assert explain(name, WORKED).text == text


def test_a_piece_without_ideal_cycle_leaves_plain_counting() -> None:
    assert explain("quality_ratio", WORKED | {"unrated": NANO}).filled == "33 / 35 = 0.942857"


def test_oee_and_nee_show_their_factors_too() -> None:
    oee, nee = explain("oee", WORKED), explain("nee", WORKED)
    assert oee.formula == "oee = availability × effectiveness × quality_ratio = PRI×GQ / PBT"
    assert oee.filled == "0.716667 × 0.813953 × 0.942857 = 1980 s / 3600 s = 0.55"
    assert nee.filled.startswith("(2880 s / 3600 s) × 0.813953 × 0.942857 = (2880 s / 3600 s) × (1980 s / 2580 s)")
    assert explain("oee", from_units({"running_s": 60})).filled == "0 s / 60 s = 0", (
        "without pieces there is no quality"
    )


def test_small_results_have_six_figures() -> None:
    assert explain("throughput_rate", from_units({"produced": 35, "order_s": 3_600})).filled.endswith(
        "= 0.00972222 1/s"
    )


def test_numbers_are_exact_decimals() -> None:
    assert explain("availability", {"running_s": 1, "down_s": 10**18}).filled.startswith(
        "0.000000001 s / 1000000000.00"
    )


def test_operands_lead_to_the_ledger() -> None:
    explained = explain("availability", WORKED)
    assert explained.operands[0] == Operand("APT", "actual production time", 2_580.0, "s", ("running_s",))
    assert sum(WORKED.get(field, 0) for field in explained.operands[1].fields) == 3_600 * NANO
    assert (explained.number, explained.unit, explained.why_not) == (8, "1", "")


def test_a_line_shows_the_yield_of_each_operation() -> None:
    operations = tuple(from_units({"inspected": n, "first_pass": p}) for n, p in ((40, 38), (0, 0), (38, 37)))
    context = Context(operations=operations)
    assert explain("rolled_throughput_yield", {}, context).filled == "(38 / 40) × (37 / 38) = 0.925"
    assert explain("rolled_throughput_yield", {}).filled == "Π first_pass_yield: not defined"


@given(st.dictionaries(st.sampled_from(FIELDS), st.integers(0, 10**6 * NANO)), st.sampled_from(list(INDICATORS)))
def test_an_explanation_has_the_value_of_the_evaluation(sums: Sums, name: str) -> None:
    explained, evaluation = explain(name, sums), evaluate(sums)
    assert explained.value == evaluation.values[name]
    finding = evaluation.reasons.get(name)
    assert explained.finding == finding
    assert explained.why_not == ("" if finding is None else finding.why)
    assert explained.filled.endswith(": not defined") == (explained.value is None)
