"""The shift calendar: which shift it is, and whether the time is planned, at every instant.

A calendar is made of *rules* in local wall-clock time (shifts by weekday or by rotation, breaks, holidays, planned
maintenance, exceptions by date) and of a *time zone*. It answers with *time ranges* in nanoseconds UTC that cover what
was asked for without gap or overlap, so that a state can be split where shifts and breaks begin and end.

A shift belongs to the local day on which it starts: the night shift of Saturday is the one that starts on Saturday, and
holidays and exceptions decide by that day. When clocks change, a local time that does not exist is the instant at which
the clock jumps, and one that comes twice is the first of the two; so times that follow each other on the wall never
change places, and a shift from 22:00 to 06:00 lasts 7 h in one night of spring and 9 h in one of autumn.

The time ranges of a day (UTC) are computed once and cached; a later question is a search in a short list.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import holidays
import msgspec

from broker.contract.events import NS_PER_S
from broker.contract.instants import from_datetime
from broker.plant.shift_rules import DAY_S, Rules, Shift

NO_SHIFT: Final = "-"
"""The shift of a time range outside any shift."""

_DAY_NS: Final = DAY_S * NS_PER_S
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_CACHED_DAYS: Final = 1_024  # a bound for the memory, not a tuning: a day costs about 2 kB
_SEARCHED_DAYS: Final = 370  # a plant that has no shift for a year is taken to have none


class TimeRange(msgspec.Struct, frozen=True, gc=False):
    """A time range with one shift, all planned or all not.

    Attributes:
        start: its first instant, nanoseconds since 1970-01-01 UTC.
        end: the instant after its last.
        shift: the shift's name, `-` outside any shift. It stays on during breaks and maintenance.
        planned: planned busy time: in a shift, outside breaks and planned maintenance.
    """

    start: int
    end: int
    shift: str
    planned: bool


class ShiftWindow(msgspec.Struct, frozen=True, gc=False):
    """One shift of one day, breaks included.

    Attributes:
        name: the shift's name.
        start: its first instant, nanoseconds since 1970-01-01 UTC.
        end: the instant after its last.
        crews: who works it, where the calendar has a rotation with crews.
    """

    name: str
    start: int
    end: int
    crews: tuple[str, ...] = ()


class Calendar:
    """Rules in a time zone, as time ranges in UTC.

    Args:
        rules: what holds in local time; shifts must not overlap.
        time_zone: an IANA zone, `Europe/London`.
    """

    def __init__(self, rules: Rules, time_zone: str) -> None:
        self.rules: Final = rules
        self.time_zone: Final = time_zone
        self._zone = ZoneInfo(time_zone)
        self._holidays = _public_holidays(rules.holidays)
        self._days: dict[int, _Day] = {}

    def time_ranges(self, start: int, end: int) -> list[TimeRange]:
        """Return the ranges that cover [start, end), in ns UTC, equal neighbours merged; [] if it is empty."""
        found: list[TimeRange] = []
        at = start
        while at < end:
            day = self._day(at // _DAY_NS)
            place = bisect_right(day.starts, at) - 1
            while at < end and place < len(day.time_ranges):
                part = day.time_ranges[place]
                until = min(part.end, end)
                if found and found[-1].shift == part.shift and found[-1].planned == part.planned:
                    found[-1] = TimeRange(found[-1].start, until, part.shift, part.planned)
                else:
                    found.append(TimeRange(at, until, part.shift, part.planned))
                at = until
                place += 1
        return found

    def planned_s(self, start: int, end: int) -> float:
        """Return the planned time in [start, end), in seconds."""
        return sum(part.end - part.start for part in self.time_ranges(start, end) if part.planned) / NS_PER_S

    def shift_at(self, at: int) -> ShiftWindow | None:
        """Return the shift that is on at an instant, None outside any."""
        return next((window for window in self._day(at // _DAY_NS).windows if window.start <= at < window.end), None)

    def shifts(self, start: int, end: int) -> list[ShiftWindow]:
        """Return the shifts that overlap [start, end), whole, in order."""
        found: dict[int, ShiftWindow] = {}
        for day in range(start // _DAY_NS, -(-end // _DAY_NS)):
            for window in self._day(day).windows:
                if window.start < end and window.end > start:
                    found[window.start] = window
        return list(found.values())

    def next_shift(self, at: int) -> ShiftWindow | None:
        """Return the first shift that starts after an instant; None if there is none within a year."""
        first = at // _DAY_NS
        for day in range(first, first + _SEARCHED_DAYS):
            for window in self._day(day).windows:
                if window.start > at:
                    return window
        return None

    def previous_shift(self, at: int) -> ShiftWindow | None:
        """Return the last shift that has ended at or before an instant; None if there is none within a year."""
        last = at // _DAY_NS
        for day in range(last, last - _SEARCHED_DAYS, -1):
            for window in reversed(self._day(day).windows):
                if window.end <= at:
                    return window
        return None

    def shifts_on(self, day: date) -> list[tuple[Shift, tuple[str, ...]]]:
        """Return the shifts that start on a local day, in order, each with its crews."""
        exception = next((e for e in reversed(self.rules.exceptions) if e.first <= day <= e.last), None)
        worked: list[tuple[Shift, tuple[str, ...]]]
        if exception is not None:
            worked = [(shift, ()) for shift in exception.shifts if day.weekday() in shift.days]
        elif day in self._holidays:
            worked = []
        else:
            worked = list(self._regular(day))
        return sorted(worked, key=lambda one: one[0].start_s)

    def instant(self, day: date, seconds: int) -> int:
        """Return the instant at which the clock on the wall shows so many seconds after a day's midnight."""
        days, seconds = divmod(seconds, DAY_S)
        wall = datetime.combine(day, datetime.min.time()) + timedelta(days=days, seconds=seconds)
        local = wall.replace(tzinfo=self._zone)  # fold 0: of two the first
        at = from_datetime(local) // NS_PER_S
        before, after = local.utcoffset(), local.replace(fold=1).utcoffset()
        if before is not None and after is not None and before < after:  # the clock jumps over this time
            at = self._jump(at - int((after - before).total_seconds()), at)
        return at * NS_PER_S

    def _regular(self, day: date) -> Iterator[tuple[Shift, tuple[str, ...]]]:
        rotation = self.rules.rotation
        crews = rotation.crews_on(day) if rotation else {}
        rotating = {name for names in rotation.cycle for name in names} if rotation else set()
        for shift in self.rules.shifts:
            if day.weekday() in shift.days and (shift.name not in rotating or shift.name in crews):
                yield shift, tuple(crew for crew in crews.get(shift.name, ()) if crew)

    def _day(self, number: int) -> "_Day":
        """Return a day of UTC by its number since 1970-01-01, from the cache or computed."""
        day = self._days.get(number)
        if day is None:
            if len(self._days) >= _CACHED_DAYS:
                del self._days[next(iter(self._days))]
            day = self._days[number] = self._compute(number)
        return day

    def _compute(self, number: int) -> "_Day":
        start, end = number * _DAY_NS, (number + 1) * _DAY_NS
        windows: list[ShiftWindow] = []
        unplanned: list[tuple[int, int]] = []
        # A day of UTC meets the local days from one before to one after it, and a shift of the day before those.
        for shift_day in (date.fromordinal(_EPOCH_DAY + number + offset) for offset in (-2, -1, 0, 1)):
            for shift, crews in self.shifts_on(shift_day):
                window = ShiftWindow(
                    shift.name, self.instant(shift_day, shift.start_s), self.instant(shift_day, shift.end_s), crews
                )
                if window.start < window.end and window.start < end and window.end > start:
                    windows.append(window)
                    unplanned += self._instants(shift_day, shift.breaks)
            pauses = [(one.start_s, one.end_s) for one in self.rules.maintenance if one.is_on(shift_day)]
            unplanned += self._instants(shift_day, pauses)
        time_ranges = list(_cut(windows, unplanned, start, end))
        return _Day([part.start for part in time_ranges], time_ranges, windows)

    def _instants(self, day: date, times: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(self.instant(day, start_s), self.instant(day, end_s)) for start_s, end_s in times]

    def _jump(self, low: int, high: int) -> int:
        """Return the first second within (low, high] at which the offset of `high` holds."""
        offset = self._offset(high)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._offset(middle) == offset else (middle, high)
        return high

    def _offset(self, at: int) -> timedelta | None:
        return datetime.fromtimestamp(at, self._zone).utcoffset()


