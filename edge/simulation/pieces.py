"""Orders and pieces: what flows through a line, and the order book that starts it."""

import msgspec


class OrderPlan(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """One order of a line's programme, which is repeated for ever: `pieces` of a `product`."""

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
        gone: for each stage, pieces that it will not get any more: taken by it, or scrapped before it.
    """

    number: str
    product: str
    pieces: int
    batch: float
    gone: list[int]
    started: int = 0


class Piece(msgspec.Struct):
    """One piece.

    Attributes:
        serial: its own number, as marked on it.
        order: the number of its order.
        error: how far it is off its nominal, in parts of the tolerance (half its width); made by the process, found
            by whoever measures.
    """

    serial: str
    order: str
    error: float = 0.0


class OrderBook:
    """The orders of a line: repeats the line's programme for ever, and hands out raw pieces.

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

    def draw(self, batch: float) -> Piece:
        """Return the next raw piece; of the next order when the current one has started all of its own.

        Args:
            batch: the material's resistance, should this piece begin an order.
        """
        order = self.current
        if order is None or order.started >= order.pieces:
            order = self._open(batch)
        order.started += 1
        order.gone[0] += 1
        return Piece(f"{order.number}-{order.started:03d}", order.number)

    def scrapped(self, piece: Piece, stage: int) -> None:
        """Tell the stages behind `stage` that this piece does not come."""
        order = self.orders[piece.order]
        for later in range(stage + 1, self._stages):
            order.gone[later] += 1
        self._forget_done()

    def taken(self, piece: Piece, stage: int) -> None:
        """Tell that a stage behind the first has taken a piece."""
        self.orders[piece.order].gone[stage] += 1

    def none_to_come(self, order: Order, stage: int) -> bool:
        """Whether a stage has got all the pieces of an order that it will get."""
        return order.gone[stage] >= order.pieces

    def _open(self, batch: float) -> Order:
        plan = self._programme[self.place % len(self._programme)]
        self.place += 1
        order = Order(f"wo-{self.next_number}", plan.product, plan.pieces, batch, [0] * self._stages)
        self.next_number += 1
        self.orders[order.number] = order
        self.current = order
        self._forget_done()
        return order

    def _forget_done(self) -> None:
        """Forget orders of which the last stage has got everything; the newest few are kept for those still on."""
        for number, order in list(self.orders.items())[:-8]:
            if order.gone[-1] >= order.pieces:
                del self.orders[number]
