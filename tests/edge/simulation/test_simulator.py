"""The simulator against a clock and a broker that a test holds in its hands: restarts, crashes, gaps, back-fill."""

import asyncio
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable
from itertools import islice, pairwise
from pathlib import Path

import pytest

from broker.contract import codec
from broker.contract.events import COUNTERS, NS_PER_S, AnyEvent, Count, Job, Meter, Notice, Sample, StateChange, Status
from broker.contract.message import Message, Publication
from broker.plant import plant_file
from edge.simulation import ground_truth
from edge.simulation.clock import VirtualClock
from edge.simulation.event_buffer import TruePiece, TrueState
from edge.simulation.planning.plan_tables import PlanError
from edge.simulation.saved import CHECKPOINT_FILE
from edge.simulation.simulator import Simulator, simulate

START = 1_764_000_000 * NS_PER_S
MIN = 60 * NS_PER_S
HOUR = 60 * MIN
PLANT = plant_file.parse(
    """
    [calendar.days]
    time-zone = "UTC"
    shifts = [{ name = "day", start = "00:00", end = "24:00", breaks = [{ start = "09:00", end = "09:10" }] }]

    [asset."a"]
    calendar = "days"

    [product.p]
    ideal-cycle = 20
    [product.q]
    ideal-cycle = 30

    [simulate]
    seed = 7
    [simulate.line."a/b/c"]
    stages = [["mill-1", "mill-2"], ["robot-1"], ["cmm-1"]]
    buffers = [3, 2]
    orders = [{ product = "p", pieces = 40 }, { product = "q", pieces = 30 }]
    [simulate.machine."a/b/c/mill-1"]
    model = "five-axis-mill"
    cell = "robot-assembly"
    [simulate.machine."a/b/c/mill-2"]
    model = "five-axis-mill"
    cell = "robot-assembly"
    [simulate.machine."a/b/c/robot-1"]
    model = "weld-robot"
    cell = "robot-assembly"
    losses = { setup-min = 2 }
    [simulate.machine."a/b/c/cmm-1"]
    model = "coordinate-measuring-machine"
    cell = "cmm"
    losses = { setup-min = 1 }
    """,
    "test",
)
ASSETS = [f"a/b/c/{name}" for name in ("mill-1", "mill-2", "robot-1", "cmm-1")]


class Broker:
    """Records what is published; at an instant it cuts the power: that publication never returns."""

    def __init__(self, until: int | None = None, fails_at: int | None = None) -> None:
        self.publications: list[Publication] = []
        self.calls = 0
        self._until = until
        self._fails_at = fails_at

    async def publish(self, *publications: Publication) -> None:
        self.calls += 1
        newest = max((event.at for event in self.decode(publications)), default=0)
        if self._fails_at is not None and newest >= self._fails_at:
            raise ConnectionError
        self.publications += publications
        if self._until is not None and newest >= self._until:
            self._until = None
            await power_off()

    def decode(self, publications: Iterable[Publication] | None = None) -> list[AnyEvent]:
        received_at = START + 10**18
        return [
            event
            for one in (self.publications if publications is None else publications)
            for event in codec.decode(
                Message(one.topic, one.payload, received_at=received_at), retention_ns=received_at
            )
        ]


async def run(folder: Path, start: int, until: int) -> Broker:
    """Simulate from `start` until a message of `until` or later was published; return what the broker got."""
    broker = Broker(until)
    with pytest.raises(asyncio.CancelledError):
        await Simulator(PLANT, folder).simulate(broker, VirtualClock(start))
    return broker


def counters(events: Iterable[AnyEvent]) -> dict[str, list[Count]]:
    found = defaultdict(list)
    for event in events:
        if isinstance(event, Count):
            found[event.asset].append(event)
    return found


async def power_off() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


def made(count: Count, counter: str = "produced") -> float:
    value = getattr(count, counter)
    assert isinstance(value, float)
    return value


def lasting(events: Iterable[AnyEvent]) -> list[str]:
    return sorted({repr(event) for event in events if not isinstance(event, Sample)})


