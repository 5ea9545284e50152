"""Range questions: whole days, hours and minutes from the ledger, the ends from the events, and one exact answer."""

import itertools
from collections.abc import Iterable, Sequence

import hypothesis
import pytest
from hypothesis import strategies as st

from broker.contract.events import AnyEvent, Count, Job, Labour, Material, Meter, Sample, State, StateChange, Status
from broker.contract.instants import parse as instant
from broker.plant.plant import NO_PLANT, Plant
from broker.plant.plant_file import parse
from services.kpi.ledger_writer import LedgerWriter
from services.ledger.fields import NANO, TIME, Sums, add
from services.query.ranges import Range, measure
from services.store.interface import Store
from services.store.resolutions import DAY, HOUR, layers
from tests.properties import examples

MINUTE = 60 * NANO
LINE = "sheffield/machining/line-1"
MILL = f"{LINE}/mill-1"
SAW = f"{LINE}/saw-1"
DAYS = parse(
    """
    [calendar.day]
    time-zone = "UTC"
    shifts = [{ name = "day", start = "06:00", end = "14:00", breaks = [{ start = "09:00", end = "09:15" }] }]
    [asset.sheffield]
    calendar = "day"
    """,
    "days.toml",
)


def at(clock: str) -> int:
    return instant(f"2026-11-24T{clock if clock.count(':') == 2 else clock + ':00'}Z")


def state(clock: str, word: State, machine: str = MILL) -> StateChange:
    return StateChange(asset=machine, at=at(clock), state=word)


async def store_events(store: Store, events: Iterable[AnyEvent], now: int, plant: Plant = NO_PLANT) -> None:
    writer = LedgerWriter(store, plant, lambda: now)
    await writer.store_events(list(events))
    await writer.advance()
    await writer.finish()


async def total(store: Store, asset: str, start: str, end: str, now: str, plant: Plant = NO_PLANT) -> dict[str, float]:
    measured = await measure(store, plant, asset, at(start), at(end), now=at(now))
    return {field: amount / NANO for field, amount in measured.total().items() if amount}


# ---- Layers ----


