"""Rows that grow by the time in which nothing was reported are those that are made as a whole."""

import hypothesis
import msgspec
from hypothesis import strategies as st

from broker.contract.events import AnyEvent, StateChange
from broker.plant.plant import NO_PLANT, Plant
from services.kpi.machine import Change, Machine, Made
from services.ledger.fields import NANO
from services.ledger.history import MINUTE, History
from services.ledger.rules import Rules
from tests.ledger.deliveries import PLANTS, T0, histories
from tests.properties import examples

STEPS = st.lists(st.sampled_from([0, 1, NANO, NANO, 10 * NANO, 61 * NANO, 7 * MINUTE]), min_size=1, max_size=8)
ASSET = "works/hall/line-1/mill-2"
DELAYS = st.sampled_from([0, 0, 1, NANO, 10 * NANO, MINUTE])


def machine_of(plant: Plant, events: list[AnyEvent]) -> Machine:
    """Return a machine with these events, of which no row has been made."""
    machine = Machine(ASSET, History(T0 - MINUTE), Rules.of(plant, events[0].asset), None)
    for event in events:
        machine.due |= machine.put(event, machine.wanted(event.at, MINUTE))
    return machine


@examples(40)
@hypothesis.given(PLANTS, histories(), STEPS)
def test_rows_that_grow_second_by_second_are_those_made_at_once(
    plant: Plant, events: list[AnyEvent], steps: list[int]
) -> None:
    own = [event for event in events if event.asset == events[0].asset]
    grown = machine_of(plant, own)
    until = own[-1].at
    grown.rebuild(set(), until, Made())
    for step in steps:
        until += step
        grown.rebuild(set(), until, Made())
    whole = machine_of(plant, own)
    whole.rebuild(set(), until, Made())
    assert grown.rows == whole.rows
    assert grown.reasons == whole.reasons
    assert (grown.reach, grown.until) == (whole.reach, whole.until)


@examples(150)
@hypothesis.given(PLANTS, st.data())
def test_rows_that_grow_by_events_are_those_made_at_once(plant: Plant, data: st.DataObject) -> None:
    """Events come in time, a little late or in any order, one or several between rows that are made."""
    own = [msgspec.structs.replace(event, asset=ASSET) for event in data.draw(histories())]
    grown, whole = (Machine(ASSET, History(T0 - MINUTE), Rules.of(plant, ASSET), None) for _ in range(2))
    starts: set[int] = set()
    until = 0
    for event in data.draw(st.one_of(st.just(own), st.just(own), st.permutations(own))):
        until = max(until, event.at) + data.draw(DELAYS)
        starts |= grown.put(event, grown.wanted(until, MINUTE))
        whole.due |= whole.put(event, whole.wanted(until, MINUTE))
        if data.draw(st.booleans()):
            grown.rebuild(starts, grown.wanted(until, MINUTE), Made())
            starts = set()
    until = max(grown.wanted(until, MINUTE), whole.wanted(until, MINUTE))
    grown.rebuild(starts, until, Made())
    whole.rebuild(set(), until, Made())
    made, expected = ({start: rows for start, rows in each.rows.items() if rows} for each in (grown, whole))
    assert made == expected
    assert grown.reasons == whole.reasons


def test_only_what_grew_is_written() -> None:
    machine = machine_of(NO_PLANT, [StateChange(asset=ASSET, at=T0, state="down")])
    machine.rebuild(set(), T0 + NANO, Made())
    made = Made()
    machine.rebuild(set(), T0 + NANO, made)
    assert (made.rows, made.reasons, made.changes) == ([], [], [])
    machine.rebuild(set(), T0 + 3 * NANO, made)
    assert [(row.start, row.sums["down_s"]) for row in made.rows] == [(T0, 3 * NANO)]
    assert [(row.start, row.seconds, row.entries) for row in made.reasons] == [(T0, 3 * NANO, NANO)]
    assert made.changes == [Change(ASSET, T0, {"down_s": 2 * NANO, "repair_s": 2 * NANO}, is_new=False)]
