"""Reads a calendar of a plant file: a `[calendar.NAME]` table becomes the rules of a shift calendar.

It validates all that does not depend on today's date: times, weekdays, breaks outside their shift, shifts that a
rotation names and no table defines, countries and zones that do not exist, and shifts that overlap.
"""

import datetime as dt
import itertools
import math
import re
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import holidays
import msgspec

from broker.contract.names import is_name
from broker.plant.calendar import DAY_S, EVERY_DAY, Calendar, DateException, Maintenance, Rotation, Rules, Shift
from broker.plant.toml_tables import Table, nearest, shown

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFF: Final = "off"
"""A day off in a rotation's cycle."""

_LONG: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?\Z", re.ASCII)
_INTERVAL: Final = re.compile(r"(?:(\d{1,3})\s+)?(\S+)\Z", re.ASCII)
_MONDAY: Final = date(2024, 1, 1)
_LONGEST_CYCLE: Final = 366
_LONGEST_NAME: Final = 32


def read_rules(table: Table) -> Rules:
    """Read a calendar's table, all but its time zone; mistakes go to the table's document."""
    shifts = tuple(shift for shift in map(_shift, table.tables("shifts")) if shift is not None)
    rules = Rules(
        shifts=shifts,
        rotation=_rotation(table, {shift.name for shift in shifts}),
        holidays=_holidays(table),
        maintenance=tuple(one for one in map(_maintenance, table.tables("maintenance")) if one is not None),
        exceptions=tuple(_exceptions(table, shifts)),
    )
    _reject_overlaps(table, rules)
    return rules


def read_time_zone(table: Table) -> str | None:
    """Read a table's `time-zone`, an IANA zone."""
    zone = table.text("time-zone")
    if zone is None:
        return None
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(zone, available_timezones(), "")
        if not hint.startswith("did you mean"):
            hint = "write a zone of the IANA database, as in Europe/London or Asia/Shanghai"
        table.wrong("time-zone", f"there is no time zone {shown(zone)}", hint)
        return None
    return zone


def _shift(table: Table) -> Shift | None:
    name = table.text("name")
    if name is None:
        if "name" not in table:
            table.wrong((), "a shift needs a name", 'write name = "day"')
    elif not _is_shift_name(name):
        table.wrong(
            "name",
            f"{shown(name)} is not a name",
            "use 1 to 32 small letters of any alphabet, digits and -, beginning with a letter or digit",
        )
        name = None
    days = _days(table) or EVERY_DAY
    times = _times(table, what="a shift")
    breaks = list(_breaks(table, times)) if times else []
    table.value("breaks")
    table.close()
    if name is None or times is None:
        return None
    return Shift(name, *times, days=days, breaks=tuple(sorted(breaks)))


def _is_shift_name(text: str) -> bool:
    """Whether a text may name a shift: as other names, but people read it, so in their own alphabet."""
    kinds = [unicodedata.category(character)[0] for character in text]
    letters = all(kind in "LMN" or character == "-" for kind, character in zip(kinds, text, strict=True))
    return 0 < len(text) <= _LONGEST_NAME and letters and kinds[0] in "LN" and text == text.lower()


def _breaks(table: Table, shift: tuple[int, int]) -> Iterator[tuple[int, int]]:
    for inner in table.tables("breaks"):
        times = _times(inner, what="a break")
        inner.close()
        if times is None:
            continue
        start_s, end_s = times
        if start_s < shift[0]:  # after midnight, in a shift that began before it
            start_s, end_s = start_s + DAY_S, end_s + DAY_S
        if end_s <= shift[1]:
            yield start_s, end_s
        else:
            inner.wrong(
                (),
                f"the break {_clock(start_s)} to {_clock(end_s)} is not within its shift",
                f"the shift is from {_clock(shift[0])} to {_clock(shift[1])}",
            )


def _times(table: Table, *, what: str) -> tuple[int, int] | None:
    """Take `start` and `end`; an end that is not after the start is on the next day."""
    for key in ("start", "end"):
        if key not in table:
            table.wrong((), f"{what} needs start and end", 'write start = "06:00", end = "14:00"')
            table.value("start"), table.value("end")
            return None
    start_s, end_s = _clock_time(table, "start"), _clock_time(table, "end")
    if start_s is None or end_s is None:
        return None
    if start_s == DAY_S:
        table.wrong("start", "24:00 cannot be a start", 'write start = "00:00", and the next day')
        return None
    return start_s, end_s if end_s > start_s else end_s + DAY_S


def _clock_time(table: Table, key: str) -> int | None:
    """Take a time of day; return seconds after midnight, 86 400 for 24:00."""
    value = table.value(key)
    if isinstance(value, dt.time) and not value.microsecond:
        return value.hour * 3_600 + value.minute * 60 + value.second
    if isinstance(value, str) and (found := _CLOCK.match(value)):
        hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3] or 0)
        total = hours * 3_600 + minutes * 60 + seconds
        if minutes < 60 and seconds < 60 and total <= DAY_S:
            return total
    table.wrong(key, f"{shown(value)} is not a time of day", 'write hours and minutes, "00:00" to "24:00"')
    return None