@pytest.mark.slow
async def test_all_machines_come_online_report_their_state_and_go_offline(tmp_path: Path) -> None:
    broker = await run(tmp_path, START, START + HOUR)
    for asset in ASSETS:
        mine = [event for event in broker.decode() if event.asset == asset]
        assert mine[0] == Status(asset=asset, at=START, simulated=True, online=True)
        assert {"state", "job", "count", "labour", "telemetry", "meter"} <= {event.kind for event in mine}
        assert isinstance(mine[-1], Status)
        assert not mine[-1].online
    assert all(one.qos == 1 for one in broker.publications)
    retained = {one.topic.split("/")[6] for one in broker.publications if one.retain}
    assert retained == {"state", "count", "job", "labour", "status"}


@pytest.mark.slow
async def test_nothing_is_published_before_its_time(tmp_path: Path) -> None:
    clock = VirtualClock(START)

    class PunctualBroker(Broker):
        async def publish(self, *publications: Publication) -> None:
            for event in self.decode(publications):
                assert event.at < clock.now() + (not event.online if isinstance(event, Status) else 0)
            await super().publish(*publications)

    with pytest.raises(asyncio.CancelledError):
        await Simulator(PLANT, tmp_path).simulate(PunctualBroker(START + HOUR), clock)


@pytest.mark.slow
async def test_after_a_restart_counters_meters_and_orders_go_on(tmp_path: Path) -> None:
    before = (await run(tmp_path, START, START + 2 * HOUR)).decode()
    after = (await run(tmp_path, START + 5 * HOUR, START + 6 * HOUR)).decode()
    for asset in ASSETS:
        old, new = counters(before)[asset][-1], counters(after)[asset]
        for counter in COUNTERS:
            values = [getattr(count, counter) for count in new]
            assert values == sorted(values)
            assert values[0] == getattr(old, counter)
        assert made(new[-1]) > made(old)
        totals = [event.total for event in [*before, *after] if isinstance(event, Meter) and event.asset == asset]
        assert len(totals) > 10 or asset != ASSETS[0]
    for name in ("electricity", "gas"):
        for asset in ASSETS:
            totals = [e.total for e in [*before, *after] if isinstance(e, Meter) and (e.asset, e.name) == (asset, name)]
            assert totals == sorted(totals)
    numbers = [job.order for job in [*before, *after] if isinstance(job, Job) and job.asset == ASSETS[0]]
    assert numbers == sorted(numbers)


@pytest.mark.slow
async def test_an_order_that_was_on_is_announced_as_before(tmp_path: Path) -> None:
    before = (await run(tmp_path, START, START + 20 * MIN)).decode()
    after = (await run(tmp_path, START + HOUR, START + HOUR + MIN)).decode()
    started = [event for event in before if isinstance(event, Job) and event.asset == ASSETS[0]][-1]
    again = next(event for event in after if isinstance(event, Job) and event.asset == ASSETS[0])
    if started.phase == "start":
        assert again == started


@pytest.mark.slow
async def test_machines_were_offline_between_two_runs(tmp_path: Path) -> None:
    before = (await run(tmp_path, START, START + HOUR)).decode()
    left_at = before[-1].at
    after = (await run(tmp_path, START + 3 * HOUR, START + 4 * HOUR)).decode()
    for asset in ASSETS:
        statuses = [event for event in after if isinstance(event, Status) and event.asset == asset]
        assert [(event.at, event.online) for event in statuses[:2]] == [(left_at, False), (START + 3 * HOUR, True)]
        first = next(event for event in after if isinstance(event, StateChange) and event.asset == asset)
        assert first.at == START + 3 * HOUR
    known = ground_truth.budgets(ground_truth.read(tmp_path / ground_truth.FILE_NAME), START, START + 4 * HOUR)
    for asset in ASSETS:
        assert known[asset].states["unknown"] == START + 3 * HOUR - left_at
        assert sum(known[asset].states.values()) == 4 * HOUR


