"""The shift calendar: known days, the nights when clocks change, rotations, and ranges without gap or overlap."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.events import NS_PER_S
from broker.plant.calendar import Calendar, ShiftWindow, TimeRange
from broker.plant.plant_file import parse

HOUR = 3_600 * NS_PER_S
MINUTE = 60 * NS_PER_S


def ns(text: str) -> int:
    """An instant; UTC unless the text has an offset."""
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * NS_PER_S


def calendar(rules: str, zone: str = "UTC") -> Calendar:
    text = f'[calendar.c]\ntime-zone = "{zone}"\n{rules}\n[asset.site]\ncalendar = "c"\n'
    found = parse(text, "test.toml").calendar_of("site")
    assert found is not None
    return found


def hours(of: Calendar, day: str) -> float:
    """Planned hours of a day of the calendar's zone."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(of.time_zone))
    return of.planned_s(ns(midnight.isoformat()), ns((midnight + timedelta(days=1)).isoformat())) / 3_600


def starts(of: Calendar, first: str, days: int) -> list[str]:
    """For each local day the shifts that start on it, joined."""
    day = date.fromisoformat(first)
    return ["+".join(shift.name for shift, _ in of.shifts_on(day + timedelta(days=n))) for n in range(days)]


DAY = 'shifts = [{ name = "day", start = "06:00", end = "14:00", breaks = [{ start = "09:00", end = "09:15" }] }]'
NIGHT = 'shifts = [{ name = "night", start = "22:00", end = "06:00" }]'
DOUBLE_DAYS = """shifts = [
    { name = "early", days = "mon-thu", start = "06:00", end = "14:00", breaks = [{ start = "09:00", end = "09:15" }] },
    { name = "late", days = "mon-thu", start = "14:00", end = "22:00" },
    { name = "early", days = "fri", start = "06:00", end = "13:00" },
]"""


def test_a_day_with_a_break_is_cut_at_every_edge() -> None:
    assert calendar(DAY).time_ranges(ns("2026-11-24T00:00"), ns("2026-11-25T00:00")) == [
        TimeRange(ns("2026-11-24T00:00"), ns("2026-11-24T06:00"), "-", planned=False),
        TimeRange(ns("2026-11-24T06:00"), ns("2026-11-24T09:00"), "day", planned=True),
        TimeRange(ns("2026-11-24T09:00"), ns("2026-11-24T09:15"), "day", planned=False),
        TimeRange(ns("2026-11-24T09:15"), ns("2026-11-24T14:00"), "day", planned=True),
        TimeRange(ns("2026-11-24T14:00"), ns("2026-11-25T00:00"), "-", planned=False),
    ]


def test_a_range_within_one_shift_and_an_empty_one() -> None:
    at = ns("2026-11-24T08:30")
    assert calendar(DAY).time_ranges(at, at + 1) == [TimeRange(at, at + 1, "day", planned=True)]
    assert calendar(DAY).time_ranges(at, at) == []


def test_equal_neighbours_are_one_range_across_midnight() -> None:
    start, end = ns("2026-11-23T20:00"), ns("2026-11-25T02:00")
    assert calendar('shifts = [{ name = "all", start = "00:00", end = "24:00" }]').time_ranges(start, end) == [
        TimeRange(start, end, "all", planned=True)
    ]


def test_a_calendar_without_shifts_plans_nothing() -> None:
    empty = calendar("")
    start, end = ns("2026-11-23T20:00"), ns("2026-11-25T02:00")
    assert empty.time_ranges(start, end) == [TimeRange(start, end, "-", planned=False)]
    assert empty.shift_at(start) is None
    assert empty.next_shift(start) is None
    assert empty.previous_shift(start) is None


def test_friday_finishes_early() -> None:
    assert [hours(calendar(DOUBLE_DAYS), f"2026-11-{day}") for day in (26, 27, 28, 29, 30)] == [15.75, 7, 0, 0, 15.75]


