"""Turns: of many, a share is served at a time, so that each call costs little and each is served once in so many."""

from collections.abc import Collection, Container


class Turns:
    """Whose turn it is, of those that change from call to call."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        """Those that have not had their turn in this round."""

    def next(self, share: int, among: Collection[str], without: Container[str] = ()) -> list[str]:
        """Return those whose turn it is: one in `share`, so that each is served once in so many calls.

        Args:
            share: 1 serves all, and begins the next round.
            among: all that there are now; who has joined since the round began is served from the next one on.
            without: those of them that are left out.
        """
        if share == 1 or not self._waiting:
            self._waiting = [name for name in among if name not in without]
        number = -(-len(among) // share)
        taken, self._waiting = self._waiting[:number], self._waiting[number:]
        return [name for name in taken if name in among and name not in without]
