"""SimPy's environment with times in integer nanoseconds since 1970-01-01 UTC.

SimPy adds and compares times; with integers both are exact. Delays are whole milliseconds, so a message can hold a
simulated instant exactly.
"""

from collections.abc import Generator
from typing import Any, Final

import simpy

from broker.contract.events import NS_PER_MS
from broker.contract.instants import FOR_EVER

Steps = Generator[simpy.Event, Any, None]
"""The body of a SimPy process."""

NEVER: Final = FOR_EVER


class Timeline(simpy.Environment):
    """An environment that begins at `start`, nanoseconds since 1970-01-01 UTC."""

    def __init__(self, start: int) -> None:
        super().__init__(initial_time=whole_ms(start))

    @property
    def now(self) -> int:
        """The present instant."""
        return self._now  # type: ignore[return-value]  # an integer plus integers

    def next_due(self) -> int:
        """Return when something happens next; `NEVER` if nothing will."""
        due = self.peek()
        return due if isinstance(due, int) else NEVER


def whole_ms(at: int) -> int:
    """Return the first whole millisecond at or after an instant."""
    return -(-at // NS_PER_MS) * NS_PER_MS


def delay_ns(seconds: float) -> int:
    """Return a delay in nanoseconds: whole milliseconds, at least one."""
    return max(1, round(seconds * 1000)) * NS_PER_MS
