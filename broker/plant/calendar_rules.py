"""Reads a calendar of a plant file: a `[calendar.NAME]` table becomes the rules of a shift calendar.

It validates all that does not depend on today's date: times, weekdays, breaks outside their shift, shifts that a
rotation names and no table defines, countries and zones that do not exist, and shifts that overlap.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import holidays
import msgspec

from broker.contract.names import is_name
from broker.plant.calendar_overlaps import overlap
from broker.plant.calendar_times import clock_text, take_dates, take_days, take_times
from broker.plant.shift_rules import DAY_S, EVERY_DAY, LONGEST_CYCLE, DateException, Maintenance, Rotation, Rules, Shift
from broker.plant.toml_tables import Table, nearest, shown

OFF: Final = "off"
"""A day off in a rotation's cycle."""

_INTERVAL: Final = re.compile(r"(?:(\d{1,3})\s+)?(\S+)\Z", re.ASCII)
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
    overlapping = overlap(rules)
    if overlapping is not None:
        hint = "let no two shifts of a calendar overlap; machines that work differently get one of their own"
        table.wrong("shifts", overlapping, hint)
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
    days = take_days(table) or EVERY_DAY
    times = take_times(table, what="a shift")
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
        times = take_times(inner, what="a break")
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
                f"the break {clock_text(start_s)} to {clock_text(end_s)} is not within its shift",
                f"the shift is from {clock_text(shift[0])} to {clock_text(shift[1])}",
            )


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
        if found is None or days < 1 or length > LONGEST_CYCLE:
            table.wrong(
                ("cycle", place),
                f"{shown(interval)} is not a number of days and a shift"
                if length <= LONGEST_CYCLE
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
    days = take_days(table)
    weeks = _whole_numbers(table, "weeks", (-1, 1, 2, 3, 4, 5))
    months = _whole_numbers(table, "months", tuple(range(1, 13)))
    dated = any(key in table for key in ("date", "from", "to"))
    first, last = take_dates(table)
    if not dated and days is None and "days" not in table:
        dated = True  # one mistake is enough
        table.wrong(
            (), "maintenance needs its days or date", 'write days = "wed" or date = 2026-08-03, with start and end'
        )
    times: tuple[int, int] | None = (0, DAY_S)
    if not dated or "start" in table or "end" in table:
        times = take_times(table, what="maintenance")
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


def _exceptions(table: Table, regular: tuple[Shift, ...]) -> Iterator[DateException]:
    for inner in table.tables("exceptions"):
        first, last = take_dates(inner)
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