@pytest.mark.slow
async def test_the_ground_truth_log_is_what_was_published_over_restarts(tmp_path: Path) -> None:
    published = []
    for start, until in ((0, 1), (2, 3), (3.5, 5)):
        broker = await run(tmp_path, START + round(start * 60) * MIN, START + until * HOUR)
        published += broker.decode()
    truth = list(ground_truth.read(tmp_path / ground_truth.FILE_NAME))
    states = {(e.at, e.asset, e.state) for e in published if isinstance(e, StateChange)}
    assert states == {(t.at, t.asset, t.state) for t in truth if isinstance(t, TrueState) and t.state != "unknown"}
    budgets = ground_truth.budgets(truth, START - 1, START + 5 * HOUR)
    for asset, counts in counters(published).items():
        assert made(counts[-1]) - made(counts[0]) == budgets[asset].pieces["produced"]
        assert made(counts[-1], "good") - made(counts[0], "good") == budgets[asset].pieces["good"]


class Crashing(Broker):
    """When a batch with a piece made after an instant is on its way, copies the folder, and cuts the power."""

    def __init__(self, after: int, live: Path, crashed: Path) -> None:
        super().__init__()
        self.taken: list[str] = []
        self._after, self._live, self._crashed = after, live, crashed

    async def publish(self, *publications: Publication) -> None:
        events = self.decode(publications)
        if not self.taken and any(isinstance(event, Count) and event.at > self._after for event in events):
            shutil.copytree(self._live, self._crashed)
            self.taken = lasting(events)
            await power_off()
        await super().publish(*publications)


@pytest.mark.slow
@pytest.mark.parametrize("minute", range(20, 26))
async def test_a_crash_while_publishing_loses_nothing_and_counts_nothing_twice(tmp_path: Path, minute: int) -> None:
    live, crashed = tmp_path / "live", tmp_path / "crashed"
    live.mkdir()
    broker = Crashing(START + minute * MIN, live, crashed)
    with pytest.raises(asyncio.CancelledError):
        await Simulator(PLANT, live).simulate(broker, VirtualClock(START))
    after = (await run(crashed, START + 2 * HOUR, START + 3 * HOUR)).decode()
    assert set(broker.taken) <= set(lasting(after))
    pieces = {
        (one.at, one.asset) for one in ground_truth.read(crashed / ground_truth.FILE_NAME) if isinstance(one, TruePiece)
    }
    for asset in ASSETS:
        received = {e.at: made(e) for e in [*broker.decode(), *after] if isinstance(e, Count) and e.asset == asset}
        produced = [received[at] for at in sorted(received)]
        assert produced == sorted(produced)
        assert produced[-1] - produced[0] == sum(1 for _, of in pieces if of == asset)


@pytest.mark.slow
async def test_a_computer_that_slept_makes_a_gap_not_a_flood(tmp_path: Path) -> None:
    class RealSpeed(VirtualClock):
        speed = 1.0

    clock = RealSpeed(START)

    class Sleeps(Broker):
        async def publish(self, *publications: Publication) -> None:
            await super().publish(*publications)
            if START + MIN < clock.now() < START + 2 * MIN:
                await clock.sleep_until(clock.now() + 8 * HOUR)

    broker = Sleeps(START + 8 * HOUR + 4 * MIN)
    with pytest.raises(asyncio.CancelledError):
        await Simulator(PLANT, tmp_path).simulate(broker, clock)
    events = [event for event in broker.decode() if START + 2 * MIN < event.at < START + 8 * HOUR]
    assert not events
    statuses = [event.online for event in broker.decode() if isinstance(event, Status) and event.asset == ASSETS[0]]
    assert statuses == [True, False, True, False]


