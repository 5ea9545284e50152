"""Time ranges as written in an address: `from=shift`, `from=now-8h&to=now`, RFC 3339, or epoch milliseconds.

A word is resolved at the time of the request, by the calendar of its asset, so that a link to "this shift" always shows
the running shift. `now` is the millisecond of the request: what has just happened is in the range.
"""

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from broker.contract import durations
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_MS, NS_PER_S
from broker.contract.instants import EARLIEST, LATEST, parse
from broker.plant.calendar import Calendar

MOST_INTERVALS: Final = 1_000
_DAY_NS: Final = 86_400 * NS_PER_S
USUAL_NS: Final = 8 * 3_600 * NS_PER_S
"""What `shift` means where there is no calendar."""
SHORTEST_NS: Final = 60 * NS_PER_S
"""What `shift` means there at least, however short ago the first message came."""
_LONGEST_NS: Final = 10 * 366 * 86_400 * NS_PER_S


class Range(msgspec.Struct, frozen=True):
    """A time range, start ≤ t < end, in nanoseconds; if it is a shift, its name and the end that it will have."""

    start: int
    end: int
    shift: str = ""
    shift_end: int | None = None


class RangeError(ValueError):
    """The range is not valid; the text has a hint."""


def duration(text: str) -> int:
    """Return nanoseconds of `30s`, `1h30m`, `7d`.

    Raises:
        RangeError: it is no duration.
    """
    try:
        return round(durations.parse(text) * NS_PER_S)
    except ContractError as error:
        raise RangeError(str(error)) from error


def resolve(start: str, end: str, *, now: int, calendar: Calendar | None, first: int | None = None) -> Range:
    """Return the range that two texts mean.

    `shift` is the running shift up to now; outside any shift it is the last one, and where there is no calendar the
    last eight hours, or since the first message. `previous-shift` is the one before. Both decide the end too.

    Args:
        start: `shift`, `previous-shift`, `now-8h`, RFC 3339 or epoch milliseconds.
        end: the same but for the words; 'now' or '' means now.
        now: the time, nanoseconds.
        calendar: whose shifts are meant; None where there are none.
        first: the time of the machines' first event; None where that is not known.

    Raises:
        RangeError: one of them is not a time, or they are not in order.
    """
    now -= now % NS_PER_MS
    if start in {"shift", "previous-shift"}:
        return _shift(start, now, calendar, first)
    first, last = _instant(start, now, "from"), _instant(end or "now", now, "to")
    for which, text, at in (("from", start, first), ("to", end, last)):
        if not EARLIEST <= at <= LATEST:
            raise RangeError(f"{which}={text[:40]} is beyond all bounds: give a time between 1700 and 2249")
    if last <= first:
        raise RangeError("'to' is not after 'from': give an earlier from, or a later to")
    if last - first > _LONGEST_NS:
        raise RangeError("the range is longer than ten years: ask for less")
    return Range(first, last)


def cut(time_range: Range, step: int, zone: str) -> list[tuple[int, int]]:
    """Split a range into intervals.

    Args:
        time_range: the range.
        step: their length, nanoseconds.
        zone: a time zone in which the cuts are at whole hours or days (whatever `step` is), so that they stay where
            they are while the range moves on; '' to count them from its start.

    Raises:
        RangeError: there would be too many.
    """
    if step < NS_PER_S:
        raise RangeError("every is shorter than a second: write 1m, 1h, 1d")
    if step > _LONGEST_NS:
        raise RangeError("every is longer than ten years: write 1m, 1h, 1d")
    count = -(-(time_range.end - time_range.start) // step)
    if count > MOST_INTERVALS:
        raise RangeError(f"{count} intervals are too many: choose a longer every, or a shorter range")
    edges = [time_range.start]
    if zone:
        shown_in = ZoneInfo(zone)
        offset = _offset(time_range.start, shown_in)
        first = (time_range.start + offset) // step + 1
        for place in range(first, first + count):
            edge = place * step
            # Days are not all equally long; hours are.
            edges.append(edge - (_offset(edge - offset, shown_in) if step >= _DAY_NS else offset))
    else:
        edges += range(time_range.start + step, time_range.end, step)
    inside = [edge for edge in edges if edge < time_range.end]
    return list(zip(inside, [*inside[1:], time_range.end], strict=True))


def _offset(at: int, zone: ZoneInfo) -> int:
    found = datetime.fromtimestamp(at // NS_PER_S, UTC).astimezone(zone).utcoffset()
    return 0 if found is None else round(found.total_seconds()) * NS_PER_S


def _shift(word: str, now: int, calendar: Calendar | None, first: int | None) -> Range:
    running = calendar.shift_at(now) if calendar else None
    if word == "shift" and running is not None and running.start < now:
        return Range(running.start, now, running.name, running.end)
    former = calendar.previous_shift(now) if calendar else None
    if word == "previous-shift" and running is None and former is not None and calendar is not None:
        former = calendar.previous_shift(former.start)
    if former is None:
        received = now - USUAL_NS if first is None else min(first - first % NS_PER_S, now - SHORTEST_NS)
        return Range(max(received, now - USUAL_NS), now)
    return Range(former.start, former.end, former.name, former.end)


def _instant(text: str, now: int, which: str) -> int:
    if text == "now":
        return now
    if text.startswith("now-"):
        return now - duration(text[4:])
    try:
        if re.fullmatch(r"-?\d{1,16}(\.\d+)?", text):
            return round(float(text) * NS_PER_MS) if "." in text else int(text) * NS_PER_MS
        # A plus sign that was not escaped in an address arrives as a space.
        return parse(re.sub(r" (?=\d\d:\d\d\Z)", "+", text))
    except ContractError as error:
        raise RangeError(
            f"{which}={text[:40]} is not a time: write RFC 3339 (2026-11-24T08:00:00Z), epoch milliseconds, now, "
            "now-8h or shift"
        ) from error
