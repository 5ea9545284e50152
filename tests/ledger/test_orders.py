"""Which order is on: as its jobs report, in whatever order they arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.entries import Order
from services.ledger.orders import Orders

ONE, TWO = Order("wo-1", "bracket", None), Order("wo-2", "lug", 5)


@pytest.mark.parametrize(
    ("reported", "on"),
    [
        ([(0, ONE), (5, "wo-1")], [ONE, None]),
        ([(0, ONE), (5, "")], [ONE, None]),
        ([(0, ONE), (5, "wo-2")], [ONE, ONE]),
        ([(0, ONE), (5, TWO), (8, "wo-1")], [ONE, TWO, TWO]),
        ([(0, ONE), (8, "wo-1"), (5, TWO)], [ONE, TWO, TWO]),
        ([(8, "wo-1"), (0, ONE), (9, "wo-1")], [ONE, None, None]),
        ([(5, "wo-1"), (5, TWO)], [TWO]),
    ],
)
def test_an_end_ends_the_order_that_it_names(reported: list[tuple[int, Order | str]], on: list[Order | None]) -> None:
    orders = Orders()
    for at, each in reported:
        assert orders.report(at, each)
        assert not orders.report(at, each)
    assert orders.entries == on


REPORTED = st.sampled_from([ONE, TWO, Order("wo-1", "bracket", 7), "wo-1", "wo-2", "wo-3", ""])


@given(st.lists(st.tuples(st.integers(0, 12), REPORTED), unique_by=lambda reported: reported[0]), st.integers(0, 12))
def test_the_order_of_reports_and_dropped_entries_change_nothing(
    reported: list[tuple[int, Order | str]], before: int
) -> None:
    orders, in_time = Orders(), Orders()
    for at, each in reported:
        orders.report(at, each)
    for at, each in sorted(reported, key=lambda one: one[0]):
        in_time.report(at, each)
    assert (orders.times, orders.entries) == (in_time.times, in_time.entries)
    orders.drop_before(before)
    later: list[tuple[int, Order | str]] = [(13, "wo-1"), (14, TWO), (15, "wo-1")]
    for at, each in later:
        orders.report(at, each)
        in_time.report(at, each)
    assert [orders.at(at) for at in range(before, 16)] == [in_time.at(at) for at in range(before, 16)]
