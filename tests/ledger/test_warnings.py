"""Warnings: each contradiction in the data makes one note with what to check; sound data makes none."""

import pytest

from broker.contract.events import State
from services.ledger.fields import NANO, Sums, from_units
from services.ledger.indicators.warnings import data_quality_warnings

SOUND = {
    "running_s": 3_000.0,
    "idle_s": 600.0,
    "produced": 30.0,
    "good": 28.0,
    "scrap": 1.0,
    "rework": 1.0,
    "ideal_s": 2_700.0,
    "ideal_good_s": 2_520.0,
    "inspected": 30.0,
    "first_pass": 28.0,
    "attendance_s": 3_600.0,
    "work_s": 3_000.0,
}
DAY = 86_400 * NANO


def texts(by_machine: dict[str, Sums], lasting: dict[str, tuple[State, int]]) -> list[str]:
    return [warning.text for warning in data_quality_warnings(by_machine, lasting)]


def notes(**changes: float) -> list[str]:
    return texts({"mill": from_units(SOUND | changes)}, {})


def test_sound_data_has_no_warning() -> None:
    assert notes() == []
    assert texts({}, {}) == []
    assert texts({"mill": {}}, {"mill": ("running", 10 * DAY)}) == []


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({"good": 30}, "good and scrap pieces (31) are more than were produced (30): check that all counters"),
        (
            {"rework": 2},
            "good, scrap and rework pieces (31) are more than were produced (30): check whether a reworked",
        ),
        ({"inspected": 27}, "more parts passed at first (28) than were inspected (27): check that"),
        (
            {"produced": 0, "ideal_s": 0},
            "pieces are counted as good or bad, but produced pieces are not reported: send",
        ),
        ({"good": 0, "ideal_good_s": 0}, "30 pieces were produced, but good pieces are not reported: send good"),
        (  # some were only booked by hand
            {"good": -5, "ideal_good_s": -450, "scrap": 5},
            "30 pieces were produced, but good pieces are not reported: send good",
        ),
        (
            {"unrated": 2},
            "2 pieces have no ideal cycle: send ideal_cycle with the job, or set ideal-cycle in the plant",
        ),
        ({"running_s": 0}, "30 pieces were counted while it did not run: check the state that it reports"),
        ({"running_s": 2_400}, "effectiveness is above 1 (2700 s of ideal time in 2400 s of running): check the ideal"),
        (
            {"running_s": 2_610},
            "effectiveness is above 1 by less than a piece (2700 s of ideal time in 2610 s of running): a piece that",
        ),
        ({"work_s": 3_601}, "more people work than are present: check the numbers in labour"),
        ({"unknown_s": 1_200}, "its state is unknown for 20 min (25.0% of the time): was it connected?"),
        ({"dips": 2}, "a counter or meter dipped 2 times: it fell and was back, so the fall was not counted; check"),
        ({"corrections": 1}, "a counter or meter was corrected once: it went back a little, or pieces were recounted"),
        (
            {"roll_overs": 1},
            "a counter or meter rolled over once: it passed its greatest value and began again at zero",
        ),
        ({"resets": 2}, "a counter or meter was reset 2 times: it fell and did not come back, so it was counted from"),
        ({"resets": 3}, "a counter or meter was reset 3 times, several times an hour: is it a running total? send"),
        ({"spikes": 1}, "a counter or meter spiked once: it jumped by more than can be and was back, so the jump was"),
        ({"new_bases": 1}, "a counter or meter jumped once by far more than can be, and stayed there, so the jump was"),
        ({"unknown_planned_s": 60}, "its state is unknown for 60 s (1.6% of the time): was it connected?"),
    ],
)
def test_a_contradiction_makes_one_note(changes: dict[str, float], begins: str) -> None:
    (note,) = notes(**changes)
    assert note.startswith(f"mill: {begins}")


def test_a_few_seconds_of_the_unknown_are_not_worth_a_note_unless_they_are_much_of_the_range() -> None:
    assert notes(unknown_s=59) == []
    assert notes(running_s=99_000, unknown_s=90) == []
    (note,) = texts({"mill": from_units({"running_s": 19, "unknown_planned_s": 1})}, {})
    assert note == "mill: its state is unknown for 1 s (5.0% of the time): was it connected?"


def test_effectiveness_above_one_comes_with_the_cycle_that_the_data_suggests() -> None:
    (note,) = notes(running_s=2_400)
    assert "which is 90 s a piece where the data suggests at most 80 s" in note


def test_a_machine_that_runs_for_a_minute_and_never_reported_a_count_is_asked_for_it() -> None:
    assert texts({"mill": from_units({"running_s": 59, "uncounted_s": 59})}, {}) == []
    assert texts({"mill": from_units({"running_s": 130, "uncounted_s": 65})}, {}) == []
    (note,) = texts({"mill": from_units({"running_s": 7_200, "uncounted_s": 7_200})}, {})
    assert note == (
        "mill: it ran for 2.0 h, but no count of produced pieces was received: send produced with the count; until "
        "then there is no effectiveness and no OEE"
    )


def test_a_counter_that_stands_still_while_the_machine_runs_for_an_hour() -> None:
    assert texts({"mill": from_units({"running_s": 3_599})}, {}) == []
    (note,) = texts({"mill": from_units({"running_s": 3_600})}, {})
    assert note.startswith("mill: it ran for 60 min and its counter stood still: check the counter")


def test_a_state_of_more_than_ten_days() -> None:
    (note,) = texts({"mill": {}}, {"mill": ("running", 12 * DAY)})
    assert note == "mill: it has been running for 12 days on end: does it still send its state?"


def test_notes_come_machine_by_machine() -> None:
    wrong = from_units(SOUND | {"work_s": 4_000, "unknown_s": 60})
    found = data_quality_warnings({"wash": wrong, "mill": wrong}, {"not-asked-for": ("off", 99 * DAY)})
    assert [warning.asset for warning in found] == ["mill", "mill", "wash", "wash"]
