"""Answers: from messages over decoding, keeping and ledger to the indicators that every screen shows."""

import itertools
import json
import random
from collections.abc import Iterable

import msgspec
import pytest

from broker.contract.instants import parse as instant
from broker.contract.message import Message
from broker.contract.topics import PREFIX
from broker.plant.plant import NO_PLANT, Plant
from broker.plant.plant_file import parse
from services.kpi.ledger_writer import LedgerWriter
from services.ledger.fields import NANO
from services.query.answers import Answer, answer
from services.query.explaining import explain
from services.store.interface import Store

LINE = "sheffield/machining/line-1"
MILL = f"{LINE}/mill-1"
PLANT = parse(
    """
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


def message(clock: str, kind: str, machine: str = MILL, **payload: object) -> Message:
    body = {"ts": at(clock) // 1_000_000, **payload}
    return Message(f"{PREFIX}/{machine}/{kind}", json.dumps(body).encode(), 1, retained=False, received_at=at(clock))


WORKED = [
    message("08:00", "job", phase="start", order="wo-1", product="bracket", ideal_cycle=60),
    message("08:00", "count", produced=0, good=0, scrap=0),
    message("08:00", "state", state="running"),
    message("08:30", "state", state="down", reason="spindle"),
    message("08:42", "state", state="running"),
    message("08:50", "state", state="setup"),
    message("08:55", "state", state="running"),
    message("09:00", "state", state="off"),
    message("08:30", "count", produced=25, good=24, scrap=1),
    message("08:50", "count", produced=32, good=30, scrap=2),
    message("08:58", "count", produced=35, good=33, scrap=2),
]
FIGURES = {
    "availability": 43 / 60,
    "effectiveness": 35 / 43,
    "quality_ratio": 33 / 35,
    "oee": 0.55,
    "nee": 48 / 60 * 35 / 43 * 33 / 35,
    "setup_rate": 5 / 48,
    "mean_time_to_restoration": 360.0,
    # What follows from the same sums by the standard's formulas, reckoned by hand.
    "allocation_ratio": 48 / 60,
    "throughput_rate": 35 / 3_600,
    "allocation_efficiency": 48 / 60,
    "utilization_efficiency": 43 / 48,
    "technical_efficiency": 1.0,
    "production_process_ratio": 43 / 60,
    "scrap_ratio": 2 / 35,
    "equipment_load_ratio": 35 / 60,
    "mean_operating_time_between_failures": 43 * 60 / 2,
    "mean_time_to_failure": 48 * 60 / 2,
    "corrective_maintenance_ratio": 1.0,
    "teep": 0.55,
}


async def stored(store: Store, messages: Iterable[Message], now: str, plant: Plant = PLANT) -> None:
    writer = LedgerWriter(store, plant, lambda: at(now))
    assert await writer.persist(list(messages)) == []
    await writer.advance()


async def asked(store: Store, asset: str, start: str, end: str, now: str, plant: Plant = PLANT) -> Answer:
    return await answer(store, plant, asset, at(start), at(end), now=at(now))


@pytest.mark.parametrize("asset", [MILL, LINE, "sheffield/machining", "sheffield", ""])
async def test_the_worked_example(store: Store, asset: str) -> None:
    await stored(store, WORKED, "09:30")
    found = await asked(store, asset, "08:00", "09:00", "09:30")
    assert {name: found.indicators[name] for name in FIGURES} == pytest.approx(FIGURES, rel=0, abs=1e-12)
    assert found.indicators["rework_ratio"] is None, "rework is not reported"
    assert found.coverage == 1
    assert {field: value for field, value in found.ledger.items() if value} == {
        "running_s": 43 * 60,
        "down_s": 12 * 60,
        "setup_s": 5 * 60,
        "order_s": 3_600,
        "produced": 35,
        "good": 33,
        "scrap": 2,
        "ideal_s": 35 * 60,
        "ideal_good_s": 33 * 60,
        "failures": 1,
        "repairs": 1,
        "repair_s": 720,
        "between_s": 43 * 60,
    }
    assert [(reason.state, reason.reason, reason.seconds, reason.entries) for reason in found.reasons] == [
        ("down", "spindle", 720, 1)
    ]
    assert found.machines == [MILL]
    assert found.to_check == []
    assert found.notes == [warning.text for warning in found.warnings]
    why = {warning.indicator: warning.why for warning in found.warnings}
    assert why.keys() == {name for name, value in found.indicators.items() if value is None}
    assert why["first_pass_yield"] == "inspected parts (IP) is zero"
    steps = {step.name: step.seconds for step in found.waterfall}
    assert steps["calendar"] == steps["planned"] == 3_600
    assert steps["fully-productive"] == 33 * 60
    assert (found.from_, found.to, found.counted_to) == (
        "2026-11-24T08:00:00Z",
        "2026-11-24T09:00:00Z",
        "2026-11-24T09:00:00Z",
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
async def test_the_answer_is_the_same_shuffled_doubled_and_with_restarts(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    messages = WORKED * 2
    rng.shuffle(messages)
    while messages:
        size = rng.randint(1, 6)
        await stored(store, messages[:size], "09:30")
        del messages[:size]
    found = await asked(store, MILL, "08:00", "09:00", "09:30")
    assert found.indicators["oee"] == 0.55
    assert found.ledger["produced"] == 35
    whole = await asked(store, MILL, "07:11:13.5", "09:22:01", "09:30")
    assert whole.ledger["running_s"] == 43 * 60
    assert whole.ledger["unknown_planned_s"] == 48 * 60 + 46.5
    assert whole.ledger["off_s"] == 22 * 60 + 1
    assert whole.coverage == pytest.approx(1 - 2_926.5 / 7_847.5, abs=1e-15)


@pytest.mark.slow
async def test_parts_of_the_hour_add_up_to_the_hour(store: Store) -> None:
    await stored(store, WORKED, "09:30")
    cuts = ["08:00", "08:29:59.999999999", "08:30", "08:41:07.25", "08:58", "09:00"]
    parts = [await asked(store, MILL, *pair, "09:30") for pair in itertools.pairwise(cuts)]
    whole = await asked(store, MILL, "08:00", "09:00", "09:30")
    for field, value in whole.ledger.items():
        assert sum(round(part.ledger[field] * NANO) for part in parts) == round(value * NANO), field


@pytest.mark.slow
async def test_a_line_is_the_sum_of_its_machines_never_the_mean_of_their_ratios(store: Store) -> None:
    saw = f"{LINE}/saw-1"
    other = [
        message("08:00", "state", saw, state="running"),
        message("08:00", "job", saw, phase="start", order="wo-2", product="bar", ideal_cycle=10),
        message("08:00", "count", saw, produced=100, good=100),
        message("08:20", "state", saw, state="starved"),
        message("08:20", "count", saw, produced=190, good=160),
    ]
    await stored(store, WORKED + other, "09:30")
    found = await asked(store, LINE, "08:00", "09:00", "09:30")
    assert found.indicators["availability"] == pytest.approx((43 + 20) / 120, abs=1e-12)
    assert found.indicators["effectiveness"] == pytest.approx((35 * 60 + 90 * 10) / (63 * 60), abs=1e-12)
    assert found.indicators["quality_ratio"] == pytest.approx((33 * 60 + 60 * 10) / (35 * 60 + 90 * 10), abs=1e-12)
    assert found.indicators["oee"] == pytest.approx((33 * 60 + 60 * 10) / 7_200, abs=1e-12)
    assert found.machines == [MILL, saw]


async def test_nothing_known_is_nothing_shown(store: Store) -> None:
    found = await asked(store, MILL, "08:00", "09:00", "09:30")
    assert found.coverage is None
    assert found.indicators["oee"] is None
    assert found.machines == []


@pytest.mark.slow
async def test_what_has_not_happened_yet_is_not_counted(store: Store) -> None:
    await stored(store, WORKED[:3], "08:05:00.5")
    found = await asked(store, MILL, "08:00", "09:00", "08:05:00.5")
    assert found.to == "2026-11-24T09:00:00Z"
    assert found.counted_to == "2026-11-24T08:05:00.500Z"
    assert found.ledger["running_s"] == 300.5


@pytest.mark.slow
async def test_contradictions_become_notes_and_nothing_is_corrected(store: Store) -> None:
    messages = [
        message("08:00", "state", state="off"),
        message("08:00", "count", produced=0, good=0, scrap=0),
        message("08:30", "count", produced=10, good=9, scrap=3),
    ]
    await stored(store, messages, "09:30")
    found = await asked(store, MILL, "08:00", "09:00", "09:30")
    assert found.ledger["produced"] == 10
    assert found.ledger["good"] + found.ledger["scrap"] == 12
    assert found.indicators["oee"] is None
    for words in ("more than were produced", "no ideal cycle", "while it did not run"):
        assert [note for note in found.notes if words in note and note.startswith((MILL, "oee"))], words


@pytest.mark.slow
async def test_a_line_with_a_machine_that_counts_nothing_has_its_numbers_and_those_without_it(
    store: Store,
) -> None:
    counting = [f"{LINE}/mill-{number}" for number in range(1, 5)]
    silent = f"{LINE}/robot-1"
    messages = [message("08:00", "state", machine, state="running") for machine in (*counting, silent)]
    for machine in counting:
        messages += [
            message("08:00", "job", machine, phase="start", order="wo-1", product="bracket", ideal_cycle=60),
            message("08:00", "count", machine, produced=0, good=0),
            message("09:00", "count", machine, produced=54, good=45),
        ]
    await stored(store, messages, "09:00")
    alone = await asked(store, silent, "08:00", "09:00", "09:00")
    assert (alone.indicators["oee"], alone.indicators["effectiveness"]) == (None, None)
    assert alone.indicators["availability"] == 1
    why = "no count of produced pieces was received: send produced with the count"
    assert f"oee is not defined: {why}" in alone.notes
    line = await asked(store, LINE, "08:00", "09:00", "09:00")
    assert line.indicators["oee"] == 4 * 45 / (5 * 60)
    assert line.rated is not None
    assert line.rated.without == [silent]
    assert line.rated.indicators["oee"] == 45 / 60
    assert [note for note in line.notes if note.startswith(f"{silent}: it ran for 60 min, but {why}")]


@pytest.mark.slow
async def test_effectiveness_above_one_is_shown_with_a_warning(store: Store) -> None:
    messages = [*WORKED[:3], message("08:10", "count", produced=20, good=20), message("08:10", "state", state="off")]
    await stored(store, messages, "09:30")
    found = await asked(store, MILL, "08:00", "09:00", "09:30")
    assert found.indicators["effectiveness"] == 2
    assert [note for note in found.notes if "effectiveness is above 1" in note]


@pytest.mark.slow
async def test_half_known_time_is_reported_with_every_indicator(store: Store) -> None:
    messages = [*WORKED[:3], message("08:30", "status", status="offline")]
    await stored(store, messages, "09:30")
    found = await asked(store, MILL, "08:00", "09:00", "09:30")
    assert found.coverage == 0.5
    assert found.indicators["availability"] == 1
    assert [note for note in found.notes if "unknown for 30 min (50.0% of the time)" in note]


@pytest.mark.slow
async def test_a_state_of_more_than_ten_days_has_a_warning(store: Store) -> None:
    await stored(store, [message("00:00", "state", state="running")], "00:00", NO_PLANT)
    now = at("00:00") + 11 * 86_400 * NANO
    found = await answer(store, NO_PLANT, MILL, now - 3_600 * NANO, now, now=now)
    assert [note for note in found.notes if "running for 11 days" in note]


@pytest.mark.slow
async def test_the_document_is_plain_json_with_every_indicator(store: Store) -> None:
    await stored(store, WORKED, "09:30")
    found = await asked(store, MILL, "08:00", "09:00", "09:30")
    document = json.loads(json.dumps(found.document()))
    assert document["from"] == "2026-11-24T08:00:00Z"
    assert document["indicators"] == found.indicators
    assert len(document["indicators"]) >= 34
    assert msgspec.json.decode(msgspec.json.encode(found)) == document


@pytest.mark.slow
@pytest.mark.parametrize("indicator", ["oee", "comprehensive_energy_consumption", "mean_time_to_restoration"])
async def test_the_events_behind_a_number_add_up_to_its_sums(store: Store, indicator: str) -> None:
    meter = f"{LINE}/meter-1"
    metered = [message(f"08:{minute}", "meter/electricity", meter, total=minute) for minute in (10, 25, 50)]
    await stored(store, WORKED + metered, "09:30")
    found = await explain(store, PLANT, LINE, indicator, (at("08:00"), at("09:00")), now=at("09:30"))
    assert any(found.sums.values())
    for field, value in found.sums.items():
        assert sum(event.amount for event in found.events if event.field == field) == pytest.approx(value, abs=1e-9)


LAST = f"{LINE}/cmm-1"
DONE_AT_LAST = [
    message("08:00", "job", LAST, phase="start", order="wo-1", product="bracket", planned=100, ideal_cycle=40),
    message("08:00", "count", LAST, produced=0, good=0, scrap=0, inspected=0, first_pass=0),
    message("08:00", "state", LAST, state="running"),
    message("08:20", "count", LAST, produced=18, good=15, scrap=1, inspected=18, first_pass=14),
    message("08:40", "state", LAST, state="starved"),
]


@pytest.mark.slow
@pytest.mark.parametrize("aim", ["", "targets = { oee = 0.5 }"])
async def test_the_events_behind_a_number_of_one_operation_are_those_of_its_machines(store: Store, aim: str) -> None:
    line = f'[asset."{LINE}"]\nstages = [["mill-1"], ["cmm-1"]]\n{aim}\n'
    plant = parse(PLANT.text + line, "flow")
    await stored(store, [*WORKED, *DONE_AT_LAST], "09:30", plant)
    span = at("08:00"), at("09:00")
    values = (await answer(store, plant, LINE, *span, now=at("09:30"))).indicators
    assert values["bottleneck_oee"] is not None
    for indicator in (name for name, value in values.items() if value is not None):
        found = await explain(store, plant, LINE, indicator, span, now=at("09:30"))
        assert found.value == values[indicator]
        assert found.sums
        for field, amount in found.sums.items():
            reported = sum(event.amount for event in found.events if event.field == field)
            assert reported == pytest.approx(amount, abs=1e-9), (indicator, field)
    found = await explain(store, plant, LINE, "schedule_attainment", span, now=at("09:30"))
    listed = [(event.machine, event.field, event.amount, event.state, event.reason) for event in found.events]
    # An hour at 40 s a piece, or half of it.
    plan = (45.0, "target", "oee 0.5 × 3600 s / 40 s") if aim else (90.0, "order", "wo-1: 100 of 40 s")
    assert listed == [(LAST, "good", 15, "running", ""), (LAST, "planned", *plan)]


@pytest.mark.slow
async def test_the_output_of_a_last_operation_that_never_reported_pieces_is_not_known(store: Store) -> None:
    plant = parse(PLANT.text + f'[asset."{LINE}"]\nstages = [["mill-1"], ["cmm-1"]]\n', "flow")
    silent = [each for each in DONE_AT_LAST if not each.topic.endswith("/count")]
    await stored(store, [*WORKED, *silent], "09:30", plant)
    found = await asked(store, LINE, "08:00", "09:00", "09:30", plant)
    assert found.good_output is None
    for name in ("schedule_attainment", "bottleneck_oee"):
        assert found.indicators[name] is None
        assert any(note.startswith(f"{name} is not defined: good pieces of the line's last") for note in found.notes)
    await stored(store, [message("08:05", "count", LAST, produced=0, good=0)], "09:30", plant)
    reported = await asked(store, LINE, "08:00", "09:00", "09:30", plant)
    assert (reported.good_output, reported.indicators["schedule_attainment"]) == (0, 0)


@pytest.mark.slow
async def test_a_count_is_listed_at_the_instant_at_which_it_was_reported(store: Store) -> None:
    await stored(store, WORKED, "09:30")
    found = await explain(store, PLANT, MILL, "scrap_ratio", (at("08:00"), at("09:00")), now=at("09:30"))
    reported = [(event.from_, event.amount) for event in found.events if event.field == "produced"]
    reported_at = ["2026-11-24T08:30:00Z", "2026-11-24T08:50:00Z", "2026-11-24T08:58:00Z"]
    assert reported == list(zip(reported_at, [25, 7, 3], strict=True))


@pytest.mark.slow
async def test_the_values_behind_a_capability_are_listed(store: Store) -> None:
    values = [10.0, 10.2, 9.9]
    measured = [
        message(f"08:{minute}", "quality/bore", value=value, lower=9, upper=11)
        for minute, value in zip((10, 20, 30), values, strict=True)
    ]
    await stored(store, [*WORKED, *measured], "09:30")
    found = await explain(store, PLANT, LINE, "cpk", (at("08:00"), at("09:00")), now=at("09:30"))
    assert [(event.field, event.amount, event.state) for event in found.events] == [
        ("bore", 10.0, "running"),
        ("bore", 10.2, "running"),
        ("bore", 9.9, "running"),
    ]
    assert found.events[0].from_ == "2026-11-24T08:10:00Z"


@pytest.mark.slow
async def test_a_stock_that_changes_is_listed_as_it_was_on_each_side(store: Store) -> None:
    stocks = [message(clock, "material/bar", stock=stock) for clock, stock in (("08:00", 100), ("08:30", 60))]
    await stored(store, [*WORKED, *stocks], "09:30")
    found = await explain(store, PLANT, MILL, "inventory_turns", (at("08:00"), at("09:00")), now=at("09:30"))
    held = [event.amount for event in found.events if event.field == "stock_s" and event.state == "running"]
    assert held[0] == 100 * 1_800
    assert sum(event.amount for event in found.events if event.field == "stock_s") == 100 * 1_800 + 60 * 1_800