@hypothesis.given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_range_is_cut_into_whole_days_hours_and_minutes(first: int, length: int) -> None:
    start, end = first * MINUTE, (first + length) * MINUTE
    cut = sorted(layers(start, end))
    assert [edge for begin, until, _ in cut for edge in (begin, until)] == (
        [start, *itertools.chain.from_iterable((until, until) for _, until, _ in cut[:-1]), end] if length else []
    )
    sizes = {"minute": MINUTE, "hour": HOUR, "day": DAY}
    for begin, until, resolution in cut:
        size = sizes[resolution]
        assert begin % size == until % size == 0
        coarser = HOUR if resolution == "minute" else DAY
        assert resolution == "day" or -(-begin // coarser) * coarser + coarser > until, "a coarser row would fit"


@pytest.mark.slow
async def test_a_week_from_days_hours_and_minutes_are_the_sum_of_their_minutes(store: Store) -> None:
    words: itertools.cycle[State] = itertools.cycle(["running", "down", "setup", "running", "starved", "idle", "off"])
    start = at("13:17:11")
    changes = [
        StateChange(asset=MILL, at=start + step * 433 * MINUTE + step * 7, state=next(words)) for step in range(30)
    ]
    counts = [Count(asset=MILL, at=event.at + 5 * MINUTE, produced=7.0 * i) for i, event in enumerate(changes[:-1])]
    end = changes[-1].at
    await store_events(store, [*changes, *counts], end, DAYS)
    assert {resolution for _, _, resolution in layers(-(-start // MINUTE) * MINUTE, end // MINUTE * MINUTE)} == {
        "minute",
        "hour",
        "day",
    }
    measured = await measure(store, DAYS, MILL, start + 1, end - 1, now=end)
    expected: Sums = {}
    for row in await store.rows(MILL, 0, 2**62):
        add(expected, row.sums)
    for edge in (
        await measure(store, DAYS, MILL, start - start % MINUTE, start + 1, now=end),
        await measure(store, DAYS, MILL, end - 1, end, now=end),
    ):
        add(expected, {field: -amount for field, amount in edge.total().items()})
    assert {field: amount for field, amount in measured.total().items() if amount} == {
        field: amount for field, amount in expected.items() if amount
    }
    assert sum(measured.total().get(field, 0) for field in TIME) == end - start - 2


EVENTS: Sequence[AnyEvent] = (
    Job(asset=MILL, at=at("08:00"), phase="start", order="wo-1", product="bracket", ideal_cycle=60.0),
    state("08:00", "running"),
    Count(asset=MILL, at=at("08:00"), produced=0, good=0),
    state("08:10:00.000000001", "blocked"),
    state("08:12", "running"),
    Count(asset=MILL, at=at("08:20:30"), produced=9, good=8),
    Labour(asset=MILL, at=at("08:01:07"), present=1 / 3, working=0.1),
    Material(asset=MILL, at=at("08:03:09"), name="bar", stock=0.7),
)


@pytest.mark.slow
@hypothesis.given(st.lists(st.integers(at("07:58"), at("08:31")), min_size=1, max_size=4))
@examples(20, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
async def test_however_a_range_is_cut_its_parts_add_up(store: Store, cuts: list[int]) -> None:
    if not await store.machines():  # all examples share one store
        await store_events(store, EVENTS, at("08:30"), DAYS)
    edges = [at("07:50"), *sorted(cuts), at("08:40")]
    whole = await measure(store, DAYS, MILL, edges[0], edges[-1], now=at("08:30"))
    parts: dict[tuple[str, str, str], Sums] = {}
    for start, end in itertools.pairwise(edges):
        if start < at("08:30"):
            for key, sums in (await measure(store, DAYS, MILL, start, end, now=at("08:30"))).parts.items():
                add(parts.setdefault(key, {}), sums)
    # Before its first event the machine is not counted: time that was asked for by itself is missing there.
    for sums in (*parts.values(), *whole.parts.values()):
        sums.pop("unknown_planned_s", None)
    assert _without_zeros(parts) == _without_zeros(whole.parts)


def _without_zeros(parts: dict[tuple[str, str, str], Sums]) -> dict[tuple[str, str, str], Sums]:
    found = {key: {field: amount for field, amount in sums.items() if amount} for key, sums in parts.items()}
    return {key: sums for key, sums in found.items() if sums}


# ---- What is counted ----


@pytest.mark.slow
async def test_a_machine_that_joins_late_was_unknown_before_in_the_shifts_of_its_calendar(store: Store) -> None:
    await store_events(store, [state("05:00", "running"), state("13:30", "running", SAW)], at("14:30"), DAYS)
    measured = await measure(store, DAYS, LINE, at("05:00"), at("14:30"), now=at("14:30"))
    assert measured.machines == (MILL, SAW)
    assert measured.parts[SAW, "-", "-"] == {
        "unknown_s": 60 * MINUTE,
        "running_s": 30 * MINUTE,
        "between_s": 30 * MINUTE,
        "overtime_s": 30 * MINUTE,
        "uncounted_s": 30 * MINUTE,
    }
    day = measured.parts[SAW, "-", "day"]
    assert (day["unknown_planned_s"], day["unknown_s"]) == ((7 * 60 + 15) * MINUTE, 15 * MINUTE)


@pytest.mark.slow
async def test_a_machine_is_unknown_before_its_first_report_so_that_hours_add_to_the_whole(store: Store) -> None:
    await store_events(store, [state("08:00", "running"), state("09:30", "running", SAW)], at("10:00"))
    cuts = [("07:00", "08:00"), ("08:00", "09:00"), ("09:00", "10:00")]
    hours = [await total(store, LINE, *cut, "10:00") for cut in cuts]
    assert [hour["unknown_s"] for hour in hours] == [7_200, 3_600, 1_800]
    whole = await total(store, LINE, "07:00", "10:00", "10:00")
    assert whole == {field: sum(hour.get(field, 0) for hour in hours) for field in whole}


@pytest.mark.slow
async def test_a_declared_machine_that_never_reported_is_unknown(store: Store) -> None:
    plant = parse(f'[asset."{SAW}"]\ntitle = "Saw"', "plant.toml")
    await store_events(store, [state("08:00", "running")], at("09:00"))
    line = await measure(store, plant, LINE, at("08:00"), at("09:00"), now=at("09:00"))
    assert line.machines == (MILL, SAW)
    assert line.of_machine(SAW) == {"unknown_s": HOUR}
    saw = await measure(store, plant, SAW, at("08:00"), at("09:00"), now=at("09:00"))
    assert saw.total() == {"unknown_s": HOUR}
    assert (await measure(store, NO_PLANT, SAW, at("08:00"), at("09:00"), now=at("09:00"))).machines == ()


@pytest.mark.slow
async def test_a_meter_of_its_own_adds_energy_but_no_time(store: Store) -> None:
    meter = f"{LINE}/meter-1"
    events: list[AnyEvent] = [
        state("08:00", "running"),
        *(
            Meter(asset=meter, at=at(f"08:{minute}"), name="electricity", total=float(minute))
            for minute in (10, 30, 50)
        ),
        Sample(asset=f"{LINE}/hall-1", at=at("08:00"), signal="temperature", value=21.0),
    ]
    await store_events(store, events, at("09:00"))
    assert await total(store, LINE, "08:00", "09:00", "09:00") == {
        "running_s": 3_600,
        "between_s": 3_600,
        "uncounted_s": 3_600,
        "electricity_kwh": 40,
    }
    assert await total(store, meter, "08:00", "08:30:30", "09:00") == {"electricity_kwh": 20, "unknown_s": 1_830}


@pytest.mark.slow
async def test_stock_counts_until_now_though_the_ledger_of_its_shelf_is_behind(store: Store) -> None:
    shelf = f"{LINE}/shelf-1"
    now = at("08:00")
    writer = LedgerWriter(store, NO_PLANT, lambda: now)
    await writer.store_events([Material(asset=shelf, at=now, name="bar", stock=2), state("08:00", "running")])
    now = at("10:00")
    await writer.store_events([state("10:00", "setup")])
    assert (await total(store, LINE, "08:00", "10:00", "10:00"))["stock_s"] == 2 * 7_200


async def test_what_has_not_happened_is_not_counted(store: Store) -> None:
    await store_events(store, [state("08:00", "running")], at("08:30"))
    measured = await measure(store, NO_PLANT, MILL, at("08:00"), at("12:00"), now=at("08:45:00.5"))
    assert measured.end == at("08:45:00.5")
    assert measured.total()["running_s"] == 45 * MINUTE + NANO // 2
    assert (await measure(store, NO_PLANT, MILL, at("11:00"), at("12:00"), now=at("08:45"))).total() == {}


async def test_nothing_is_known_of_an_asset_that_never_reported(store: Store) -> None:
    await store_events(store, [state("08:00", "running")], at("08:30"))
    assert await measure(store, DAYS, "detroit", at("08:00"), at("08:30"), now=at("08:30")) == Range(
        "detroit", at("08:00"), at("08:30"), {}, {}, ()
    )


@pytest.mark.slow
@pytest.mark.parametrize("restart", [False, True])
async def test_a_failure_is_no_new_one_after_a_day_of_silence(store: Store, *, restart: bool) -> None:
    now = at("00:00")
    writer = LedgerWriter(store, NO_PLANT, lambda: now)
    down = StateChange(asset=MILL, at=at("00:10"), state="down", reason="jam")
    await writer.store_events([state("00:00", "running"), down])
    await writer.store_events([state("00:20", "unknown"), Status(asset=MILL, at=at("00:30"), online=False)])
    now = at("23:00")
    await writer.advance()
    if restart:
        writer = LedgerWriter(store, NO_PLANT, lambda: now)
    await writer.store_events([StateChange(asset=MILL, at=at("22:59:30"), state="down", reason="jam")])
    await writer.advance()
    measured = await measure(store, NO_PLANT, MILL, at("00:00"), at("23:00"), now=now)
    assert measured.total()["failures"] == NANO
    assert measured.reasons[MILL, "down", "jam"] == (10 * MINUTE + 30 * NANO, NANO)
    evening = await measure(store, NO_PLANT, MILL, at("22:59:10"), at("22:59:50"), now=now)
    assert "failures" not in evening.total()
