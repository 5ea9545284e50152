"""The waterfall of losses and the six big losses: they add up, whatever the sums are."""

from itertools import pairwise

import oee as oee_package
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.events import State
from broker.plant.plant import LOSSES, NO_PLANT
from broker.plant.plant_file import parse
from services.ledger.fields import FIELDS, KNOWN_PLANNED, NANO, TIME, Sums, from_units
from services.ledger.indicators.bottleneck import Bottleneck, Interval, bottleneck
from services.ledger.indicators.indicators import evaluate
from services.ledger.indicators.losses import TOTALS, six_big_losses, waterfall
from services.ledger.indicators.undefined import good_not_reported, never_counted, uncounted, unrated

SHIFT = from_units(
    {
        "off_s": 900,
        "running_s": 400 * 60,
        "setup_s": 30 * 60,
        "down_s": 40 * 60,
        "idle_s": 10 * 60,
        "produced": 700,
        "good": 600,
        "scrap": 100,
        "startup_scrap": 40,
        "ideal_s": 700 * 30,
        "ideal_good_s": 600 * 30,
    }
)

any_sums = st.dictionaries(st.sampled_from(FIELDS), st.integers(0, 10**7 * NANO))
any_reasons = st.lists(
    st.tuples(
        st.sampled_from(("setup", "down", "starved", "idle", "maintenance", "off")),
        st.sampled_from(("", "jam", "chips", "tool")),
        st.integers(0, 10**6 * NANO),
    ),
    max_size=8,
)
PLANT = parse(
    """
    name = "reasons"
    [reason.jam]
    loss = "minor-stop"
    [reason.chips]
    loss = "speed"
    """,
    "reasons.toml",
)


def test_the_steps_of_a_shift() -> None:
    assert [(step.name, step.amount / NANO / 60) for step in waterfall(SHIFT)] == [
        ("calendar", 495),
        ("off", 15),
        ("maintenance", 0),
        ("unknown", 0),
        ("planned", 480),
        ("no-order", 0),
        ("setup", 30),
        ("down", 40),
        ("starved", 0),
        ("blocked", 0),
        ("idle", 10),
        ("running", 400),
        ("speed", 50),
        ("quality", 50),
        ("fully-productive", 300),
    ]


def test_the_six_big_losses_agree_with_the_package_oee() -> None:
    theirs = oee_package.oee(
        planned_production_time=480,
        downtime=80,
        ideal_cycle_time=0.5,
        total_count=700,
        reject_count=100,
        setup_time=30,
        startup_rejects=40,
    ).six_losses
    assert theirs is not None
    ours = {name: lost / NANO / 60 for name, lost in six_big_losses(SHIFT, [], NO_PLANT.loss_of).items()}
    assert ours["setup"] == theirs["setup_and_adjustments"] == 30
    assert ours["breakdown"] + ours["minor-stop"] == theirs["breakdowns"] == 50
    assert ours["speed"] == theirs["minor_stops_and_reduced_speed"] == 50
    assert ours["startup-reject"] == pytest.approx(theirs["reduced_yield"])
    assert ours["process-reject"] == pytest.approx(theirs["process_defects"])


def test_reasons_move_time_to_the_loss_that_the_plant_gives_them() -> None:
    reasons: list[tuple[State, str, int]] = [("down", "jam", 600 * NANO), ("maintenance", "jam", 60 * NANO)]
    lost = six_big_losses(SHIFT, reasons, PLANT.loss_of)
    assert lost["breakdown"] == 30 * 60 * NANO
    assert lost["minor-stop"] == (10 + 10) * 60 * NANO


def test_reasons_that_include_time_without_an_order_are_shared_in_proportion() -> None:
    sums = from_units({"idle_s": 60, "no_order_s": 60})
    lost = six_big_losses(sums, [("idle", "chips", 90 * NANO), ("idle", "jam", 30 * NANO)], PLANT.loss_of)
    assert (lost["speed"], lost["minor-stop"]) == (45 * NANO, 15 * NANO)


