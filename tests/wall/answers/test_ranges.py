"""Ranges as they stand in an address."""

import pytest

from broker.contract.events import NS_PER_S
from services.query.asked_range import Range, RangeError, duration, resolve
from tests.wall.works import EIGHT, LINE, NOW, PLANT

HOUR = 3_600 * NS_PER_S
CALENDAR = PLANT.calendar_of(LINE)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("now-1h", "now", Range(NOW - HOUR, NOW)),
        ("now-90m", "now-30m", Range(NOW - 3 * HOUR // 2, NOW - HOUR // 2)),
        ("now-7d", "", Range(NOW - 168 * HOUR, NOW)),
        ("2026-11-25T08:00:00Z", "now", Range(EIGHT, NOW)),
        ("2026-11-25T09:00:00+01:00", "now", Range(EIGHT, NOW)),
        ("2026-11-25T09:00:00 01:00", "now", Range(EIGHT, NOW)),  # a plus sign as an address loses it
        (str(EIGHT // 1_000_000), "now", Range(EIGHT, NOW)),
        ("shift", "now", Range(EIGHT - 2 * HOUR, NOW, "day", EIGHT + 6 * HOUR)),
        ("previous-shift", "", Range(EIGHT - 26 * HOUR, EIGHT - 18 * HOUR, "day", EIGHT - 18 * HOUR)),
    ],
)
def test_a_range_is_what_its_words_say(start: str, end: str, expected: Range) -> None:
    assert resolve(start, end, now=NOW, calendar=CALENDAR) == expected


def test_now_is_the_millisecond_so_that_what_has_just_happened_counts() -> None:
    assert resolve("now-1h", "now", now=NOW + 999_999_999, calendar=None) == Range(
        NOW - HOUR + 999_000_000, NOW + 999_000_000
    )


def test_outside_any_shift_the_last_one_is_meant() -> None:
    night = EIGHT + 10 * HOUR
    assert resolve("shift", "", now=night, calendar=CALENDAR).shift_end == EIGHT + 6 * HOUR
    assert resolve("previous-shift", "", now=night, calendar=CALENDAR).end == EIGHT - 18 * HOUR


def test_without_a_calendar_a_shift_is_the_last_eight_hours() -> None:
    assert resolve("shift", "", now=NOW, calendar=None) == Range(NOW - 8 * HOUR, NOW)


def test_without_a_calendar_a_shift_begins_with_the_first_message() -> None:
    def shift(first: int) -> Range:
        return resolve("shift", "", now=NOW, calendar=None, first=first)

    assert shift(NOW - HOUR + 1) == Range(NOW - HOUR, NOW)  # whole seconds
    assert shift(NOW - 9 * HOUR) == Range(NOW - 8 * HOUR, NOW)
    assert shift(NOW).start == NOW - HOUR // 60
    assert resolve("shift", "", now=NOW, calendar=CALENDAR, first=NOW).shift == "day"


@pytest.mark.parametrize("start", ["", "soon", "now-", "now-1x", "now+1h", "2026-13-01T00:00:00Z", "1e400", "-now"])
def test_an_invalid_time_is_an_error(start: str) -> None:
    with pytest.raises(RangeError):
        resolve(start, "now", now=NOW, calendar=CALENDAR)


@pytest.mark.parametrize(("start", "end"), [("now", "now"), ("now-1h", "now-2h"), ("0", "now")])
def test_a_range_that_is_empty_or_endless_is_rejected(start: str, end: str) -> None:
    with pytest.raises(RangeError):
        resolve(start, end, now=NOW, calendar=CALENDAR)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("8h", 28_800), ("7d", 604_800), ("1.5h", 5_400)]
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == seconds * NS_PER_S
