"""Where a machine's work comes from and goes to: its station in a line, or its calls from several lines.

A machine asks its `Work` for pieces and hands them on to it. A `Station` is a place in a line. What serves several
lines (a vehicle, a crane, a compressor) implements the same protocol in `shared`.
"""

from collections.abc import Callable, Generator
from typing import Any, Final, Protocol

import msgspec
import simpy

from broker.contract.events import State
from edge.simulation.floor.buffer import Buffer
from edge.simulation.floor.pieces import Fate, Order, OrderBook, Piece
from edge.simulation.floor.supply_chain import Material, SimulatedFlow
from edge.simulation.floor.timeline import Steps, Timeline

FlowOf = Callable[[str], SimulatedFlow | None]
Show = Callable[[State, str], None]
"""Shows on the machine what it does, and why."""
Taking = Generator[simpy.Event, Any, Piece]

FLAW: Final = 1.5
"""The deviation of a piece of bad material, as a share of half the tolerance: what is measured finds most of them."""
MOST_PASSES: Final = 2
"""So often a piece is reworked; then it is scrap."""


class Passage(msgspec.Struct, frozen=True):
    """What a piece's record at a machine holds of where it comes from and goes to.

    Attributes:
        material: the number of the batch that the machine made it from, '' where it took none.
        source: the serial number of the piece that it made it from, '' for none.
        batch: the number of the batch in which it leaves the line, '' before.
    """

    material: str = ""
    source: str = ""
    batch: str = ""


class Work(Protocol):
    """See the module.

    Attributes:
        share: its part of an order, where several machines work side by side.
        is_counted: whether its cycles are pieces.
    """

    share: float
    is_counted: bool

    def take(self, order: Order | None, draw_batch: Callable[[], float], show: Show) -> Taking:
        """Take the next piece, preferably one of the order on the machine; wait for it."""

    def take_more(self, load: list[Piece], show: Show) -> Generator[simpy.Event, Any, Piece | None]:
        """Take another piece for the same load; wait for it. None: there will be none."""

    def order_of(self, piece: Piece) -> Order | None:
        """Return the order that a piece is worked on for; None if the machine works without orders."""

    def may_rework(self, piece: Piece) -> bool:
        """Whether a piece that has a fault goes back for rework, rather than being reworked beside the machine."""

    def passage(self, piece: Piece, fate: Fate) -> Passage | None:
        """Return what a machine records of a piece that it has finished; None if its pieces have no serial numbers."""

    def hand_on(self, piece: Piece, show: Show, gone: Callable[[], None]) -> Steps:
        """Hand on a finished piece, by its fate; call `gone` once the machine no longer has it."""

    def is_last(self, order: Order) -> bool:
        """Whether no more pieces of an order are to come."""


class Transport(Protocol):
    """What brings pieces from one station to the next."""

    def call(self, piece: Piece, to: Buffer) -> simpy.Event:
        """Have a piece brought; return the event of its being picked up."""

    @property
    def busy_reason(self) -> str:
        """Why a machine waits until a piece is picked up."""


class Links(msgspec.Struct, frozen=True):
    """How a station is linked to the others of its line.

    Attributes:
        inlet: the buffer before it; None for the first stage, which gets raw pieces from the order book.
        outlet: the buffer behind it; None for the last stage.
        rack: pieces that came back to the first stage.
        back: the stage to which its rework goes, and the buffer or rack there; None if it is done beside the machine.
        material: returns the flow of material that a product of the first stage is made from; None for none.
        leaves: returns the flow that carries a product away behind the last stage; None for none.
        has_serials: its pieces have serial numbers.
        transport: what brings its pieces to the outlet; None if they get there by themselves.
    """

    inlet: Buffer | None = None
    outlet: Buffer | None = None
    rack: Buffer | None = None
    back: tuple[int, Buffer] | None = None
    material: FlowOf | None = None
    leaves: FlowOf | None = None
    has_serials: bool = True
    transport: Transport | None = None


