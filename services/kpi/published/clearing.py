"""Windows that there are no longer, and that the broker may still hold: each is cleared there, once."""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from services.kpi.published.window_totals import Key, WindowTotals

AT_ONCE: Final = 250
"""Of so many assets that have become silent the windows are cleared at a time."""


class Clearing:
    """What is to be cleared from the broker.

    Args:
        totals: the windows that there are.
    """

    def __init__(self, totals: WindowTotals) -> None:
        self._totals = totals
        self._retained: dict[Key, bool] = {}
        """Whether the broker holds something; not here: nobody knows, as it may be from before a restart."""
        self._gone: list[Key] = []
        self._left: dict[Key, None] = {}
        """Windows of assets that have no machine any more."""
        self._quieted: dict[str, None] = {}
        """Assets that have become silent."""

    def published(self, key: Key) -> None:
        """Note that the broker holds a window."""
        self._retained[key] = True

    def add_silent(self, asset: str) -> None:
        """Clear the windows of an asset that has become silent."""
        self._quieted[asset] = None

    def add_left(self) -> None:
        """Clear the windows of assets that have no machine any more."""
        self._left.update(dict.fromkeys(key for key in self._retained if key[0] not in self._totals.members))

    def find(self, turn: Iterable[str], still: Collection[str], unread: Collection[str]) -> None:
        """Find which windows there are no longer.

        Args:
            turn: the assets that are looked at, beside those that have left or become silent.
            still: assets whose windows are not published.
            unread: assets whose orders' windows are left as they are.
        """
        possible = itertools.chain(
            self._left,
            self._totals.possible(turn),
            self._totals.possible(itertools.islice(self._quieted, AT_ONCE)),
        )
        running, ended, retained = self._totals.running, self._totals.ended, self._retained
        # `WindowTotals.is_there`, written out: it is asked of all windows each time, and most are there.
        self._gone = [
            key
            for key in possible
            if ((key not in running and ended.get(key) is None) or key[0] in still)
            and retained.get(key, True)
            and not is_unread(key, unread)
        ]
        self._left.clear()
        for path in list(itertools.islice(self._quieted, AT_ONCE)):
            del self._quieted[path]

    def due(self, is_shown: Callable[[Key], bool]) -> Iterator[Key]:
        """Yield the windows to clear now, but for those that are shown after all."""
        for key in self._gone:
            if self._retained.get(key, True) and not is_shown(key):
                self._retained[key] = False
                yield key
        self._gone.clear()


def is_unread(key: Key, unread: Collection[str]) -> bool:
    """Return whether it is an order's window of which not all has been read: what the broker holds stays."""
    return key[1].endswith("order") and key[0] in unread
