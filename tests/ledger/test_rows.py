"""The rows that a history makes: the worked example of the specification, and each rule by itself."""

import random
from collections.abc import Iterable

import pytest

from broker.contract.events import AnyEvent, Count, Job, Labour, Material, Meter, State, StateChange, Status
from broker.contract.instants import parse as instant
from broker.plant.plant import NO_PLANT, Plant
from broker.plant.plant_file import parse
from services.ledger.fields import NANO, TIME, Sums, add, to_units
from services.ledger.history import History
from services.ledger.rows import Rows, build, parts
from services.ledger.rules import Rules

MILL = "sheffield/machining/line-1/mill-1"
WORKED = parse(
    """
    name = "worked example"
    [calendar.day]
    time-zone = "UTC"
    shifts = [{ name = "day", start = "06:00", end = "14:00", breaks = [{ start = "09:00", end = "09:15" }] }]
    [asset.sheffield]
    calendar = "day"
    """,
    "worked-example.toml",
)


def at(clock: str) -> int:
    return instant(f"2026-11-24T{clock if clock.count(':') == 2 else clock + ':00'}Z")


def state(clock: str, word: State, reason: str = "") -> StateChange:
    return StateChange(asset=MILL, at=at(clock), state=word, reason=reason)


def count(clock: str, produced: float, good: float | None = None, scrap: float | None = None) -> Count:
    return Count(asset=MILL, at=at(clock), produced=produced, good=good, scrap=scrap)


def link(clock: str, online: bool) -> Status:
    return Status(asset=MILL, at=at(clock), online=online)


def rows(events: Iterable[AnyEvent], start: str, end: str, plant: Plant = NO_PLANT) -> Rows:
    history = History(0)
    for event in events:
        history.put(event, at(end), plant.microstop_limit_ns)
    return build(history, at(start), at(end), Rules.of(plant, MILL))


def total(events: Iterable[AnyEvent], start: str, end: str, plant: Plant = NO_PLANT) -> dict[str, float]:
    sums: Sums = {}
    for row in rows(events, start, end, plant).sums.values():
        add(sums, row)
    assert sum(sums.get(field, 0) for field in TIME) == at(end) - at(start), "every second is in exactly one field"
    return {field: value for field, value in to_units(sums).items() if value}


EXAMPLE: list[AnyEvent] = [
    Job(asset=MILL, at=at("08:00"), phase="start", order="wo-1", product="bracket", ideal_cycle=60.0),
    count("08:00", 0, 0, 0),
    state("08:00", "running"),
    state("08:30", "down", "spindle"),
    state("08:42", "running"),
    state("08:50", "setup"),
    state("08:55", "running"),
    state("09:00", "off"),
    count("08:30", 25, 24, 1),
    count("08:50", 32, 30, 2),
    count("08:58", 35, 33, 2),
]


def test_the_worked_example() -> None:
    assert total(EXAMPLE, "08:00", "09:00", WORKED) == {
        "running_s": 43 * 60,
        "between_s": 43 * 60,
        "down_s": 12 * 60,
        "setup_s": 5 * 60,
        "order_s": 3600,
        "produced": 35,
        "good": 33,
        "scrap": 2,
        "ideal_s": 35 * 60,
        "ideal_good_s": 33 * 60,
        "failures": 1,
        "repairs": 1,
        "repair_s": 720,
    }
    made = rows(EXAMPLE, "08:00", "09:00", WORKED)
    assert set(made.sums) == {(at("08:00") + minute * 60 * NANO, "bracket", "day") for minute in range(60)}
    assert sum(seconds for seconds, _ in made.reasons.values()) == 720 * NANO
    assert sum(entries for _, entries in made.reasons.values()) == NANO


@pytest.mark.parametrize("seed", range(20))
def test_rows_do_not_depend_on_the_order_of_events_nor_on_repeats(seed: int) -> None:
    shuffled = EXAMPLE * 2
    random.Random(seed).shuffle(shuffled)
    assert rows(shuffled, "08:00", "09:30", WORKED) == rows(EXAMPLE, "08:00", "09:30", WORKED)


@pytest.mark.parametrize("cut", ["08:00:30", "08:30", "08:42:17", "08:58"])
def test_a_range_cut_anywhere_adds_up(cut: str) -> None:
    whole, first, second = (
        total(EXAMPLE, start, end, WORKED) for start, end in (("08:00", "09:00"), ("08:00", cut), (cut, "09:00"))
    )
    assert {f: first.get(f, 0) + second.get(f, 0) for f in first | second} == pytest.approx(whole, rel=1e-15)


def test_time_before_the_first_state_is_unknown() -> None:
    assert total([state("08:10", "running")], "08:00", "08:20") == {
        "unknown_s": 600,
        "running_s": 600,
        "between_s": 600,
        "uncounted_s": 600,
    }
    assert total([], "08:00", "09:30", WORKED) == {"unknown_planned_s": 75 * 60, "unknown_s": 15 * 60}


