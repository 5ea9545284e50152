"""Machines that come and go: recordings of it, with answers worked out by hand."""

import pytest

from services.store.interface import Store
from tests.readings.cases import Case, replay


@pytest.mark.parametrize("name", ["offline-flap-inside-a-stop", "stale-will-after-reconnect", "clock-ahead-and-will"])
async def test_the_answer_is_that_worked_out_by_hand(name: str, store: Store) -> None:
    case = Case.read(name)
    await replay(case.messages, store)
    case.check(await case.ask(store))
