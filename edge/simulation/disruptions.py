"""What will upset a machine next: failures, minor stops and waits, all counted in operating time.

Because they are known ahead, the work unit can run up to the first of them in one step, and the sensors of its model
can show a failure coming.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from edge.simulation.cells import Cell
from edge.simulation.machines.model import FailureMode, Model, Pause
from edge.simulation.random_stream import RandomStream
from edge.simulation.timeline import NEVER, delay_ns

WAIT_S: Final = 480.0
"""Mean length of one wait for operator, crane or material."""


class Upcoming(msgspec.Struct):
    """Operating time, in nanoseconds, to the next of each; and which failure it will be, by its place in the model."""

    to_failure: int
    failure: int
    to_minor: int
    to_wait: int


class Disruption(msgspec.Struct, frozen=True):
    """An interruption: what the machine shows, how long it lasts, and whether it is a failure."""

    shown: Pause
    lasts_s: float
    failure: FailureMode | None = None


class Disruptions:
    """The upsets of one machine.

    Args:
        cell: how often they come, and how long they last.
        model: which they are.
        rng: makes streams of random numbers, by purpose.
        upcoming: what was upcoming before a restart.
    """

    def __init__(self, cell: Cell, model: Model, rng: Callable[[str], RandomStream], upcoming: Upcoming | None) -> None:
        self._cell, self._model = cell, model
        self._failures, self._repairs, self._stops = rng("failures"), rng("repairs"), rng("stops")
        self._next = upcoming or self._first()

    @property
    def left(self) -> int:
        """Operating time to the first of them."""
        return min(self._next.to_failure, self._next.to_minor, self._next.to_wait)

    @property
    def failure(self) -> FailureMode:
        """The failure that comes next, or is on."""
        return self._model.failures[self._next.failure % len(self._model.failures)]

    @property
    def to_failure(self) -> int:
        """Operating time to it."""
        return self._next.to_failure

    def upcoming(self, ran: int) -> Upcoming:
        """Return what will be upcoming after some more operating time."""
        left = self._next
        return Upcoming(left.to_failure - ran, left.failure, left.to_minor - ran, left.to_wait - ran)

    def run(self, ran: int) -> Disruption | None:
        """Let operating time pass, up to `left`; return what it ends in, None if the machine runs on."""
        self._next = self.upcoming(ran)
        if self._next.to_failure <= 0:
            repair_s = 3600 * self._repairs.lognormal(self._cell.mttr_h, self._cell.repair_sigma)
            return Disruption(Pause("down", self.failure.reason), repair_s, self.failure)
        if self._next.to_minor <= 0:
            self._next.to_minor = self._draw_minor()
            return self._pause(self._model.minor_stops, self._cell.minor_min * 60)
        if self._next.to_wait <= 0:
            self._next.to_wait = self._draw_wait()
            return self._pause(self._model.waits, WAIT_S)
        return None

    def repaired(self) -> None:
        """The failure is mended; draw the next."""
        life_s = 3600 * self._failures.weibull(self._cell.mtbf_h, self._cell.failure_shape)
        self._next.to_failure = delay_ns(life_s)
        self._next.failure = self._failures.choose([failure.weight for failure in self._model.failures])

    def setup_s(self) -> float:
        """Return how long a set-up takes."""
        return 60 * self._stops.lognormal(self._cell.setup_min, self._cell.setup_sigma)

    def _first(self) -> Upcoming:
        # The machine is not new: it has lived a part of the time to its first failure already.
        life_s = 3600 * self._failures.weibull(self._cell.mtbf_h, self._cell.failure_shape)
        to_failure = delay_ns(60 + life_s * self._failures.uniform())
        failure = self._failures.choose([failure.weight for failure in self._model.failures])
        return Upcoming(to_failure, failure, self._draw_minor(), self._draw_wait())

    def _pause(self, kinds: tuple[Pause, ...], mean_s: float) -> Disruption:
        kind = kinds[self._stops.choose([kind.weight for kind in kinds])]
        return Disruption(kind, self._stops.exponential(mean_s))

    def _draw_minor(self) -> int:
        rate = self._cell.minor_per_h
        return delay_ns(self._stops.exponential(3600 / rate)) if rate > 0 else NEVER

    def _draw_wait(self) -> int:
        """Return the operating time to the next wait, such that waiting is its share of waiting and operating."""
        wait = self._cell.wait
        return delay_ns(self._stops.exponential(WAIT_S * (1 - wait) / wait)) if wait > 0 else NEVER
