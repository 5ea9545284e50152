"""Counters and meters that dip, are corrected, roll over, are reset or spike: recordings of it, worked out by hand."""

import pytest

from services.store.interface import Store
from tests.readings.cases import Case, replay


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
