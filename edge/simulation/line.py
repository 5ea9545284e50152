"""A simulated line: stages of machines side by side, buffers between the stages, and one order book in front."""

from collections.abc import Callable

import msgspec
import simpy

from broker.plant.plant import Plant
from edge.simulation.emitter import EventEmitter
from edge.simulation.event_buffer import Outbox
from edge.simulation.machines import MODELS
from edge.simulation.pieces import Order, OrderBook, Piece
from edge.simulation.plan import LIVELY, FloorPlan, cell_of
from edge.simulation.random_stream import RandomStream
from edge.simulation.shifts import Shifts
from edge.simulation.timeline import Timeline
from edge.simulation.workunit import MachineConfig, Place, WorkUnit, WorkUnitCheckpoint


class LineCheckpoint(msgspec.Struct):
    """What a line must know after a restart.

    Attributes:
        next_number: number of the next order.
        place: how many orders of the programme were begun.
        orders: the orders on their way, by number.
        current: the number of the order that the first stage works on, '' for none.
        buffers: the pieces in each buffer.
        machines: the machines, by asset path.
    """

    next_number: int
    place: int
    orders: dict[str, Order]
    current: str
    buffers: list[list[Piece]]
    machines: dict[str, WorkUnitCheckpoint]


class Line:
    """A line.

    Args:
        timeline: the time that it lives in.
        plant: the plant, for calendars and ideal cycles.
        floor: the simulated floor's plan.
        path: the line's asset path.
        out: where its machines say what they do.
        first_order: the number of its first order.
        epoch: how often the simulation was resumed.
        memory: what the line was before a restart.
    """

    def __init__(
        self,
        timeline: Timeline,
        plant: Plant,
        floor: FloorPlan,
        *,
        path: str,
        out: Outbox,
        first_order: int,
        epoch: int,
        memory: LineCheckpoint | None,
    ) -> None:
        self.path = path
        self._time, self._plant, self._floor, self._out, self._epoch = timeline, plant, floor, out, epoch
        stages = floor.line[path].stages
        self.book = OrderBook(floor.line[path].orders, len(stages), first_order)
        self.buffers = [simpy.FilterStore(timeline, capacity) for capacity in floor.line[path].buffers]
        known = self._checkpoint(memory) if memory else {}
        self.units: list[WorkUnit] = []
        for stage, names in enumerate(stages):
            place = Place(
                book=self.book,
                stage=stage,
                inlet=self.buffers[stage - 1] if stage else None,
                outlet=self.buffers[stage] if stage < len(self.buffers) else None,
                share=1 / len(names),
            )
            self.units += [self._unit(asset, place, known.get(asset)) for asset in (f"{path}/{name}" for name in names)]

    def memory(self) -> LineCheckpoint:
        """Return what a restart must know, as it is now."""
        return LineCheckpoint(
            next_number=self.book.next_number,
            place=self.book.place,
            orders=self.book.orders,
            current=self.book.current.number if self.book.current else "",
            buffers=[list(buffer.items) for buffer in self.buffers],
            machines={unit.asset: unit.memory() for unit in self.units},
        )

    def _checkpoint(self, memory: LineCheckpoint) -> dict[str, WorkUnitCheckpoint]:
        """Take back what was remembered as far as it still fits the plan; return what the machines must know."""
        self.book.next_number = memory.next_number
        self.book.place = memory.place
        stages = len(self._floor.line[self.path].stages)
        if any(len(order.gone) != stages for order in memory.orders.values()):
            # The line was rebuilt: its machines go on, with counters and tools, but all orders begin anew.
            alone = {"order": None, "in_hand": None}
            return {asset: msgspec.structs.replace(one, **alone) for asset, one in memory.machines.items()}
        self.book.orders = dict(memory.orders)
        self.book.current = memory.orders.get(memory.current)
        for buffer, pieces in zip(self.buffers, memory.buffers, strict=True):
            buffer.items.extend(pieces[: int(buffer.capacity)])
        # A machine shares its order with the book again.
        return {
            asset: msgspec.structs.replace(one, order=memory.orders.get(one.order.number, one.order))
            if one.order
            else one
            for asset, one in memory.machines.items()
        }

    def _unit(self, asset: str, place: Place, memory: WorkUnitCheckpoint | None) -> WorkUnit:
        machine = self._floor.machine[asset]
        cell = cell_of(machine, self._floor.profile)

        def rng(purpose: str) -> RandomStream:
            return RandomStream(self._floor.seed, asset, purpose, self._epoch)

        return WorkUnit(
            self._time,
            asset,
            cell=cell,
            model=MODELS[machine.model](rng),
            shifts=Shifts(self._plant.calendar_of(asset)),
            place=place,
            config=MachineConfig(
                ideal_cycle_s=_ideal_cycles(self._plant, asset, cell.ideal_s),
                crew=machine.crew,
                upkeep_shift=machine.upkeep_shift,
                upkeep_min=machine.upkeep_min,
                defect_pace=1 / LIVELY if self._floor.profile == "lively" else 1.0,
            ),
            emitter=EventEmitter(self._time, asset, self._out),
            rng=rng,
            memory=memory,
        )


def _ideal_cycles(plant: Plant, asset: str, otherwise_s: float) -> Callable[[str], float]:
    known: dict[str, float] = {}

    def ideal_cycle_s(product: str) -> float:
        if product not in known:
            known[product] = plant.ideal_cycle(asset, product) or otherwise_s
        return known[product]

    return ideal_cycle_s
