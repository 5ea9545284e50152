"""Cumulative counters: resets, dips, and which increments a late reading can change."""

from hypothesis import given
from hypothesis import strategies as st

from services.ledger.counters import Readings, increments, touched
from services.ledger.fields import NANO
from services.ledger.track import Track


def readings(*pairs: tuple[float, int]) -> Readings:
    track: Readings = Track()
    for second, total in pairs:
        track.put(round(second * NANO), total)
    return track


def added(track: Readings, start: float = -1e6, end: float = 1e6) -> list[tuple[float, int | None]]:
    return [(time / NANO, more) for time, more in increments(track, round(start * NANO), round(end * NANO))]


def test_the_first_reading_ever_adds_nothing() -> None:
    assert added(readings((10, 812), (20, 815))) == [(20, 3)]


def test_a_lower_reading_is_a_reset_and_adds_itself() -> None:
    assert added(readings((0, 100), (100, 7), (200, 9))) == [(100, 7), (200, 2)]


def test_a_dip_that_comes_back_within_a_minute_adds_nothing() -> None:
    assert added(readings((0, 100), (100, 0), (130, 4), (160, 101))) == [(100, None), (160, 1)]


def test_a_counter_back_after_more_than_a_minute_was_reset() -> None:
    assert added(readings((0, 100), (100, 0), (161, 101))) == [(161, 101)]


def test_a_range_holds_the_readings_after_its_start_up_to_its_end() -> None:
    track = readings((0, 0), (60, 1), (120, 3), (180, 6))
    assert added(track, 60, 180) == [(120, 2), (180, 3)]


PAIRS = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 12)), min_size=1, max_size=25, unique_by=lambda p: p[0])


@given(PAIRS, st.integers(0, 600))
def test_a_cut_range_adds_up(pairs: list[tuple[int, int]], cut: int) -> None:
    track = readings(*pairs)
    assert added(track, -1, cut) + added(track, cut, 601) == added(track, -1, 601)


@given(PAIRS)
def test_a_new_reading_changes_only_the_increments_that_it_touches(pairs: list[tuple[int, int]]) -> None:
    before = readings(*pairs[:-1])
    after = readings(*pairs)
    at = pairs[-1][0]
    reported = {time / NANO for time in touched(after, at * NANO)}
    old, new = dict(added(before)), dict(added(after))
    changed = {time for time in old.keys() | new.keys() if old.get(time) != new.get(time)}
    assert changed <= reported