def test_faster_than_ideal_is_a_negative_loss_and_the_sum_stays() -> None:
    steps = dict(waterfall(from_units({"running_s": 60, "produced": 3, "good": 3, "ideal_s": 90, "ideal_good_s": 90})))
    assert (steps["speed"], steps["fully-productive"]) == (-30 * NANO, 90 * NANO)


def test_what_was_not_reported_is_no_loss_of_speed_or_quality() -> None:
    unrated_pieces = dict(waterfall(from_units({"running_s": 60, "produced": 3, "good": 3, "unrated": 3})))
    assert unrated_pieces["unrated"] == 60 * NANO
    assert not {"speed", "quality"} & unrated_pieces.keys()
    silent = from_units({"running_s": 60, "uncounted_s": 60})
    assert dict(waterfall(silent))["unrated"] == 60 * NANO
    assert six_big_losses(silent, [], PLANT.loss_of)["speed"] == 0
    unjudged_pieces = dict(waterfall(from_units({"running_s": 60, "produced": 3, "ideal_s": 45})))
    assert (unjudged_pieces["speed"], unjudged_pieces["unjudged"]) == (15 * NANO, 45 * NANO)
    assert "quality" not in unjudged_pieces


@given(any_sums)
def test_the_waterfall_adds_up_to_the_last_nanosecond(sums: Sums) -> None:
    steps = waterfall(sums)
    assert steps[0] == ("calendar", sum(sums.get(field, 0) for field in TIME))
    left = steps[0].amount
    for step in steps[1:]:
        if step.name in TOTALS:
            assert step.amount == left
        else:
            left -= step.amount
    names = [step.name for step in steps]
    assert len(set(names)) == len(names)


@given(any_sums)
def test_fully_productive_over_planned_is_oee(sums: Sums) -> None:
    steps = dict(waterfall(sums))
    oee = evaluate(sums).values["oee"]
    if oee is not None:
        assert oee == steps["fully-productive"] / steps["planned"]


@given(any_sums, any_reasons)
def test_the_six_big_losses_add_up_to_what_was_lost_of_the_plan(
    sums: Sums, reasons: list[tuple[State, str, int]]
) -> None:
    lost = six_big_losses(sums, reasons, PLANT.loss_of)
    assert set(lost) == set(LOSSES)
    if not (unrated(sums) or uncounted(sums) or never_counted(sums) or good_not_reported(sums)):
        reported = {
            state: sum(each for own, _, each in reasons if own == state) for state in ("setup", "down", "starved")
        }
        if all(each <= sums.get(f"{state}_s", 0) for state, each in reported.items()):
            planned = sum(sums.get(field, 0) for field in KNOWN_PLANNED)
            assert sum(lost.values()) == planned - sums.get("no_order_s", 0) - sums.get("ideal_good_s", 0)


# ---- The bottleneck ----


def test_the_bottleneck_is_the_machine_that_is_active_longest_on_end() -> None:
    intervals: dict[str, list[Interval]] = {
        "mill": [(0, 50, "running"), (50, 60, "starved"), (60, 100, "running")],
        "wash": [(0, 10, "idle"), (10, 40, "running"), (40, 45, "down"), (45, 70, "setup"), (70, 100, "blocked")],
    }
    assert bottleneck(intervals) == Bottleneck("wash", 10, 70)


def test_without_anything_active_there_is_no_bottleneck() -> None:
    assert bottleneck({}) is None
    assert bottleneck({"mill": [(0, 50, "starved"), (50, 50, "running"), (50, 90, "unknown")]}) is None


@given(st.lists(st.sampled_from(("running", "setup", "down", "starved", "idle", "unknown")), min_size=1, max_size=30))
def test_how_a_time_range_is_cut_does_not_matter(states: list[State]) -> None:
    cut: list[Interval] = [(place, place + 1, state) for place, state in enumerate(states)]
    joined: list[Interval] = [cut[0]]
    for (_, _, before), (start, end, state) in pairwise(cut):
        if state == before:
            joined[-1] = (joined[-1][0], end, state)
        else:
            joined.append((start, end, state))
    assert bottleneck({"m": cut}) == bottleneck({"m": joined})