def _days(table: Table) -> frozenset[int] | None:
    """Take `days`: weekdays and ranges of them, in one text or an array; None if they are missing or wrong."""
    written = [part.strip() for text in table.texts("days") for part in text.split(",")]
    found: set[int] = set()
    for part in written:
        ends = [_weekday(end.strip()) for end in re.split("[-–]", part)]
        known = [end for end in ends if end is not None]
        if len(known) != len(ends) or len(ends) > 2:
            table.wrong("days", f"{shown(part)} is not a weekday", 'write mon … sun, "mon-fri" or ["mon", "wed"]')
            return None
        first, last = known[0], known[-1]
        found.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return frozenset(found) or None


def _weekday(text: str) -> int | None:
    lower = text.lower()
    for names in (WEEKDAYS, _LONG):
        if lower in names:
            return names.index(lower)
    return None


def _rotation(table: Table, named: set[str]) -> Rotation | None:
    if "rotation" not in table:
        table.value("rotation")
        return None
    inner = table.table("rotation")
    anchor = inner.date("anchor")
    if "anchor" not in inner:
        inner.wrong((), "a rotation needs the day on which its cycle begins", "write anchor = 2026-01-05")
    cycle = list(_cycle(inner, named))
    crews: list[tuple[str, int]] = []
    crew_table = inner.table("crews")
    for crew in crew_table:
        offset = crew_table.number(crew)
        if not is_name(crew):
            crew_table.wrong(crew, f"{shown(crew)} is not a name", "use 1 to 32 of a-z, 0-9 and -")
        elif offset is not None and offset == int(offset):
            crews.append((crew, int(offset)))
        elif offset is not None:
            crew_table.wrong(
                crew, f"{offset} is not a whole number of days", "write its place in the cycle, 0 the first"
            )
    inner.close()
    if anchor is None or not cycle:
        return None
    return Rotation(anchor, tuple(cycle), tuple(crews) or (("", 0),))


def _cycle(table: Table, named: set[str]) -> Iterator[tuple[str, ...]]:
    """Take `cycle`: runs of equal days, as in ["4 day", "4 off"]."""
    length = 0
    intervals = table.array("cycle")
    if not intervals:
        table.wrong(
            "cycle" if "cycle" in table else (), "a rotation needs its cycle", 'write cycle = ["4 day", "4 off"]'
        )
    for place, interval in enumerate(intervals):
        found = _INTERVAL.match(interval) if isinstance(interval, str) else None
        days = int(found[1] or 1) if found else 0
        length += days
        if found is None or days < 1 or length > _LONGEST_CYCLE:
            table.wrong(
                ("cycle", place),
                f"{shown(interval)} is not a number of days and a shift"
                if length <= _LONGEST_CYCLE
                else "the cycle is over a year long",
                'write how many days and the shift, as in "4 day", "2 day+night" or "3 off"',
            )
            return
        names = () if found[2] == OFF else tuple(found[2].split("+"))
        for name in names:
            if name not in named:
                table.wrong(
                    ("cycle", place), f"no shift is named {shown(name)}", nearest(name, {*named, OFF}, "the shifts are")
                )
        yield from [names] * days


def _holidays(table: Table) -> str:
    code = table.text("holidays")
    if code is None:
        return ""
    country, _, subdivision = code.partition("-")
    countries = {name: subs for name, subs in holidays.list_supported_countries().items() if len(name) == 2}
    if country not in countries:
        table.wrong(
            "holidays",
            f"there are no holidays for the country {shown(country)}",
            "write its two letters of ISO 3166, as in GB-ENG, DE-BY or CN",
        )
        return ""
    if subdivision and subdivision not in countries[country]:
        table.wrong(
            "holidays",
            f"{country} has no part {shown(subdivision)}",
            nearest(subdivision, countries[country], f"the parts of {country} are")
            if countries[country]
            else f"write {country} alone",
        )
        return ""
    return code


def _maintenance(table: Table) -> Maintenance | None:
    days = _days(table)
    weeks = _whole_numbers(table, "weeks", (-1, 1, 2, 3, 4, 5))
    months = _whole_numbers(table, "months", tuple(range(1, 13)))
    dated = any(key in table for key in ("date", "from", "to"))
    first, last = _dates(table)
    if not dated and days is None and "days" not in table:
        dated = True  # one mistake is enough
        table.wrong(
            (), "maintenance needs its days or date", 'write days = "wed" or date = 2026-08-03, with start and end'
        )
    times: tuple[int, int] | None = (0, DAY_S)
    if not dated or "start" in table or "end" in table:
        times = _times(table, what="maintenance")
    table.value("start"), table.value("end")  # both are allowed, even where the days are whole
    if weeks and days is None:
        table.wrong("weeks", "weeks of the month need a weekday", 'write days = "wed"')
    table.close()
    if times is None:
        return None
    return Maintenance(*times, days=days or EVERY_DAY, weeks=weeks, months=months, first=first, last=last)


