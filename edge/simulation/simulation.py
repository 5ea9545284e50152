"""The simulated shop floor in virtual time: run it to an instant, and it returns all that happened until then.

No I/O and no clock: `run_until` returns the events of all machines in order of time, `take_ground_truth` the truth
behind them. The same plant, seed and start give the same events. A simulation can be saved with `checkpoint` and
resumed later: counters, meters, orders and tools continue.
"""

from typing import Final

import msgspec

from broker.contract.events import NS_PER_MS, NS_PER_S, AnyEvent, Status
from broker.plant.plant import Plant
from edge.simulation.event_buffer import EventBuffer, GroundTruth
from edge.simulation.floor import planted_faults
from edge.simulation.floor.line import Line, LineCheckpoint
from edge.simulation.floor.machine_state import WorkUnitCheckpoint
from edge.simulation.floor.shared_machines import SharedMachines
from edge.simulation.floor.supply_chain import FlowCheckpoint, SupplyChain
from edge.simulation.floor.timeline import Steps, Timeline
from edge.simulation.floor.workshop import Workshop
from edge.simulation.floor.workunit import WorkUnit
from edge.simulation.machines import MODELS
from edge.simulation.planning import parts, plan
from edge.simulation.planning.parts import Part

FIRST_ORDER: Final = 1000


class SamplingIntervals(msgspec.Struct, frozen=True):
    """How often machines report their sensors and their meters, nanoseconds."""

    sensors: int = NS_PER_S
    meters: int = 10 * NS_PER_S


LIVE: Final = SamplingIntervals()
BACKFILL: Final = SamplingIntervals(10 * NS_PER_S, 60 * NS_PER_S)
LONG_AGO: Final = SamplingIntervals(300 * NS_PER_S, 300 * NS_PER_S)
"""Of past days a reading each five minutes is enough; a month of them is made in a fraction of the time."""


class Checkpoint(msgspec.Struct):
    """A saved simulation.

    Attributes:
        at: until when it ran.
        epoch: how often it had been resumed.
        lines: the lines, by path.
        shared: the machines that serve several lines, by asset path.
        flows: the flows of material, by name.
    """

    at: int
    epoch: int
    lines: dict[str, LineCheckpoint]
    shared: dict[str, WorkUnitCheckpoint] = {}
    flows: dict[str, FlowCheckpoint] = {}


class Simulation:
    """See the module.

    Args:
        plant: the plant; its `simulate` part is simulated.
        start: when it begins, nanoseconds since 1970-01-01 UTC; rounded up to a whole millisecond.
        checkpoint: a saved simulation to resume; its machines were offline since. None starts a new one.
        part: what of the floor is simulated, as `planning.parts` divides it; None for all. What happens there is the
            same either way.

    Raises:
        PlanError: the plant's `simulate` part has a mistake.
    """

    def __init__(
        self, plant: Plant, start: int, checkpoint: Checkpoint | None = None, part: Part | None = None
    ) -> None:
        whole = plan.read(plant.simulate)
        self.plan = whole if part is None else parts.of(whole, part)
        self.sampling = LIVE
        self._epoch = checkpoint.epoch + 1 if checkpoint else 0
        self._time = Timeline(start)
        self._out = EventBuffer()
        self._truth: list[GroundTruth] = []
        workshop = Workshop(self._time, plant, self.plan, self._out, self._epoch)
        self.shared = SharedMachines(self._time, self.plan)
        self.chain = SupplyChain(
            self._time,
            plant.material_flows,
            self.plan,
            out=self._out,
            epoch=self._epoch,
            checkpoints=checkpoint.flows if checkpoint else {},
        )
        self.lines = [
            Line(
                self._time,
                self.plan,
                path,
                workshop,
                calls=self.shared.calls,
                supplies=self.shared.supplies,
                chain=self.chain,
                first_order=FIRST_ORDER * (place + 1),
                checkpoint=checkpoint.lines.get(path) if checkpoint else None,
            )
            for place, path in enumerate(whole.line)
            if path in self.plan.line
        ]
        self.shared.start(workshop, self.lines, checkpoint.shared if checkpoint else {})
        gateways = [*whole.line, *(["shared"] if whole.shared else [])]
        own = {line.path: line.units for line in self.lines} | {"shared": self.shared.units}
        for place, name in enumerate(gateways):
            if units := own.get(name):
                self._time.process(self._read_sensors(units, NS_PER_S * place // len(gateways)))
                self._time.process(self._read_meters(units))
        pace = 1 / plan.LIVELY if self.plan.profile == "lively" else 1.0
        for unit in self.units:
            machine = self.plan.machine.get(unit.asset) or self.plan.shared[unit.asset]
            failures = MODELS[machine.model].failures
            self._time.process(planted_faults.watch(self._time, unit, failures, pace, self._out.record_truth))

    @property
    def now(self) -> int:
        """Until when it has run."""
        return self._time.now

    @property
    def units(self) -> list[WorkUnit]:
        """All machines."""
        return [unit for line in self.lines for unit in line.units] + self.shared.units

    def run_until(self, end: int) -> list[AnyEvent]:
        """Run to an instant (a whole millisecond); return the events since the last run, up to just before it."""
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
        """Return the ground truth since the last call."""
        taken, self._truth = self._truth, []
        return taken

    def announce(self, order_since: int) -> None:
        """Let all machines come online now and report their state.

        Args:
            order_since: orders that began earlier are reported as begun at this instant.
        """
        for unit in self.units:
            unit.announce(order_since)

    def offline(self) -> list[AnyEvent]:
        """Return the events with which the machines go offline now."""
        return [Status(asset=unit.asset, at=self.now, simulated=True, online=False) for unit in self.units]

    def checkpoint(self) -> Checkpoint:
        """Return the simulation as it stands, to be resumed later."""
        lines = {line.path: line.checkpoint() for line in self.lines}
        shared = {unit.asset: unit.checkpoint() for unit in self.shared.units}
        return Checkpoint(self.now, self._epoch, lines, shared, self.chain.checkpoint())

    def _read_sensors(self, units: list[WorkUnit], after: int) -> Steps:
        # Lines take turns within the second, as their gateways would.
        yield self._time.timeout((after // NS_PER_MS + 1) * NS_PER_MS)
        while True:
            for unit in units:
                unit.read_sensors()
            yield self._time.timeout(self.sampling.sensors)

    def _read_meters(self, units: list[WorkUnit]) -> Steps:
        while True:
            yield self._time.timeout(self.sampling.meters)
            for unit in units:
                unit.read_meters()