class Station:
    """A machine's place in its line.

    Args:
        timeline: the simulated time.
        book: the line's order book.
        stage: its stage, from 0.
        links: the buffers around it.
        share: its part of an order, where several machines work side by side.
    """

    is_counted = True

    def __init__(self, timeline: Timeline, book: OrderBook, stage: int, links: Links, share: float) -> None:
        self._time, self._book, self._stage, self._links, self.share = timeline, book, stage, links, share

    def take(self, order: Order | None, draw_batch: Callable[[], float], show: Show) -> Taking:
        """Take the next piece, one of the present order if the buffer holds it."""
        source = self._links.inlet
        if source is None:
            rack = self._links.rack
            if rack is None or not rack.items:
                return (yield from self._drawn(draw_batch, show))
            source = rack
        number = order.number if order else ""
        get = source.next_piece(number if number and source.holds(number) else "")
        if not get.triggered:
            show("starved", "no-parts")
        return self._taken((yield get))

    def take_more(self, load: list[Piece], show: Show) -> Generator[simpy.Event, Any, Piece | None]:
        """Take another piece of the load's order, until none is to come or can come.

        Those that were sent back for rework cannot while pieces of later orders stand in their way: the load begins
        without them, for they would wait for each other for ever.
        """
        order, inlet = self._book.orders[load[0].order], self._links.inlet
        if inlet is None:
            return (yield from self._drawn_more(order, show)) if self._book.may_draw(order) else None
        while not self._book.none_to_come(order, self._stage):
            get, changed = inlet.next_piece(order.number), self._time.event()
            if not get.triggered:
                if inlet.shuts_out(order.number):
                    get.cancel()
                    return None
                show("starved", "load-not-full")
                self._book.watch(changed.succeed)
                yield get | changed
            if get.triggered:
                return self._taken(get.value)
            get.cancel()
        return None

    def order_of(self, piece: Piece) -> Order | None:
        """Return the order of a piece."""
        return self._book.orders[piece.order]

    def may_rework(self, piece: Piece) -> bool:
        """Whether the line has a loop from here, and the piece may pass it once more."""
        return self._links.back is not None and piece.passes < MOST_PASSES

    def passage(self, piece: Piece, fate: Fate) -> Passage | None:
        """Return the material of a piece at the first stage, and at the last the batch that it is put into."""
        links = self._links
        if not links.has_serials:
            return None
        batch = ""
        if (
            links.leaves
            and links.outlet is None
            and fate != "scrap"
            and not (fate == "rework" and self.may_rework(piece))
        ):
            flow = links.leaves(self._book.orders[piece.order].product)
            batch = flow.pack(piece.serial) if flow else ""
        return Passage(batch=batch) if links.inlet else Passage(piece.material, piece.source, batch)

    def hand_on(self, piece: Piece, show: Show, gone: Callable[[], None]) -> Steps:
        """Put a good piece into the outlet and have it brought; send one with a fault back, or out of the line."""
        links, fate = self._links, piece.fate
        if fate == "scrap":
            self._book.scrapped(piece, self._stage)
            gone()
        elif fate == "rework" and links.back and self.may_rework(piece):
            to, buffer = links.back
            piece.passes, piece.is_back = piece.passes + 1, True
            self._book.sent_back(piece, self._stage, to)
            gone()
            buffer.put_back(piece)
        elif links.outlet is None:
            self._book.delivered(piece)
            gone()
        else:
            yield from self._put(piece, links.outlet, show, gone)

    def is_last(self, order: Order) -> bool:
        """Whether this stage has received every piece of an order that it will get."""
        return self._book.none_to_come(order, self._stage)

    def _drawn(self, draw_batch: Callable[[], float], show: Show) -> Taking:
        """Draw the next raw piece, once there is the material that it is made from."""
        while flow := self._flow():
            get = flow.next_piece()
            if not get.triggered:
                show("starved", flow.starved_reason)
            material = yield get
            if self._flow() is flow:
                flow.take_out(material)
                return _made_of(self._book.draw(draw_batch()), material)
            # Another machine has begun the next order meanwhile.
            flow.put_back(material)
        return self._book.draw(draw_batch())

    def _drawn_more(self, order: Order, show: Show) -> Generator[simpy.Event, Any, Piece | None]:
        """Draw another raw piece of an order, once there is the material; None if the others have taken its last."""
        flow = self._flow()
        if flow is None:
            return self._book.draw(1.0)
        get = flow.next_piece()
        if not get.triggered:
            show("starved", flow.starved_reason)
        material = yield get
        if not self._book.may_draw(order):
            flow.put_back(material)
            return None
        flow.take_out(material)
        return _made_of(self._book.draw(1.0), material)

    def _flow(self) -> SimulatedFlow | None:
        return self._links.material(self._book.next_product) if self._links.material else None

    def _taken(self, piece: Piece) -> Piece:
        piece.fate = ""
        self._book.taken(piece, self._stage)
        return piece

    def _put(self, piece: Piece, outlet: Buffer, show: Show, gone: Callable[[], None]) -> Steps:
        transport = self._links.transport
        if transport:
            outlet.expect(piece)
        put = outlet.put(piece)
        if not put.triggered:
            show("blocked", "buffer-full")
            self._book.room_awaited()
        yield put
        gone()
        if transport:
            picked = transport.call(piece, outlet)
            if not picked.triggered:
                show("blocked", transport.busy_reason)
            yield picked


def _made_of(piece: Piece, material: Material) -> Piece:
    piece.material, piece.source = material.batch, material.serial
    if material.is_flawed:
        piece.error = FLAW
    return piece
