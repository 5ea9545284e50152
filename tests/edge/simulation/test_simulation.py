import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import TypeVar

import pytest

from broker.contract import codec
from broker.contract.events import (
    COUNTERS,
    NS_PER_S,
    AnyEvent,
    Count,
    Event,
    Job,
    Labour,
    Material,
    Measurement,
    Meter,
    Notice,
    Sample,
    StateChange,
    Status,
)
from broker.contract.message import Message
from broker.contract.topics import KINDS
from broker.plant import plant_file
from broker.plant.plant import Plant
from edge.simulation import districts, ground_truth
from edge.simulation.contract_encoder import ContractEncoder
from edge.simulation.event_buffer import GroundTruth, TruePiece, TrueState
from edge.simulation.machines import MODELS
from edge.simulation.planning.plan import read
from edge.simulation.simulation import BACKFILL, SamplingIntervals, Simulation

PLANT = districts.plant()
START = 1_764_000_000 * NS_PER_S
HOUR = 3_600 * NS_PER_S
DAY = 24 * HOUR
_E = TypeVar("_E", bound=Event)
ThreeDays = tuple[Simulation, list[AnyEvent], list[GroundTruth]]
QUIET = SamplingIntervals(600 * NS_PER_S, 600 * NS_PER_S)


def simulated(
    days: float = 1.0, sampling: SamplingIntervals = QUIET, floor: Plant = PLANT
) -> tuple[Simulation, list[AnyEvent]]:
    simulation = Simulation(floor, START)
    simulation.sampling = sampling
    events = simulation.run_until(START + round(days * 86_400) * NS_PER_S)
    return simulation, events


@pytest.fixture(scope="module")
def three_days() -> ThreeDays:
    simulation, events = simulated(3)
    return simulation, events, simulation.take_ground_truth()


def number(value: object) -> float:
    assert isinstance(value, float | int)
    return value


def of_machine(events: Iterable[Event], kind: type[_E]) -> dict[str, list[_E]]:
    found: dict[str, list[_E]] = defaultdict(list)
    for event in events:
        if isinstance(event, kind):
            found[event.asset].append(event)
    return found


@pytest.mark.slow
def test_same_seed_same_events() -> None:
    assert simulated(0.5, BACKFILL)[1] == simulated(0.5, BACKFILL)[1]


def test_another_seed_other_events() -> None:
    other = plant_file.parse(PLANT.text.replace("seed = 2026", "seed = 2027"), "other")
    assert simulated(0.2)[1] != simulated(0.2, floor=other)[1]


def test_it_does_not_matter_in_which_steps_time_passes() -> None:
    at_once = simulated(0.25)[1]
    simulation = Simulation(PLANT, START)
    simulation.sampling = QUIET
    in_steps = [event for step in range(1, 361) for event in simulation.run_until(START + step * 60 * NS_PER_S)]
    assert in_steps == at_once


@pytest.mark.slow
def test_how_often_sensors_are_read_does_not_change_what_happens() -> None:
    def lasting(sampling: SamplingIntervals) -> list[AnyEvent]:
        return [event for event in simulated(0.25, sampling)[1] if isinstance(event, StateChange | Count | Job)]

    assert lasting(BACKFILL) == lasting(QUIET)


@pytest.mark.slow
def test_events_come_in_order_of_time_at_whole_milliseconds(three_days: ThreeDays) -> None:
    times = [event.at for event in three_days[1]]
    assert times == sorted(times)
    assert all(at % 1_000_000 == 0 for at in times)


def test_all_kinds_of_the_contract_are_emitted(three_days: ThreeDays) -> None:
    simulation, events, _ = three_days
    emitted = {event.kind for event in events} | {event.kind for event in simulation.offline()}
    assert emitted == KINDS - {"kpi", "adjust"}  # people book, machines do not


@pytest.mark.slow
def test_everything_is_marked_simulated(three_days: ThreeDays) -> None:
    assert all(event.simulated for event in three_days[1])


@pytest.mark.slow
def test_every_event_survives_the_wire() -> None:
    simulation = Simulation(PLANT, START)
    simulation.sampling = BACKFILL
    simulation.run_until(START + HOUR)
    simulation.announce(order_since=START)
    events = [*simulation.run_until(START + 2 * HOUR), *simulation.offline()]
    for event in events:
        message = codec.encode(event)
        assert codec.decode(Message(message.topic, message.payload, received_at=event.at)) == [event]


