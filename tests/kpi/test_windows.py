"""The running windows: what is published is what the same question answers, whatever came before and in which order."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from broker.contract.codec import decode_kpi
from broker.contract.events import AnyEvent, Count, Job, Measurement, Meter, State, StateChange
from broker.contract.instants import parse as instant
from broker.contract.message import Message
from broker.contract.topics import PREFIX
from broker.plant.plant import NO_PLANT, Plant
from broker.plant.plant_file import parse
from services.kpi.fleet import ALL_AT_ONCE, AT_ONCE
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.machine import SILENT_NS
from services.kpi.published.window_totals import REPEAT_NS, paths
from services.kpi.published.windows import SHARE, Windows
from services.ledger.fields import NANO, Sums, add
from services.ledger.history import MINUTE
from services.ledger.indicators.indicators import Context, coverage, evaluate
from services.query.answers import OEE_FAMILY, answer
from services.query.composition import CORE
from services.query.ranges import measure
from services.store.interface import Store
from tests.ledger.deliveries import PLANTS, Step, deliveries, histories
from tests.ledger.stores import empty_store
from tests.properties import examples

if TYPE_CHECKING:
    from broker.contract.payloads import KpiPayload, KpiWarning

SITE = "sheffield"
LINE = f"{SITE}/machining/line-1"
MILL = f"{LINE}/mill-1"
SAW = f"{LINE}/saw-1"
DAY = parse(
    """
    [calendar.day]
    time-zone = "UTC"
    shifts = [{ name = "day", start = "06:00", end = "14:00" }]
    [asset.sheffield]
    calendar = "day"
    """,
    "day.toml",
)


def at(clock: str) -> int:
    return instant(f"2026-11-24T{clock if clock.count(':') == 2 else clock + ':00'}Z")


def state(clock: str, word: State, machine: str = MILL) -> StateChange:
    return StateChange(asset=machine, at=at(clock), state=word)


class Running:
    """A ledger writer and its windows at a time that the test sets, as the service joins them."""

    def __init__(self, store: Store, plant: Plant, silent_ns: int = SILENT_NS, at_once: int = AT_ONCE) -> None:
        self.store, self.plant, self.now = store, plant, 0
        self.windows = Windows(store, plant)
        self.writer = LedgerWriter(
            store,
            plant,
            lambda: self.now,
            changed=self.windows.apply,
            silent_ns=silent_ns,
            at_once=(at_once, ALL_AT_ONCE),
        )
        self.shown: dict[tuple[str, str], KpiPayload] = {}

    async def tick(self, share: int = 1) -> set[tuple[str, str]]:
        """Let the present pass for one machine in so many, and return what is published."""
        await self.windows.roll(self.writer, await self.writer.advance(share), share)
        await self.windows.read(self.now, for_s=60)
        due = set()
        for publication in self.windows.due(self.now, share):
            assert (publication.qos, publication.retain) == (1, True)
            if not publication.payload:
                asset, _, window = publication.topic.removeprefix(f"{PREFIX}/").rpartition("/kpi/")
                self.shown.pop((asset, window), None)
                continue
            message = Message(publication.topic, publication.payload, 1, retained=True, received_at=self.now)
            asset, payload = decode_kpi(message)
            due.add((asset, payload.window))
            self.shown[asset, payload.window] = payload
        return due

    async def check(self) -> None:
        """Hold all that is shown against the answers to the same questions, once nothing is due any more."""
        await self.tick()
        await self.writer.finish()
        await self.tick()
        for (asset, window), payload in self.shown.items():
            start, end = instant(payload.start), instant(payload.end)
            if end < self.now and not window.startswith("last-"):
                continue  # it is not due yet
            if window.endswith("order"):
                if any(f"{machine}/".startswith(f"{asset}/") for machine in self.writer.silent()):
                    continue  # the windows of those machines are not published, of which it is the sum
                sums = await self.order(asset, payload)
                assert payload.coverage == coverage(sums), (asset, window)
                right = evaluate(sums, Context(operations=tuple([{}] * len(self.plant.stages(asset))))).values
                assert {name: payload.indicators[name] for name in OEE_FAMILY} == {
                    name: right[name] for name in OEE_FAMILY
                }, (asset, window)
            else:
                found = await answer(self.store, self.plant, asset, start, end, now=self.now)
                assert payload.indicators == found.indicators, (asset, window)
                assert payload.coverage == found.coverage, (asset, window)
                assert payload.implausible == found.implausible, (asset, window)
                assert core_warnings(payload.warnings) == core_warnings(found.warnings), (asset, window)
            assert payload.notes == [warning.text for warning in payload.warnings]

    async def order(self, asset: str, shown: "KpiPayload") -> Sums:
        """Return the sum of an order, measured apart: of a line, that of its machines' windows of it."""
        parts = {(asset, shown.start, shown.end)} if asset.count("/") == 3 else set()
        parts |= {
            (machine, part.start, part.end)
            for (machine, window), part in self.shown.items()
            if window.endswith("order") and part.name == shown.name and machine.startswith(f"{asset}/")
        }
        total: Sums = {}
        for machine, start, end in parts:
            span = (instant(start), instant(end))
            add(total, (await measure(self.store, self.plant, machine, *span, now=self.now)).total())
        return total


