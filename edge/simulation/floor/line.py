"""A simulated line: stages of machines side by side, buffers between the stages, and one order book in front.

A piece that an inspection sends to rework goes back to an earlier stage, if the line has a loop there.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from edge.simulation.floor.buffer import Buffer
from edge.simulation.floor.machine_state import WorkUnitCheckpoint
from edge.simulation.floor.pieces import Order, OrderBook, Piece
from edge.simulation.floor.shared import Calls, Supply
from edge.simulation.floor.supply_chain import SupplyChain
from edge.simulation.floor.timeline import Timeline
from edge.simulation.floor.work import Links, Station
from edge.simulation.floor.workshop import Workshop
from edge.simulation.planning.plan import FloorPlan

if TYPE_CHECKING:
    from edge.simulation.floor.workunit import WorkUnit


class LineCheckpoint(msgspec.Struct):
    """The state of a line that a restart continues from.

    Attributes:
        next_number: number of the next order.
        place: how many orders of the programme have begun.
        orders: the orders on their way, by number.
        current: the number of the order that the first stage works on, '' for none.
        buffers: the pieces in each buffer.
        machines: the machines, by asset path.
        rack: the pieces that came back to the first stage.
    """

    next_number: int
    place: int
    orders: dict[str, Order]
    current: str
    buffers: list[list[Piece]]
    machines: dict[str, WorkUnitCheckpoint]
    rack: list[Piece] = []


class Line:
    """A line.

    Args:
        timeline: the simulated time.
        floor: the simulated floor's plan.
        path: the line's asset path.
        workshop: makes its machines.
        calls: the carriers of its machines' pieces, by the machine.
        chain: the flows of material into it and out of it.
        supplies: what its machines cannot run without, by the machine.
        first_order: the number of its first order.
        checkpoint: the line before a restart; None for a new one.
    """

    def __init__(
        self,
        timeline: Timeline,
        floor: FloorPlan,
        path: str,
        workshop: Workshop,
        *,
        calls: Mapping[str, Calls],
        supplies: Mapping[str, list[Supply]],
        chain: SupplyChain,
        first_order: int,
        checkpoint: LineCheckpoint | None,
    ) -> None:
        self.path, self._plan, self._chain = path, floor.line[path], chain
        stages = self._plan.stages
        self.book = OrderBook(self._plan.orders, len(stages), first_order)
        self.buffers = [Buffer(timeline, capacity) for capacity in self._plan.buffers]
        self.rack = Buffer(timeline, 1)
        known = self._restore(checkpoint) if checkpoint else {}
        self.units: list[WorkUnit] = []
        for stage, names in enumerate(stages):
            for asset in (f"{path}/{name}" for name in names):
                station = Station(timeline, self.book, stage, self._links(stage, asset, calls), 1 / len(names))
                own = supplies.get(asset, [])
                self.units.append(workshop.machine(asset, floor.machine[asset], station, own, known.get(asset)))

    def checkpoint(self) -> LineCheckpoint:
        """Return the line's present state, for a restart."""
        return LineCheckpoint(
            next_number=self.book.next_number,
            place=self.book.place,
            orders=self.book.orders,
            current=self.book.current.number if self.book.current else "",
            buffers=[list(buffer.items) for buffer in self.buffers],
            rack=list(self.rack.items),
            machines={unit.asset: unit.checkpoint() for unit in self.units},
        )

    def _links(self, stage: int, asset: str, calls: Mapping[str, Calls]) -> Links:
        back = self._plan.rework.get(asset.rpartition("/")[2])
        to = next((place for place, names in enumerate(self._plan.stages) if back in names), 0)
        return Links(
            inlet=self.buffers[stage - 1] if stage else None,
            outlet=self.buffers[stage] if stage < len(self.buffers) else None,
            rack=None if stage else self.rack,
            back=(to, self.buffers[to - 1] if to else self.rack) if back else None,
            material=None if stage else self._chain.into(self.path),
            leaves=self._chain.out_of(self.path) if stage == len(self.buffers) else None,
            has_serials=self._plan.serials,
            transport=calls.get(asset),
        )

    def _restore(self, checkpoint: LineCheckpoint) -> dict[str, WorkUnitCheckpoint]:
        """Restore order book and buffers as far as they still fit the plan; return the machines' checkpoints."""
        self.book.next_number = checkpoint.next_number
        self.book.place = checkpoint.place
        stages = len(self._plan.stages)
        if any(len(order.gone) != stages for order in checkpoint.orders.values()):
            # The line was rebuilt: its machines continue, with counters and tools, but all orders start again.
            return {
                asset: msgspec.structs.replace(one, order=None, load=[], is_loaded=False)
                for asset, one in checkpoint.machines.items()
            }
        self.book.orders = dict(checkpoint.orders)
        self.book.current = checkpoint.orders.get(checkpoint.current)
        for buffer, pieces in zip(self.buffers, checkpoint.buffers, strict=True):
            buffer.items.extend(pieces[: int(buffer.capacity)])
        self.rack.items.extend(checkpoint.rack)
        # A machine shares its order with the book again.
        return {
            asset: msgspec.structs.replace(one, order=checkpoint.orders.get(one.order.number, one.order))
            if one.order
            else one
            for asset, one in checkpoint.machines.items()
        }
