"""Shifts of one calendar that overlap, among its regular days and its exceptions."""

import itertools
import math
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import msgspec

from broker.plant.calendar import Calendar
from broker.plant.calendar_times import LONG_WEEKDAYS, clock_text
from broker.plant.shift_rules import DAY_S, LONGEST_CYCLE, Rules

_MONDAY: Final = date(2024, 1, 1)


def overlap(rules: Rules) -> str | None:
    """Return the first two shifts that overlap, as a sentence; None if none do.

    They are compared by the wall clock: a clock change does not reorder its times.
    """
    regular = Calendar(msgspec.structs.replace(rules, holidays="", exceptions=()), "UTC")
    special = Calendar(rules, "UTC")
    checked = itertools.chain(
        ((regular, day) for day in _regular_days(rules)), ((special, day) for day in _exceptional_days(rules))
    )
    return next((found for found in itertools.starmap(_overlap_on, checked) if found is not None), None)


def _overlap_on(calendar: Calendar, day: date) -> str | None:
    """Return which shift of a day overlaps one of the same or the next day, as a sentence; None if none does."""
    today = [(shift.start_s, shift.end_s, shift.name, "") for shift, _ in calendar.shifts_on(day)]
    tomorrow = [
        (shift.start_s + DAY_S, shift.end_s + DAY_S, shift.name, " of the next day")
        for shift, _ in calendar.shifts_on(day + timedelta(days=1))
    ]
    for (_, end_s, name, _), (next_start_s, _, next_name, which) in itertools.pairwise(today + tomorrow[:1]):
        if next_start_s < end_s:
            dated = calendar.rules.rotation or calendar.rules.exceptions
            when = str(day) if dated else LONG_WEEKDAYS[day.weekday()].capitalize()
            next_start = clock_text(next_start_s)
            return (
                f"shift {name} of {when} runs until {clock_text(end_s)}, but {next_name}{which} starts at {next_start}"
            )
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
            for n in range(-1, min((exception.last - exception.first).days, LONGEST_CYCLE) + 1):
                yield exception.first + timedelta(days=n)