def core_warnings(warnings: "list[KpiWarning]") -> "list[KpiWarning]":
    """Return why indicators that everyone expects are not defined: what is both published and answered."""
    return [warning for warning in warnings if warning.indicator in CORE]


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with empty_store() as opened:
        yield opened


@pytest.mark.slow
@examples(40)
@hypothesis.given(
    PLANTS,
    histories(16).flatmap(deliveries),
    st.sampled_from([20 * MINUTE, 90 * MINUTE, SILENT_NS]),
    st.sampled_from([0, 30, AT_ONCE]),
)
def test_what_is_published_is_what_is_answered(plant: Plant, steps: list[Step], silent_ns: int, at_once: int) -> None:
    async def run() -> None:
        async with empty_store() as store:
            running = Running(store, plant, silent_ns, at_once)
            for step in steps:
                running.now = max(step.now, running.now, *(event.at + 1 for event in step.events))
                await running.writer.store_events(step.events)
                if step.then == "advance":
                    await running.check()
                elif step.then == "restart":
                    running, now = Running(store, plant, silent_ns, at_once), running.now
                    running.now = now
            await running.check()

    asyncio.run(run())


async def test_every_level_has_its_hour_and_its_shift(store: Store) -> None:
    running = Running(store, DAY)
    running.now = at("08:30")
    await running.writer.store_events([state("08:00", "running"), state("08:15", "down", SAW)])
    levels = {*paths(MILL), SAW}
    assert await running.tick() == {(level, window) for level in levels for window in ("hour", "shift")}
    hour = running.shown[LINE, "hour"]
    assert (hour.start, hour.end) == ("2026-11-24T08:00:00Z", "2026-11-24T08:30:00Z")
    assert hour.indicators["availability"] == 30 / 45
    assert hour.coverage == 45 / 60
    shift = running.shown[LINE, "shift"]
    assert shift.start == "2026-11-24T06:00:00Z"
    assert shift.coverage == 45 / 300


async def test_what_no_event_touches_is_published_again_as_time_goes_by(store: Store) -> None:
    running = Running(store, NO_PLANT)
    running.now = at("08:30")
    meter = f"{LINE}/meter-1"
    events: list[AnyEvent] = [
        state("08:00", "running"),
        Meter(asset=meter, at=at("08:10"), name="electricity", total=5),
        Meter(asset=meter, at=at("08:20"), name="electricity", total=9),
        Count(asset=MILL, at=at("08:00"), produced=0),
        Count(asset=MILL, at=at("08:20"), produced=8),
    ]
    await running.writer.store_events(events)
    await running.tick()
    assert running.shown[LINE, "hour"].indicators["comprehensive_energy_consumption"] == 0.5
    assert running.shown[meter, "hour"].coverage == 0
    running.windows.apply([], ())
    assert await running.tick() == set()
    running.now += REPEAT_NS
    again = [await running.tick() for _ in range(SHARE)]
    assert any((LINE, "hour") in part for part in again)
    assert not again[0] & again[1], "evenly, not all at once"
    await running.check()


