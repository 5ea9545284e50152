"""What every store does with the ledger: exact sums, the same at every resolution, whatever is written when."""

import itertools
from collections.abc import Callable

import hypothesis
import pytest
from hypothesis import strategies as st

from services.ledger.fields import FIELDS, NANO, Sums, add
from services.store import due
from services.store.interface import Batch, LedgerRow, ReasonRow, Resolution, Store
from tests.store.conftest import QUICK_ENGINES

MILL = "sheffield/machining/line-1/mill-2"
ROBOT = "detroit/assembly/line-1/robot-1"
MIDNIGHT = 1_764_115_200 * NANO
MINUTE = 60 * NANO
SPANS: dict[Resolution, int] = {"minute": MINUTE, "hour": 60 * MINUTE, "day": 1_440 * MINUTE}
FOR_EVER = 2**62
NUMBERS = itertools.count()


def row(minute: int, sums: Sums, asset: str = MILL, product: str = "bracket", shift: str = "day") -> LedgerRow:
    return LedgerRow(asset, MIDNIGHT + minute * MINUTE, product, shift, sums, f"wo-{minute}" if sums else "")


def reason(minute: int, seconds: int, entries: int = 0, state: str = "down", word: str = "jam") -> ReasonRow:
    return ReasonRow(MILL, MIDNIGHT + minute * MINUTE, state, word, seconds, entries)


async def every_total(store: Store) -> list[dict[tuple[str, str, str], Sums]]:
    return [await store.totals("", 0, FOR_EVER, resolution) for resolution in SPANS]


async def test_rows_come_back_in_order_as_they_were(store: Store) -> None:
    full = {field: place * NANO + 1 for place, field in enumerate(FIELDS, start=1)}
    rows = [row(0, {"running_s": MINUTE}, ROBOT), row(0, full), row(0, {"good": 1}, shift="late"), row(1, full)]
    await store.write(Batch(rows=rows[::-1]))
    assert await store.rows("", 0, FOR_EVER) == rows
    assert await store.rows("sheffield", MIDNIGHT, MIDNIGHT + MINUTE) == rows[1:3]
    assert await store.rows(ROBOT, MIDNIGHT + MINUTE, FOR_EVER) == []


@pytest.mark.parametrize("shift", ["frühschicht", "πρωί", "夜班", "صباح"])
async def test_a_shift_is_named_in_any_alphabet(store: Store, shift: str) -> None:
    rows = [row(0, {"good": 1}, shift=shift)]
    await store.write(Batch(rows=rows))
    assert await store.rows("", 0, FOR_EVER) == rows
    assert await every_total(store) == [{(MILL, "bracket", shift): {"good": 1}}] * 3


@pytest.mark.slow
async def test_the_running_minute_is_rewritten_as_it_grows(store: Store) -> None:
    for second in range(1, 61):
        await store.write(Batch(rows=[row(90, {"running_s": second * NANO})]))
        assert await every_total(store) == [{(MILL, "bracket", "day"): {"running_s": second * NANO}}] * 3


