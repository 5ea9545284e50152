"""Rows that have changed since windows were last looked at, as sums by asset: each is added to its windows once."""

from services.kpi.published.members import Members
from services.kpi.published.window_sums import without_time
from services.kpi.published.window_totals import WindowTotals, paths
from services.ledger.fields import Sums, add


class RowChanges:
    """The changes that no window has yet.

    Args:
        totals: the windows.
        members: their machines.
    """

    def __init__(self, totals: WindowTotals, members: Members) -> None:
        self._totals, self._members = totals, members
        self._by_path: dict[tuple[str, int], Sums] = {}
        self._by_events: set[tuple[str, int]] = set()
        """Those of them that are not by time alone."""

    def clear(self) -> None:
        """Drop all: windows are read again."""
        self._by_path.clear()
        self._by_events.clear()

    def add(self, machine: str, start: int, changed: Sums, *, is_counted: bool, by_events: bool) -> Sums:
        """Add by how much a row of a minute has changed; return that without the time of one that does not count."""
        timeless = changed if is_counted else without_time(changed)
        meters = self._members.meters
        for path in paths(machine):
            key, more = (path, start), changed if path in meters else timeless
            known = self._by_path.get(key)
            if known is None:
                self._by_path[key] = dict(more)
            else:
                add(known, more)
            if by_events:
                self._by_events.add(key)
        return timeless

    def put_into_windows(self) -> None:
        """Add all to the windows that they are in."""
        ended, touched = self._totals.ended, self._totals.touched
        for (path, start), more in self._by_path.items():
            by_events = (path, start) in self._by_events
            for key, window in self._totals.at(path, start):
                add(window.sums, more)
                if by_events or key in ended:
                    touched[key] = None
                if key in ended:
                    window.read = 0
        self.clear()