@pytest.mark.parametrize(
    ("zone", "day", "length_h"),
    [
        ("Europe/London", "2026-03-27", 8),
        ("Europe/London", "2026-03-28", 7),
        ("Europe/London", "2026-10-24", 9),
        ("Australia/Sydney", "2026-04-04", 9),
        ("Australia/Sydney", "2026-10-03", 7),
        ("Australia/Lord_Howe", "2026-04-04", 8.5),
        ("Australia/Lord_Howe", "2026-10-03", 7.5),
        ("Asia/Kolkata", "2026-03-28", 8),
        ("Asia/Shanghai", "2026-03-28", 8),
        ("Asia/Shanghai", "2026-10-24", 8),
    ],
)
def test_a_night_shift_has_the_length_that_the_clocks_give_it(zone: str, day: str, length_h: float) -> None:
    of = calendar(NIGHT, zone)
    evening = datetime.fromisoformat(day + "T22:00").replace(tzinfo=ZoneInfo(zone))
    window = of.shift_at(ns(evening.isoformat()))
    assert window is not None
    assert window.start == ns(evening.isoformat())
    assert (window.end - window.start) / HOUR == length_h
    assert of.planned_s(window.start, window.end) / 3_600 == length_h


@pytest.mark.parametrize(("day", "length_h"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_machine_that_always_works_is_planned_for_the_whole_of_a_long_or_short_day(day: str, length_h: int) -> None:
    assert (
        hours(calendar('shifts = [{ name = "all", start = "00:00", end = "24:00" }]', "Europe/London"), day) == length_h
    )


def test_a_shift_after_the_clocks_changed_starts_at_its_local_time() -> None:
    london = calendar(DAY, "Europe/London")
    assert [window.start for window in london.shifts(ns("2026-03-28T00:00"), ns("2026-03-30T00:00"))] == [
        ns("2026-03-28T06:00"),
        ns("2026-03-29T05:00"),
    ]


def test_half_hour_zone() -> None:
    window = calendar(DAY, "Asia/Kolkata").shift_at(ns("2026-11-24T01:00"))
    assert window == ShiftWindow("day", ns("2026-11-24T06:00+05:30"), ns("2026-11-24T14:00+05:30"))


def test_a_start_that_the_clock_jumps_over_is_the_instant_of_the_jump() -> None:
    shifts = calendar('shifts = [{ name = "a", start = "01:30", end = "09:00" }]', "Europe/London")
    assert shifts.shifts(ns("2026-03-29T00:00"), ns("2026-03-29T08:00")) == [
        ShiftWindow("a", ns("2026-03-29T01:00"), ns("2026-03-29T08:00"))
    ]


def test_a_start_that_comes_twice_is_the_first() -> None:
    shifts = calendar('shifts = [{ name = "a", start = "01:30", end = "09:00" }]', "Europe/London")
    assert shifts.shifts(ns("2026-10-25T00:00"), ns("2026-10-25T09:00")) == [
        ShiftWindow("a", ns("2026-10-25T00:30"), ns("2026-10-25T09:00"))
    ]


def test_times_in_the_missing_hour_never_make_shifts_overlap() -> None:
    of = calendar(
        """shifts = [
            { name = "a", start = "22:00", end = "01:30" },
            { name = "b", start = "01:30", end = "01:45" },
            { name = "c", start = "02:00", end = "06:00" },
        ]""",
        "Europe/London",
    )
    assert of.time_ranges(ns("2026-03-28T22:00"), ns("2026-03-29T05:00")) == [
        TimeRange(ns("2026-03-28T22:00"), ns("2026-03-29T01:00"), "a", planned=True),
        TimeRange(ns("2026-03-29T01:00"), ns("2026-03-29T05:00"), "c", planned=True),
    ]


def test_a_break_after_midnight_belongs_to_the_shift_of_the_evening() -> None:
    of = calendar(
        """shifts = [
            { name = "n", days = "sat", start = "22:00", end = "06:00", breaks = [{ start = "02:00", end = "02:30" }] },
        ]"""
    )
    assert [part for part in of.time_ranges(ns("2026-11-28T00:00"), ns("2026-11-30T00:00")) if part.shift == "n"] == [
        TimeRange(ns("2026-11-28T22:00"), ns("2026-11-29T02:00"), "n", planned=True),
        TimeRange(ns("2026-11-29T02:00"), ns("2026-11-29T02:30"), "n", planned=False),
        TimeRange(ns("2026-11-29T02:30"), ns("2026-11-29T06:00"), "n", planned=True),
    ]


FOUR_ON_FOUR_OFF = """shifts = [
    { name = "day", start = "06:00", end = "18:00" },
    { name = "night", start = "18:00", end = "06:00" },
]
rotation = { anchor = 2026-01-05, cycle = ["4 day", "4 off", "4 night", "4 off"], crews = %s }"""


def test_four_on_four_off_with_one_crew() -> None:
    one = calendar(FOUR_ON_FOUR_OFF % "{ red = 0 }")
    expected = ["day"] * 4 + [""] * 4 + ["night"] * 4 + [""] * 4
    assert starts(one, "2026-01-05", 32) == expected * 2
    assert starts(one, "2025-12-20", 16) == expected  # a cycle runs before its anchor as well


def test_four_on_four_off_with_four_crews_never_stops_and_names_the_crew() -> None:
    of = calendar(FOUR_ON_FOUR_OFF % "{ red = 0, blue = 4, green = 8, amber = 12 }", "Europe/London")
    start, end = ns("2026-01-05T06:00"), ns("2026-03-02T06:00")
    assert of.planned_s(start, end) == (end - start) / NS_PER_S
    crews = [window.crews for window in of.shifts(start, ns("2026-01-10T06:00"))]
    assert crews == [("red",), ("green",)] * 4 + [("amber",), ("blue",)]


def test_continental_two_two_three() -> None:
    of = calendar(
        """shifts = [
            { name = "day", start = "07:00", end = "19:00" },
            { name = "night", start = "19:00", end = "07:00" },
        ]
        [calendar.c.rotation]
        anchor = 2026-01-05
        cycle = ["2 day", "2 off", "3 day", "2 off", "2 day", "3 off",
                 "2 night", "2 off", "3 night", "2 off", "2 night", "3 off"]
        crews = { a = 0, b = 7, c = 14, d = 21 }"""
    )
    worked = [of.shifts_on(date(2026, 1, 5) + timedelta(days=n)) for n in range(56)]
    rows = ["".join(crew for _, crews in shifts for crew in crews) for shifts in worked]
    # Day crew and night crew of two weeks; in the next two those of days work nights and the other way about.
    assert " ".join(rows[:14]) == "ac ac bd bd ac ac ac db db ac ac db db db"
    assert " ".join(rows[14:28]) == "ca ca db db ca ca ca bd bd ca ca bd bd bd"
    assert rows[28:] == rows[:28]


def test_a_shift_outside_the_rotation_keeps_its_weekdays() -> None:
    of = calendar(
        """shifts = [
            { name = "day", start = "06:00", end = "18:00" },
            { name = "repair", days = "sat", start = "18:00", end = "20:00" },
        ]
        rotation = { anchor = 2026-01-05, cycle = ["1 day", "1 off"] }"""
    )
    assert starts(of, "2026-01-05", 7) == ["day", "", "day", "", "day", "repair", "day"]


def test_english_bank_holidays_and_their_substitutes_are_days_off() -> None:
    england = calendar(f'holidays = "GB-ENG"\n{DAY}', "Europe/London")
    scotland = calendar(f'holidays = "GB-SCT"\n{DAY}', "Europe/London")
    off = [
        "2026-01-01",
        "2026-04-03",
        "2026-04-06",
        "2026-05-04",
        "2026-05-25",
        "2026-08-31",
        "2026-12-25",
        "2026-12-28",
    ]
    assert [hours(england, day) for day in off] == [0] * len(off)
    assert hours(england, "2026-08-03") == hours(scotland, "2026-08-31") == 7.75
    assert hours(scotland, "2026-08-03") == 0


def test_a_night_shift_that_began_before_a_holiday_runs_to_its_end() -> None:
    of = calendar(f'holidays = "GB-ENG"\n{NIGHT}')
    windows = of.shifts(ns("2026-12-24T12:00"), ns("2026-12-28T12:00"))
    assert windows == [
        ShiftWindow("night", ns("2026-12-24T22:00"), ns("2026-12-25T06:00")),
        ShiftWindow("night", ns("2026-12-27T22:00"), ns("2026-12-28T06:00")),
    ]


def test_exceptions_by_date() -> None:
    of = calendar(
        f"""holidays = "GB-ENG"
        {DOUBLE_DAYS}
        exceptions = [
            {{ from = 2026-12-21, to = 2027-01-03, closed = true }},
            {{ date = 2026-12-22, shifts = ["early"] }},
            {{ date = 2026-12-28, shifts = [{{ name = "stocktaking", start = "08:00", end = "12:00" }}] }},
            {{ date = 2026-11-27, shifts = ["early"] }},
            {{ date = 2026-11-28, shifts = ["early"] }},
        ]"""
    )
    assert [hours(of, f"2026-12-{day}") for day in (17, 21, 22, 23, 28)] == [15.75, 0, 7.75, 0, 4]
    assert hours(of, "2027-01-04") == 15.75
    assert hours(of, "2026-11-27") == 7  # of two shifts of that name the one of a Friday
    assert hours(of, "2026-11-28") == 7.75  # on a Saturday, that has none, the first
    window = of.shift_at(ns("2026-12-28T09:00"))
    assert window is not None
    assert window.name == "stocktaking"


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ('days = "wed", start = "10:00", end = "12:00"', {4: 2, 11: 2, 18: 2, 25: 2}),
        ('days = "wed", weeks = 1, start = "10:00", end = "12:00"', {4: 2}),
        ('days = "mon", weeks = [2, -1], start = "08:50", end = "10:00"', {9: 11 / 12, 30: 11 / 12}),
        ('days = "wed", months = [10, 12], start = "10:00", end = "12:00"', {}),
        ('date = 2026-11-05, start = "13:00", end = "15:00"', {5: 1}),
        ("from = 2026-11-05, to = 2026-11-06", {5: 7.75, 6: 7.75}),
        ('from = 2026-11-19, days = "thu", start = "23:00", end = "07:00"', {20: 1, 27: 1}),
    ],
)
def test_planned_maintenance_is_taken_out_of_planned_time(window: str, expected: dict[int, float]) -> None:
    of = calendar(f"{DAY}\nmaintenance = [{{ {window} }}]")
    lost = {day: 7.75 - hours(of, f"2026-11-{day:02d}") for day in range(1, 31)}
    assert {day: pytest.approx(one) for day, one in lost.items() if one} == expected