async def test_a_new_hour_begins_with_what_is_in_force(store: Store) -> None:
    running = Running(store, DAY)
    running.now = at("08:59:59")
    await running.writer.store_events([state("08:00", "running"), state("08:30", "setup")])
    await running.tick()
    running.now = at("09:00:01")
    await running.tick()
    hour = running.shown[MILL, "hour"]
    assert (hour.start, hour.end) == ("2026-11-24T09:00:00Z", "2026-11-24T09:00:01Z")
    assert (hour.coverage, hour.indicators["availability"], hour.indicators["setup_rate"]) == (1, 0, 1)
    last = running.shown[MILL, "last-hour"]
    assert (last.start, last.end) == ("2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z")
    assert (last.coverage, last.indicators["availability"]) == (1, 0.5)
    running.now = at("14:00:01")
    assert (MILL, "shift") not in await running.tick(), "the shift is over"
    assert (MILL, "shift") not in running.shown, "nor does the broker remember it as running"
    shift = running.shown[MILL, "last-shift"]
    assert (shift.name, shift.start, shift.end) == ("day", "2026-11-24T06:00:00Z", "2026-11-24T14:00:00Z")
    await running.check()


async def test_late_events_correct_what_is_over(store: Store) -> None:
    running = Running(store, DAY)
    running.now = at("08:40")
    await running.writer.store_events([state("08:00", "running")])
    await running.tick()
    running.now = at("09:10")
    await running.tick()
    assert running.shown[SITE, "last-hour"].indicators["availability"] == 1
    await running.writer.store_events([state("08:45", "down")])
    assert (SITE, "last-hour") in await running.tick()
    assert running.shown[SITE, "last-hour"].indicators["availability"] == 0.75
    await running.check()


async def test_an_order_counts_from_its_very_instant(store: Store) -> None:
    running = Running(store, DAY)
    running.now = at("08:45")
    job = Job(asset=MILL, at=at("08:10:20"), phase="start", order="wo-1", product="bracket", ideal_cycle=60)
    counts = [
        Count(asset=MILL, at=at(clock), produced=made, good=made)
        for clock, made in (("08:00", 0), ("08:10:10", 3), ("08:20", 9), ("08:40:20", 21))
    ]
    await running.writer.store_events([state("08:00", "running"), job, *counts])
    await running.check()
    order = running.shown[MILL, "order"]
    assert (order.name, order.start, order.end) == ("wo-1", "2026-11-24T08:10:20Z", "2026-11-24T08:45:00Z")
    assert order.indicators["throughput_rate"] == 18 / (34 * 60 + 40)
    of_one = {"fall_off_ratio", "rolled_throughput_yield"}  # a machine by itself is a line of one operation
    line = running.shown[LINE, "order"].indicators
    assert {name for name in line if line[name] != order.indicators[name]} <= of_one
    running.now = at("08:50")
    await running.writer.store_events(
        [state("08:50", "setup"), msgspec.structs.replace(job, at=at("08:50"), phase="end")]
    )
    assert {(MILL, "last-order"), (LINE, "last-order")} <= await running.tick()
    assert (MILL, "order") not in running.shown
    last = running.shown[MILL, "last-order"]
    assert (last.name, last.end) == ("wo-1", "2026-11-24T08:50:00Z")
    assert last.indicators["effectiveness"] == pytest.approx(18 * 60 / (39 * 60 + 40))
    running.now = at("08:55")
    await running.writer.store_events([state("08:30:20", "down")])
    await running.check()
    assert running.shown[MILL, "last-order"].indicators["availability"] == pytest.approx(20 * 60 / (39 * 60 + 40))


