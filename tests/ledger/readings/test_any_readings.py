"""Any readings in any order of arrival: the same classification as of all of them at once, and as the specification's.

`EXAMPLES` in the environment multiplies the number of examples: a long hunt sets it to 50.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import hypothesis
import pytest
from hypothesis import strategies as st

from services.ledger.entries import Order
from services.ledger.fields import NANO
from services.ledger.orders import Orders
from services.ledger.readings.group import Group
from services.ledger.readings.kinds import NOTED, SKIPPED
from services.ledger.readings.limits import Limits, Possible
from tests.ledger.readings import oracle
from tests.ledger.readings.oracle import MINUTE, SECOND, Is
from tests.properties import examples

FIELDS = ("produced", "good", "scrap")


class Message(NamedTuple):
    at: int
    totals: dict[str, int]


GAPS = st.sampled_from(
    [SECOND, 10 * SECOND, 59 * SECOND, 60 * SECOND, 61 * SECOND, 5 * MINUTE, 15 * MINUTE, 16 * MINUTE, 8 * 60 * MINUTE]
)
STEPS = st.one_of(st.sampled_from([0, 0, 0, 1, 1, 1, 2, 3]), st.sampled_from([-1, -2, 5, 12, 40, 99, 150, 1_000]))
JUMPS = st.sampled_from([0, 0, 1, 3, 100, 1_000, 1_010, 32_700, 32_767, 99_999, 355_000, -1, -7])
CYCLES = st.sampled_from([None, 1, 30, 60])


@st.composite
def messages(draw: st.DrawFn, most: int = 40, fields: Sequence[str] = FIELDS) -> list[Message]:
    """Counters that mostly count up, and sometimes fall, jump, are back, or are not sent."""
    found: list[Message] = []
    at, totals = 0, dict.fromkeys(fields, draw(st.sampled_from([0, 5, 100, 1_000, 32_700])))
    earlier = [dict(totals)]
    for _ in range(draw(st.integers(1, most))):
        at += draw(GAPS)
        how = draw(st.sampled_from(["counts"] * 6 + ["same", "same", "jumps", "back", "back", "one jumps"]))
        if how == "counts":
            totals = {field: total + draw(STEPS) for field, total in totals.items()}
        elif how == "jumps":
            level = draw(JUMPS)
            totals = {field: level + draw(st.sampled_from([0, 0, 1])) for field in fields}
        elif how == "one jumps":
            totals = totals | {draw(st.sampled_from(fields)): draw(JUMPS)}
        elif how == "back":
            more = draw(st.sampled_from([0, 0, 1, 1, 3]))
            totals = {field: total + more for field, total in draw(st.sampled_from(earlier)).items()}
        earlier.append(dict(totals))
        sent = [field for field in fields if draw(st.sampled_from([True, True, True, False]))] or [fields[0]]
        found.append(Message(at, {field: totals[field] * NANO for field in sent}))
    return found


def possible_of(cycles: Sequence[tuple[int, int | None]], usual: int | None) -> Possible:
    orders = Orders()
    for at, cycle in cycles:
        orders.report(at, Order(f"wo-{at}", "-", None if cycle is None else cycle * NANO))
    return Possible(Limits(lambda _: None if usual is None else usual * NANO), orders)


POSSIBLE = st.builds(
    possible_of, st.lists(st.tuples(st.integers(0, 20 * MINUTE), CYCLES), max_size=3, unique_by=lambda e: e[0]), CYCLES
)


def found(group: Group) -> dict[str, list[tuple[int, Is]]]:
    names = {SKIPPED: "left out", **NOTED}
    return {
        field: [
            (at, Is(names.get(kind, ""), Fraction(added)))
            for at, kind, added in zip(series.times, series.kinds, series.added, strict=True)
        ]
        for field, series in group.series.items()
    }


def at_once(sent: Sequence[Message], possible: Possible) -> Group:
    group = Group()
    for at, totals in sent:
        for field, total in totals.items():
            group.add(at, field, total)
    group.classify_all(possible)
    return group


def specified(sent: Sequence[Message], possible: Possible) -> dict[str, list[tuple[int, Is]]]:
    series: dict[str, list[tuple[int, Fraction]]] = {}
    for at, totals in sent:
        for field, total in totals.items():
            series.setdefault(field, []).append((at, Fraction(total)))

    def most(field: str, start: int, end: int) -> Fraction | None:
        amount = possible.between(field, start, end)
        return None if amount is None else Fraction(amount)

    kinds = oracle.classified(series, most)
    return {field: [(at, kind) for (at, _), kind in zip(series[field], kinds[field], strict=True)] for field in series}


@pytest.mark.slow
@examples(60)
@hypothesis.given(messages(), POSSIBLE)
def test_all_at_once_are_what_is_specified(sent: list[Message], possible: Possible) -> None:
    assert found(at_once(sent, possible)) == specified(sent, possible)


@pytest.mark.slow
@examples(100)
@hypothesis.given(messages(25), POSSIBLE, st.data())
def test_in_any_order_of_arrival_they_are_the_same_and_each_change_is_known(
    sent: list[Message], possible: Possible, data: st.DataObject
) -> None:
    group = Group()
    before: dict[tuple[str, int], Is] = {}
    for at, totals in data.draw(st.permutations(sent)):
        apart = data.draw(st.booleans())
        changed: set[int] = set()
        for part in [{field: total} for field, total in totals.items()] if apart else [totals]:
            changed |= group.put(at, part.items(), possible)
        after = {(field, time): kind for field, kinds in found(group).items() for time, kind in kinds}
        differ = {key[1] for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        assert {time for time in differ if time != at} <= changed
        before = after
    assert found(group) == found(at_once(sent, possible))


@pytest.mark.slow
@examples(60)
@hypothesis.given(messages(), POSSIBLE, st.data())
def test_dropping_what_is_past_changes_nothing_that_follows(
    sent: list[Message], possible: Possible, data: st.DataObject
) -> None:
    group = Group()
    oldest = 0
    for at, totals in sent:
        group.put(at, totals.items(), possible)
        if data.draw(st.booleans()):
            oldest = max(oldest, at - data.draw(st.sampled_from([0, MINUTE, 20 * MINUTE])))
            group.drop_before(oldest)
    whole = found(at_once(sent, possible))
    for field, kinds in found(group).items():
        known = dict(whole[field])
        assert [known[at] for at, _ in kinds] == [kind for _, kind in kinds]


@pytest.mark.slow
@examples(60)
@hypothesis.given(messages(fields=("electricity_kwh",)))
def test_a_meter_that_is_never_reset_adds_what_lies_between_its_last_and_its_first_reading(sent: list[Message]) -> None:
    group = at_once(sent, possible_of([], None))
    kinds = group.series["electricity_kwh"]
    hypothesis.assume(not {NOTED.get(kind) for kind in kinds.kinds} & {"resets", "roll_overs", "new_bases"})
    hypothesis.assume(kinds.kinds[-1] != SKIPPED)
    assert sum(kinds.added) == kinds.entries[-1] - kinds.entries[0]
