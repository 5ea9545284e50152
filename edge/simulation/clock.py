"""Where time comes from: real time, N times as fast, or as fast as it goes.

All code that simulates or receives reads one clock, so the same plant serves a live show, a month of history in a
minute, and a reproducible test.
"""

import asyncio
import time
from typing import Protocol

from broker.contract.events import NS_PER_S

LONGEST_NAP_S = 3600.0


class Clock(Protocol):
    """Reads the time, and waits for it. Times are nanoseconds since 1970-01-01 UTC."""

    @property
    def speed(self) -> float:
        """How many seconds of this clock pass in a real one; infinite where nothing is waited for."""

    def now(self) -> int:
        """Return the time."""

    async def sleep_until(self, at: int) -> None:
        """Return at `at`; at once if that is past."""


class RealClock:
    """The computer's clock."""

    speed = 1.0

    def now(self) -> int:
        """Return the computer's time."""
        return time.time_ns()

    async def sleep_until(self, at: int) -> None:
        """Return at `at`, also when the computer's clock is set meanwhile."""
        while (left := at - self.now()) > 0:  # noqa: ASYNC110  (setting the clock raises no event)
            await asyncio.sleep(min(left / NS_PER_S, LONGEST_NAP_S))


class FastClock:
    """A clock that starts at an instant and runs `speed` times as fast as real time.

    Args:
        start: what it shows now, nanoseconds since 1970-01-01 UTC.
        speed: seconds of this clock in a real one, more than 0.

    Raises:
        ValueError: `speed` is not above 0.
    """

    def __init__(self, start: int, speed: float) -> None:
        if not speed > 0:
            raise ValueError(f"a clock's speed must be above 0, this is {speed}")
        self.speed = speed
        self._start = start
        self._zero = time.monotonic_ns()

    def now(self) -> int:
        """Return the start plus `speed` times the real time since."""
        return self._start + round((time.monotonic_ns() - self._zero) * self.speed)

    async def sleep_until(self, at: int) -> None:
        """Return when this clock shows `at`."""
        while (left := at - self.now()) > 0:  # noqa: ASYNC110  (a nap may end early)
            await asyncio.sleep(min(left / self.speed / NS_PER_S, LONGEST_NAP_S))


class VirtualClock:
    """A clock that jumps to whatever instant is waited for: as fast as it goes, and reproducible."""

    speed = float("inf")

    def __init__(self, start: int) -> None:
        self._now = start

    def now(self) -> int:
        """Return the latest instant that was waited for."""
        return self._now

    async def sleep_until(self, at: int) -> None:
        """Let others run, then be at `at`."""
        await asyncio.sleep(0)
        self._now = max(self._now, at)