@pytest.mark.slow
def test_every_publication_of_the_gateway_means_its_events() -> None:
    _, events = simulated(0.1, BACKFILL)
    decoded = [
        event
        for one in ContractEncoder().publications(events)
        for event in codec.decode(Message(one.topic, one.payload, received_at=START + DAY))
    ]

    def without_unit(event: AnyEvent) -> object:
        return (event.at, event.asset, event.signal, event.value) if isinstance(event, Sample) else event

    # An introduction goes out before the other signals of its instant, so the order within an instant may differ.
    assert sorted(map(without_unit, decoded), key=repr) == sorted(map(without_unit, events), key=repr)
    units = {(event.asset, event.signal): event.unit for event in decoded if isinstance(event, Sample) and event.unit}
    assert units == {(e.asset, e.signal): e.unit for e in events if isinstance(e, Sample) and e.unit}


def test_pieces_in_are_pieces_out_and_scrap_and_work_in_progress(three_days: ThreeDays) -> None:
    simulation, _, truth = three_days
    made = Counter((one.asset, one.fate) for one in truth if isinstance(one, TruePiece))
    for line in simulation.lines:
        stages = simulation.plan.line[line.path].stages
        started = sum(order.started for order in line.book.orders.values())
        started += sum(
            simulation.plan.line[line.path].orders[place % len(simulation.plan.line[line.path].orders)].pieces
            for place in range(line.book.place - len(line.book.orders))
        )
        assets = [[f"{line.path}/{name}" for name in stage] for stage in stages]
        scrap = sum(made[asset, "scrap"] for stage in assets for asset in stage)
        # What left the last machine: its good and reworked pieces, less one that it still has in hand, done.
        out = sum(made[asset, fate] for asset in assets[-1] for fate in ("good", "rework"))
        in_buffers = sum(len(buffer.items) for buffer in line.buffers)
        in_hand = sum(len(unit.in_hand) for unit in line.units)
        assert started == out + scrap + in_buffers + in_hand


def test_no_buffer_holds_more_than_fits(three_days: ThreeDays) -> None:
    for line in three_days[0].lines:
        for buffer in line.buffers:
            assert len(buffer.items) <= buffer.capacity


def test_states_partition_time(three_days: ThreeDays) -> None:
    _, _, truth = three_days
    budgets = ground_truth.budgets(truth, START, START + 3 * DAY)
    assert len(budgets) == 8
    for budget in budgets.values():
        assert sum(budget.states.values()) == 3 * DAY
        assert "unknown" not in budget.states


def test_the_ground_truth_is_what_was_published(three_days: ThreeDays) -> None:
    _, events, truth = three_days
    published = [(e.at, e.asset, e.state, e.reason) for e in events if isinstance(e, StateChange)]
    assert published == [(t.at, t.asset, t.state, t.reason) for t in truth if isinstance(t, TrueState)]
    budgets = ground_truth.budgets(truth, START, START + 3 * DAY)
    for asset, counts in of_machine(events, Count).items():
        for counter in ("produced", "good", "scrap", "rework", "startup_scrap"):
            assert getattr(counts[-1], counter) == budgets[asset].pieces[counter]


def test_no_state_is_reported_twice_and_no_instant_has_two(three_days: ThreeDays) -> None:
    for changes in of_machine(three_days[1], StateChange).values():
        assert len({change.at for change in changes}) == len(changes)


def test_machines_starve_block_fail_set_up_and_stop(three_days: ThreeDays) -> None:
    states = Counter(event.state for event in three_days[1] if isinstance(event, StateChange))
    for state in ("running", "setup", "starved", "blocked", "idle", "down", "maintenance"):
        assert states[state] > 0, state


def test_breaks_are_idle_and_unplanned(three_days: ThreeDays) -> None:
    changes = [e for e in three_days[1] if isinstance(e, StateChange) and e.reason == "break"]
    assert changes
    for change in changes:
        calendar = PLANT.calendar_of(change.asset)
        assert calendar is not None
        span = calendar.time_ranges(change.at, change.at + 1)[0]
        assert not span.planned


def test_a_machine_works_only_in_planned_time(three_days: ThreeDays) -> None:
    for asset, changes in of_machine(three_days[1], StateChange).items():
        calendar = PLANT.calendar_of(asset)
        assert calendar is not None
        for change, following in pairwise(changes):
            if change.state in {"running", "setup", "starved", "blocked"}:
                assert all(span.planned for span in calendar.time_ranges(change.at, following.at))


