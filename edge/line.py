"""A simulated line: stages of machines side by side, buffers between the stages, and one order book in front."""

from collections.abc import Callable
from typing import Any

import msgspec
import simpy

from broker.plant import Plant
from edge.chance import Chance
from edge.machines import MODELS
from edge.outbox import Outbox
from edge.pieces import Order, OrderBook, Piece
from edge.plan import LIVELY, FloorPlan, LinePlan, cell_of
from edge.shifts import Shifts
from edge.workunit import Inlet, WorkUnit, WorkUnitMemory


class LineMemory(msgspec.Struct):
    """What a line must know after a restart."""

    next_number: int
    place: int
    orders: dict[str, Order]
    current: str
    buffers: list[list[Piece]]
    machines: dict[str, WorkUnitMemory]


class Line:
    """A line.

    Args:
        env: SimPy's environment.
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
        env: simpy.Environment,
        plant: Plant,
        floor: FloorPlan,
        path: str,
        out: Outbox,
        *,
        first_order: int,
        epoch: int,
        memory: LineMemory | None,
    ) -> None:
        plan = floor.line[path]
        self.path = path
        self.book = OrderBook(plan.orders, len(plan.stages), first_order)
        self.buffers = [simpy.FilterStore(env, capacity) for capacity in plan.buffers]
        self.units: list[WorkUnit] = []
        if memory:
            self._remember(memory)
        for stage, names in enumerate(plan.stages):
            for name in names:
                asset = f"{path}/{name}"
                self.units.append(
                    self._unit(env, plant, floor, plan, asset, stage, out, epoch, memory and memory.machines.get(asset))
                )

    def memory(self) -> LineMemory:
        """Return what a restart must know, as it is now."""
        return LineMemory(
            next_number=self.book.next_number,
            place=self.book.place,
            orders=self.book.orders,
            current=self.book.current.number if self.book.current else "",
            buffers=[list(buffer.items) for buffer in self.buffers],
            machines={unit.asset: unit.memory() for unit in self.units},
        )

    def _remember(self, memory: LineMemory) -> None:
        self.book.next_number = memory.next_number
        self.book.place = memory.place
        self.book.orders = dict(memory.orders)
        self.book.current = memory.orders.get(memory.current)
        for buffer, pieces in zip(self.buffers, memory.buffers, strict=False):
            buffer.items.extend(piece for piece in pieces[: int(buffer.capacity)] if piece.order in memory.orders)

    def _unit(
        self,
        env: simpy.Environment,
        plant: Plant,
        floor: FloorPlan,
        plan: LinePlan,
        asset: str,
        stage: int,
        out: Outbox,
        epoch: int,
        memory: WorkUnitMemory | None,
    ) -> WorkUnit:
        machine = floor.machine[asset]
        cell = cell_of(machine, floor.profile)

        def chance(purpose: str) -> Chance:
            return Chance(floor.seed, asset, purpose, epoch)

        return WorkUnit(
            env,
            asset,
            cell=cell,
            model=MODELS[machine.model](chance("sensors")),
            shifts=Shifts(plant.calendar_of(asset)),
            inlet=Inlet(self.book, stage, self.buffers[stage - 1] if stage else None),
            outlet=self.buffers[stage] if stage < len(self.buffers) else None,
            out=out,
            chance=chance,
            ideal_cycle_s=_ideal_cycles(plant, asset, cell.ideal_s),
            share=1 / len(plan.stages[stage]),
            crew=machine.crew,
            upkeep=(machine.upkeep_shift, machine.upkeep_min),
            pace=1 / LIVELY if floor.profile == "lively" else 1.0,
            memory=_with_orders(memory, self.book),
        )


def _ideal_cycles(plant: Plant, asset: str, otherwise_s: float) -> Callable[[str], float]:
    known: dict[str, float] = {}

    def ideal_cycle_s(product: str) -> float:
        if product not in known:
            known[product] = plant.ideal_cycle(asset, product) or otherwise_s
        return known[product]

    return ideal_cycle_s


def _with_orders(memory: WorkUnitMemory | None, book: OrderBook) -> WorkUnitMemory | None:
    """Let a machine share its order with the book again, as before the restart."""
    if memory is None or memory.order is None:
        return memory
    shared: Any = book.orders.get(memory.order.number, memory.order)
    return msgspec.structs.replace(memory, order=shared)
