"""The simulated flows of material: batches that leave one line, are on their way, and are used up by another.

A supplier's good pieces fill a batch. A full batch is sent once the customer has room for it, few wait until then, and
what is more goes elsewhere. On its way it may be late; an empty store starves the customer. Now and then a batch is
bad: its flaw is found only by the customer's own measuring. Both are planted faults, and are in the ground truth.

A supplier that is not simulated (it is outside of the plant, or another process simulates it) is a source of full
batches, in the same statistics: one about each `every-h` hours, whose pieces have serial numbers of their own.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

import msgspec
import simpy

from broker.contract.events import NS_PER_S, Notice
from broker.contract.instants import utc_date
from broker.plant.material_flow import ARRIVED, SHIPPED, MaterialFlow, from_line, into_line
from edge.simulation.event_buffer import EventBuffer, TrueSupply
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.floor.timeline import Steps, Timeline, delay_ns
from edge.simulation.planning.plan import FloorPlan, FlowPlan

_MOST_WAITING: Final = 2


class Material(msgspec.Struct):
    """A piece of material: its serial number ('' if it has none), the number of its batch, whether it has a flaw."""

    serial: str
    batch: str
    is_flawed: bool = False


class Batch(msgspec.Struct):
    """Pieces that leave together.

    Attributes:
        number: its own.
        serials: of its pieces.
        is_bad: its pieces have a flaw.
        due: when it arrives, nanoseconds since 1970-01-01 UTC; 0 before it is sent.
        promised: when it should arrive.
    """

    number: str
    serials: list[str]
    is_bad: bool = False
    due: int = 0
    promised: int = 0


class FlowCheckpoint(msgspec.Struct):
    """The state of a flow that a restart continues from.

    Attributes:
        numbered: how many batches were begun on the day `day` (since 1970).
        day: see there.
        open: the batch that is being filled.
        waiting: full batches for which the customer has no room yet.
        coming: those on their way.
        stock: what the customer has.
    """

    numbered: int = 0
    day: int = 0
    open: Batch | None = None
    waiting: list[Batch] = []
    coming: list[Batch] = []
    stock: list[Material] = []


class SimulatedFlow:
    """One flow.

    Args:
        timeline: the simulated time.
        flow: as the plant describes it.
        plan: its statistics.
        ends: the machines at which its batches leave ('' for a source outside of the simulation) and arrive.
        out: collects its events.
        chance: its random numbers.
        checkpoint: the flow before a restart; None for a new one, whose customer has all that it wants.
    """

    def __init__(
        self,
        timeline: Timeline,
        flow: MaterialFlow,
        plan: FlowPlan,
        *,
        ends: tuple[str, str],
        out: EventBuffer,
        chance: RandomStream,
        checkpoint: FlowCheckpoint | None,
    ) -> None:
        self.flow, self._plan, self._time = flow, plan, timeline
        self._ends, self._out, self._chance = ends, out, chance
        self.starved_reason = f"no-{flow.name}"
        self._m = checkpoint or FlowCheckpoint()
        self._stock = simpy.Store(timeline)
        self._stock.items.extend(self._m.stock)
        if checkpoint is None:
            while self._room():
                batch = self._begin()
                self._stock.items.extend(Material("", batch.number) for _ in range(flow.batch))
        for batch in self._m.coming:
            timeline.process(self._bring(batch))
        if not ends[0]:
            timeline.process(self._make_elsewhere())

    def checkpoint(self) -> FlowCheckpoint:
        """Return the flow's present state, for a restart."""
        m = self._m
        return msgspec.structs.replace(
            m,
            open=m.open and msgspec.structs.replace(m.open, serials=list(m.open.serials)),
            waiting=list(m.waiting),
            coming=list(m.coming),
            stock=list(self._stock.items),
        )

    # ---- The customer's end ----

    def next_piece(self) -> Any:  # SimPy's event of a store is not generic
        """Return the event with which the customer takes a piece; `take_out` it then, or `put_back`."""
        return self._stock.get()

    def take_out(self, piece: Material) -> None:
        """The customer has taken a piece, and there is room for another."""
        if piece.is_flawed and all(one.batch != piece.batch for one in self._stock.items):
            self._record("bad", "end", piece.batch)
        if self._m.waiting and self._room():
            self._send(self._m.waiting.pop(0))

    def put_back(self, piece: Material) -> None:
        """The customer had no use for a piece that it took."""
        self._stock.items.insert(0, piece)
        self._stock._trigger_get(None)  # noqa: SLF001  (SimPy has no way to put in front)

    # ---- The supplier's end ----

    def pack(self, serial: str) -> str:
        """Put a finished piece into the batch that is being filled; return its number."""
        m = self._m
        batch = m.open
        if batch is None:
            batch = m.open = self._begin()
            batch.is_bad = self._chance.happens(self._plan.bad)
        batch.serials.append(serial)
        if len(batch.serials) >= self.flow.batch:
            m.open = None
            self._full(batch)
        return batch.number

    def _make_elsewhere(self) -> Steps:
        while True:
            yield self._time.timeout(delay_ns(self._plan.every_h * 3600 * (0.75 + 0.5 * self._chance.uniform())))
            number = ""
            for place in range(1, self.flow.batch + 1):
                number = self.pack(f"{number or self._next_number()}-{place:03d}")

    def _begin(self) -> Batch:
        number = self._next_number()
        self._m.numbered += 1
        return Batch(number, [])

    def _next_number(self) -> str:
        """Return the number of the next batch: the day on which it is begun makes it its own for ever.

        `owner` of `broker.plant.material_flow` takes the number apart.
        """
        day = self._time.now // NS_PER_S // 86_400
        if day != self._m.day:
            self._m.day, self._m.numbered = day, 0
        return f"{self.flow.name}-{utc_date(self._time.now):%y%m%d}-{self._m.numbered + 1:02d}"

    # ---- Between them ----

    def _room(self) -> bool:
        coming = sum(len(batch.serials) for batch in self._m.coming)
        wanted = self._plan.stock or 3 * self.flow.batch
        return len(self._stock.items) + coming + self.flow.batch <= max(wanted, self.flow.batch)

    def _full(self, batch: Batch) -> None:
        if self._room():
            self._send(batch)
        elif len(self._m.waiting) < _MOST_WAITING:
            self._m.waiting.append(batch)

    def _send(self, batch: Batch) -> None:
        transit_s = self.flow.transit_ns / NS_PER_S
        batch.promised = self._time.now + self.flow.transit_ns
        batch.due = self._time.now + delay_ns(transit_s * (0.85 + 0.15 * self._chance.uniform()))
        if self._chance.happens(self._plan.late):
            batch.due = batch.promised + delay_ns(3600 * self._plan.late_h * (0.5 + self._chance.uniform()))
        if batch.is_bad:
            self._record("bad", "onset", batch.number)
        if self._ends[0]:
            self._notice(self._ends[0], SHIPPED, batch.number)
        self._m.coming.append(batch)
        self._time.process(self._bring(batch))

    def _bring(self, batch: Batch) -> Steps:
        is_late = batch.due > batch.promised
        if is_late and self._time.now < batch.promised:
            yield self._time.timeout(batch.promised - self._time.now)
            self._record("late", "onset", batch.number)
        yield self._time.timeout(max(0, batch.due - self._time.now))
        self._m.coming.remove(batch)
        self._notice(self._ends[1], ARRIVED, batch.number)
        if is_late:
            self._record("late", "end", batch.number)
        for serial in batch.serials:
            self._stock.put(Material(serial, batch.number, batch.is_bad))

    def _notice(self, asset: str, code: str, number: str) -> None:
        at = self._time.now
        self._out.emit(Notice(asset=asset, at=at, simulated=True, code=code, text=number, active=False))

    def _record(self, fault: Literal["bad", "late"], phase: Literal["onset", "end"], number: str) -> None:
        self._out.record_truth(TrueSupply(self._time.now, self._ends[1], self.flow.name, number, fault, phase))