def test_outside_planned_time_work_is_overtime_and_waiting_is_off() -> None:
    events: list[AnyEvent] = [
        state("09:00", "running"),
        state("09:05", "idle"),
        state("09:10", "down", "jam"),
        state("09:20", "running"),
    ]
    assert total(events, "09:00", "09:20", WORKED) == {
        "running_s": 300,
        "between_s": 300,
        "overtime_s": 300,
        "off_s": 600,
        "down_s": 300,
        "repair_s": 600,
        "failures": 1,
        "uncounted_s": 300,
    }


def test_without_a_calendar_all_but_off_maintenance_and_unknown_is_planned() -> None:
    events: list[AnyEvent] = [
        state("08:00", "idle"),
        state("08:10", "maintenance"),
        state("08:20", "off"),
        state("08:30", "unknown"),
    ]
    assert total(events, "08:00", "08:40") == {
        "no_order_s": 600,
        "maintenance_s": 600,
        "off_s": 600,
        "unknown_s": 600,
    }


def test_idle_is_delay_only_with_an_order() -> None:
    job = Job(asset=MILL, at=at("08:10"), phase="start", order="wo-1")
    done = Job(asset=MILL, at=at("08:30"), phase="end", order="wo-1")
    assert total([state("08:00", "idle"), job, done], "08:00", "08:40") == {
        "no_order_s": 1200,
        "idle_s": 1200,
        "order_s": 1200,
    }


def test_offline_is_unknown_until_online_again_in_the_state_last_reported() -> None:
    events: list[AnyEvent] = [
        state("08:00", "down", "jam"),
        link("08:10", online=False),
        link("08:20", online=True),
        state("08:30", "running"),
    ]
    found = total(events, "08:00", "08:40")
    assert found["down_s"] == 1200
    assert found["unknown_s"] == 600
    assert found["failures"] == 1, "it has not failed again by coming back"
    assert found["repairs"] == 1
    reasons = rows(events, "08:00", "08:40").reasons
    assert sum(entries for _, entries in reasons.values()) == NANO


def test_a_state_reported_while_offline_ends_the_unknown() -> None:
    events: list[AnyEvent] = [state("08:00", "running"), link("08:10", online=False), state("08:15", "setup")]
    found = total(events, "08:00", "08:20")
    del found["uncounted_s"]
    assert found == {"running_s": 600, "between_s": 600, "unknown_s": 300, "setup_s": 300}


def test_a_short_stop_is_a_micro_stop_and_a_long_one_is_not() -> None:
    events: list[AnyEvent] = [
        state("08:00", "running"),
        state("08:01", "blocked"),
        state("08:05:59", "running"),
        state("08:10", "starved"),
        state("08:15", "running"),
        state("08:20", "down", "jam"),
    ]
    found = total(events, "08:00", "08:22")
    assert found["microstops"] == 1
    assert found["microstop_s"] == 299


def test_states_that_follow_each_other_make_one_stop() -> None:
    events: list[AnyEvent] = [
        state("08:00", "running"),
        state("08:01", "starved"),
        state("08:04", "idle", "no-operator"),
        state("08:07", "running"),
        state("08:10", "maintenance"),
        state("08:11", "blocked"),
        state("08:12", "idle"),
        state("08:13", "running"),
    ]
    found = total(events, "08:00", "08:20")
    assert (found["microstops"], found["microstop_s"]) == (1, 120), "six minutes are none; two are, after maintenance"


@pytest.mark.parametrize(
    ("offline", "online", "expected"),
    [
        ("08:04", "08:05", {}),  # 08:01 to 08:09 is one stop, of more than five minutes
        ("08:02", "08:07", {"microstops": 2, "microstop_s": 180}),  # what was in so long a gap is not known
        ("08:07", "08:09:30", {}),
        ("08:05:59", "08:09:30", {"microstops": 1, "microstop_s": 299}),
    ],
)
def test_a_connection_that_is_lost_for_a_moment_does_not_cut_a_stop_in_two(
    offline: str, online: str, expected: dict[str, float]
) -> None:
    events: list[AnyEvent] = [
        state("08:00", "running"),
        state("08:01", "idle"),
        link(offline, online=False),
        link(online, online=True),
        state("08:09", "running"),
    ]
    found = total(events, "08:00", "08:20")
    assert {field: found[field] for field in ("microstops", "microstop_s") if field in found} == expected


def test_reasons_that_change_within_a_stop_make_one_stop_of_two_reasons() -> None:
    events: list[AnyEvent] = [
        state("08:00", "down", "jam"),
        state("08:10", "down", "no-crane"),
        state("08:12", "running"),
    ]
    found = total(events, "08:00", "08:20")
    assert found["failures"] == found["repairs"] == 1
    assert "microstops" not in found
    by_reason: dict[str, int] = {}
    for (_, _, reason), (seconds, _) in rows(events, "08:00", "08:20").reasons.items():
        by_reason[reason] = by_reason.get(reason, 0) + seconds // NANO
    assert by_reason == {"jam": 600, "no-crane": 120}