@pytest.mark.slow
def test_machines_outside_their_shifts_are_off() -> None:
    day = PLANT.text.replace('{ name = "night"', '# { name = "night"')
    _, events = simulated(2, floor=plant_file.parse(day, "two shifts"))
    off = [event for event in events if isinstance(event, StateChange) and event.state == "off"]
    assert len(off) >= 8
    people = [event for event in events if isinstance(event, Labour) and event.at == off[-1].at]
    assert all(event.present == 0 for event in people if event.asset == off[-1].asset)


def test_counters_and_meters_only_grow(three_days: ThreeDays) -> None:
    for counts in of_machine(three_days[1], Count).values():
        for counter in COUNTERS:
            values = [getattr(count, counter) for count in counts]
            assert values == sorted(values)
        for count in counts:
            assert number(count.good) + number(count.scrap) + number(count.rework) == number(count.produced)
            assert count.first_pass == count.good
    totals = defaultdict(list)
    for event in three_days[1]:
        if isinstance(event, Meter):
            totals[event.asset, event.name].append(event.total)
    for values in totals.values():
        assert values == sorted(values)
        assert values[-1] > values[0]


def test_stock_falls_by_what_is_consumed_and_is_delivered_again(three_days: ThreeDays) -> None:
    for deliveries in of_machine(three_days[1], Material).values():
        assert all(number(event.stock) >= 0 for event in deliveries)
        assert number(deliveries[-1].consumed) > number(deliveries[0].consumed)


def test_an_order_is_ended_before_the_next_begins_and_names_its_product(three_days: ThreeDays) -> None:
    for jobs in of_machine(three_days[1], Job).values():
        starts = [job for job in jobs if job.phase == "start"]
        assert len(starts) > 5
        assert all(
            job.product in PLANT.products and number(job.planned) > 0 and number(job.ideal_cycle) > 0 for job in starts
        )
        assert [job.order for job in starts] == sorted({job.order for job in starts})


def test_alarms_come_with_the_breakdown_and_go_with_its_end(three_days: ThreeDays) -> None:
    alarms = defaultdict(list)
    for event in three_days[1]:
        if isinstance(event, Notice) and event.severity == "alarm":
            alarms[event.asset].append(event)
    assert alarms
    states = of_machine(three_days[1], StateChange)
    for asset, notices in alarms.items():
        assert [notice.active for notice in notices] == [place % 2 == 0 for place in range(len(notices))]
        downs = [change for change in states[asset] if change.state == "down"]
        raised = [notice for notice in notices if notice.active]
        assert [(change.at, change.reason) for change in downs] == [(one.at, one.code) for one in raised]


def test_texts_of_alarms_write_units_as_people_do(three_days: ThreeDays) -> None:
    texts = {event.text for event in three_days[1] if isinstance(event, Notice)}
    assert "temperature of gear 2 above 60 °C" in texts
    code = re.compile(r"\d (?:Cel|um|deg|m3|N\.m|kW\.h|/min)(?!\w)")
    assert {text for text in texts if code.search(text)} == set()


@pytest.mark.slow
def test_a_bearing_shows_in_vibration_before_the_breakdown() -> None:
    simulation, events = simulated(6, SamplingIntervals(60 * NS_PER_S, HOUR))
    found = 0
    for asset in ("sheffield/machining/line-1/mill-1", "sheffield/machining/line-1/mill-2"):
        mine = [event for event in events if event.asset == asset]
        downs = [e for e in mine if isinstance(e, StateChange) and e.reason == "spindle-bearing"]
        shaking = [e for e in mine if isinstance(e, Sample) and e.signal == "vibration" and number(e.value) > 0.9]
        for down in downs:
            before = [number(e.value) for e in shaking if down.at - 600 * NS_PER_S < e.at < down.at]
            long_before = [number(e.value) for e in shaking if down.at - 30 * HOUR < e.at < down.at - 24 * HOUR]
            if before and long_before:
                found += 1
                assert max(before) > 4.0
                assert max(before) > 1.5 * max(long_before)
                warned = [e for e in mine if isinstance(e, Notice) and e.code == "vibration-high" and e.at < down.at]
                assert warned
                assert warned[-1].active
    assert found
    assert simulation.now == START + 6 * DAY


@pytest.mark.slow
def test_spindle_power_grows_with_wear() -> None:
    _, events = simulated(1, SamplingIntervals(10 * NS_PER_S, HOUR))
    power: dict[int, float] = {}
    wear: dict[int, float] = {}
    for event in events:
        if isinstance(event, Sample) and event.asset.endswith("mill-1") and isinstance(event.value, float | int):
            if event.signal == "spindle-power":
                power[event.at] = event.value
            if event.signal == "tool-wear":
                wear[event.at] = event.value
    roughing = [(wear[at], kw) for at, kw in power.items() if kw > 4.0]
    sharp = [kw for um, kw in roughing if um < 80]
    worn = [kw for um, kw in roughing if um > 240]
    assert sharp
    assert worn
    assert 1.05 < (sum(worn) / len(worn)) / (sum(sharp) / len(sharp)) < 1.5


