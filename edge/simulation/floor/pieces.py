"""Orders and pieces, and the order book of a line."""

from collections.abc import Callable
from typing import Literal

import msgspec

Fate = Literal["good", "scrap", "rework"]
"""What a piece is found to be at its first inspection."""


class OrderPlan(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """One order of a line's programme, which repeats without end: `pieces` of a `product`."""

    product: str
    pieces: int


class Order(msgspec.Struct):
    """One order on its way through a line.

    Attributes:
        number: its name in messages, `wo-1042`.
        product: what is made.
        pieces: how many are started.
        batch: the material's resistance to cutting as a share of the tables': ±20 % from batch to batch.
        started: pieces that the first stage has taken.
        gone: for each stage, pieces that are no longer to come: taken by it, or scrapped before it.
        left: pieces that have left the line, good or scrap.
    """

    number: str
    product: str
    pieces: int
    batch: float
    gone: list[int]
    started: int = 0
    left: int = 0


class Piece(msgspec.Struct):
    """One piece.

    Attributes:
        serial: its own number, as marked on it.
        order: the number of its order.
        error: deviation from the nominal, as a share of half the tolerance; made by the process, found by inspection.
        passes: how often it was sent back for rework.
        is_back: it was sent back, and the rework is not done yet.
        material: the number of the batch that it was made from; '' where that is not known.
        source: the serial number of the piece that it was made from; '' where that is not known.
        fate: what the machine that holds it found it to be; '' while it is worked on, and between machines.
    """

    serial: str
    order: str
    error: float = 0.0
    passes: int = 0
    is_back: bool = False
    material: str = ""
    source: str = ""
    fate: Fate | Literal[""] = ""


class OrderBook:
    """The orders of a line: repeats the line's programme without end, and hands out raw pieces.

    Args:
        programme: the orders to repeat.
        stages: how many stages the line has.
        first: number of the first order.
    """

    def __init__(self, programme: list[OrderPlan], stages: int, first: int) -> None:
        self._programme = programme
        self._stages = stages
        self.next_number = first
        self.place = 0
        self.orders: dict[str, Order] = {}
        self.current: Order | None = None
        self._watchers: list[Callable[[], object]] = []

    def draw(self, batch: float) -> Piece:
        """Return the next raw piece; of the next order once all pieces of the current one have started.

        Args:
            batch: the material's resistance, should this piece begin an order.
        """
        order = self.current
        if order is None or order.started >= order.pieces:
            order = self._open(batch)
        order.started += 1
        order.gone[0] += 1
        return Piece(f"{order.number}-{order.started:03d}", order.number)

    @property
    def next_product(self) -> str:
        """The product of the next raw piece."""
        order = self.current
        if order is not None and order.started < order.pieces:
            return order.product
        return self._programme[self.place % len(self._programme)].product

    def may_draw(self, order: Order) -> bool:
        """Whether the next raw piece is one of this order."""
        return order is self.current and order.started < order.pieces

    def scrapped(self, piece: Piece, stage: int) -> None:
        """Record that this piece does not reach the stages behind `stage`."""
        order = self.orders[piece.order]
        order.left += 1
        for later in range(stage + 1, self._stages):
            order.gone[later] += 1
        self._drop_done()
        self._notify_watchers()

    def taken(self, piece: Piece, stage: int) -> None:
        """Record that a stage behind the first has taken a piece."""
        self.orders[piece.order].gone[stage] += 1
        self._notify_watchers()

    def sent_back(self, piece: Piece, stage: int, to: int) -> None:
        """Record that this piece goes back from one stage to an earlier one, for rework."""
        order = self.orders[piece.order]
        for again in range(to, stage + 1):
            order.gone[again] -= 1

    def delivered(self, piece: Piece) -> None:
        """Record that a piece has left the last stage."""
        self.orders[piece.order].left += 1
        self._drop_done()

    def none_to_come(self, order: Order, stage: int) -> bool:
        """Whether a stage has received every piece of an order that it will get."""
        return order.gone[stage] >= order.pieces

    def room_awaited(self) -> None:
        """Record that a machine waits for room in the buffer behind it."""
        self._notify_watchers()

    def watch(self, changed: Callable[[], object]) -> None:
        """Call `changed` once, when fewer pieces are to come to a stage than now, or can."""
        self._watchers.append(changed)

    def _notify_watchers(self) -> None:
        watchers, self._watchers = self._watchers, []
        for changed in watchers:
            changed()

    def _open(self, batch: float) -> Order:
        plan = self._programme[self.place % len(self._programme)]
        self.place += 1
        order = Order(f"wo-{self.next_number}", plan.product, plan.pieces, batch, [0] * self._stages)
        self.next_number += 1
        self.orders[order.number] = order
        self.current = order
        self._drop_done()
        return order

    def _drop_done(self) -> None:
        """Drop the orders whose pieces have all left; the newest few stay, for machines that still hold them."""
        for number, order in list(self.orders.items())[:-8]:
            if order.left >= order.pieces:
                del self.orders[number]