def test_pieces_belong_to_the_moment_before_they_were_counted() -> None:
    events: list[AnyEvent] = [
        Job(asset=MILL, at=at("08:00"), phase="start", order="wo-1", product="a", ideal_cycle=10),
        count("08:00", 5),
        Job(asset=MILL, at=at("08:01"), phase="start", order="wo-2", product="b", ideal_cycle=20),
        count("08:01", 9),
    ]
    made = rows(events, "08:00", "08:02").sums
    assert made[at("08:00"), "a", "-"]["produced"] == 4 * NANO
    assert made[at("08:00"), "a", "-"]["ideal_s"] == 40 * NANO
    assert all("produced" not in sums for key, sums in made.items() if key[1] == "b")


def test_the_ideal_cycle_of_the_plant_applies_where_the_order_has_none() -> None:
    plant = parse(f'[asset."{MILL}"]\nideal-cycle = 30', "p.toml")
    assert total([count("08:00", 0), count("08:30", 4)], "08:00", "09:00", plant)["ideal_s"] == 120
    assert total([count("08:00", 0), count("08:30", 4)], "08:00", "09:00")["unrated"] == 4


def test_running_before_the_first_count_of_produced_pieces_is_uncounted() -> None:
    running: list[AnyEvent] = [state("08:00", "running"), state("08:40", "idle"), state("08:50", "running")]
    assert total(running, "08:00", "09:00")["uncounted_s"] == 50 * 60
    good = Count(asset=MILL, at=at("08:10"), good=3)
    assert total([*running, good], "08:00", "09:00")["uncounted_s"] == 50 * 60
    assert total([*running, good, count("08:30:30", 9)], "08:00", "09:00")["uncounted_s"] == 30.5 * 60
    assert "uncounted_s" not in total([*running, count("08:00", 0)], "08:00", "09:00")
    assert "uncounted_s" not in total([*running, count("07:00", 0)], "08:30", "09:00")


def test_pieces_counted_while_the_machine_reports_off() -> None:
    events: list[AnyEvent] = [count("08:00", 0), state("08:00", "running"), state("08:10", "off"), count("08:10", 3)]
    assert "produced_off" not in total(events, "08:00", "08:20"), "what a count reports was made before it"
    assert total([*events, count("08:15", 5)], "08:00", "08:20")["produced_off"] == 2


def test_people_stock_and_utilities() -> None:
    events: list[AnyEvent] = [
        Labour(asset=MILL, at=at("08:00"), present=3, working=2),
        Labour(asset=MILL, at=at("08:30"), present=1),
        Material(asset=MILL, at=at("08:00"), name="bar", consumed=10, stock=50, unit="kg"),
        Material(asset=MILL, at=at("08:30"), name="bar", consumed=12.5, stock=47.5, unit="kg"),
        Meter(asset=MILL, at=at("08:00"), name="electricity", total=5000, unit="W.h"),
        Meter(asset=MILL, at=at("09:00"), name="electricity", total=5750, unit="W.h"),
    ]
    found = total(events, "08:00", "09:00")
    assert found["attendance_s"] == 3 * 1800 + 1800
    assert found["work_s"] == 2 * 1800
    assert found["consumed"] == 2.5
    assert found["stock_s"] == 50 * 1800 + 47.5 * 1800
    assert found["stock_known_s"] == 3600
    assert found["electricity_kwh"] == 0.75


def test_the_parts_of_a_sum_add_up_to_it() -> None:
    history = History(0)
    for event in EXAMPLE:
        history.put(event, at("09:00"), WORKED.microstop_limit_ns)
    rules = Rules.of(WORKED, MILL)
    reported: Sums = {}
    for part in parts(history, at("08:00"), at("09:00"), rules):
        add(reported, {part.field: part.amount})
    summed: Sums = {}
    for row in build(history, at("08:00"), at("09:00"), rules).sums.values():
        add(summed, row)
    assert reported == summed


def test_a_stop_without_a_reason_is_summed_by_reason_too_but_not_other_time() -> None:
    events: list[AnyEvent] = [state("08:00", "down"), state("08:10", "down", "jam"), state("08:15", "setup")]
    events += [state("08:30", "idle"), state("08:40", "running"), state("08:50", "starved")]
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for (_, word, reason), amounts in rows(events, "08:00", "09:00").reasons.items():
        seconds, entries = found.get((word, reason), (0.0, 0.0))
        found[word, reason] = seconds + amounts[0] / NANO, entries + amounts[1] / NANO
    assert found == {("down", ""): (600, 1), ("down", "jam"): (300, 1), ("starved", ""): (600, 1)}


def test_a_dip_is_noted_in_the_minute_in_which_it_began() -> None:
    events: list[AnyEvent] = [count("08:00", 10), count("08:10:10", 3), count("08:10:50", 11), count("08:20", 2)]
    found = rows(events, "08:00", "09:00")
    assert {start: sums["dips"] for (start, _, _), sums in found.sums.items() if "dips" in sums} == {at("08:10"): NANO}
    assert total(events, "08:00", "09:00")["produced"] == 1 + 2