def test_each_order_has_a_batch_of_material_within_20_percent_of_the_tables(three_days: ThreeDays) -> None:
    batches = [order.batch for line in three_days[0].lines for order in line.book.orders.values()]
    assert len(set(batches)) == len(batches) > 4
    assert all(0.8 <= batch <= 1.2 for batch in batches)
    assert max(batches) - min(batches) > 0.1


def test_measured_pieces_beyond_their_limits_are_scrap(three_days: ThreeDays) -> None:
    _, events, truth = three_days
    bad = {
        (event.asset, event.at)
        for event in events
        if isinstance(event, Measurement)
        and event.asset.endswith(("cmm-1", "scan-1"))
        and event.lower is not None
        and event.upper is not None
        and not event.lower <= event.value <= event.upper
    }
    scrap = {(one.asset, one.at) for one in truth if isinstance(one, TruePiece) and one.fate == "scrap"}
    assert bad
    assert bad <= scrap


def test_process_capability_is_believable(three_days: ThreeDays) -> None:
    values = [e.value for e in three_days[1] if isinstance(e, Measurement) and e.characteristic == "bore-diameter"]
    mean = sum(values) / len(values)
    sigma = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    cpk = min(12.02 - mean, mean - 11.98) / (3 * sigma)
    assert 0.7 < cpk < 1.7


def test_the_plant_file_knows_every_signal_unit_and_reason(three_days: ThreeDays) -> None:
    floor = read(PLANT.simulate)
    for asset, machine in floor.machine.items():
        for signal, unit in MODELS[machine.model].signals.items():
            info = PLANT.signal_info(asset, signal)
            assert info is not None, (asset, signal)
            assert info.unit == unit, (asset, signal)
            assert info.title
    reasons = {event.reason for event in three_days[1] if isinstance(event, StateChange)} - {""}
    for model in {MODELS[machine.model] for machine in floor.machine.values()}:
        reasons |= {failure.reason for failure in model.failures}
        reasons |= {pause.reason for pause in (*model.minor_stops, *model.waits)}
    assert reasons <= PLANT.reasons.keys()


@pytest.mark.slow
def test_something_happens_in_the_shipped_plant_at_every_hour() -> None:
    """In any half hour something happens on either line, and pieces are made."""
    _, events = simulated(4)
    half_hours: list[list[AnyEvent]] = [[] for _ in range(4 * 48)]
    for event in events:
        if isinstance(event, StateChange | Count):
            half_hours[(event.at - START) // (1_800 * NS_PER_S)].append(event)
    for happened in half_hours[4:]:
        assert {event.asset.partition("/")[0] for event in happened} == {"sheffield", "lancaster"}
        assert sum(isinstance(event, Count) for event in happened) >= 10


@pytest.mark.slow
def test_signals_stay_within_what_their_sensors_can_show() -> None:
    _, events = simulated(2, SamplingIntervals(30 * NS_PER_S, HOUR))
    beyond: Counter[tuple[str, str, bool]] = Counter()
    for event in events:
        if isinstance(event, Sample) and isinstance(event.value, float | int):
            info = PLANT.signal_info(event.asset, event.signal)
            assert info is not None
            if info.low is not None and info.high is not None:
                beyond[event.asset, event.signal, info.low <= event.value <= info.high] += 1
    for asset, signal, inside in list(beyond):
        normal, odd = beyond[asset, signal, True], beyond[asset, signal, False]
        assert odd <= 0.2 * (normal + odd), (asset, signal, inside)


def test_a_machine_that_comes_online_reports_its_current_state() -> None:
    simulation = Simulation(PLANT, START)
    simulation.sampling = QUIET
    simulation.run_until(START + 2 * HOUR)
    simulation.announce(order_since=simulation.now)
    events = simulation.run_until(START + 2 * HOUR + NS_PER_S)
    for asset in ("sheffield/machining/line-1/mill-1", "lancaster/joining/line-1/gantry-1"):
        first = [event for event in events if event.asset == asset]
        assert isinstance(first[0], Status)
        assert first[0].online
        assert {"status", "state", "job", "count", "labour"} <= {event.kind for event in first}
        assert all(event.at >= simulation.now - NS_PER_S for event in first)
