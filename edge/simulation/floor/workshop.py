"""Makes simulated machines from their plans: model, cell, calendar, random numbers."""

from collections.abc import Callable, Sequence

from broker.plant.plant import Plant
from edge.simulation.emitter import EventEmitter
from edge.simulation.event_buffer import EventBuffer
from edge.simulation.floor.machine_state import MachineConfig, WorkUnitCheckpoint
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.floor.shared import Supply
from edge.simulation.floor.shifts import Shifts
from edge.simulation.floor.timeline import Timeline
from edge.simulation.floor.work import Work
from edge.simulation.floor.workunit import WorkUnit
from edge.simulation.machines import MODELS
from edge.simulation.planning.plan import LIVELY, FloorPlan, MachinePlan, cell_of


class Workshop:
    """See the module.

    Args:
        timeline: the simulated time.
        plant: the plant, for calendars and ideal cycles.
        floor: the simulated floor's plan.
        out: collects the machines' events.
        epoch: how often the simulation was resumed.
    """

    def __init__(self, timeline: Timeline, plant: Plant, floor: FloorPlan, out: EventBuffer, epoch: int) -> None:
        self._time, self._plant, self._floor, self._out, self._epoch = timeline, plant, floor, out, epoch

    def machine(
        self,
        asset: str,
        machine: MachinePlan,
        work: Work,
        supplies: Sequence[Supply],
        checkpoint: WorkUnitCheckpoint | None,
    ) -> WorkUnit:
        """Make a machine.

        Args:
            asset: its path.
            machine: what it is.
            work: where its pieces come from, and where they go.
            supplies: the machines without which it cannot run.
            checkpoint: the machine before a restart; None for a new one.
        """
        cell = cell_of(machine, self._floor.profile)
        kind = MODELS[machine.model]

        def stream_for(purpose: str) -> RandomStream:
            return RandomStream(self._floor.seed, asset, purpose, self._epoch)

        return WorkUnit(
            self._time,
            asset,
            cell=cell,
            model=kind(stream_for),
            shifts=Shifts(self._plant.calendar_of(asset)),
            work=work,
            supplies=supplies,
            config=MachineConfig(
                ideal_cycle_s=_ideal_cycles(self._plant, asset, cell.ideal_s),
                load=machine.together,
                crew=machine.crew,
                upkeep_shift=machine.upkeep_shift,
                upkeep_min=machine.upkeep_min,
                defect_pace=1 / LIVELY if self._floor.profile == "lively" else 1.0,
            ),
            emitter=EventEmitter(self._time, asset, self._out),
            stream_for=stream_for,
            checkpoint=checkpoint,
        )


def _ideal_cycles(plant: Plant, asset: str, otherwise_s: float) -> Callable[[str], float]:
    known: dict[str, float] = {}

    def ideal_cycle_s(product: str) -> float:
        if product not in known:
            known[product] = plant.ideal_cycle(asset, product) or otherwise_s
        return known[product]

    return ideal_cycle_s
