"""SimPy's environment with the time as this project counts it: integer nanoseconds since 1970-01-01 UTC.

SimPy adds delays to its time and compares; with integers both are exact. Delays are whole milliseconds, so that a
simulated instant stands in a message exactly as it is.
"""

from collections.abc import Generator
from typing import Any, Final

import simpy

from broker.contract.events import NS_PER_MS

Steps = Generator[simpy.Event, Any, None]
"""What a SimPy process is made of."""

NEVER: Final = 1 << 62


class Timeline(simpy.Environment):
    """An environment that begins at `start`, nanoseconds since 1970-01-01 UTC."""

    def __init__(self, start: int) -> None:
        super().__init__(initial_time=whole_ms(start))

    @property
    def now(self) -> int:
        """The instant that is being lived through."""
        return self._now  # type: ignore[return-value]  # an integer plus integers

    def next_due(self) -> int:
        """Return when something happens next; a time that never comes if nothing will."""
        due = self.peek()
        return due if isinstance(due, int) else NEVER


def whole_ms(at: int) -> int:
    """Return the first whole millisecond at or after an instant."""
    return -(-at // NS_PER_MS) * NS_PER_MS


def delay_ns(seconds: float) -> int:
    """Return a delay in nanoseconds: whole milliseconds, at least one."""
    return max(1, round(seconds * 1000)) * NS_PER_MS
