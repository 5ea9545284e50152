"""The simulated shop floor in virtual time: give it an instant, and it says all that happened until then.

No I/O and no clock: `run_until` returns the events of all machines in order of time, and `take_ground_truth` what was
really so. The same plant, seed and start give the same events. A simulation can be put away with `memory` and taken up
later: counters, meters, orders and tools go on.
"""

from typing import Final

import msgspec

from broker.contract.events import NS_PER_MS, NS_PER_S, AnyEvent, Status
from broker.plant.plant import Plant
from edge.simulation import plan
from edge.simulation.event_buffer import GroundTruth, Outbox
from edge.simulation.line import Line, LineCheckpoint
from edge.simulation.timeline import Steps, Timeline
from edge.simulation.workunit import WorkUnit

FIRST_ORDER: Final = 1000


class SamplingIntervals(msgspec.Struct, frozen=True):
    """How often machines say what changes all the time, in nanoseconds: their sensors, and their meters."""

    sensors: int = NS_PER_S
    meters: int = 10 * NS_PER_S


LIVE: Final = SamplingIntervals()
BACKFILL: Final = SamplingIntervals(10 * NS_PER_S, 60 * NS_PER_S)
LONG_AGO: Final = SamplingIntervals(60 * NS_PER_S, 60 * NS_PER_S)
"""Of days that are over a reading a minute will do, and they are there five times as soon."""


class Checkpoint(msgspec.Struct):
    """A simulation that was put away.

    Attributes:
        at: until when it ran.
        epoch: how often it had been resumed.
        lines: the lines, by path.
    """

    at: int
    epoch: int
    lines: dict[str, LineCheckpoint]


class Simulation:
    """See the module.

    Args:
        plant: the plant; its `simulate` part says what is simulated.
        start: when it begins, nanoseconds since 1970-01-01 UTC; rounded up to a whole millisecond.
        memory: a simulation that was put away, to be taken up; its machines were offline since.

    Raises:
        PlanError: the plant's `simulate` part has a mistake.
    """

    def __init__(self, plant: Plant, start: int, memory: Checkpoint | None = None) -> None:
        self.plan = plan.read(plant.simulate)
        self.sampling = LIVE
        self._epoch = memory.epoch + 1 if memory else 0
        self._time = Timeline(start)
        self._out = Outbox()
        self._truth: list[GroundTruth] = []
        self.lines = [
            Line(
                self._time,
                plant,
                self.plan,
                path=path,
                out=self._out,
                first_order=FIRST_ORDER * (place + 1),
                epoch=self._epoch,
                memory=memory.lines.get(path) if memory else None,
            )
            for place, path in enumerate(self.plan.line)
        ]
        for place, line in enumerate(self.lines):
            self._time.process(self._read_sensors(line, place))
            self._time.process(self._read_meters(line))

    @property
    def now(self) -> int:
        """Until when it has run."""
        return self._time.now

    @property
    def units(self) -> list[WorkUnit]:
        """All machines."""
        return [unit for line in self.lines for unit in line.units]

    def run_until(self, end: int) -> list[AnyEvent]:
        """Run to an instant (a whole millisecond); return what was said from where it stood up to just before it."""
        end = end // NS_PER_MS * NS_PER_MS
        if end > self._time.now:
            self._time.run(until=end)
        events, truth = self._out.take()
        self._truth += truth
        return events

    def next_due(self) -> int:
        """Return when something happens next."""
        return self._time.next_due()

    def take_ground_truth(self) -> list[GroundTruth]:
        """Return what was really so, from where it was last taken up to now."""
        taken, self._truth = self._truth, []
        return taken

    def announce(self, order_since: int) -> None:
        """Let all machines say who they are and how they stand, as they come online now.

        Args:
            order_since: orders that began earlier are said to be on since then.
        """
        for unit in self.units:
            unit.announce(order_since)

    def goodbye(self) -> list[AnyEvent]:
        """Return what the machines say as they go offline now."""
        return [Status(asset=unit.asset, at=self.now, simulated=True, online=False) for unit in self.units]

    def memory(self) -> Checkpoint:
        """Return the simulation as it stands, to be taken up later."""
        return Checkpoint(self.now, self._epoch, {line.path: line.memory() for line in self.lines})

    def _read_sensors(self, line: Line, place: int) -> Steps:
        # Lines take turns within the second, as their gateways would.
        yield self._time.timeout((NS_PER_S * place // len(self.lines) // NS_PER_MS + 1) * NS_PER_MS)
        while True:
            for unit in line.units:
                unit.read_sensors()
            yield self._time.timeout(self.sampling.sensors)

    def _read_meters(self, line: Line) -> Steps:
        while True:
            yield self._time.timeout(self.sampling.meters)
            for unit in line.units:
                unit.read_meters()
