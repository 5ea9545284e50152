"""What cannot be: which indicators are marked, with which reason, and that what can be is not."""

import pytest

from services.ledger.fields import NANO, from_units
from services.ledger.indicators.implausible import implausible
from services.ledger.indicators.indicators import evaluate

HOUR = 3_600 * NANO
SOUND = {
    "running_s": 3_000.0,
    "idle_s": 600.0,
    "produced": 30.0,
    "good": 28.0,
    "scrap": 1.0,
    "ideal_s": 2_700.0,
    "ideal_good_s": 2_520.0,
    "inspected": 30.0,
    "first_pass": 28.0,
    "attendance_s": 3_600.0,
    "work_s": 3_000.0,
}
OUTPUT = {"oee", "nee", "teep"}


def marked(length: int = HOUR, **changes: float) -> dict[str, set[str]]:
    """Return the marked indicators by the code of the reason."""
    sums = from_units(SOUND | changes)
    by_code: dict[str, set[str]] = {}
    for name, finding in implausible(evaluate(sums).values, sums, length).items():
        by_code.setdefault(finding.code, set()).add(name)
    return by_code


def test_what_can_be_is_not_marked() -> None:
    assert marked() == {}
    assert marked(running_s=1_801) == {}, "an ideal cycle that is half too long"
    assert marked(produced_off=1) == {}, "a piece counted just after the machine reported off"
    assert marked(good=30, ideal_good_s=2_700, scrap=0) == {}


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"running_s": 1_799}, "effectiveness-above-one", {"effectiveness", *OUTPUT}),
        ({"running_s": 0}, "counted-while-not-running", {"oee", "teep"}),
        ({"produced_off": 2}, "counted-while-off", {"effectiveness", *OUTPUT}),
        (
            {"good": 31, "ideal_good_s": 2_790},
            "more-good-and-scrap-than-produced",
            {"quality_ratio", *OUTPUT},
        ),
        ({"ideal_good_s": 2_701}, "quality-above-one", {"quality_ratio", *OUTPUT}),
        ({"scrap": 31}, "more-good-and-scrap-than-produced", {"scrap_ratio"}),
        ({"first_pass": 31}, "more-passed-than-inspected", {"first_pass_yield"}),
        ({"work_s": 3_601}, "more-working-than-present", {"worker_efficiency"}),
    ],
)
def test_what_cannot_be_is_marked_with_its_reason(changes: dict[str, float], code: str, names: set[str]) -> None:
    assert marked(HOUR, **changes) == {code: names}


def test_less_than_an_hour_is_not_classified_by_its_effectiveness_unless_it_is_half_an_hour_ahead() -> None:
    assert marked(600 * NANO, running_s=600, idle_s=0, ideal_s=2_399, ideal_good_s=2_239) == {}
    assert "effectiveness-above-one" in marked(600 * NANO, running_s=600, idle_s=0, ideal_s=2_400, ideal_good_s=2_240)


def test_a_long_piece_that_was_begun_before_the_range_is_not_marked() -> None:
    assert marked(running_s=60, produced=1, good=1, scrap=0, ideal_s=5_400, ideal_good_s=5_400) == {}
    assert marked(running_s=0, produced=1, good=1, scrap=0, ideal_s=5_400, ideal_good_s=5_400) == {}


def test_pieces_that_were_taken_back_are_shown_as_they_are() -> None:
    assert marked(produced=-2, good=-3, scrap=1, ideal_s=-180, ideal_good_s=-270) == {}
