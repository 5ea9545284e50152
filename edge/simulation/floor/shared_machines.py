"""The machines of a floor that serve several lines: vehicles, cranes, compressors, chillers."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from edge.simulation.floor.line import Line
from edge.simulation.floor.machine_state import WorkUnitCheckpoint
from edge.simulation.floor.shared import Calls, Supply
from edge.simulation.floor.timeline import Timeline
from edge.simulation.floor.workshop import Workshop
from edge.simulation.machines import MODELS
from edge.simulation.planning.plan import FloorPlan

if TYPE_CHECKING:
    from edge.simulation.floor.workunit import WorkUnit


class SharedMachines:
    """See the module.

    Args:
        timeline: the simulated time.
        floor: the simulated floor's plan.

    Attributes:
        calls: the carriers, by the machine whose pieces they carry.
        supplies: the supplies of each machine.
        units: the machines that serve, once started.
    """

    def __init__(self, timeline: Timeline, floor: FloorPlan) -> None:
        self._floor = floor
        self._work: dict[str, Calls | Supply] = {}
        self.calls: dict[str, Calls] = {}
        self.supplies: dict[str, list[Supply]] = {}
        self.units: list[WorkUnit] = []
        for path, plan in floor.shared.items():
            kind = MODELS[plan.model]
            if kind.serves == "carries":
                self._work[path] = calls = Calls(timeline, kind.serves_reason)
                self.calls |= dict.fromkeys(floor.served(plan), calls)
            else:
                self._work[path] = supply = Supply(timeline, kind.serves_reason)
                for asset in floor.served(plan):
                    self.supplies.setdefault(asset, []).append(supply)

    def start(self, workshop: Workshop, lines: Iterable[Line], checkpoints: Mapping[str, WorkUnitCheckpoint]) -> None:
        """Start the machines, and connect the others to them."""
        for path, work in self._work.items():
            unit = workshop.machine(path, self._floor.shared[path], work, [], checkpoints.get(path))
            self.units.append(unit)
        for unit in (unit for line in lines for unit in line.units):
            for supply in self.supplies.get(unit.asset, []):
                supply.connect(unit.draws)
