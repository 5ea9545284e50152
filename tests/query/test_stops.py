"""Stops: each state that loses planned time, with its reason, order and length, the newest first."""

import pytest

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S, Job, StateChange
from services.query.states.stops import stops
from services.store.interface import Batch, Store

EIGHT = 1_795_593_600 * NS_PER_S  # 2026-11-25T08:00:00Z
MINUTE = 60 * NS_PER_S
MILL, SAW = "leeds/shop/line-1/mill-1", "leeds/shop/line-1/saw-1"
HOUR = (EIGHT, EIGHT + 60 * MINUTE)


async def reported(store: Store) -> None:
    timeline = [
        (0, "running", ""), (10, "down", "jam"), (12, "down", "jam"), (15, "running", ""), (20, "starved", ""),
        (25, "off", ""), (40, "setup", ""), (50, "running", ""), (58, "down", "tool"),
    ]  # fmt: skip
    events = [
        StateChange(asset=MILL, at=EIGHT + minute * MINUTE, state=state, reason=reason)  # type: ignore[arg-type]
        for minute, state, reason in timeline
    ]
    events.append(StateChange(asset=SAW, at=EIGHT - 30 * MINUTE, state="blocked"))
    await store.write(Batch(events=events))
    job = Job(asset=MILL, at=EIGHT + 5 * MINUTE, phase="start", order="wo-1", product="bracket")
    await store.write(Batch(events=[job]))


async def test_the_newest_comes_first_and_one_that_lasts_has_no_end(store: Store) -> None:
    await reported(store)
    found = await stops(store, "leeds", *HOUR)
    assert [(each.asset, each.state, each.reason, each.seconds, each.to is None) for each in found] == [
        (MILL, "down", "tool", 120.0, True),
        (MILL, "setup", "", 600.0, False),
        (MILL, "starved", "", 300.0, False),
        (MILL, "down", "jam", 300.0, False),  # reported twice, it is one
        (SAW, "blocked", "", 3600.0, True),  # it began before the range
    ]
    assert (found[0].order, found[0].product, found[-1].order) == ("wo-1", "bracket", "")
    assert found[-1].from_ == "2026-11-25T08:00:00Z"


@pytest.mark.parametrize(("reason", "count"), [("jam", 1), ("", 3), ("other", 0)])
async def test_those_for_one_reason_or_for_none(store: Store, reason: str, count: int) -> None:
    await reported(store)
    assert len(await stops(store, "", *HOUR, reason=reason)) == count


async def test_a_range_beyond_a_month_is_an_error_with_a_hint(store: Store) -> None:
    with pytest.raises(ContractError, match="31 days"):
        await stops(store, "", EIGHT - 40 * 24 * 60 * MINUTE, EIGHT)