def _whole_numbers(table: Table, key: str, allowed: tuple[int, ...]) -> frozenset[int]:
    value = table.value(key)
    values = value if isinstance(value, list) else [] if value is None else [value]
    for one in values:
        if one not in allowed or isinstance(one, bool):
            table.wrong(key, f"{shown(one)} is not allowed here", f"use {', '.join(map(str, allowed))}")
            return frozenset()
    return frozenset(values)


def _dates(table: Table) -> tuple[date | None, date | None]:
    """Take `date`, or `from` and `to`."""
    day, first, last = table.date("date"), table.date("from"), table.date("to")
    if "date" in table and ("from" in table or "to" in table):
        table.wrong("date", "one day and a range of days are both given", "write either date, or from and to")
    if day is not None:
        return day, day
    if first is not None and last is not None and last < first:
        table.wrong("to", f"{last} is before {first}", "write the first day as from and the last as to")
    return first, last


def _exceptions(table: Table, regular: tuple[Shift, ...]) -> Iterator[DateException]:
    for inner in table.tables("exceptions"):
        first, last = _dates(inner)
        closed = inner.flag("closed")
        shifts = tuple(_exception_shifts(inner, regular))
        inner.close()
        if ("date" not in inner) and not ("from" in inner and "to" in inner):
            inner.wrong((), "an exception needs its day or days", "write date = 2026-12-24, or from and to")
        elif bool(closed) == ("shifts" in inner) and not (closed is None and "closed" in inner):
            inner.wrong(
                (),
                "an exception is either closed or has shifts",
                'write closed = true, or shifts = ["day"] for those that work',
            )
        elif first is not None and last is not None:
            yield DateException(first, last, shifts)


def _exception_shifts(table: Table, regular: tuple[Shift, ...]) -> Iterator[Shift]:
    """Take the shifts of an exception: names of regular ones, or tables of others."""
    for place, value in enumerate(table.array("shifts")):
        if isinstance(value, dict):
            shift = _shift(Table(table.document, (*table.path, "shifts", place), value))
            if shift is not None:
                yield shift
            continue
        alike = [shift for shift in regular if shift.name == value]
        if not alike:
            names = {shift.name for shift in regular}
            table.wrong(
                ("shifts", place), f"no shift is named {shown(value)}", nearest(str(value), names, "the shifts are")
            )
        # A name stands for its shift on any weekday; of several the one of that weekday, else the first.
        others = frozenset[int]().union(*(shift.days for shift in alike[1:]))
        for shift in alike[:1]:
            yield msgspec.structs.replace(shift, days=shift.days | (EVERY_DAY - others))
        yield from alike[1:]


def _reject_overlaps(table: Table, rules: Rules) -> None:
    """Report the first two shifts that overlap, by the wall clock: a clock change does not reorder its times."""
    regular = Calendar(msgspec.structs.replace(rules, holidays="", exceptions=()), "UTC")
    special = Calendar(rules, "UTC")
    for calendar, days in ((regular, _regular_days(rules)), (special, _exceptional_days(rules))):
        for day in days:
            overlap = _overlap(calendar, day)
            if overlap is not None:
                hint = "let no two shifts of a calendar overlap; machines that work differently get one of their own"
                table.wrong("shifts", overlap, hint)
                return


def _overlap(calendar: Calendar, day: date) -> str | None:
    """Return which shift of a day overlaps one of the same or the next day, as a sentence; None if none does."""
    today = [(shift.start_s, shift.end_s, shift.name, "") for shift, _ in calendar.shifts_on(day)]
    tomorrow = [
        (shift.start_s + DAY_S, shift.end_s + DAY_S, shift.name, " of the next day")
        for shift, _ in calendar.shifts_on(day + timedelta(days=1))
    ]
    for (_, end_s, name, _), (next_start_s, _, next_name, which) in itertools.pairwise(today + tomorrow[:1]):
        if next_start_s < end_s:
            dated = calendar.rules.rotation or calendar.rules.exceptions
            when = str(day) if dated else _LONG[day.weekday()].capitalize()
            next_start = _clock(next_start_s)
            return f"shift {name} of {when} runs until {_clock(end_s)}, but {next_name}{which} starts at {next_start}"
    return None


def _regular_days(rules: Rules) -> Iterator[date]:
    """Return days of every kind that the week and the rotation make."""
    first = rules.rotation.anchor if rules.rotation else _MONDAY
    for n in range(math.lcm(len(rules.rotation.cycle), 7) if rules.rotation else 7):
        yield first + timedelta(days=n)


def _exceptional_days(rules: Rules) -> Iterator[date]:
    """Return the days of the exceptions that have shifts, and those before them."""
    for exception in rules.exceptions:
        if exception.shifts:
            for n in range(-1, min((exception.last - exception.first).days, _LONGEST_CYCLE) + 1):
                yield exception.first + timedelta(days=n)


def _clock(seconds: int) -> str:
    minutes = seconds % DAY_S // 60 if seconds != DAY_S else 24 * 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
