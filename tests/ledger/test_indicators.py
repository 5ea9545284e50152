"""The indicators: the worked example of the specification, figures from outside, and what holds for any sum."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import oee as oee_package
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.fields import FIELDS, KNOWN_PLANNED, NANO, TIME, Sums, add, from_units
from services.ledger.indicators.indicator import TERM, Indicator
from services.ledger.indicators.indicators import INDICATORS, Context, coverage, evaluate
from services.ledger.indicators.iso22400 import ISO22400
from services.ledger.indicators.terms import TERMS, Terms

WORKED = from_units(
    {
        "running_s": 2_580,
        "between_s": 2_580,
        "down_s": 720,
        "setup_s": 300,
        "order_s": 3_600,
        "produced": 35,
        "good": 33,
        "scrap": 2,
        "ideal_s": 2_100,
        "ideal_good_s": 1_980,
        "failures": 1,
        "repairs": 1,
        "repair_s": 720,
    }
)
"""An hour of one machine: running 43 min, down 12, setup 5."""


def value(name: str, units: Mapping[str, float], context: Context | None = None) -> float | None:
    return evaluate(from_units(dict(units)), context).values[name]


def why_not(name: str, units: Mapping[str, float], context: Context | None = None) -> str:
    return evaluate(from_units(dict(units)), context).reasons[name].why


# ---- The worked example: every figure of it ----


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("availability", 43 / 60),
        ("effectiveness", 35 / 43),
        ("quality_ratio", 33 / 35),
        ("oee", 33 / 60),
        ("nee", float(Fraction(48, 60) * Fraction(35, 43) * Fraction(33, 35))),
        ("setup_rate", 5 / 48),
        ("mean_time_to_restoration", 360.0),
        ("teep", 0.55),
        ("mean_operating_time_between_failures", 1_290.0),
        ("mean_time_to_failure", 1_440.0),
        ("mtbf_practice", 2_880.0),
        ("mttr_practice", 720.0),
        ("allocation_ratio", 48 / 60),
        ("allocation_efficiency", 48 / 60),
        ("utilization_efficiency", 43 / 48),
        ("technical_efficiency", 1.0),
        ("production_process_ratio", 43 / 60),
        ("throughput_rate", 35 / 3_600),
        ("scrap_ratio", 2 / 35),
        ("rework_ratio", 0.0),
        ("equipment_load_ratio", 35 / 60),
        ("corrective_maintenance_ratio", 1.0),
    ],
)
def test_the_worked_example(name: str, expected: float) -> None:
    assert evaluate(WORKED).values[name] == expected


def test_the_worked_example_as_the_specification_prints_it() -> None:
    values = evaluate(WORKED).values
    printed = {name: round(values[name] or 0, 6) for name in ("availability", "effectiveness", "quality_ratio", "nee")}
    assert printed == {"availability": 0.716667, "effectiveness": 0.813953, "quality_ratio": 0.942857, "nee": 0.613953}
    assert coverage(WORKED) == 1.0


# ---- Figures from outside ----


def test_nakajimas_example() -> None:
    """S. Nakajima, Introduction to TPM (1988): 460 min loading, 60 down, 400 pieces of 0.5 min, 98 % good: 42.6 %."""
    values = evaluate(
        from_units(
            {
                "running_s": 400 * 60,
                "down_s": 20 * 60,
                "setup_s": 40 * 60,
                "produced": 400,
                "good": 392,
                "scrap": 8,
                "ideal_s": 400 * 30,
                "ideal_good_s": 392 * 30,
            }
        )
    ).values
    assert values["availability"] == pytest.approx(0.87, abs=0.0005)
    assert values["effectiveness"] == 0.5
    assert values["quality_ratio"] == 0.98
    assert values["oee"] == pytest.approx(0.426, abs=0.0005)


def test_the_example_of_the_fast_guide_to_oee_agrees_with_the_package_oee() -> None:
    """Vorne, The Fast Guide to OEE: 480 min, 60 of breaks, 47 down, 60 pieces a minute, 19 271 made, 423 rejects."""
    theirs = oee_package.oee(
        planned_production_time=420, downtime=47, ideal_rate=60, total_count=19_271, reject_count=423, all_time=480
    )
    ours = evaluate(
        from_units(
            {
                "running_s": 373 * 60,
                "down_s": 47 * 60,
                "off_s": 60 * 60,
                "produced": 19_271,
                "good": 18_848,
                "scrap": 423,
                "ideal_s": 19_271,
                "ideal_good_s": 18_848,
            }
        )
    ).values
    assert ours["oee"] == pytest.approx(0.7479, abs=0.00005)
    assert ours["oee"] == pytest.approx(theirs.oee, rel=1e-12)
    assert ours["availability"] == pytest.approx(theirs.availability, rel=1e-12)
    assert ours["effectiveness"] == pytest.approx(theirs.performance, rel=1e-12)
    assert ours["quality_ratio"] == pytest.approx(theirs.quality, rel=1e-12)
    assert ours["teep"] == pytest.approx(theirs.teep, rel=1e-12)


machines: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    planned=st.integers(60, 100_000),
    run_share=st.fractions(Fraction(1, 10), 1),
    total=st.integers(1, 10_000),
    good_share=st.fractions(Fraction(1, 100), 1),
    pace=st.fractions(Fraction(1, 10), 1),
)


@pytest.mark.slow
@given(st.lists(machines, min_size=1, max_size=5))
def test_any_roll_up_agrees_with_the_package_oee(drawn: list[dict[str, Any]]) -> None:
    total: Sums = {}
    results = []
    for machine in drawn:
        planned = machine["planned"] * NANO
        running = int(planned * machine["run_share"])
        good = max(1, int(machine["total"] * machine["good_share"]))
        ideal_cycle = int(running * machine["pace"]) // machine["total"]
        if not ideal_cycle:
            continue
        add(
            total,
            {
                "running_s": running,
                "idle_s": planned - running,
                "produced": machine["total"] * NANO,
                "good": good * NANO,
                "scrap": (machine["total"] - good) * NANO,
                "ideal_s": ideal_cycle * machine["total"],
                "ideal_good_s": ideal_cycle * good,
            },
        )
        results.append(
            oee_package.oee(
                planned_production_time=planned,
                run_time=running,
                ideal_cycle_time=ideal_cycle,
                total_count=machine["total"],
                good_count=good,
            )
        )
    if not results:
        return
    theirs, ours = oee_package.aggregate(results), evaluate(total).values
    assert ours["oee"] == pytest.approx(theirs.oee, rel=1e-9)
    assert ours["availability"] == pytest.approx(theirs.availability, rel=1e-9)
    assert ours["effectiveness"] == pytest.approx(theirs.performance, rel=1e-9)
    assert ours["quality_ratio"] == pytest.approx(theirs.quality, rel=1e-9)


def test_reliability_by_practice_agrees_with_the_package_oee() -> None:
    theirs = oee_package.reliability(operating_time=1_000, failures=5, total_repair_time=50)
    units = {"running_s": 1_000.0, "down_s": 50.0, "failures": 5.0, "repair_s": 50.0}
    assert value("mtbf_practice", units) == theirs.mtbf == 200
    assert value("mttr_practice", units) == theirs.mttr == 10
    assert value("availability", units) == pytest.approx(theirs.availability)


def test_rolled_throughput_yield_and_takt_agree_with_the_package_oee() -> None:
    steps = ((100, 99), (100, 98), (100, 97))
    operations = tuple(from_units({"inspected": n, "first_pass": passed}) for n, passed in steps)
    theirs = oee_package.rolled_throughput_yield([passed / n for n, passed in steps]).rty
    assert value("rolled_throughput_yield", {}, Context(operations=operations)) == pytest.approx(theirs, rel=1e-12)
    planned = Context(planned=240 * NANO)
    assert value("takt", {"idle_s": 480}, planned) == oee_package.takt_time(available_time=480, demand=240) == 2.0


def test_a_mix_of_unlike_products_is_not_a_mean_of_ratios() -> None:
    """Two products, 60 s and 600 s a piece: bad pieces of the long one weigh ten times as much."""
    units = {
        "running_s": 3_600.0,
        "produced": 33.0,
        "good": 31.0,
        "scrap": 2.0,
        "ideal_s": 30 * 60.0 + 3 * 600,
        "ideal_good_s": 30 * 60.0 + 1 * 600,
    }
    assert value("quality_ratio", units) == 2_400 / 3_600
    assert value("oee", units) == 2_400 / 3_600


# ---- Each of the rest, with numbers by hand ----


@pytest.mark.parametrize(
    ("name", "units", "expected"),
    [
        ("worker_efficiency", {"work_s": 6.5 * 3_600, "attendance_s": 7.5 * 3_600}, 6.5 / 7.5),
        ("technical_efficiency", {"running_s": 300, "starved_s": 40, "blocked_s": 30, "idle_s": 30}, 0.75),
        ("allocation_efficiency", {"running_s": 300, "setup_s": 60, "starved_s": 40, "no_order_s": 100}, 0.8),
        ("actual_to_planned_scrap_ratio", {"produced": 100, "good": 94, "scrap": 6, "planned_scrap": 4}, 1.5),
        ("first_pass_yield", {"inspected": 200, "first_pass": 188}, 0.94),
        ("rework_ratio", {"produced": 50, "good": 45, "rework": 4, "scrap": 1}, 0.08),
        ("comprehensive_energy_consumption", {"electricity_kwh": 120, "produced": 48}, 2.5),
        ("energy_per_good_piece", {"electricity_kwh": 120, "produced": 48, "good": 40}, 3.0),
        ("co2e_per_good_piece", {"electricity_kwh": 120, "produced": 48, "good": 40}, 0.531),
        ("inventory_turns", {"throughput": 1_200, "stock_s": 300 * 86_400, "stock_known_s": 86_400}, 4.0),
        ("finished_goods_ratio", {"good": 90, "produced": 92, "consumed": 100}, 0.9),
        ("integrated_goods_ratio", {"integrated_good": 95, "consumed": 100}, 0.95),
        ("production_loss_ratio", {"lost_production": 3, "consumed": 100}, 0.03),
        ("storage_and_transport_loss_ratio", {"lost_storage": 1.5, "consumed": 100}, 0.015),
        ("other_loss_ratio", {"lost_other": 0.5, "consumed": 100}, 0.005),
        ("corrective_maintenance_ratio", {"repair_s": 1_800, "maintenance_s": 5_400}, 0.25),
        ("mean_time_to_restoration", {"down_s": 60, "repair_s": 90, "failures": 2}, 30.0),
        ("microstop_ratio", {"running_s": 3_400, "idle_s": 200, "microstop_s": 180}, 0.05),
        ("mean_operating_time_between_failures", {"running_s": 600, "between_s": 600, "failures": 0}, 600.0),
    ],
)
def test_by_hand(name: str, units: dict[str, float], expected: float) -> None:
    assert value(name, units) == expected


def test_the_ratios_of_consumed_material_add_up_as_in_the_standard() -> None:
    """ISO 22400-2: integrated goods ratio + the three loss ratios = 1."""
    values = evaluate(
        from_units(
            {"integrated_good": 95, "lost_production": 3, "lost_storage": 1.5, "lost_other": 0.5, "consumed": 100}
        )
    ).values
    parts = ("integrated_goods", "production_loss", "storage_and_transport_loss", "other_loss")
    assert math.fsum(values[f"{part}_ratio"] or 0 for part in parts) == 1


def test_a_line_by_its_operations() -> None:
    first = from_units({"produced": 100, "good": 98, "scrap": 2, "running_s": 3_600, "ideal_s": 3_000})
    last = from_units({"produced": 96, "good": 95, "scrap": 1, "running_s": 3_400, "idle_s": 200, "ideal_s": 3_360})
    total: Sums = {}
    add(total, first)
    add(total, last)
    line = Context(operations=(first, last), bottleneck=1, planned=100 * NANO)
    values = evaluate(total, line).values
    assert values["fall_off_ratio"] == 3 / 100
    assert values["schedule_attainment"] == 95 / 100
    assert values["takt"] == 36.0
    assert values["bottleneck_oee"] == 95 * 35 / 3_600
    known = evaluate(total).values
    assert all(values[name] == known[name] for name in known if known[name] is not None), "the context changes nothing"


# ---- What has no value, and why ----


def test_nothing_gives_no_number_and_always_a_reason() -> None:
    values, reasons = evaluate({})
    assert set(values) == set(reasons) == set(INDICATORS)
    assert all(each is None for each in values.values())
    assert all(reasons.values())
    assert coverage({}) is None


def test_a_piece_without_ideal_cycle_leaves_availability_and_quality() -> None:
    units = {"running_s": 60.0, "produced": 4.0, "good": 3.0, "scrap": 1.0, "unrated": 1.0, "ideal_s": 30.0}
    assert value("availability", units) == 1
    assert value("quality_ratio", units) == 0.75
    for name in ("oee", "nee", "effectiveness", "teep", "equipment_load_ratio"):
        assert value(name, units) is None
        assert why_not(name, units).startswith("1 piece has no ideal cycle: send ideal_cycle")


def test_a_machine_that_never_reported_a_count_has_made_an_unknown_number_of_pieces_not_none() -> None:
    silent = {"running_s": 3_000.0, "idle_s": 600.0, "order_s": 3_600.0, "uncounted_s": 3_000.0}
    assert value("availability", silent) == 3_000 / 3_600
    of_pieces = ("oee", "nee", "effectiveness", "quality_ratio", "teep", "equipment_load_ratio", "throughput_rate")
    for name in of_pieces:
        assert why_not(name, silent) == "no count of produced pieces was received: send produced with the count"
    reported = silent | {"uncounted_s": 1_500.0}
    assert [value(name, reported) for name in of_pieces if name != "quality_ratio"] == [0.0] * 6
    assert why_not("quality_ratio", reported) == "nothing was produced"


def test_good_pieces_that_nobody_reports_are_not_bad_ones() -> None:
    units = {"running_s": 60.0, "produced": 4.0, "scrap": 1.0, "ideal_s": 40.0}
    assert value("effectiveness", units) == 40 / 60
    for name in ("oee", "nee", "quality_ratio", "teep"):
        assert why_not(name, units) == "good pieces are not reported: send good with the count"


def test_pieces_that_are_all_bad_are_a_quality_of_zero() -> None:
    units = {"running_s": 60.0, "produced": 4.0, "scrap": 3.0, "rework": 1.0, "ideal_s": 40.0}
    assert value("quality_ratio", units) == 0
    assert value("oee", units) == 0


def test_produced_pieces_that_nobody_reports_are_not_none() -> None:
    units = {"running_s": 60.0, "good": 4.0, "ideal_good_s": 40.0}
    for name in ("oee", "effectiveness", "quality_ratio", "scrap_ratio", "equipment_load_ratio"):
        assert why_not(name, units) == "produced pieces are not reported: send produced with the count"


def test_a_machine_that_ran_and_made_nothing_was_not_effective() -> None:
    ran = {"running_s": 60.0}
    assert value("effectiveness", ran) == 0
    assert value("oee", ran) == 0
    assert why_not("quality_ratio", ran) == "nothing was produced"


def test_a_state_that_was_never_known_has_no_reliability() -> None:
    for name in ("mean_time_to_failure", "mean_time_to_restoration", "mean_operating_time_between_failures"):
        assert why_not(name, {"unknown_s": 30, "unknown_planned_s": 30}) == "the state was never known"
        assert value(name, {"off_s": 1, "unknown_s": 30}) == 0


def test_turns_are_of_one_material() -> None:
    reported = {"throughput": 1.0, "stock_s": 100.0, "off_s": 60.0}
    assert value("inventory_turns", reported | {"stock_known_s": 60}) == 0.6
    assert "several materials" in why_not("inventory_turns", reported | {"stock_known_s": 120})
    assert why_not("inventory_turns", {"throughput": 1}) == "no stock was reported: send stock with the material"


def test_effectiveness_above_one_is_shown_as_it_is() -> None:
    assert value("effectiveness", {"running_s": 60, "produced": 3, "good": 3, "ideal_s": 90, "ideal_good_s": 90}) == 1.5


def test_unknown_time_is_in_coverage_and_not_in_planned_busy_time() -> None:
    sums = from_units({"running_s": 30, "unknown_planned_s": 20, "unknown_s": 10, "off_s": 20})
    assert coverage(sums) == 50 / 80
    assert evaluate(sums).values["availability"] == 1


# ---- The registry ----


def test_the_standard_has_34_in_order_and_every_one_has_a_meaning() -> None:
    assert [each.number for each in ISO22400.values()] == list(range(1, 35))
    for indicator in INDICATORS.values():
        doc = indicator.compute.__doc__ or ""
        origin = f"No. {indicator.number}" if indicator.number else "Beyond the standard"
        unit = "a ratio" if indicator.unit == "1" else f"in {indicator.unit}"
        assert doc.startswith(f"{origin}: {indicator.formula}, {unit}.\n")
        assert "None " in indicator.meaning, f"{indicator.name} has when it is None"


def test_every_term_is_used_and_of_the_ledger() -> None:
    used = {term for indicator in INDICATORS.values() for term in indicator.terms}
    assert used | {"UT", "GQ", "PQ"} == set(TERMS)
    assert {field for term in TERMS.values() for field in term.fields} <= set(FIELDS)


amounts = st.integers(0, 10**6 * NANO)
any_sums = st.dictionaries(
    st.sampled_from(FIELDS), st.one_of(st.just(0), st.integers(1, 100).map(lambda n: n * NANO), amounts)
)
contexts = st.builds(
    Context,
    operations=st.lists(any_sums, min_size=1, max_size=3).map(tuple),
    bottleneck=st.sampled_from((None, 0)),
    planned=st.one_of(st.none(), amounts),
)


def by_formula(indicator: Indicator, of: Terms) -> float | None:
    """Work out the formula as it is written, in exact fractions."""
    numbers = {name: Fraction(of[name], NANO) for name in TERM.findall(indicator.formula)}
    python = TERM.sub(lambda found: f"n[{found[0]!r}]", indicator.formula).replace(" × ", " * ")
    try:
        return float(eval(python, {"n": numbers}))
    except ZeroDivisionError:
        return None


OWN_WAY = {"cm", "cmk", "cp", "cpk", "rolled_throughput_yield"}
"""These have no formula over terms alone."""


@pytest.mark.slow
@given(any_sums, contexts)
def test_a_function_is_its_formula_rounded_once_and_none_where_a_denominator_is_zero(
    sums: Sums, context: Context
) -> None:
    of = Terms(sums, context)
    values, reasons = evaluate(sums, context)
    assert set(reasons) == {name for name in values if values[name] is None}
    for name in INDICATORS.keys() - OWN_WAY:
        if values[name] is not None:
            weighed = name != "quality_ratio" or (not sums.get("unrated") and sums.get("ideal_s"))
            expected = by_formula(INDICATORS[name], of) if weighed else of["GQ"] / of["PQ"]
            assert values[name] == expected, name
        elif reasons[name].code == "zero-denominator":
            assert name == "quality_ratio" or by_formula(INDICATORS[name], of) is None


@given(any_sums)
def test_what_holds_for_any_sum(sums: Sums) -> None:
    values = {name: each for name, each in evaluate(sums).values.items() if each is not None}
    assert all(math.isfinite(each) and each >= 0 for each in values.values())
    for name in (
        "availability",
        "allocation_efficiency",
        "utilization_efficiency",
        "setup_rate",
        "technical_efficiency",
    ):
        assert values.get(name, 0) <= 1
    planned = any(sums.get(field, 0) for field in KNOWN_PLANNED)
    assert ("availability" in values) == planned
    if "oee" in values and {"availability", "effectiveness", "quality_ratio"} <= values.keys() and sums.get("ideal_s"):
        factors = values["availability"] * values["effectiveness"] * values["quality_ratio"]
        assert values["oee"] == pytest.approx(factors, rel=1e-12)
    known = coverage(sums)
    assert (known is None) == (not any(sums.get(field, 0) for field in TIME))
    assert known is None or 0 <= known <= 1
