"""One time axis for many machines, each with a section of its own, and what holds at every instant of it.

So every lookup (state, order, shift) is a search in one sorted column, whatever the machine.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from broker.contract.events import STATES
from services.ledger.columnar.columns import CODES, Codes, Columns, Table, Whole
from services.ledger.stops import STOPS, WORKING

ChangePoints = npt.NDArray[np.bool_]

LIMIT: Final = 2**62
"""No amount may reach this, so that the sum of two fits 64 bits."""
UNKNOWN: Final = CODES["unknown"]
_IS_STOP: Final = np.array([state in STOPS for state in STATES])
_IS_WORKING: Final = np.array([state in WORKING for state in STATES])


class StateTimeline(NamedTuple):
    """Entries on the axis; each section begins with one, so that an entry always holds."""

    at: Whole
    values: tuple[Whole, ...]


class TimelineArrays:
    """One time axis for all machines.

    Attributes:
        stride: the length of a machine's section.
        first: where each begins, before any entry.
        offset: added to a machine's time.
        start: where each machine's range begins.
        end: where it ends.
    """

    def __init__(self, columns: Columns) -> None:
        starts = np.array([machine.start for machine in columns.machines], np.int64)
        ends = np.array([machine.end for machine in columns.machines], np.int64)
        reported = [table.at for table in columns if isinstance(table, Table) and len(table.at)]
        low = min(int(times.min()) for times in (starts, *reported)) - 1
        self.stride = max(int(times.max()) for times in (ends, *reported)) - low + 2
        if self.stride * len(starts) >= LIMIT:
            raise OverflowError("so many machines over so long a time do not fit one axis")
        self.first = np.arange(len(starts), dtype=np.int64) * self.stride
        self.offset = self.first - low
        self.start, self.end = starts + self.offset, ends + self.offset

    def track(self, table: Table, nothing: tuple[int, ...], machines: Whole | None = None) -> StateTimeline:
        """Put a table on the axis, with `nothing` before a machine's first entry.

        Its owners are machines, or series of which each of these machines has one at most.
        """
        owner = table.owner if machines is None else machines[table.owner]
        at = table.at + self.offset[owner]
        places = np.searchsorted(at, self.first)
        values = zip(table.values, nothing, strict=True)
        return StateTimeline(
            np.insert(at, places, self.first), tuple(np.insert(one, places, none) for one, none in values)
        )


class Timeline(NamedTuple):
    """The state of each machine, unknown while offline: an entry at each change.

    Attributes:
        at: from when, on the axis.
        code: the state.
        reason: its reason.
        known: the newest state that was not unknown.
        known_reason: its reason.
        is_first: it stands for the time before a machine's first entry.
        is_short: it is time lost in a stop that was short, …
        begins_short: … and the first of it.
    """

    at: Whole
    code: Whole
    reason: Whole
    known: Whole
    known_reason: Whole
    is_first: ChangePoints
    is_short: ChangePoints
    begins_short: ChangePoints


def timeline(columns: Columns, axis: TimelineArrays) -> Timeline:
    """Return the state of each machine, unknown while offline."""
    machines = columns.machines
    states = axis.track(columns.states, (UNKNOWN, 0))
    at, (code, reason) = states
    if len(columns.links.at):
        links = axis.track(columns.links, (1,))
        at = merged(at, links.at)
        state_place, link_place = place(states.at, at), place(links.at, at)
        is_offline = (links.values[0][link_place] == 0) & (links.at[link_place] >= states.at[state_place])
        code = np.where(is_offline, UNKNOWN, code[state_place])
        reason = np.where(is_offline, 0, reason[state_place])
    is_first = _change_points(np.searchsorted(at, axis.first), len(at))
    reports_new = is_first | differs(code) | differs(reason)
    at, code, reason, is_first = at[reports_new], code[reports_new], reason[reports_new], is_first[reports_new]

    known, known_reason = code.copy(), reason.copy()
    codes = Codes(*columns.reasons)
    known[is_first] = [CODES[machine.known.state] for machine in machines]
    known_reason[is_first] = [codes[machine.known.reason] for machine in machines]
    newest = np.maximum.accumulate(np.where(is_first | (code != UNKNOWN), np.arange(len(at)), 0))

    limits = np.array([machine.rules.short_ns for machine in machines], np.int64)
    is_short, begins_short = _short_stops(at, code, is_first, limits[at // axis.stride])
    return Timeline(at, code, reason, known[newest], known_reason[newest], is_first, is_short, begins_short)


def _short_stops(at: Whole, code: Whole, is_first: ChangePoints, limits: Whole) -> tuple[ChangePoints, ChangePoints]:
    """Return which entries are time lost in a short stop (see `services.ledger.stops`), and which of them begin one."""
    end = np.append(at[1:], LIMIT)
    end[np.append(is_first[1:], True)] = LIMIT  # it still lasts
    is_unknown = code == UNKNOWN
    starts = np.flatnonzero(is_first | differs(is_unknown.astype(np.int64)))
    lasts = np.append(starts[1:], len(at)) - 1
    is_long = is_first[starts] | (end[lasts] == LIMIT) | (end[lasts] - at[starts] >= limits[starts])
    run = np.zeros(len(at), np.int64)
    run[starts[1:]] = 1
    cuts = _IS_WORKING[code] | (is_unknown & is_long[np.cumsum(run)])
    stop = np.cumsum(cuts | is_first)
    parts = np.flatnonzero(~cuts & ~is_unknown)
    is_short, begins_short = np.zeros(len(at), np.bool_), np.zeros(len(at), np.bool_)
    if not len(parts):
        return is_short, begins_short
    begins = np.flatnonzero(differs(stop[parts]))
    ends = np.append(begins[1:], len(parts)) - 1
    until = end[parts[ends]]
    is_brief = (until != LIMIT) & (until - at[parts[begins]] < limits[parts[begins]])
    number = np.zeros(len(parts), np.int64)
    number[begins[1:]] = 1
    lost = parts[is_brief[np.cumsum(number)] & _IS_STOP[code[parts]]]
    is_short[lost] = True
    if len(lost):
        begins_short[lost[differs(stop[lost])]] = True
    return is_short, begins_short


def place(at: Whole, times: Whole) -> Whole:
    """Return the index of the entry that holds at each of these times, for entries that begin at `at`."""
    found: Whole = np.searchsorted(at, times, "right") - 1
    return found


def merged(*columns: Whole) -> Whole:
    """Return the instants of sorted columns in order, each once."""
    joined = np.concatenate(columns)
    joined.sort(kind="stable")  # it merges what is sorted already
    return joined[differs(joined)]


def differs(column: Whole) -> ChangePoints:
    """Return where a column differs from the place before; it does at the first."""
    return np.append(True, column[1:] != column[:-1])


def _change_points(places: Whole, length: int) -> ChangePoints:
    marks = np.zeros(length, np.bool_)
    marks[places] = True
    return marks
