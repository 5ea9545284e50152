"""Production days: they cover all time, a night shift is whole, and days off and clock changes leave no hole."""

import itertools
from datetime import date

from broker.contract.instants import parse as instant
from broker.plant.calendar import Calendar
from broker.plant.plant_file import parse
from broker.plant.production_day import production_days, shifts_of_days

PLANT = parse(
    """
    [calendar.three]
    time-zone = "Europe/Berlin"
    shifts = [
      { name = "early", start = "06:00", end = "14:00", days = "mon-fri" },
      { name = "late", start = "14:00", end = "22:00", days = "mon-fri" },
      { name = "night", start = "22:00", end = "06:00", days = "sun-thu" },
    ]
    [asset.works]
    calendar = "three"
    """,
    "three.toml",
)


def calendar() -> Calendar:
    found = PLANT.calendar_of("works")
    assert found is not None
    return found


def days(start: str, end: str) -> list[tuple[str, int, int]]:
    found = production_days(calendar(), "UTC", instant(start), instant(end))
    return [(str(day), begins, ends) for day, begins, ends in found]


def test_days_follow_each_other_without_a_hole_over_a_week_with_days_off() -> None:
    found = days("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z")
    assert [day for day, _, _ in found] == [str(date(2026, 11, 22 + place)) for place in range(8)]
    assert all(one[2] == other[1] for one, other in itertools.pairwise(found))
    starts = {day: begins for day, begins, _ in found}
    assert starts["2026-11-24"] == instant("2026-11-24T05:00:00Z")
    assert starts["2026-11-28"] == instant("2026-11-28T05:00:00Z"), "a day off begins when days usually do"
    assert starts["2026-11-29"] == instant("2026-11-29T21:00:00Z"), "Sunday's first shift is the night's"


def test_a_night_shift_is_of_the_day_on_which_it_starts() -> None:
    found = shifts_of_days(calendar(), instant("2026-11-24T20:00:00Z"), instant("2026-11-25T06:00:00Z"))
    assert [(shift.name, str(shift.day)) for shift in found] == [
        ("late", "2026-11-24"),
        ("night", "2026-11-24"),
        ("early", "2026-11-25"),
    ]


def test_a_day_across_a_change_of_the_clocks_is_as_long_as_it_is() -> None:
    lengths = {
        day: (ends - begins) // 3_600_000_000_000
        for day, begins, ends in days("2026-10-23T05:00:00Z", "2026-10-26T00:00:00Z")
    }
    assert lengths["2026-10-23"] == 24
    assert lengths["2026-10-24"] == 41, "Saturday, up to Sunday's night shift, with the hour that comes twice"


def test_without_a_calendar_a_day_begins_at_midnight_of_the_zone() -> None:
    [day] = production_days(None, "Asia/Kolkata", instant("2026-11-24T00:00:00Z"), instant("2026-11-24T10:00:00Z"))
    assert (str(day.day), day.start) == ("2026-11-24", instant("2026-11-23T18:30:00Z"))