@pytest.mark.slow
async def test_live_continues_from_the_back_fill_without_a_gap(tmp_path: Path) -> None:
    assert Simulator(PLANT, tmp_path).is_new
    simulator = Simulator(PLANT, tmp_path)
    past = [event for batch in simulator.backfill(START, START + 8 * HOUR) for event in batch]
    assert not simulator.is_new
    assert past[0].at == START
    assert all(START <= event.at < START + 8 * HOUR for event in past)
    broker = Broker(START + 9 * HOUR)
    with pytest.raises(asyncio.CancelledError):
        await simulator.simulate(broker, VirtualClock(START + 8 * HOUR))
    live = broker.decode()
    assert all(event.at >= START + 8 * HOUR or event in past for event in live)
    statuses = [event for event in [*past, *live] if isinstance(event, Status)]
    assert [event.online for event in statuses if event.asset == ASSETS[0]] == [True, True, False]
    for counts in counters([*past, *live]).values():
        produced = [made(count) for count in counts]
        assert all(0 <= after - before <= 1 for before, after in pairwise(produced))
    for asset in ASSETS:
        states = [event.state for event in [*past, *live] if isinstance(event, StateChange) and event.asset == asset]
        assert len(states) > 10
    truth = ground_truth.budgets(ground_truth.read(tmp_path / ground_truth.FILE_NAME), START, START + 9 * HOUR)
    assert all("unknown" not in budget.states for budget in truth.values())


@pytest.mark.slow
def test_of_days_that_are_over_there_is_a_reading_each_five_minutes() -> None:
    read_at = [
        event.at
        for batch in Simulator(PLANT).backfill(START, START + 25 * HOUR)
        for event in batch
        if isinstance(event, Sample) and (event.asset, event.signal) == (ASSETS[0], "spindle-speed")
    ]
    apart = [(at, later - at) for at, later in pairwise(read_at)]
    dense_from = START + 24 * HOUR
    assert {step for at, step in apart if at < dense_from - 5 * MIN} == {5 * MIN}
    assert {step for at, step in apart if at > dense_from + 5 * MIN} == {10 * NS_PER_S}


@pytest.mark.slow
async def test_after_a_back_fill_the_broker_receives_the_current_state_of_all_machines() -> None:
    simulator = Simulator(PLANT)
    past = [event for batch in simulator.backfill(START, START + HOUR) for event in batch]
    broker = Broker(START + HOUR)
    with pytest.raises(asyncio.CancelledError):
        await simulator.simulate(broker, VirtualClock(START + HOUR))
    at_once = [event for event in broker.decode() if event.at == START + HOUR]
    for asset in ASSETS:
        [online] = [event.online for event in at_once if isinstance(event, Status) and event.asset == asset]
        [state] = [event.state for event in at_once if isinstance(event, StateChange) and event.asset == asset]
        assert online
        assert state == next(e.state for e in reversed(past) if isinstance(e, StateChange) and e.asset == asset)
        assert counters(at_once)[asset][0].produced == counters(past)[asset][-1].produced


def test_a_new_plant_has_run_a_day_before_its_back_fill() -> None:
    batches = Simulator(PLANT).backfill(START, START + HOUR)
    first = next(batches)
    counts = counters(first)
    assert all(made(counts[asset][0]) > 100 for asset in ASSETS)
    assert {event.state for event in first if isinstance(event, StateChange) and event.at == START} != {"starved"}


@pytest.mark.slow
def test_a_back_fill_that_was_interrupted_is_continued(tmp_path: Path) -> None:
    seen = [
        event for batch in islice(Simulator(PLANT, tmp_path).backfill(START, START + 8 * HOUR), 3) for event in batch
    ]
    again = Simulator(PLANT, tmp_path)
    assert not again.is_new

    async def go_on() -> list[AnyEvent]:
        broker = Broker(START + 9 * HOUR)
        with pytest.raises(asyncio.CancelledError):
            await again.simulate(broker, VirtualClock(START + 8 * HOUR))
        return broker.decode()

    after = asyncio.run(go_on())
    for asset in ASSETS:
        assert made(counters(seen)[asset][-1]) <= made(counters(after)[asset][-1])
        assert counters(seen)[asset][-1] in counters(after)[asset]


