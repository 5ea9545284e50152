"""What each cumulative reading is: the rules of `docs/reference/readings.md`, over readings in order of time.

The readings of one message are classified together. Only what comes before a reading, up to its base and the increments
before that, and what follows it, up to the first reading that rises, matter. So classification can begin at any place
from which on nothing depends on how an earlier fall or jump turned out, and can end where nothing differs any more.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from typing import Final

from broker.contract.events import COUNTERS
from services.ledger.fields import NANO
from services.ledger.readings.kinds import (
    CORRECTION,
    DIP,
    HANDED_OVER,
    LEFT_OUT,
    NEW_BASE,
    PRODUCTION,
    RESET,
    ROLL_OVER,
    SKIPPED,
    SPIKE,
)
from services.ledger.readings.limits import Possible
from services.ledger.readings.series import RECENT, Series

DIP_NS: Final = 60 * NANO
"""A counter that is back so soon has dipped, however little it can count."""
UNKNOWN_DIP_NS: Final = 15 * 60 * NANO
"""One of which is not known how much it can count has dipped if it is back so soon."""
SPIKE_NS: Final = 15 * 60 * NANO
"""A spike is one reading, or the same total again for so long."""
LARGE: Final = 100 * NANO
"""A jump up to this is never a new base."""
_RECOUNTED: Final = frozenset({"good", "scrap", "rework", "inspected", "first_pass"})
"""Counters of pieces that may be inspected again afterwards."""
_PIECES: Final = frozenset(COUNTERS)
_NOISE: Final = 2**22
"""A fall by less than this part of a total is below what a short float can distinguish."""
_STABLE: Final = RECENT + 1
"""After so many readings that are what they were, so are all later ones."""

Found = tuple[int, int, int]
"""A kind, what is added, and the place from which on readings count again (of what is left out)."""


def classify(series: Sequence[Series], possible: Possible, since: int, until: int) -> set[int]:
    """Classify the readings of one group from `since` on, in place.

    Args:
        series: the group's, classified before `since`, which is no instant within a dip or spike.
        possible: what can have been counted.
        since: from when.
        until: up to when readings, or what was possible, have changed; later ones are classified as far as they differ.

    Returns:
        The times of the readings that are now another kind, or add another amount.
    """
    changed: set[int] = set()
    cursors = [_Cursor(each, max(bisect_left(each.times, since), each.fixed), changed) for each in series]
    while True:
        at = min((cursor.at for cursor in cursors if not cursor.is_over), default=None)
        if at is None:
            break
        if at > until and all(cursor.stable >= _STABLE or cursor.is_over for cursor in cursors):
            break
        _message([cursor for cursor in cursors if not cursor.is_over and cursor.at == at], possible)
    for each in series:
        each.note_end()
    return changed


class _Cursor:
    """Goes along a series.

    Attributes:
        place: of the reading that is next.
        base: the place of the last accepted reading; -1 before the first.
        recent: the increments before.
        stable: how many readings are what they were since one was not.
    """

    __slots__ = ("base", "changed", "place", "recent", "series", "stable")

    def __init__(self, series: Series, place: int, changed: set[int]) -> None:
        self.series, self.place, self.changed = series, place, changed
        self.base = series.base_before(place)
        self.recent = deque(series.recent_before(place), RECENT)
        self.stable = _STABLE

    @property
    def is_over(self) -> bool:
        return self.place >= len(self.series.times)

    @property
    def at(self) -> int:
        return self.series.times[self.place]

    @property
    def total(self) -> int:
        return self.series.entries[self.place]

    @property
    def rise(self) -> int:
        return self.series.entries[self.place] - self.series.entries[self.base]

    @property
    def base_total(self) -> int:
        return self.series.entries[self.base]

    def possible(self, possible: Possible) -> int | None:
        return possible.between(self.series.field, self.series.times[self.base], self.at)

    def accept(self, kind: int, added: int) -> None:
        """Let the reading be the base of the next."""
        if kind not in {NEW_BASE, HANDED_OVER} and self.base >= 0:
            self.recent.append(added)
        self._set(self.place, kind, added)
        self.base = self.place
        self.place += 1

    def leave_out(self, kind: int, back: int) -> None:
        """Leave out the readings before the place `back`."""
        self._set(self.place, kind, 0)
        for place in range(self.place + 1, back):
            self._set(place, SKIPPED, 0)
        self.place = back

    def _set(self, place: int, kind: int, added: int) -> None:
        series = self.series
        if series.kinds[place] == kind and series.added[place] == added:
            self.stable += 1
            return
        self.stable = 0
        series.kinds[place], series.added[place] = kind, added
        self.changed.add(series.times[place])


def _message(cursors: list[_Cursor], possible: Possible) -> None:
    """Classify the readings of one message."""
    rising: list[tuple[_Cursor, Found]] = []
    falling: list[_Cursor] = []
    for cursor in cursors:
        if cursor.base < 0:
            cursor.accept(PRODUCTION, 0)
        elif cursor.series.is_handed_over(cursor.base, cursor.place):
            cursor.accept(HANDED_OVER, 0)
        elif cursor.rise >= 0:
            rising.append((cursor, _rise(cursor, possible)))
        else:
            falling.append(cursor)
    is_new = any(kind == NEW_BASE for _, (kind, _, _) in rising)
    if falling:
        _fall_together(falling, [cursor.series.field for cursor, _ in rising], possible, is_new=is_new)
    for cursor, (kind, added, back) in rising:
        if kind in LEFT_OUT:
            cursor.leave_out(kind, back)
        elif is_new and kind == PRODUCTION and _is_more(cursor.rise, cursor.possible(possible)):
            cursor.accept(NEW_BASE, 0)
        else:
            cursor.accept(kind, added)


def _is_more(amount: int, possible: int | None) -> bool:
    return possible is not None and amount > possible


# ---- Rises ----


def _rise(cursor: _Cursor, possible: Possible) -> Found:
    """Return what a reading at or above its base is."""
    rise = cursor.rise
    if not rise:
        return PRODUCTION, 0, 0
    series, place = cursor.series, cursor.place
    following = series.other_after(place)
    may_be_spike = (
        following is not None
        and series.entries[following] < cursor.total
        and (following == place + 1 or series.times[following] - cursor.at <= SPIKE_NS)
    )
    if not may_be_spike and rise <= LARGE:
        return PRODUCTION, rise, 0
    most = cursor.possible(possible)
    if may_be_spike and _is_jump(cursor, most) and _is_back(cursor, following or 0, possible):
        return SPIKE, 0, following or 0
    if rise > LARGE and most is not None and rise > 4 * most:
        return NEW_BASE, 0, 0
    return PRODUCTION, rise, 0


def _is_jump(cursor: _Cursor, most: int | None) -> bool:
    """Return whether a rise is more than can be."""
    if most is not None:
        return cursor.rise > most
    return cursor.base_total > 0 and bool(cursor.recent) and cursor.rise > 10 * max(cursor.recent)


def _is_back(cursor: _Cursor, following: int, possible: Possible) -> bool:
    """Return whether the reading after a jump, or that after a dip that follows it, is back near the base."""
    series, base = cursor.series, cursor.base_total
    if series.entries[following] < base:
        returned = _return(series, following, base, possible)
        if returned is None:
            return False
        following = returned
    return 0 <= 10 * (series.entries[following] - base) <= cursor.rise


# ---- Falls ----


def _fall_together(falling: list[_Cursor], risen: list[str], possible: Possible, *, is_new: bool) -> None:
    """Classify the readings of one message that fell: a reset of one resets all, a dip of the greatest is one of all.

    Args:
        falling: they are below their bases.
        risen: the fields of the message that did not fall.
        possible: what can have been counted.
        is_new: whether another of the message is a new base; then what fell without having dipped is one, too.
    """
    found = [_fall(cursor, risen, possible) for cursor in falling]
    leading = max(range(len(falling)), key=lambda each: falling[each].base_total)
    if found[leading][0] == DIP:
        back_at = falling[leading].series.times[found[leading][2]]
        found = [
            (DIP, 0, back) if fall[0] != DIP and (back := _back_with(cursor, back_at)) else fall
            for cursor, fall in zip(falling, found, strict=True)
        ]
        is_reset = any(kind == RESET for kind, _, _ in found)
        found = [
            (RESET, cursor.total, 0) if is_reset and fall[0] != DIP else fall
            for cursor, fall in zip(falling, found, strict=True)
        ]
    elif any(kind == RESET for kind, _, _ in found):
        found = [(RESET, cursor.total, 0) for cursor in falling]
    for cursor, (kind, added, back) in zip(falling, found, strict=True):
        if kind == DIP:
            cursor.leave_out(DIP, back)
        elif is_new:
            cursor.accept(NEW_BASE, 0)
        else:
            cursor.accept(kind, added)


def _fall(cursor: _Cursor, risen: list[str], possible: Possible) -> Found:
    """Return what a reading below its base is by itself."""
    series, base, total = cursor.series, cursor.base_total, cursor.total
    is_return = series.entries[cursor.place - 1] < total  # from a dip together with others, which are back
    back = None if is_return else _return(series, cursor.place, base, possible)
    if back is not None:
        return DIP, 0, back
    fall = base - total
    is_pieces = series.field in _PIECES
    if (
        10 * fall <= abs(base)
        or (is_pieces and fall <= NANO)
        or total < 0
        or (series.field in _RECOUNTED and "produced" in risen)
    ):
        is_noise = fall * _NOISE <= abs(base) and not (is_pieces and fall >= NANO)
        return PRODUCTION if is_noise else CORRECTION, -fall, 0
    for size in possible.ranges(series.field):
        if size - size // 100 <= base < size and 0 <= total <= size // 100:
            return ROLL_OVER, size - base + total, 0
    return RESET, total, 0


def _return(series: Series, fallen: int, base: int, possible: Possible) -> int | None:
    """Return the place at which a series that fell at `fallen` is back at its base, if that shows it to be a dip."""
    times, totals = series.times, series.entries
    for place in range(fallen + 1, len(times)):
        if series.is_handed_over(fallen, place):
            return None
        step = totals[place] - totals[place - 1]
        if step <= 0:
            continue
        if totals[place] < base:
            return None  # it counts up from where it fell to
        length = times[place] - times[fallen]
        if length <= DIP_NS:
            return place
        most = possible.between(series.field, times[place - 1], times[place])
        is_dip = length <= UNKNOWN_DIP_NS if most is None else step > most
        return place if is_dip else None
    return None


def _back_with(cursor: _Cursor, back_at: int) -> int | None:
    """Return the place at which a series first rises after its fall, if that is at this instant."""
    series = cursor.series
    for place in range(cursor.place + 1, len(series.times)):
        if series.is_handed_over(cursor.place, place):
            return None
        if series.entries[place] > series.entries[place - 1]:
            return place if series.times[place] == back_at else None
    return None