async def test_hours_and_days_follow_the_minutes(store: Store) -> None:
    await store.write(Batch(rows=[row(minute, {"running_s": MINUTE, "good": NANO}) for minute in range(1_500)]))
    hours = await store.rows(MILL, MIDNIGHT, FOR_EVER, "hour")
    assert [(one.start - MIDNIGHT) // SPANS["hour"] for one in hours] == list(range(25))
    assert {one.sums["good"] for one in hours} == {60 * NANO}
    days = await store.rows(MILL, MIDNIGHT, FOR_EVER, "day")
    assert [one.sums["good"] for one in days] == [1_440 * NANO, 60 * NANO]
    assert await store.totals(MILL, MIDNIGHT, MIDNIGHT + 90 * MINUTE, "hour") == {
        (MILL, "bracket", "day"): {"running_s": 120 * MINUTE, "good": 120 * NANO}
    }


async def test_what_comes_to_nothing_is_in_no_sum(store: Store) -> None:
    """Pieces that were taken back: in another hour, or day, they are summed by another way than within one."""
    for apart in (1, 61, 1_441):
        product = f"apart-{apart}"
        taken = [row(apart, {"running_s": MINUTE, "good": -NANO}, product=product)]
        await store.write(Batch(rows=[row(0, {"running_s": MINUTE, "good": NANO}, product=product), *taken]))
    assert (
        await every_total(store)
        == [{(MILL, f"apart-{apart}", "day"): {"running_s": 2 * MINUTE} for apart in (1, 1_441, 61)}] * 3
    )


async def test_the_order_of_an_hour_is_its_last(store: Store) -> None:
    await store.write(Batch(rows=[row(minute, {"good": NANO}) for minute in (0, 9, 100, 200)]))
    assert [one.order for one in await store.rows(MILL, 0, FOR_EVER, "hour")] == ["wo-9", "wo-100", "wo-200"]
    assert [one.order for one in await store.rows(MILL, 0, FOR_EVER, "day")] == ["wo-200"]


@pytest.mark.slow
async def test_rewriting_an_old_minute_changes_its_hour_and_day(store: Store) -> None:
    await store.write(Batch(rows=[row(minute, {"running_s": MINUTE}) for minute in range(3_000)]))
    await store.write(Batch(rows=[row(61, {"down_s": MINUTE})]))
    expected = {(MILL, "bracket", "day"): {"running_s": 2_999 * MINUTE, "down_s": MINUTE}}
    assert await every_total(store) == [expected] * 3
    assert await store.totals(MILL, MIDNIGHT + 60 * MINUTE, MIDNIGHT + 61 * MINUTE, "hour") == {
        (MILL, "bracket", "day"): {"running_s": 59 * MINUTE, "down_s": MINUTE}
    }


async def test_an_empty_row_takes_away_what_was_there(store: Store) -> None:
    await store.write(Batch(rows=[row(0, {"running_s": MINUTE}), row(500, {"running_s": MINUTE})]))
    await store.write(Batch(rows=[row(0, {}), row(7, {"good": 0})]))
    for resolution in SPANS:
        assert len(await store.rows(MILL, 0, FOR_EVER, resolution)) == 1
    await store.write(Batch(rows=[row(500, {})]))
    assert await every_total(store) == [{}] * 3
    assert await store.watermark("") == {}


async def test_sums_beyond_64_bits_stay_exact(store: Store) -> None:
    huge = 2**63 + 1
    await store.write(
        Batch(rows=[row(minute, {"stock_s": huge, "consumed": 2**62 + 1}) for minute in range(0, 300, 30)])
    )
    expected = {(MILL, "bracket", "day"): {"stock_s": 10 * huge, "consumed": 10 * (2**62 + 1)}}
    assert await every_total(store) == [expected] * 3
    assert (await store.rows(MILL, 0, FOR_EVER, "minute"))[0].sums["stock_s"] == huge


async def test_negative_sums_are_stored(store: Store) -> None:
    await store.write(Batch(rows=[row(0, {"rework": -NANO}), row(1, {"rework": -1})]))
    assert await every_total(store) == [{(MILL, "bracket", "day"): {"rework": -NANO - 1}}] * 3


async def test_reasons_add_by_machine_state_and_reason(store: Store) -> None:
    await store.write(Batch(reasons=[reason(minute, MINUTE, NANO * (minute == 3)) for minute in range(3, 3_000)]))
    await store.write(Batch(reasons=[reason(3, 5, state="idle", word="")]))
    await store.write(Batch(reasons=[reason(100, 0)]))
    start = MIDNIGHT
    assert await store.reasons("", start, FOR_EVER) == [
        ReasonRow(MILL, start, "down", "jam", 2_996 * MINUTE, NANO),
        ReasonRow(MILL, start, "idle", "", 5, 0),
    ]
    start = MIDNIGHT + 59 * MINUTE
    assert await store.reasons(MILL, start, start + 2_000 * MINUTE) == [
        ReasonRow(MILL, start, "down", "jam", 1_999 * MINUTE, 0)
    ]
    assert await store.reasons(ROBOT, 0, FOR_EVER) == []


async def test_reason_rows_come_back_as_written(store: Store) -> None:
    rows = [reason(0, 5, 1), reason(0, 6, 0, "idle", ""), reason(1, 7)]
    await store.write(Batch(reasons=[*rows[::-1], reason(2, 0)]))
    assert await store.reason_rows("", 0, FOR_EVER) == rows
    assert await store.reason_rows(MILL, MIDNIGHT + MINUTE, FOR_EVER) == rows[2:]


async def test_the_watermark_is_the_newest_minute_of_each_machine(store: Store) -> None:
    await store.write(Batch(rows=[row(5, {"good": 1}), row(3, {"good": 1}), row(9, {"good": 1}, ROBOT)]))
    assert await store.watermark("") == {MILL: MIDNIGHT + 5 * MINUTE, ROBOT: MIDNIGHT + 9 * MINUTE}
    assert await store.watermark("detroit") == {ROBOT: MIDNIGHT + 9 * MINUTE}


async def test_the_watermark_ends_where_rows_are_due_to_be_recomputed(store: Store) -> None:
    await store.write(Batch(rows=[row(minute, {"running_s": MINUTE}) for minute in range(5)]))
    await store.set_metadata(due.NOTE, due.written({MILL: (MIDNIGHT + 2 * MINUTE, MIDNIGHT + 4 * MINUTE)}))
    assert await store.watermark("") == {MILL: MIDNIGHT + 2 * MINUTE}
    await store.set_metadata(due.NOTE, due.written({}))
    assert await store.watermark("") == {MILL: MIDNIGHT + 4 * MINUTE}


async def test_a_machine_that_has_only_ledger_rows_has_not_reported(store: Store) -> None:
    await store.write(Batch(rows=[row(5, {"good": 1})]))
    assert await store.machines() == []


NEAR_OR_WEEKS_OFF = st.integers(0, 4_000) | st.integers(0, 40_000)
ROWS = st.lists(
    st.builds(
        row,
        NEAR_OR_WEEKS_OFF.map(lambda minute: minute // 20 * 20),
        st.dictionaries(st.sampled_from(["running_s", "down_s", "good"]), st.integers(-5, 2**40), max_size=2),
        st.sampled_from([MILL, ROBOT]),
        st.sampled_from(["-", "bracket"]),
        st.just("-"),
    ),
    max_size=12,
)


@pytest.mark.slow
@pytest.mark.parametrize("store", QUICK_ENGINES, indirect=True)
@hypothesis.given(batches=st.lists(ROWS, max_size=6), start=st.integers(-100, 4_000), length=NEAR_OR_WEEKS_OFF)
@hypothesis.settings(max_examples=40, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
async def test_whatever_is_written_the_resolutions_agree_with_the_minutes(
    store: Store, batches: list[list[LedgerRow]], start: int, length: int
) -> None:
    site = f"x{next(NUMBERS)}"
    stored: dict[tuple[str, int, str, str], Sums] = {}
    for batch in batches:
        rows = [LedgerRow(f"{site}/{one.asset}", one.start, one.product, one.shift, one.sums) for one in batch]
        await store.write(Batch(rows=rows))
        stored.update({(one.asset, one.start, one.product, one.shift): one.sums for one in rows})
        for resolution, span in SPANS.items():
            begin = MIDNIGHT + start * MINUTE
            end = begin + length * MINUTE
            totals = await store.totals(site, begin, end, resolution)
            assert nonzero(totals) == expected(stored, lambda at, span=span: begin <= at // span * span < end)  # type: ignore[misc]  # noqa: B023


def expected(
    stored: dict[tuple[str, int, str, str], Sums], is_within: Callable[[int], bool]
) -> dict[tuple[str, str, str], Sums]:
    totals: dict[tuple[str, str, str], Sums] = {}
    for (asset, at, product, shift), sums in stored.items():
        if is_within(at):
            add(totals.setdefault((asset, product, shift), {}), sums)
    return nonzero(totals)


def nonzero(totals: dict[tuple[str, str, str], Sums]) -> dict[tuple[str, str, str], Sums]:
    return {key: left for key, sums in totals.items() if (left := {name: n for name, n in sums.items() if n})}