def test_the_shift_stays_on_during_maintenance() -> None:
    of = calendar(f'{DAY}\nmaintenance = [{{ date = 2026-11-05, start = "13:00", end = "15:00" }}]')
    assert of.time_ranges(ns("2026-11-05T12:00"), ns("2026-11-05T15:00")) == [
        TimeRange(ns("2026-11-05T12:00"), ns("2026-11-05T13:00"), "day", planned=True),
        TimeRange(ns("2026-11-05T13:00"), ns("2026-11-05T14:00"), "day", planned=False),
        TimeRange(ns("2026-11-05T14:00"), ns("2026-11-05T15:00"), "-", planned=False),
    ]


def test_shifts_before_and_after() -> None:
    of = calendar(DOUBLE_DAYS)
    monday = ShiftWindow("early", ns("2026-11-30T06:00"), ns("2026-11-30T14:00"))
    friday = ShiftWindow("early", ns("2026-11-27T06:00"), ns("2026-11-27T13:00"))
    assert of.next_shift(friday.start) == monday
    assert of.previous_shift(monday.start) == friday
    assert of.shift_at(friday.end) is None
    assert of.shift_at(friday.end - 1) == friday
    assert of.shifts(friday.end, monday.start) == []
    assert of.shifts(friday.end - 1, monday.start + 1) == [friday, monday]


