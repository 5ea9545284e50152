"""Rows made at once from columns are those that `rows.build` makes, to the last digit: any events, any range."""

import hypothesis
import pytest
from hypothesis import strategies as st

from broker.contract.events import AnyEvent, Count, Job, Labour, Material, Meter, State, StateChange, Status
from broker.plant.plant import NO_PLANT, Plant
from services.ledger.columnar.builder import build
from services.ledger.columnar.columns import ColumnBuilder, Slice
from services.ledger.fields import NANO
from services.ledger.history import History, lookback_ns
from services.ledger.rows import Rows
from services.ledger.rows import build as build_one
from services.ledger.rules import Rules
from services.ledger.state_timeline import UNKNOWN
from tests.ledger.deliveries import MACHINES, PLANTS, SHIFTS, T0, histories
from tests.ledger.oracle import MINUTE
from tests.properties import examples

MILL = MACHINES[0]


def both(plant: Plant, events: list[AnyEvent], start: int, end: int, *, since: int | None = None) -> None:
    """Hold rows that were made at once against those made one by one."""
    column_builder = ColumnBuilder()
    right: dict[str, Rows] = {}
    for asset in sorted({event.asset for event in events}):
        own = [event for event in events if event.asset == asset]
        history = History(start)
        for event in own:
            history.put(event, event.at, plant.microstop_limit_ns)
        rules = Rules.of(plant, asset)
        known = UNKNOWN if since is None else history.last_known_state(since)
        column_builder.put(Slice(asset, start, end, rules, known), own, -(2**62) if since is None else since)
        right[asset] = build_one(history, start, end, rules)
    found = build(column_builder.columns()).rows()
    assert found.keys() == right.keys()
    for asset, rows in found.items():
        reported = {
            key: {field: sum_ for field, sum_ in sums.items() if sum_} for key, sums in right[asset].sums.items()
        }
        assert rows.sums == reported
        assert rows.orders == right[asset].orders
        assert rows.reasons == right[asset].reasons


@pytest.mark.slow
@examples(300)
@hypothesis.given(PLANTS, histories(40), st.data())
def test_rows_of_any_range_are_those_made_one_by_one(plant: Plant, events: list[AnyEvent], data: st.DataObject) -> None:
    instants = sorted({T0 - 90 * MINUTE, *(event.at for event in events), events[-1].at + 70 * MINUTE})
    ends = [
        data.draw(st.sampled_from(instants)) + data.draw(st.sampled_from([0, 0, 1, -1, 17 * NANO, 45 * MINUTE]))
        for _ in range(2)
    ]
    start, end = min(ends), max(ends)
    end += start == end
    since = start - lookback_ns(plant.microstop_limit_ns)
    both(plant, events, start, end, since=data.draw(st.sampled_from([None, since, since - 7])))


def state(minute: float, word: State, reason: str = "") -> StateChange:
    return StateChange(asset=MILL, at=T0 + round(minute * MINUTE), state=word, reason=reason)


def test_old_entries_hold_in_the_order_in_which_they_were_reported() -> None:
    online, offline = (Status(asset=MILL, at=T0, online=value) for value in (True, False))
    for before in (
        [state(0, "running"), offline],
        [offline, state(1, "running")],
        [state(-1, "down", "jam"), offline],
        [state(-2, "down"), state(-1, "unknown"), online],
        [state(-5, "unknown", "jam")],
    ):
        after: list[AnyEvent] = [
            Status(asset=MILL, at=T0 + 100 * MINUTE, online=True),
            state(103, "down", "jam"),
            state(104, "running"),
        ]
        both(SHIFTS, [*before, *after], T0 + 60 * MINUTE, T0 + 110 * MINUTE, since=T0 + 40 * MINUTE)


def test_large_and_broken_amounts_are_exact() -> None:
    events: list[AnyEvent] = [
        Job(asset=MILL, at=T0, phase="start", order="wo-1", product="bolt", ideal_cycle=1234.567891234),
        Count(asset=MILL, at=T0, produced=0, good=0),
        Labour(asset=MILL, at=T0 + 7, present=1_000_000 / 3, working=0.1),
        Material(asset=MILL, at=T0 + 11, name="bar", stock=98_765.4321, consumed=0.3),
        Material(asset=MILL, at=T0 + 12, name="oil", stock=-1 / 3, consumed=10),
        Meter(asset=MILL, at=T0 + 13, name="electricity", total=0.1),
        Meter(asset=MILL, at=T0 + 13, name="coffee", total=0.1),
        Count(asset=MILL, at=T0 + 90 * NANO, produced=12_345.678901234, good=12_000),
        Meter(asset=MILL, at=T0 + 91 * NANO, name="electricity", total=123_456.7, unit="kW.h"),
        Material(asset=MILL, at=T0 + 92 * NANO, name="bar", consumed=12.7),
    ]
    both(NO_PLANT, events, T0, T0 + 3 * MINUTE)


@pytest.mark.parametrize(
    "events",
    [
        [Count(asset=MILL, at=T0, produced=0), Count(asset=MILL, at=T0 + 1, produced=1e15)],
        [
            Job(asset=MILL, at=T0, phase="start", ideal_cycle=1e9),
            Count(asset=MILL, at=T0, produced=0),
            Count(asset=MILL, at=T0 + 1, produced=100),
        ],
        [Labour(asset=MILL, at=T0, present=1e9)],
        [Material(asset=MILL, at=T0, name="bar", stock=-1e9)],
    ],
)
def test_an_amount_that_might_not_fit_raises(events: list[AnyEvent]) -> None:
    with pytest.raises(OverflowError):
        both(NO_PLANT, events, T0, T0 + MINUTE)


def test_more_time_than_one_axis_holds_raises() -> None:
    column_builder = ColumnBuilder()
    for machine in MACHINES:
        column_builder.put(Slice(machine, T0, T0 + 2**61, Rules.of(NO_PLANT, machine), UNKNOWN), [])
    with pytest.raises(OverflowError, match="one axis"):
        build(column_builder.columns())
