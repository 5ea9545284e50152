"""One time axis for many machines, each with a section of its own, and what holds at every instant of it.

So every lookup (state, order, shift) is a search in one sorted column, whatever the machine.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from broker.contract.events import STATES
from services.ledger.columnar.columns import CODES, Codes, Columns, Table, Whole
from services.ledger.rows import STOPS

ChangePoints = npt.NDArray[np.bool_]

LIMIT: Final = 2**62
"""No amount may reach this, so that the sum of two fits 64 bits."""
UNKNOWN: Final = CODES["unknown"]
_IS_STOP: Final = np.array([state in STOPS for state in STATES])


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
        is_short: it is part of a stop that was short.
    """

    at: Whole
    code: Whole
    reason: Whole
    known: Whole
    known_reason: Whole
    is_first: ChangePoints
    is_short: ChangePoints


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

    enters = is_first | differs(code)
    starts = np.flatnonzero(enters)
    lasted = np.append(at[starts[1:]] - at[starts[:-1]], LIMIT)
    lasted[np.append(is_first[starts[1:]], True)] = LIMIT  # it still lasts
    limits = np.array([machine.rules.short_ns for machine in machines], np.int64)
    is_short = lasted < limits[at[starts] // axis.stride]
    is_short = is_short[np.cumsum(enters) - 1] & _IS_STOP[code]
    return Timeline(at, code, reason, known[newest], known_reason[newest], is_first, is_short)


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
