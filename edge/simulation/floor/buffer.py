"""A buffer between two stages: a place for so many pieces, some of them on their way to it."""

from typing import Any

import simpy

from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.timeline import Timeline


class Buffer(simpy.FilterStore):
    """See the module.

    A piece that a carrier brings has its place from the moment that it leaves its machine, and can be taken once it has
    arrived. One that comes back for rework waits on a rack beside: it needs no place, so a loop never locks itself.

    Args:
        timeline: the simulated time.
        capacity: pieces that fit.
    """

    def __init__(self, timeline: Timeline, capacity: int) -> None:
        super().__init__(timeline, capacity)
        self._coming: set[str] = set()

    def next_piece(self, order: str = "") -> Any:  # SimPy's event of a store is not generic
        """Return the event with which a piece is taken: one of an order, or ('') the first."""
        return self.get(lambda piece: piece.serial not in self._coming and order in ("", piece.order))

    def holds(self, order: str) -> bool:
        """Whether a piece of an order can be taken."""
        return any(piece.order == order and piece.serial not in self._coming for piece in self.items)

    def shuts_out(self, order: str) -> bool:
        """Whether it is full of pieces of other orders, and another one waits: none of this order can come in."""
        return bool(self.put_queue) and all(piece.order != order for piece in self.items)

    def expect(self, piece: Piece) -> None:
        """A piece that is about to be put into the buffer has yet to be brought."""
        self._coming.add(piece.serial)

    def arrived(self, piece: Piece) -> None:
        """A piece that was expected is there."""
        self._coming.discard(piece.serial)
        self._trigger_get(None)

    def put_back(self, piece: Piece) -> None:
        """Put a piece that comes back for rework in front of the others."""
        self.items.insert(0, piece)
        self._trigger_get(None)
