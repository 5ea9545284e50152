"""Times of day, weekdays and dates in a calendar of a plant file: each is taken from its table, or a mistake in it."""

import datetime as dt
import re
from datetime import date
from typing import Final

from broker.plant.shift_rules import DAY_S
from broker.plant.toml_tables import Table, shown

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONG_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?\Z", re.ASCII)


def take_times(table: Table, *, what: str) -> tuple[int, int] | None:
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


def take_days(table: Table) -> frozenset[int] | None:
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


def take_dates(table: Table) -> tuple[date | None, date | None]:
    """Take `date`, or `from` and `to`."""
    day, first, last = table.date("date"), table.date("from"), table.date("to")
    if "date" in table and ("from" in table or "to" in table):
        table.wrong("date", "one day and a range of days are both given", "write either date, or from and to")
    if day is not None:
        return day, day
    if first is not None and last is not None and last < first:
        table.wrong("to", f"{last} is before {first}", "write the first day as from and the last as to")
    return first, last


def clock_text(seconds: int) -> str:
    """Write seconds after midnight as a time of day, 86 400 as 24:00, later ones as of the next day."""
    minutes = seconds % DAY_S // 60 if seconds != DAY_S else 24 * 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


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


def _weekday(text: str) -> int | None:
    lower = text.lower()
    for names in (WEEKDAYS, LONG_WEEKDAYS):
        if lower in names:
            return names.index(lower)
    return None
