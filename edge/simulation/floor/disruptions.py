"""What will disrupt a machine next: failures, minor stops and waits, all counted in operating time.

They are drawn ahead, so the work unit can run up to the first of them in one step, and the sensors of its model can
show a failure coming.
"""

import math
from collections.abc import Callable
from typing import Final

import msgspec

from broker.contract.events import NS_PER_S
from edge.simulation.floor.cells import Cell
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.floor.timeline import NEVER, delay_ns
from edge.simulation.machines.model import FailureMode, Model, Pause
from edge.simulation.physics import vibration

WAIT_S: Final = 480.0
"""Mean length of one wait for operator, crane or material."""


class Upcoming(msgspec.Struct):
    """Operating time to the next of each, nanoseconds.

    Attributes:
        to_failure: to the next failure.
        failure: which it will be, by its index in the model.
        to_minor: to the next minor stop.
        to_wait: to the next wait.
        life: from the last repair to the failure; 0 where a checkpoint of an earlier version does not have it.
    """

    to_failure: int
    failure: int
    to_minor: int
    to_wait: int
    life: int = 0

    @property
    def life_h(self) -> float:
        """Operating time from the last repair to the failure, hours; infinite where it is not known."""
        return self.life / NS_PER_S / 3600 if self.life else math.inf


class Disruption(msgspec.Struct, frozen=True):
    """An interruption: what the machine shows, how long it lasts, and whether it is a failure."""

    shown: Pause
    lasts_s: float
    failure: FailureMode | None = None


class Disruptions:
    """The disruptions of one machine.

    Args:
        cell: how often they come, and how long they last.
        model: which they are.
        stream_for: returns the machine's stream of random numbers for a purpose.
        upcoming: what was upcoming before a restart; None draws it.
    """

    def __init__(
        self, cell: Cell, model: Model, stream_for: Callable[[str], RandomStream], upcoming: Upcoming | None
    ) -> None:
        self._cell, self._model = cell, model
        self._failures, self._repairs, self._stops = stream_for("failures"), stream_for("repairs"), stream_for("stops")
        self._next = upcoming or self._first()

    @property
    def left(self) -> int:
        """Operating time to the first of them, nanoseconds."""
        return min(self._next.to_failure, self._next.to_minor, self._next.to_wait)

    @property
    def failure(self) -> FailureMode:
        """The failure that comes next, or is on."""
        return self._model.failures[self._next.failure % len(self._model.failures)]

    def decay(self, ran: int, pace: float) -> float:
        """Return how far the next failure has gone after `ran` more nanoseconds, from 0 to 1 at the breakdown.

        Args:
            ran: operating time, nanoseconds.
            pace: the time that defects take to grow, as a share of that on a real machine.
        """
        left_h = max(0, self._next.to_failure - ran) / NS_PER_S / 3600
        return vibration.decay_share(left_h, self.failure.doubling_h * pace, self._next.life_h)

    def upcoming(self, ran: int) -> Upcoming:
        """Return what is upcoming after `ran` more nanoseconds of operating time."""
        left = self._next
        return Upcoming(left.to_failure - ran, left.failure, left.to_minor - ran, left.to_wait - ran, left.life)

    def run(self, ran: int) -> Disruption | None:
        """Let `ran` ns of operating time pass, at most `left`; return the disruption that ends them, if any."""
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
        """The failure is repaired; draw the next."""
        life_s = 3600 * self._failures.weibull(self._cell.mtbf_h, self._cell.failure_shape)
        self._next.to_failure = self._next.life = delay_ns(life_s)
        self._next.failure = self._failures.choose([failure.weight for failure in self._model.failures])

    def setup_s(self) -> float:
        """Return how long a set-up takes, seconds."""
        return 60 * self._stops.lognormal(self._cell.setup_min, self._cell.setup_sigma)

    def _first(self) -> Upcoming:
        # The machine is not new: a part of the time to its first failure has passed.
        life_s = 3600 * self._failures.weibull(self._cell.mtbf_h, self._cell.failure_shape)
        to_failure = delay_ns(60 + life_s * self._failures.uniform())
        failure = self._failures.choose([failure.weight for failure in self._model.failures])
        return Upcoming(to_failure, failure, self._draw_minor(), self._draw_wait(), delay_ns(60 + life_s))

    def _pause(self, kinds: tuple[Pause, ...], mean_s: float) -> Disruption:
        kind = kinds[self._stops.choose([kind.weight for kind in kinds])]
        return Disruption(kind, self._stops.exponential(mean_s))

    def _draw_minor(self) -> int:
        rate = self._cell.minor_per_h
        return delay_ns(self._stops.exponential(3600 / rate)) if rate > 0 else NEVER

    def _draw_wait(self) -> int:
        """Return the operating time to the next wait, such that waits get their share of waiting and operating time."""
        wait = self._cell.wait
        return delay_ns(self._stops.exponential(WAIT_S * (1 - wait) / wait)) if wait > 0 else NEVER
