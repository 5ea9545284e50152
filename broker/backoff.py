"""Exponential back-off with jitter: how long to wait before something that failed is tried again.

All clients that wait for a broker or a store retry when it comes back. Each waits for a random part of its pause, so
that they do not all connect at once.
"""

import random
from typing import Final

LONGEST_S: Final = 10.0


class Backoff:
    """The pauses between attempts, in seconds: each about twice as long as the one before it.

    Args:
        first_s: the first pause at its longest; each is between half of its length and all of it.
        longest_s: no pause is longer.
    """

    def __init__(self, first_s: float, longest_s: float = LONGEST_S) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = min(first_s, longest_s)

    def next_s(self) -> float:
        """Return the next pause."""
        pause_s = self._next_s * random.uniform(0.5, 1.0)  # noqa: S311
        self._next_s = min(2 * self._next_s, self._longest_s)
        return pause_s

    def reset(self) -> None:
        """Begin with the first pause again, for an attempt has succeeded."""
        self._next_s = min(self._first_s, self._longest_s)