class _Day(msgspec.Struct, frozen=True):
    """A day of UTC: its time ranges, their starts to search in, and the shifts that touch it."""

    starts: list[int]
    time_ranges: list[TimeRange]
    windows: list[ShiftWindow]


def _cut(
    windows: Iterable[ShiftWindow], unplanned: Iterable[tuple[int, int]], start: int, end: int
) -> Iterator[TimeRange]:
    """Split [start, end) where shifts and unplanned time begin and end."""
    pauses = sorted(unplanned)
    at = start
    for window in windows:
        begins, ends = max(window.start, start), min(window.end, end)
        if at < begins:
            yield TimeRange(at, begins, NO_SHIFT, planned=False)
        at = begins
        for pause in pauses:
            pause_start, pause_end = max(pause[0], at), min(pause[1], ends)
            if pause_start < pause_end:
                if at < pause_start:
                    yield TimeRange(at, pause_start, window.name, planned=True)
                yield TimeRange(pause_start, pause_end, window.name, planned=False)
                at = pause_end
        if at < ends:
            yield TimeRange(at, ends, window.name, planned=True)
        at = ends
    if at < end:
        yield TimeRange(at, end, NO_SHIFT, planned=False)


def _public_holidays(code: str) -> Any:
    """Return the public holidays, to test dates with `in`; the library computes a year at its first date."""
    if not code:
        return ()
    country, _, subdivision = code.partition("-")
    return holidays.country_holidays(country, subdiv=subdivision or None)