@pytest.mark.slow
def test_a_past_that_was_interrupted_is_made_to_its_end_with_nothing_double(tmp_path: Path) -> None:
    made_first = list(islice(Simulator(PLANT, tmp_path).backfill(START, START + 8 * HOUR), 20))
    stored = [event for batch in made_first[:-1] for event in batch]  # the last one did not reach the store
    again = Simulator(PLANT, tmp_path)
    assert Simulator(PLANT, tmp_path).is_past_unfinished
    stored += [event for batch in again.backfill(START + 2 * HOUR, START + 10 * HOUR) for event in batch]
    assert not Simulator(PLANT, tmp_path).is_past_unfinished
    produced = [event for event in stored if not isinstance(event, Sample)]
    keys = [(event.asset, event.kind, event.series, event.at) for event in produced]
    assert len(set(keys)) == len(keys)
    assert [event.at for event in produced] == sorted(event.at for event in produced)
    assert max(event.at for event in produced) > START + 10 * HOUR - 10 * MIN
    assert not [event for event in produced if isinstance(event, Status) and not event.online]
    for counts in counters(stored).values():
        assert all(0 <= made(after) - made(before) <= 1 for before, after in pairwise(counts))
    truth = ground_truth.budgets(ground_truth.read(tmp_path / ground_truth.FILE_NAME), START, START + 10 * HOUR)
    assert all("unknown" not in budget.states for budget in truth.values())


@pytest.mark.slow
async def test_a_broken_checkpoint_is_logged_and_the_machines_start_as_new(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / CHECKPOINT_FILE).write_text('{"memory": 3')
    broker = await run(tmp_path, START, START + MIN)
    assert "start as new" in caplog.text
    first = broker.decode()[0]
    assert isinstance(first, Status)
    assert first.online


@pytest.mark.slow
async def test_a_line_that_was_rebuilt_keeps_its_counters(tmp_path: Path) -> None:
    before = (await run(tmp_path, START, START + HOUR)).decode()
    rebuilt = plant_file.parse(
        PLANT.text.replace('["robot-1"], ["cmm-1"]', '["robot-1"]')
        .replace("buffers = [3, 2]", "buffers = [3]")
        .replace(
            '[simulate.machine."a/b/c/cmm-1"]',
            '[simulate.line."a/b/d"]\n'
            'stages = [["cmm-1"]]\nbuffers = []\norders = [{ product = "p", pieces = 9 }]\n'
            '[simulate.machine."a/b/d/cmm-1"]',
        ),
        "rebuilt",
    )
    broker = Broker(START + 3 * HOUR)
    with pytest.raises(asyncio.CancelledError):
        await Simulator(rebuilt, tmp_path).simulate(broker, VirtualClock(START + 2 * HOUR))
    after = counters(broker.decode())
    assert after[ASSETS[0]][0].produced == counters(before)[ASSETS[0]][-1].produced
    assert after["a/b/d/cmm-1"]


@pytest.mark.slow
async def test_a_warning_that_was_on_at_the_end_is_cleared_or_stays_on(tmp_path: Path) -> None:
    events = []
    for hour in range(0, 12, 2):
        events += (await run(tmp_path, START + hour * HOUR, START + (hour + 1) * HOUR)).decode()
    raised = defaultdict(list)
    for event in events:
        if isinstance(event, Notice) and event.severity == "warning":
            raised[event.asset, event.code].append(event.active)
    assert raised
    for active in raised.values():
        assert active == [place % 2 == 0 for place in range(len(active))]


@pytest.mark.slow
async def test_the_function_resumes_from_the_folders_checkpoint(tmp_path: Path) -> None:
    await run(tmp_path, START, START + HOUR)
    broker = Broker(START + 2 * HOUR + MIN)
    with pytest.raises(asyncio.CancelledError):
        await simulate(broker, PLANT, VirtualClock(START + 2 * HOUR), folder=tmp_path)
    first = next(event for event in broker.decode() if isinstance(event, Status))
    assert not first.online  # it was offline since


async def test_a_publish_that_fails_ends_the_simulator(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        await Simulator(PLANT, tmp_path).simulate(Broker(fails_at=START + MIN), VirtualClock(START))
    saved = json.loads((tmp_path / CHECKPOINT_FILE).read_text())
    assert saved["messages"] or saved["memory"]["at"] > START


def test_a_mistake_in_the_plan_is_reported_at_once(tmp_path: Path) -> None:
    wrong = plant_file.parse(PLANT.text.replace('cell = "cmm"', 'cell = "cnn"'), "test")
    with pytest.raises(PlanError, match=r'^works.toml: simulate.machine.".*cnn'):
        Simulator(wrong, tmp_path, source="works.toml")
