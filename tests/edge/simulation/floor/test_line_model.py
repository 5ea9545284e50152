"""Batch machines and rework loops, with kinds made for these tests."""

from collections import Counter
from itertools import pairwise

import msgspec
import pytest

from broker.contract.events import NS_PER_S, Count, Job, Measurement, Notice, StateChange
from broker.plant import plant_file
from edge.simulation import ground_truth
from edge.simulation.event_buffer import TruePiece
from edge.simulation.floor.pieces import Piece
from edge.simulation.machines import MODELS
from edge.simulation.machines.model import Condition, Finding
from edge.simulation.simulation import Checkpoint, Simulation
from tests.edge.simulation.made_up import DAY, KINDS, SILENT, SURE, Gauge, floor, line, machine, of, serials


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in KINDS.items():
        monkeypatch.setitem(MODELS, name, kind)


BATCH = (
    line("a/b/c", [["m"], ["oven"], ["end"]], [6, 12], 15),
    machine("a/b/c/m", "plain"),
    machine("a/b/c/oven", "oven"),
    machine("a/b/c/end", "plain"),
)


def test_a_batch_machine_works_on_a_full_load_or_on_all_that_is_left_of_an_order() -> None:
    simulation = floor(*BATCH)
    events = simulation.run_until(DAY)
    counts = of(Count, events, "/oven")
    loads = Counter(count.at // (10 * NS_PER_S) for count in counts)
    # An order of 15 pieces is two loads of six and one of three.
    assert list(loads.values())[:6] == [6, 6, 3, 6, 6, 3]


def test_a_load_begins_without_what_cannot_come_because_pieces_of_the_next_order_stand_before_it() -> None:
    simulation = floor(
        line("a/b/c", [["m"], ["oven"], ["gauge"]], [3, 12], 15, 'rework = { gauge = "m" }'),
        machine("a/b/c/m", "plain"),
        machine("a/b/c/oven", "oven"),
        machine("a/b/c/gauge", "gauge"),
    )
    events = simulation.run_until(DAY)
    assert of(Count, events, "/gauge")[-1].at > 0.98 * DAY


def test_the_length_of_a_load_is_what_its_kind_returns() -> None:
    simulation = floor(
        BATCH[0].replace("= 15", "= 12"),
        machine("a/b/c/m", "plain", SURE.replace("ideal-s = 60", "ideal-s = 150")),
        *BATCH[2:],
    )
    events = simulation.run_until(DAY)
    states = of(StateChange, events, "/oven")
    cycles_s = [(after.at - before.at) / NS_PER_S for before, after in pairwise(states) if before.state == "running"]
    usual_s = 6 * 60 / 0.98
    assert cycles_s[0] == pytest.approx(0.5 * usual_s, rel=0.15)
    assert cycles_s[1] == pytest.approx(1.5 * usual_s, rel=0.15)


def test_a_spoiled_load_is_scrap_as_a_whole_and_raises_an_alarm() -> None:
    simulation = floor(*BATCH)
    events = simulation.run_until(DAY)
    truth = [one for one in simulation.take_ground_truth() if isinstance(one, TruePiece)]
    fates = [one.fate for one in truth if one.asset.endswith("/oven")]
    # The third load of an order is its last, of three pieces.
    assert fates[:30] == (["good"] * 12 + ["scrap"] * 3) * 2
    notices = of(Notice, events, "/oven")
    assert {(one.code, one.severity, one.text) for one in notices} == {("load-scrapped", "alarm", "vacuum lost")}
    assert [one.active for one in notices[:4]] == [True, False, True, False]


def test_each_piece_of_a_load_is_an_event_of_its_own() -> None:
    simulation = floor(*BATCH)
    events = simulation.run_until(DAY)
    produced = of(Count, events, "/oven")[-1].produced
    assert produced
    assert produced >= 30
    for kind in (Count, Measurement):
        assert len({event.at for event in of(kind, events, "/oven")}) == produced
    pieces = ground_truth.budgets(simulation.take_ground_truth(), 0, DAY)["a/b/c/oven"].pieces
    assert pieces["produced"] == produced


def test_a_batch_machine_that_waits_for_a_piece_that_was_scrapped_begins_without_it() -> None:
    half = SURE.replace("scrap = 0,", "scrap = 0.5,", 1)
    simulation = floor(
        line("a/b/c", [["m"], ["oven"]], [6], 6), machine("a/b/c/m", "plain", half), machine("a/b/c/oven", "oven")
    )
    events = simulation.run_until(2 * DAY)
    started = {job.order for job in of(Job, events, "/oven") if job.phase == "start"}
    assert len(started) > 50


def test_two_batch_machines_side_by_side_share_an_order() -> None:
    simulation = floor(
        line("a/b/c", [["m"], ["oven-1", "oven-2"]], [4], 15),
        machine("a/b/c/m", "plain"),
        machine("a/b/c/oven-1", "oven"),
        machine("a/b/c/oven-2", "oven"),
    )
    events = simulation.run_until(2 * DAY)
    made = [of(Count, events, name)[-1].produced for name in ("/m", "/oven-1", "/oven-2")]
    assert 0 <= made[0] - made[1] - made[2] <= 17
    assert min(made[1:]) > 300


def test_a_load_begun_before_a_restart_goes_on_after_it() -> None:
    whole, simulation = floor(*BATCH), floor(*BATCH)
    for step in range(1, 60):
        simulation.run_until(step * 613 * NS_PER_S)
        before = sorted(serials(simulation))
        text = msgspec.json.encode(simulation.checkpoint())
        saved = msgspec.json.decode(text, type=Checkpoint)
        simulation = Simulation(
            plant_file.parse('[simulate]\nseed = 7\nprofile = "plain"\n' + "\n".join(BATCH), "test"),
            simulation.now,
            saved,
        )
        simulation.sampling = SILENT
        assert sorted(serials(simulation)) == before
    whole.run_until(simulation.now)
    counts, at_once = ({unit.asset: unit.counts["produced"] for unit in one.units} for one in (simulation, whole))
    for asset, produced in at_once.items():
        assert counts[asset] == pytest.approx(produced, abs=12)


LOOP = (
    line("a/b/c", [["cut"], ["wash"], ["gauge"]], [3, 3], 20, 'rework = { gauge = "cut" }'),
    machine("a/b/c/cut", "plain"),
    machine("a/b/c/wash", "plain"),
    machine("a/b/c/gauge", "gauge"),
)


@pytest.mark.slow
@pytest.mark.parametrize("back_to", ["cut", "wash", "gauge"])
def test_a_piece_that_is_too_large_goes_back_and_comes_again(back_to: str) -> None:
    simulation = floor(LOOP[0].replace('"cut" }', f'"{back_to}" }}'), *LOOP[1:])
    events = simulation.run_until(3 * DAY)
    count = of(Count, events, "/gauge")[-1]
    assert count.rework > 500
    assert count.produced == count.good + count.scrap + count.rework
    # What was reworked and is good now is good, but not at the first pass.
    assert 0.8 * count.rework < count.good - count.first_pass <= count.rework
    parts = Counter(one.part for one in of(Measurement, events, "/gauge"))
    assert set(parts.values()) == {1, 2}
    assert 0 <= len(parts) - count.good - count.scrap < 12
    # Orders go on all the same, and nothing is left behind.
    assert len({job.order for job in of(Job, events, "/gauge")}) > 100
    assert len(simulation.lines[0].book.orders) <= 12


def test_rework_needs_no_change_over() -> None:
    set_up = SURE.replace("setup-min = 0", "setup-min = 5")
    simulation = floor(
        LOOP[0], machine("a/b/c/cut", "plain", set_up), machine("a/b/c/wash", "plain"), machine("a/b/c/gauge", "gauge")
    )
    events = simulation.run_until(2 * DAY)
    starts = [job for job in of(Job, events, "/cut") if job.phase == "start"]
    setups = [state for state in of(StateChange, events, "/cut") if state.state == "setup"]
    assert len(starts) > 100
    assert len(setups) == len({job.order for job in starts})


def test_a_piece_is_reworked_only_so_often() -> None:
    class Never(Gauge):
        def finish(self, piece: Piece, now: Condition) -> list[Finding]:
            del piece, now
            return [Finding("size", 2.0, -1, 0, 1, "mm", rework="above")]

    MODELS["gauge"] = Never
    simulation = floor(*LOOP)
    events = simulation.run_until(DAY)
    count = of(Count, events, "/gauge")[-1]
    assert count.good == 0
    assert count.rework == pytest.approx(2 * count.scrap, abs=20)
    assert count.scrap > 100


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ((LOOP[0].replace('"cut" }', '"drill" }'), *LOOP[1:]), "drill stands in no stage"),
        ((LOOP[0].replace('gauge = "cut"', 'cut = "gauge"'), *LOOP[1:]), "forward to gauge"),
        ((*LOOP[:3], LOOP[3].replace('cell = "cmm"', 'cell = "cmm"\nload = 0')), "a load of 0 pieces"),
        ((*LOOP[:3], LOOP[3].replace('"gauge"', '"truck"')), "truck serves others; describe it in [simulate.shared."),
    ],
)
def test_a_mistake_names_its_place_and_a_hint(tables: tuple[str, ...], named: str) -> None:
    with pytest.raises(ValueError, match=r"simulate\.(line|machine|shared)") as caught:
        floor(*tables)
    assert named in str(caught.value)