async def test_the_order_of_a_line_is_the_one_that_came_onto_it_last(store: Store) -> None:
    running = Running(store, DAY)
    running.now = at("08:45")
    starts = [("08:00", MILL, "wo-1"), ("08:10", SAW, "wo-1"), ("08:20", MILL, "wo-2")]
    jobs = [Job(asset=machine, at=at(clock), phase="start", order=order) for clock, machine, order in starts]
    await running.writer.store_events([state("08:00", "running"), state("08:00", "running", SAW), *jobs])
    await running.check()
    order, last = running.shown[LINE, "order"], running.shown[LINE, "last-order"]
    assert (order.name, order.start) == ("wo-2", "2026-11-24T08:20:00Z")
    assert (last.name, last.start, last.end) == ("wo-1", "2026-11-24T08:00:00Z", "2026-11-24T08:45:00Z")
    assert last.indicators["allocation_ratio"] == 1
    assert (SITE, "order") not in running.shown, "orders are of machines and lines"


async def test_after_a_restart_the_broker_remembers_nothing_that_is_over(store: Store) -> None:
    running = Running(store, DAY)
    running.now = at("08:30")
    await running.writer.store_events([state("08:00", "running")])
    await running.windows.roll(running.writer, await running.writer.advance())
    cleared = {publication.topic for publication in running.windows.due(running.now) if not publication.payload}
    assert f"{PREFIX}/{MILL}/kpi/order" in cleared
    assert f"{PREFIX}/{MILL}/kpi/hour" not in cleared
    assert not any(not publication.payload for publication in running.windows.due(running.now)), "once is enough"


async def test_what_was_measured_is_published_with_the_rest(store: Store) -> None:
    running = Running(store, DAY)
    running.now = at("08:30")
    values = [
        Measurement(
            asset=MILL, at=at(f"08:0{n}"), characteristic="bore", value=12 + n % 2 * 0.01, lower=11.9, upper=12.1
        )
        for n in range(9)
    ]
    await running.writer.store_events([state("08:00", "running"), *values])
    await running.check()
    assert running.shown[MILL, "hour"].indicators["cpk"] is not None


async def test_a_late_event_before_all_others_is_not_counted_besides_the_unknown(store: Store) -> None:
    running = Running(store, NO_PLANT)
    running.now = at("08:40")
    await running.writer.store_events([state("08:30", "running")])
    await running.check()
    assert running.shown[MILL, "hour"].coverage == 0.25
    await running.writer.store_events([state("08:10", "setup")])
    await running.check()
    assert running.shown[MILL, "hour"].coverage == 0.75


async def test_after_a_write_that_failed_the_sums_are_reloaded(store: Store) -> None:
    running = Running(store, NO_PLANT)
    running.now = at("08:40")
    await running.writer.store_events([state("08:30", "running")])
    await running.tick()
    running.writer = LedgerWriter(store, NO_PLANT, lambda: running.now)  # of what it writes nobody learns
    await running.writer.store_events([state("08:35", "down")])
    running.windows.reset()
    await running.check()
    assert running.shown[MILL, "hour"].indicators["availability"] == 0.5


async def test_a_reading_joins_time_only_once_its_machine_counts(store: Store) -> None:
    running = Running(store, NO_PLANT)
    running.now = at("08:30")
    await running.writer.store_events([Meter(asset=MILL, at=at("08:10"), name="electricity", total=5)])
    await running.check()
    assert running.shown[MILL, "hour"].coverage == 0
    running.now += 60 * NANO
    await running.writer.store_events([state("08:30", "running")])
    await running.check()
    assert running.shown[MILL, "hour"].coverage == pytest.approx(1 / 31)
    assert msgspec.json.encode(running.shown[MILL, "hour"])
