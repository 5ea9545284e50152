"""Counters and meters that dip, are corrected, roll over, are reset or spike: recordings of it, worked out by hand."""

import pytest

from broker.plant.plant import NO_PLANT
from services.query.explaining import explain
from services.store.interface import Store
from tests.readings.cases import Case, replay


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "counter-back-by-one",
        "counter-rolls-over",
        "good-rejudged-as-scrap",
        "meter-one-tick-back",
        "meter-spike-decimal-shift",
        "meter-zero-for-five-minutes",
    ],
)
async def test_the_answer_is_that_worked_out_by_hand(name: str, store: Store) -> None:
    case = Case.read(name)
    await replay(case.messages, store)
    case.check(await case.ask(store))


@pytest.mark.slow
async def test_each_reading_that_was_no_production_is_explained_with_its_size(store: Store) -> None:
    case = Case.read("meter-spike-decimal-shift")
    await replay(case.messages, store)
    found = await explain(store, NO_PLANT, case.asset, "energy_per_good_piece", (case.start, case.end), now=case.end)
    (reading,) = found.readings
    assert (reading.kind, reading.source, reading.size, reading.counted) == ("spike", "electricity", 320_000.4, 0)
    assert (
        reading.text == "electricity jumped from 35548.4 to 355548.8 and was back: the jump of 320000.4 is not counted"
    )


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("counter-back-by-one", "counter-corrected"),
        ("counter-rolls-over", "counter-rolled-over"),
        ("good-rejudged-as-scrap", "counter-corrected"),
        ("meter-one-tick-back", "counter-dipped"),
        ("meter-spike-decimal-shift", "counter-spiked"),
        ("meter-zero-for-five-minutes", "counter-dipped"),
    ],
)
async def test_what_was_seen_is_noted_once(name: str, code: str, store: Store) -> None:
    case = Case.read(name)
    await replay(case.messages, store)
    found = [warning for warning in (await case.ask(store)).warnings if warning.code.startswith("counter-")]
    assert [(warning.code, warning.amount) for warning in found] == [(code, 1)]
