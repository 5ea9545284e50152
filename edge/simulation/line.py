"""A simulated line: stages of machines side by side, buffers between the stages, and one order book in front."""

from collections.abc import Callable

import msgspec
import simpy

from broker.plant.plant import Plant
from edge.simulation.emitter import EventEmitter
from edge.simulation.event_buffer import EventBuffer
from edge.simulation.machines import MODELS
from edge.simulation.pieces import Order, OrderBook, Piece
from edge.simulation.plan import LIVELY, FloorPlan, cell_of
from edge.simulation.random_stream import RandomStream
from edge.simulation.shifts import Shifts
from edge.simulation.timeline import Timeline
from edge.simulation.workunit import MachineConfig, Place, WorkUnit, WorkUnitCheckpoint


class LineCheckpoint(msgspec.Struct):
    """The state of a line that a restart continues from.

    Attributes:
        next_number: number of the next order.
        place: how many orders of the programme have begun.
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
        timeline: the simulated time.
        plant: the plant, for calendars and ideal cycles.
        floor: the simulated floor's plan.
        path: the line's asset path.
        out: collects its machines' events.
        first_order: the number of its first order.
        epoch: how often the simulation was resumed.
        checkpoint: the line before a restart; None for a new one.
    """

    def __init__(
        self,
        timeline: Timeline,
        plant: Plant,
        floor: FloorPlan,
        *,
        path: str,
        out: EventBuffer,
        first_order: int,
        epoch: int,
        checkpoint: LineCheckpoint | None,
    ) -> None:
        self.path = path
        self._time, self._plant, self._floor, self._out, self._epoch = timeline, plant, floor, out, epoch
        stages = floor.line[path].stages
        self.book = OrderBook(floor.line[path].orders, len(stages), first_order)
        self.buffers = [simpy.FilterStore(timeline, capacity) for capacity in floor.line[path].buffers]
        known = self._restore(checkpoint) if checkpoint else {}
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

    def checkpoint(self) -> LineCheckpoint:
        """Return the line's present state, for a restart."""
        return LineCheckpoint(
            next_number=self.book.next_number,
            place=self.book.place,
            orders=self.book.orders,
            current=self.book.current.number if self.book.current else "",
            buffers=[list(buffer.items) for buffer in self.buffers],
            machines={unit.asset: unit.checkpoint() for unit in self.units},
        )

    def _restore(self, checkpoint: LineCheckpoint) -> dict[str, WorkUnitCheckpoint]:
        """Restore order book and buffers as far as they still fit the plan; return the machines' checkpoints."""
        self.book.next_number = checkpoint.next_number
        self.book.place = checkpoint.place
        stages = len(self._floor.line[self.path].stages)
        if any(len(order.gone) != stages for order in checkpoint.orders.values()):
            # The line was rebuilt: its machines continue, with counters and tools, but all orders start again.
            alone = {"order": None, "in_hand": None}
            return {asset: msgspec.structs.replace(one, **alone) for asset, one in checkpoint.machines.items()}
        self.book.orders = dict(checkpoint.orders)
        self.book.current = checkpoint.orders.get(checkpoint.current)
        for buffer, pieces in zip(self.buffers, checkpoint.buffers, strict=True):
            buffer.items.extend(pieces[: int(buffer.capacity)])
        # A machine shares its order with the book again.
        return {
            asset: msgspec.structs.replace(one, order=checkpoint.orders.get(one.order.number, one.order))
            if one.order
            else one
            for asset, one in checkpoint.machines.items()
        }

    def _unit(self, asset: str, place: Place, checkpoint: WorkUnitCheckpoint | None) -> WorkUnit:
        machine = self._floor.machine[asset]
        cell = cell_of(machine, self._floor.profile)

        def stream_for(purpose: str) -> RandomStream:
            return RandomStream(self._floor.seed, asset, purpose, self._epoch)

        return WorkUnit(
            self._time,
            asset,
            cell=cell,
            model=MODELS[machine.model](stream_for),
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
