"""The rules of a shift calendar, in local wall-clock time: shifts, rotation, maintenance and exceptions."""

from datetime import date, timedelta
from typing import Final

import msgspec

DAY_S: Final = 86_400
EVERY_DAY: Final = frozenset(range(7))
LONGEST_CYCLE: Final = 366
"""The most days that the cycle of a rotation may have."""


class Shift(msgspec.Struct, frozen=True):
    """A shift in local time, in seconds of wall-clock time after the midnight at which its start day begins.

    Attributes:
        name: the shift's name.
        start_s: when it starts, 0 … 86 400.
        end_s: when it ends, at most a day after its start: above 86 400 it ends on the next day.
        days: the weekdays on which it starts, Monday is 0.
        breaks: starts and ends of unplanned time in it, in order.
    """

    name: str
    start_s: int
    end_s: int
    days: frozenset[int] = EVERY_DAY
    breaks: tuple[tuple[int, int], ...] = ()


class Rotation(msgspec.Struct, frozen=True):
    """A cycle of days that crews work through, each from its own place in it.

    Attributes:
        anchor: the day on which a crew of offset 0 works the first day of the cycle.
        cycle: for each day of the cycle the names of the shifts that a crew works, none for a day off.
        crews: each crew with the place in the cycle, counted from 0, at which it stands on the anchor day.
    """

    anchor: date
    cycle: tuple[tuple[str, ...], ...]
    crews: tuple[tuple[str, int], ...] = (("", 0),)

    def crews_on(self, day: date) -> dict[str, list[str]]:
        """Return the shifts that are worked on a day, each with its crews."""
        passed = (day - self.anchor).days
        worked: dict[str, list[str]] = {}
        for crew, offset in self.crews:
            for name in self.cycle[(passed + offset) % len(self.cycle)]:
                worked.setdefault(name, []).append(crew)
        return worked


class Maintenance(msgspec.Struct, frozen=True):
    """Planned maintenance: every week, on some weeks or months of the year, or in a range of dates.

    Attributes:
        start_s: when it starts, seconds of wall-clock time after midnight.
        end_s: when it ends; above 86 400 on the next day.
        days: the weekdays on which it starts.
        weeks: which such weekday of the month (1 the first, -1 the last); empty for every one.
        months: the months of the year, 1 … 12; empty for every one.
        first: the first day, None for no limit.
        last: the last day, None for no limit.
    """

    start_s: int
    end_s: int
    days: frozenset[int] = EVERY_DAY
    weeks: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    first: date | None = None
    last: date | None = None

    def is_on(self, day: date) -> bool:
        """Whether it starts on that day."""
        if day.weekday() not in self.days or (self.months and day.month not in self.months):
            return False
        if (self.first is not None and day < self.first) or (self.last is not None and day > self.last):
            return False
        if not self.weeks:
            return True
        from_start = (day.day - 1) // 7 + 1
        is_last = (day + timedelta(days=7)).month != day.month
        return from_start in self.weeks or (is_last and -1 in self.weeks)


class DateException(msgspec.Struct, frozen=True):
    """Days that follow neither the week, the rotation nor the holidays: `shifts` start on them, none if closed."""

    first: date
    last: date
    shifts: tuple[Shift, ...] = ()


class Rules(msgspec.Struct, frozen=True):
    """The rules of a calendar, in local time.

    Attributes:
        shifts: the regular shifts.
        rotation: decides on which days the shifts that it names are worked; None if every week is alike.
        holidays: country and subdivision as in the `holidays` library (`GB-ENG`, `CN`), '' for none.
        maintenance: planned maintenance.
        exceptions: days that differ; of two for the same day the later counts.
    """

    shifts: tuple[Shift, ...] = ()
    rotation: Rotation | None = None
    holidays: str = ""
    maintenance: tuple[Maintenance, ...] = ()
    exceptions: tuple[DateException, ...] = ()