ZONES = [
    "UTC",
    "Europe/London",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "America/Santiago",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Pacific/Chatham",
]


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Calendars of up to four shifts that share the day out among them, with breaks, a rotation and maintenance."""
    edges = sorted(draw(st.lists(st.integers(0, 1439), min_size=2, max_size=8, unique=True)))
    if len(edges) % 2:
        edges.pop()
    first = draw(st.integers(0, 1))  # 1: the last shift runs over midnight
    edges = edges[first:] + edges[:first]
    lines = []
    for number, (start, end) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
        length = (end - start) % 1440
        pause = (start + length // 3) % 1440, (start + length // 2) % 1440
        breaks = f'{{ start = "{clock(pause[0])}", end = "{clock(pause[1])}" }}' if length > 6 else ""
        lines.append(f'{{ name = "s{number}", start = "{clock(start)}", end = "{clock(end)}", breaks = [{breaks}] }},')
    rules = "shifts = [\n" + "\n".join(lines) + "\n]\n"
    rules += draw(st.sampled_from(["", 'rotation = { anchor = 2026-01-01, cycle = ["3 s0", "2 off"] }\n']))
    rules += draw(st.sampled_from(["", 'maintenance = [{ days = "sun", start = "00:30", end = "04:00" }]\n']))
    return calendar(rules, draw(st.sampled_from(ZONES)))


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


instants = st.integers(ns("2026-01-01T00:00"), ns("2027-01-01T00:00"))
near_a_change = st.sampled_from([ns("2026-03-28T20:00"), ns("2026-10-24T20:00"), ns("2026-04-04T08:00")])


@given(of=calendars(), start=instants | near_a_change, length=st.integers(1, 9 * 24 * HOUR), cut=st.floats(0, 1))
def test_ranges_cover_what_was_asked_exactly_and_do_not_depend_on_where_it_is_split(
    of: Calendar, start: int, length: int, cut: float
) -> None:
    end = start + length
    time_ranges = of.time_ranges(start, end)
    assert time_ranges[0].start == start
    assert time_ranges[-1].end == end
    for one, after in itertools.pairwise(time_ranges):
        assert one.end == after.start
        assert (one.shift, one.planned) != (after.shift, after.planned)
    assert all(part.start < part.end for part in time_ranges)
    assert sum(part.end - part.start for part in time_ranges) == length
    assert not any(part.planned for part in time_ranges if part.shift == "-")

    middle = start + int(length * cut)
    pieces = of.time_ranges(start, middle) + of.time_ranges(middle, end)
    fresh = Calendar(of.rules, of.time_zone)
    for pieced in (pieces, fresh.time_ranges(start, end)):
        assert merged(pieced) == time_ranges


@given(of=calendars(), start=instants | near_a_change)
def test_shifts_agree_with_time_ranges(of: Calendar, start: int) -> None:
    end = start + 3 * 24 * HOUR
    windows = of.shifts(start, end)
    assert all(one.end <= after.start for one, after in itertools.pairwise(windows))
    in_shift = sum(min(one.end, end) - max(one.start, start) for one in windows)
    assert in_shift == sum(part.end - part.start for part in of.time_ranges(start, end) if part.shift != "-")
    for part in of.time_ranges(start, end):
        window = of.shift_at(part.start)
        assert (window.name if window else "-") == part.shift


@pytest.mark.slow
@given(of=calendars(), start=instants | near_a_change)
def test_time_ranges_agree_with_a_clock_on_the_wall(of: Calendar, start: int) -> None:
    """Compare minute by minute with local time, except where a time comes twice: there the first counts."""
    zone = ZoneInfo(of.time_zone)
    first = start - start % MINUTE
    for at in range(first, first + 36 * HOUR, 7 * MINUTE):
        wall = datetime.fromtimestamp(at // NS_PER_S, zone)
        if wall.utcoffset() == wall.replace(fold=1 - wall.fold).utcoffset():
            assert on_the_wall(of, wall) == (of.time_ranges(at, at + 1)[0].shift, of.time_ranges(at, at + 1)[0].planned)


def on_the_wall(of: Calendar, wall: datetime) -> tuple[str, bool]:
    for ago in (0, 1):
        second = wall.hour * 3_600 + wall.minute * 60 + ago * 86_400
        for shift, _ in of.shifts_on(wall.date() - timedelta(days=ago)):
            if shift.start_s <= second < shift.end_s:
                pause = any(begins <= second < ends for begins, ends in shift.breaks)
                repair = bool(of.rules.maintenance) and wall.weekday() == 6 and 1_800 <= second % 86_400 < 14_400
                return shift.name, not pause and not repair
    return "-", False


def merged(time_ranges: list[TimeRange]) -> list[TimeRange]:
    found: list[TimeRange] = []
    for part in time_ranges:
        if found and (found[-1].shift, found[-1].planned) == (part.shift, part.planned):
            found[-1] = TimeRange(found[-1].start, part.end, part.shift, part.planned)
        else:
            found.append(part)
    return found
