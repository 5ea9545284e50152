"""Capability of measured characteristics, against published figures."""

import pytest

from broker.contract.events import Measurement
from services.ledger.fields import NANO
from services.ledger.indicators.capability import Capability, capabilities
from services.ledger.indicators.formulas import explain
from services.ledger.indicators.indicators import Context, evaluate


def measured(values: list[float], lower: float | None, upper: float | None, name: str = "bore") -> list[Measurement]:
    return [
        Measurement(asset="a", at=at * NANO, characteristic=name, value=value, lower=lower, upper=upper)
        for at, value in enumerate(values)
    ]


def only(values: list[float], lower: float | None, upper: float | None) -> Capability:
    (found,) = capabilities(measured(values, lower, upper))
    return found


def test_the_example_of_the_nist_handbook() -> None:
    """NIST/SEMATECH e-Handbook, 6.1.6: limits 8 and 20, mean 16, s 2: Cp 1.0, Cpk 0.6667."""
    found = only([14, 16, 18], 8, 20)
    assert (found.mean, found.s) == (16, 2)
    assert (found.cm, found.cmk) == (1.0, 4 / 6)


def test_a_certified_standard_deviation() -> None:
    """NIST statistical reference data set NumAcc4, of higher difficulty: mean 10 000 000.2, s 0.1 exactly."""
    found = only([10_000_000.2, *(10_000_000.1, 10_000_000.3) * 500], None, None)
    assert found.n == 1_001
    assert found.mean == pytest.approx(10_000_000.2, rel=1e-15)
    assert found.s == pytest.approx(0.1, rel=1e-8)


def test_a_drift_is_in_cm_and_not_in_cp() -> None:
    found = only([float(step) for step in range(100)], -50, 150)
    assert found.s_within == pytest.approx(0.5**0.5)
    assert found.cm is not None
    assert found.cp is not None
    assert found.cp > 40 * found.cm


def test_one_limit_gives_the_critical_index_alone() -> None:
    upper = only([14, 16, 18], None, 20)
    assert (upper.cm, upper.cp, upper.cmk) == (None, None, 4 / 6)
    lower = only([14, 16, 18], 8, None)
    assert (lower.cm, lower.cp, lower.cmk) == (None, None, 8 / 6)


def test_outside_its_limits_the_critical_index_is_negative() -> None:
    assert only([21, 23, 25], 8, 20).cmk == -0.5


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0, 1.0]])
def test_one_value_or_values_all_alike_have_no_capability(values: list[float]) -> None:
    found = only(values, 0, 2)
    assert (found.cm, found.cmk, found.cp, found.cpk) == (None, None, None, None)


def test_the_whole_is_as_capable_as_its_least_characteristic() -> None:
    found = capabilities(measured([14, 16, 18], 8, 20) + measured([14, 16, 18], 10, 22, name="face"))
    values = evaluate({}, Context(capabilities=tuple(found))).values
    assert (values["cm"], values["cmk"]) == (1.0, 4 / 6)
    assert explain("cmk", {}, Context(capabilities=tuple(found))).filled == "min(20 − 16, 16 − 8) / (3 × 2) = 0.666667"
    assert explain("cm", {}, Context(capabilities=tuple(found))).filled == "(20 − 8) / (6 × 2) = 1"


def test_without_measurements_there_is_a_reason() -> None:
    assert evaluate({}).reasons["cpk"].why == "no characteristic with its limits was measured often enough"
    assert explain("cp", {}).filled == "(USL − LSL) / (6 × σ̂): not defined"
