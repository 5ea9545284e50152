"""When the hours and shifts of an asset begin and end."""

from typing import NamedTuple

from broker.plant.calendar import ShiftWindow
from broker.plant.plant import Plant
from services.store.resolutions import HOUR


class Period(NamedTuple):
    """A time range start ≤ t < end, nanoseconds since 1970-01-01 UTC; `name` is that of a shift, '' of an hour."""

    start: int
    end: int
    name: str = ""


def running(plant: Plant, path: str, kind: str, now: int) -> Period | None:
    """Return the hour or shift of an asset that is on; None where none is."""
    if kind == "hour":
        return Period(now - now % HOUR, now - now % HOUR + HOUR)
    calendar = plant.calendar_of(path)
    return _of_shift(calendar.shift_at(now)) if calendar is not None else None


def ended(plant: Plant, path: str, kind: str, now: int) -> Period | None:
    """Return the last hour or shift of an asset that is over; None where there is none."""
    if kind == "hour":
        return Period(now - now % HOUR - HOUR, now - now % HOUR)
    calendar = plant.calendar_of(path)
    return _of_shift(calendar.previous_shift(now)) if calendar is not None else None


def _of_shift(shift: ShiftWindow | None) -> Period | None:
    return Period(shift.start, shift.end, shift.name) if shift is not None else None