class SupplyChain:
    """The flows of material of a floor.

    Args:
        timeline: the simulated time.
        flows: those of the plant.
        floor: the simulated floor's plan.
        out: collects their events.
        epoch: how often the simulation was resumed.
        checkpoints: the flows before a restart, by name.
    """

    def __init__(
        self,
        timeline: Timeline,
        flows: dict[str, MaterialFlow],
        floor: FloorPlan,
        *,
        out: EventBuffer,
        epoch: int,
        checkpoints: dict[str, FlowCheckpoint],
    ) -> None:
        self.flows: dict[str, SimulatedFlow] = {}
        for flow in flows.values():
            if flow.customer in floor.line:
                self.flows[flow.name] = SimulatedFlow(
                    timeline,
                    flow,
                    floor.flow.get(flow.name, FlowPlan()),
                    ends=(_machine(floor, flow.supplier, -1), _machine(floor, flow.customer, 0)),
                    out=out,
                    chance=RandomStream(floor.seed, flow.name, "flow", epoch),
                    checkpoint=checkpoints.get(flow.name),
                )

    def checkpoint(self) -> dict[str, FlowCheckpoint]:
        """Return the flows' present states, by name."""
        return {name: flow.checkpoint() for name, flow in self.flows.items()}

    def into(self, line: str) -> Callable[[str], SimulatedFlow | None]:
        """Return what returns the flow that a product of a line is made from, None for one that needs none."""
        return _finder((self.flows[flow.name], flow.becomes) for flow in into_line(self._described, line))

    def out_of(self, line: str) -> Callable[[str], SimulatedFlow | None]:
        """Return what returns the flow that carries a product of a line, None for one that nobody is sent."""
        return _finder((self.flows[flow.name], flow.products) for flow in from_line(self._described, line))

    @property
    def _described(self) -> dict[str, MaterialFlow]:
        return {name: one.flow for name, one in self.flows.items()}


def _finder(flows: Iterable[tuple[SimulatedFlow, tuple[str, ...]]]) -> Callable[[str], SimulatedFlow | None]:
    known = list(flows)

    def of(product: str) -> SimulatedFlow | None:
        return next((flow for flow, products in known if not products or product in products), None)

    return of


def _machine(floor: FloorPlan, line: str, stage: int) -> str:
    """Return the first machine of a stage of a line; '' where the line is not simulated."""
    return f"{line}/{floor.line[line].stages[stage][0]}" if line in floor.line else ""
