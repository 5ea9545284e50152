"""The ledger writer: messages become events, rows and rejections in one write; nothing is lost when a write fails."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from broker.contract.events import AnyEvent, Count, Job, Sample, State, StateChange, Status
from broker.contract.instants import parse as instant
from broker.contract.message import Message
from broker.contract.topics import PREFIX
from broker.plant.plant import NO_PLANT
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.machine import SILENT_NS
from services.kpi.rebuilding import PORTION_NS
from services.ledger.fields import NANO, TIME, Sums, add
from services.query.ranges import measure
from services.store import due as due_note
from services.store.interface import Batch, Rejected, StoreError
from services.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from services.kpi.machine import Change

MINUTE = 60 * NANO
FOR_EVER = 2**62
LINE = "sheffield/machining/line-1"
MILL = f"{LINE}/mill-1"
SAW = f"{LINE}/saw-1"


def at(clock: str) -> int:
    return instant(f"2026-11-24T{clock if clock.count(':') == 2 else clock + ':00'}Z")


def state(clock: str, word: State, machine: str = MILL) -> StateChange:
    return StateChange(asset=machine, at=at(clock), state=word)


def received(clock: str, kind: str, payload: str, *, retained: bool = False) -> Message:
    return Message(f"{PREFIX}/{MILL}/{kind}", payload.encode(), 1, retained=retained, received_at=at(clock))


class Watched(SqliteStore):
    """A store that keeps count of what is written, and fails as often as a test wants."""

    batches: list[Batch]
    failures = 0
    questions = 0

    async def events(self, *arguments: Any, **options: Any) -> list[AnyEvent]:
        self.questions += 1
        return await super().events(*arguments, **options)

    async def write(self, batch: Batch) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("the disk is full")
        await super().write(batch)
        self.batches.append(batch)


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Watched]:
    opened = await Watched.open(tmp_path / "corridor.db")
    opened.batches = []
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def total(store: SqliteStore, start: str, end: str, asset: str = MILL) -> Sums:
    return (await measure(store, NO_PLANT, asset, at(start), at(end), now=at(end))).total()


async def test_a_message_its_rows_and_rejections_are_one_write(store: Watched, clock: Clock) -> None:
    clock.now = at("08:01:30")
    writer = LedgerWriter(store, NO_PLANT, clock)
    good = received("08:00", "state", json.dumps({"ts": at("08:00") // 1_000_000, "state": "running"}))
    bad = received("08:01", "count", "{'produced': 5}")
    rejected = await writer.persist([good, bad])
    assert [(one.topic, one.payload, one.at) for one in rejected] == [(bad.topic, bad.payload, at("08:01"))]
    assert "double quotes" in rejected[0].reason
    (batch,) = store.batches
    assert (len(batch.events), batch.rejected) == (1, rejected)
    assert sorted({row.start for row in batch.rows}) == [at("07:59"), at("08:00"), at("08:01")]
    stored: list[Rejected] = await store.rejected(0, FOR_EVER)
    assert stored == rejected


async def test_nothing_is_written_when_nothing_has_changed(store: Watched, clock: Clock) -> None:
    clock.now = at("08:10")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events([state("08:00", "running"), Count(asset=MILL, at=at("08:05"), produced=3)])
    await writer.store_events([state("08:00", "running")])
    assert not store.batches[-1].rows
    count = len(store.batches)
    await writer.advance()
    assert len(store.batches) == count
    clock.now += NANO
    await writer.advance()
    assert [row.start for row in store.batches[-1].rows] == [at("08:10")]


async def test_quality_is_stored_but_makes_no_rows(store: Watched, clock: Clock) -> None:
    clock.now = at("08:10")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.persist([received("08:00", "quality/bore", '{"value":12.01}')])
    assert (len(store.batches[-1].events), len(store.batches[-1].rows)) == (1, 0)
    assert writer.counted() == {}


async def test_machines_that_are_offline_are_found_again_in_turns(store: Watched, clock: Clock) -> None:
    clock.now = at("08:01:30")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events([state("08:00", "running", machine) for machine in (MILL, SAW)])
    await writer.store_events([Status(asset=machine, at=at("08:01"), online=False) for machine in (MILL, SAW)])
    await writer.advance(2)  # the first after a pause is for all
    await store.write(
        Batch(events=[Sample(asset=machine, at=at("08:01:31"), signal="load", value=1.0) for machine in (MILL, SAW)])
    )
    found: list[set[str]] = []
    for _ in range(2):
        clock.now += 2 * NANO
        await writer.advance(2)
        machines = writer.live().items()
        found.append({asset for asset, machine in machines if machine.history.links.at(clock.now)})
    assert [len(each) for each in found] == [1, 2]


@pytest.mark.parametrize("restart", [False, True])
async def test_a_late_event_rewrites_only_the_minutes_that_it_touches(
    store: Watched, clock: Clock, *, restart: bool
) -> None:
    reported: list[Change] = []
    clock.now = at("08:00")
    writer = LedgerWriter(store, NO_PLANT, clock, changed=lambda rows, _: reported.extend(rows))
    await writer.store_events([state("08:00", "running")])
    clock.now = at("16:00")
    await writer.store_events([state("15:00", "idle")])
    await writer.advance()
    if restart:
        writer = LedgerWriter(store, NO_PLANT, clock, changed=lambda rows, _: reported.extend(rows))
    reported.clear()
    await writer.store_events([state("09:00:30", "down"), state("09:02", "running")])
    assert {row.start for row in store.batches[-1].rows} == {at("09:00"), at("09:01"), at("09:02")}, (
        "it is repaired at 09:02"
    )
    assert [start for _, start, _, _ in sorted(reported, key=lambda change: change[1])] == [
        at(f"09:0{minute}") for minute in range(3)
    ]
    change: Sums = {}
    for _, _, more, _ in reported:
        add(change, more)
    assert change["running_s"] == -change["down_s"] == -90 * NANO
    assert (await total(store, "08:00", "16:00"))["failures"] == NANO


async def test_a_late_stop_makes_the_stop_before_it_short_in_rows_older_than_memory(
    store: Watched, clock: Clock
) -> None:
    reported: list[Change] = []
    clock.now = at("08:00")
    writer = LedgerWriter(store, NO_PLANT, clock, changed=lambda rows, _: reported.extend(rows))
    await writer.store_events([state("07:58", "running")])
    clock.now = at("10:00")
    await writer.advance()  # memory begins at 09:00
    clock.now = at("09:02")
    writer = LedgerWriter(store, NO_PLANT, lambda: at("10:00"), changed=lambda rows, _: reported.extend(rows))
    await writer.store_events([state("08:58", "idle"), state("09:00:30", "running")])
    minutes: dict[int, Sums] = {}
    for _, start, more, _ in reported:
        add(minutes.setdefault(start, {}), more)
    rows = {row.start: row.sums for row in await store.rows(MILL, 0, FOR_EVER)}
    assert {start: _reported(sums) for start, sums in minutes.items() if _reported(sums)} == rows
    assert (await total(store, "07:00", "10:00"))["microstop_s"] == 150 * NANO


def _reported(sums: Sums) -> Sums:
    return {field: amount for field, amount in sums.items() if amount}


async def test_a_write_that_failed_is_made_again_by_the_retry(store: Watched, clock: Clock) -> None:
    clock.now = at("08:30")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events([state("08:00", "running")])
    store.failures = 1
    late: list[AnyEvent] = [state("08:10", "down"), state("08:20", "running")]
    with pytest.raises(StoreError):
        await writer.store_events(late)
    await writer.store_events(late)
    found = await total(store, "08:00", "08:30")
    assert (found["running_s"], found["down_s"], found["failures"]) == (20 * MINUTE, 10 * MINUTE, NANO)


async def test_a_machine_that_spoke_in_the_instant_of_a_restart_goes_on(store: Watched, clock: Clock) -> None:
    clock.now = at("08:00")
    await LedgerWriter(store, NO_PLANT, clock).store_events([state("08:00", "running")])
    clock.now = at("12:00")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.advance()
    assert (await total(store, "08:00", "12:00"))["running_s"] == 240 * MINUTE, "though no row is there yet"
    await writer.finish()
    assert (await store.watermark(MILL))[MILL] == at("11:59")
    assert (await total(store, "08:00", "12:00"))["running_s"] == 240 * MINUTE


async def test_a_machine_whose_events_are_gone_is_unknown_and_stops_nobody(store: Watched, clock: Clock) -> None:
    clock.now = at("08:30")
    await LedgerWriter(store, NO_PLANT, clock).store_events([state("08:00", "running"), state("08:00", "running", SAW)])
    await store.apply_retention(events_before=at("08:10"), minutes_before=0)
    clock.now = at("08:40")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events([state("08:35", "running", SAW)])
    await writer.advance()
    assert sorted(writer.counted()) == [MILL, SAW]
    assert (await store.watermark(""))[MILL] == at("08:39")


@pytest.mark.slow
async def test_many_new_machines_are_looked_up_together(store: Watched, clock: Clock) -> None:
    clock.now = at("06:10")
    asked: list[int] = []
    for count, line in ((2, "line-1"), (200, "line-2")):
        writer = LedgerWriter(store, NO_PLANT, clock)
        await writer.start()
        store.questions = 0
        machines = [f"sheffield/machining/{line}/mill-{number}" for number in range(count)]
        await writer.store_events([state("06:00", "running", machine) for machine in machines])
        asked.append(store.questions)
        await writer.finish()
        assert {row.asset for row in await store.rows(f"sheffield/machining/{line}", 0, FOR_EVER)} == set(machines)
    assert asked[0] == asked[1]


async def test_new_machines_of_several_sites_and_ones_that_only_the_store_knows_go_on(
    store: Watched, clock: Clock
) -> None:
    first = LedgerWriter(store, NO_PLANT, clock)
    clock.now = at("06:10")
    await first.start()
    second = LedgerWriter(store, NO_PLANT, clock)
    mills = [f"site-{number}/machining/line-1/mill" for number in range(30)]
    await second.store_events([state("06:00", "running", mill) for mill in mills[:15]])
    await first.store_events([state("06:05", "down", mill) for mill in mills])
    for number, mill in enumerate(mills):
        sums = await total(store, "06:00", "06:10", mill)
        known = 300 if number < 15 else 0
        assert (sums.get("running_s", 0), sums["down_s"]) == (known * NANO, 300 * NANO)


@pytest.mark.slow
async def test_memory_is_bounded_by_the_horizon(store: Watched, clock: Clock) -> None:
    clock.now = at("00:00")
    writer = LedgerWriter(store, NO_PLANT, clock)
    for minute in range(0, 600, 2):
        clock.now = at("00:00") + minute * MINUTE
        await writer.store_events([StateChange(asset=MILL, at=clock.now, state="running" if minute % 4 else "idle")])
        await writer.advance()
    machine = writer._fleet.machines[MILL]
    assert len(machine.rows) <= 91
    assert len(machine.history.states.times) <= 54


# ---- What the broker sends again ----


@pytest.mark.parametrize("is_stored", [True, False])
async def test_an_offline_that_is_delivered_again_counts_from_when_it_first_did(
    store: Watched, clock: Clock, *, is_stored: bool
) -> None:
    """What came after it, before the service ended, does not place it once more; and it may not be stored yet."""
    clock.now = at("08:50")
    first = [received("08:00", "state", "running"), received("08:10", "count", '{"produced": 1}')]
    will = received("08:20", "status", '{"ts": "2026-11-24T08:05:00Z", "status": "offline"}')
    back = received("08:30", "count", '{"ts": "2026-11-24T08:30:00Z", "produced": 1}')
    again = [msgspec.structs.replace(each, received_at=at("08:50"), redelivered=True) for each in (will, will, back)]
    await LedgerWriter(store, NO_PLANT, clock).persist([*first, *((will, back) if is_stored else ())])
    await LedgerWriter(store, NO_PLANT, clock).persist(again)
    (offline,) = await store.events(["status"], MILL, 0, FOR_EVER)
    assert offline.at == at("08:10")
    assert (await total(store, "08:00", "08:50"))["unknown_s"] == 20 * MINUTE


# ---- What the broker remembers ----


async def test_a_retained_state_does_not_bring_an_offline_machine_back(store: Watched, clock: Clock) -> None:
    clock.now = at("08:30")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events([state("08:00", "running"), Status(asset=MILL, at=at("08:10"), online=False)])
    await writer.persist([received("08:20", "state", "running", retained=True)])
    await writer.persist(
        [received("08:25", "state", "idle", retained=True), received("08:25", "status", "offline", retained=True)]
    )
    found = await total(store, "08:00", "08:30")
    assert (found["running_s"], found["unknown_s"]) == (10 * MINUTE, 20 * MINUTE)
    await writer.persist([received("08:30", "status", "online")])
    clock.now = at("08:40")
    await writer.advance()
    assert (await total(store, "08:00", "08:40"))["running_s"] == 20 * MINUTE


async def test_a_retained_state_is_what_a_machine_never_seen_is_in(store: Watched, clock: Clock) -> None:
    clock.now = at("08:30")
    writer = LedgerWriter(store, NO_PLANT, clock)
    online, running = (
        received("08:20", *reported_state, retained=True)
        for reported_state in (("status", "online"), ("state", "running"))
    )
    await writer.persist([running, online])
    await writer.persist([received("08:25", "state", "running", retained=True)])
    assert len(await store.events(["state"], MILL, 0, FOR_EVER)) == 1
    assert (await total(store, "08:00", "08:30"))["running_s"] == 10 * MINUTE


async def test_a_retained_state_of_a_machine_that_is_not_known_to_be_online_never_counts(
    store: Watched, clock: Clock
) -> None:
    clock.now = at("08:30")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.persist([received("08:00", "state", "running", retained=True), received("08:20", "state", "down")])
    assert await total(store, "08:00", "08:30") == {
        "unknown_s": 20 * MINUTE,
        "down_s": 10 * MINUTE,
        "repair_s": 10 * MINUTE,
        "failures": NANO,
    }


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("turned", [True, False])
async def test_the_end_of_an_order_does_not_end_the_one_that_begins_at_that_instant(
    store: Watched, clock: Clock, *, together: bool, turned: bool
) -> None:
    clock.now = at("09:00")
    first = Job(asset=MILL, at=at("08:00"), phase="start", order="wo-1")
    end = Job(asset=MILL, at=at("08:30"), phase="end", order="wo-1")
    start = Job(asset=MILL, at=at("08:30"), phase="start", order="wo-2")
    change = [start, end] if turned else [end, start]
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events([state("08:00", "running"), first])
    for events in [change] if together else [[event] for event in change]:
        await writer.store_events(events)
    await LedgerWriter(store, NO_PLANT, clock).store_events([end])
    assert await store.events(["job"], MILL, 0, FOR_EVER) == [first, start]
    assert (await total(store, "08:00", "09:00"))["order_s"] == 60 * MINUTE


@pytest.mark.parametrize("word", ["off", "down"])
async def test_a_recording_of_an_earlier_time_ends_the_interval_that_a_later_one_had_prolonged(
    store: Watched, clock: Clock, word: State
) -> None:
    clock.now = at("12:00:30")
    first = LedgerWriter(store, NO_PLANT, clock)
    await first.store_events([state("08:00", "running"), state("12:00", "off", SAW)])
    await first.advance()
    clock.now = at("09:00")
    second = LedgerWriter(store, NO_PLANT, clock)
    await second.store_events([state("09:00", word)])
    await second.advance()
    found = await total(store, "08:00", "12:00:30")
    assert {field: amount for field, amount in found.items() if field in TIME} == {
        "running_s": 3600 * NANO,
        f"{word}_s": (3 * 3600 + 30) * NANO,
    }


# ---- What is too much for one batch, and what is silent ----

DAY = 24 * 60 * MINUTE


def line_of(number: int, word: State, when: int) -> list[AnyEvent]:
    return [StateChange(asset=f"{LINE}/late-{n}", at=when, state=word) for n in range(number)]


async def running_s(store: SqliteStore, start: int, end: int) -> float:
    sums = (await measure(store, NO_PLANT, LINE, start, end, now=end)).total()
    return sums.get("running_s", 0) / NANO


@pytest.mark.slow
async def test_what_comes_very_late_holds_nobody_up_and_is_right_at_once(store: Watched, clock: Clock) -> None:
    now = clock.now = at("12:00")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events(line_of(3, "running", now - 20 * DAY))
    await writer.finish()
    await writer.store_events([*line_of(3, "off", now - 10 * DAY), state("11:59", "running")])
    rows = store.batches[-1].rows
    assert {row.asset for row in rows} == {MILL}, "whoever is on time has its rows at once"
    assert len(writer.behind()) == 3
    right = 3 * 10 * DAY / NANO + 60
    assert await running_s(store, now - 20 * DAY, now) == right, "it is computed from events"
    most = 0
    while await writer.catch_up():
        most = max(most, len(store.batches[-1].rows))
        assert await running_s(store, now - 20 * DAY, now) == right
    assert 0 < most <= PORTION_NS // MINUTE
    totals = await store.totals(LINE, 0, FOR_EVER)
    assert sum(sums.get("running_s", 0) for sums in totals.values()) == right * NANO, "the rows say it, too"


@pytest.mark.slow
async def test_what_is_before_all_others_has_rows_although_the_machine_is_being_recomputed(
    store: Watched, clock: Clock
) -> None:
    now = clock.now = at("12:00")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events(line_of(1, "running", now - 3 * DAY))
    await writer.finish()
    await writer.store_events(line_of(1, "off", now - 2 * DAY))
    await writer.catch_up()
    assert writer.behind(), "a portion is made, more are to come"
    await writer.store_events(line_of(1, "running", now - 4 * DAY))
    await writer.finish()
    totals = await store.totals(LINE, 0, FOR_EVER)
    assert sum(sums.get("running_s", 0) for sums in totals.values()) == 2 * DAY


async def test_what_is_due_survives_a_restart(store: Watched, clock: Clock) -> None:
    now = clock.now = at("12:00")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events(line_of(2, "running", now - 3 * DAY))
    await writer.finish()
    await writer.store_events(line_of(2, "off", now - 3 * DAY + 60 * MINUTE))
    assert due_note.read(await store.metadata(due_note.NOTE)).keys() == writer.behind()
    await writer.catch_up()
    second = LedgerWriter(store, NO_PLANT, clock)
    await second.advance()
    assert second.behind() == writer.behind() != set()
    assert await running_s(store, now - 3 * DAY, now) == 2 * 3_600
    await second.finish()
    assert due_note.read(await store.metadata(due_note.NOTE)) == {}
    totals = await store.totals(LINE, 0, FOR_EVER)
    assert sum(sums.get("running_s", 0) for sums in totals.values()) == 2 * 3_600 * NANO


async def test_the_end_of_an_order_that_comes_very_late_does_not_end_the_one_that_began_then(
    store: Watched, clock: Clock
) -> None:
    now = clock.now = at("12:00")
    start = Job(asset=MILL, at=now - 3 * DAY, phase="start", order="wo-2")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events([start])
    await writer.finish()
    await writer.store_events([Job(asset=MILL, at=now - 3 * DAY, phase="end", order="wo-1")])
    assert await store.events(["job"], MILL, 0, FOR_EVER) == [start]


async def test_a_machine_that_is_long_silent_costs_nothing_until_it_speaks(store: Watched, clock: Clock) -> None:
    clock.now = at("12:00")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events([state("12:00", "running")])
    begun = clock.now
    for _ in range(30):
        clock.now += 60 * MINUTE
        await writer.advance()
    assert len(writer) == 0
    written = len(store.batches)
    clock.now += 5 * DAY
    await writer.advance()
    assert len(store.batches) == written
    assert await running_s(store, begun, clock.now) == (clock.now - begun) / NANO
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.advance()
    assert (len(writer), len(store.batches)) == (0, written), "after a restart, too"
    await writer.store_events([StateChange(asset=MILL, at=clock.now, state="off")])
    await writer.finish()
    totals = await store.totals(MILL, 0, FOR_EVER)
    assert sum(sums.get("running_s", 0) for sums in totals.values()) == clock.now - begun
    clock.now += MINUTE
    await writer.advance()
    assert len(writer) == 1


async def test_a_machine_whose_only_word_is_long_ago_gets_rows_for_a_day(store: Watched, clock: Clock) -> None:
    now = clock.now = at("12:00")
    writer = LedgerWriter(store, NO_PLANT, clock)
    await writer.store_events(line_of(2, "running", now - 25 * DAY))
    await writer.finish()
    await writer.advance()
    assert len(await store.rows(LINE, 0, FOR_EVER)) < 2 * (SILENT_NS // MINUTE + 3)
    assert await running_s(store, now - 30 * DAY, now) == 2 * 25 * DAY / NANO
