"""`Turns`: each is served once in so many calls, also while some join and leave."""

from hypothesis import given
from hypothesis import strategies as st

from services.kpi.turns import Turns

NAMES = [f"mill-{number}" for number in range(7)]


@given(st.integers(1, 9), st.integers(0, 7))
def test_each_is_served_once_in_as_many_calls_as_the_share_says(share: int, number: int) -> None:
    turns = Turns()
    for _ in range(3):
        served = [name for _ in range(share) for name in turns.next(share, NAMES[:number])]
        missing = set(NAMES[:number]).difference(served)
        assert not missing


def test_a_share_of_one_serves_all_whoever_has_been_served_before() -> None:
    turns = Turns()
    first = turns.next(3, NAMES)
    assert first == NAMES[:3]
    assert turns.next(1, NAMES) == NAMES
    assert turns.next(3, NAMES) == NAMES[:3]


def test_who_leaves_or_is_left_out_in_the_middle_of_a_round_is_not_served() -> None:
    turns = Turns()
    turns.next(3, NAMES)
    left = [name for name in NAMES if name != "mill-3"]
    assert turns.next(3, left, without={"mill-4"}) == []
    assert turns.next(3, left, without={"mill-4"}) == ["mill-5", "mill-6"]


def test_who_joins_in_the_middle_of_a_round_is_served_in_the_next() -> None:
    turns = Turns()
    assert turns.next(2, NAMES[:4]) == NAMES[:2]
    assert turns.next(2, NAMES[:5]) == NAMES[2:4]
    assert turns.next(2, NAMES[:5]) == NAMES[:3]
