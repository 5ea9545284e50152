"""What machines do that serve several lines: carry pieces from station to station, or supply air, cooling or power.

Both are the work of an ordinary work unit (`workunit`), which therefore fails, waits, is maintained and has shifts like
any other. `Calls` is that of a vehicle or a crane: its cycle is a trip, and the machine that waits for it is blocked.
`Supply` is that of a compressor or a chiller: it runs on without pieces, its load is what its consumers draw, and while
it is down they are starved.
"""

from collections.abc import Callable, Generator
from typing import Any

import msgspec
import simpy

from broker.contract.events import State
from edge.simulation.floor.buffer import Buffer
from edge.simulation.floor.pieces import Fate, Order, Piece
from edge.simulation.floor.timeline import Steps, Timeline
from edge.simulation.floor.work import Passage, Show, Taking


class _WithoutRecords:
    """Work whose pieces are one at a time, of no order, and recorded by other machines or not at all."""

    share = 1.0

    def take_more(self, load: list[Piece], show: Show) -> Generator[simpy.Event, Any, Piece | None]:
        """There is only one."""
        del load, show
        yield from ()
        return None

    def order_of(self, piece: Piece) -> Order | None:
        """It works for all orders, or without."""
        del piece
        return None

    def may_rework(self, piece: Piece) -> bool:
        """There is nothing to rework."""
        del piece
        return False

    def passage(self, piece: Piece, fate: Fate) -> Passage | None:
        """It records no pieces."""
        del piece, fate
        return None


class _Call(msgspec.Struct, frozen=True):
    piece: Piece
    to: Buffer
    picked: simpy.Event


class Calls(_WithoutRecords):
    """The trips of a carrier, first come, first served.

    Args:
        timeline: the simulated time.
        busy_reason: why a machine waits until its piece is picked up.
    """

    is_counted = True

    def __init__(self, timeline: Timeline, busy_reason: str) -> None:
        self._time, self.busy_reason = timeline, busy_reason
        self._calls = simpy.Store(timeline)
        self._to: dict[str, Buffer] = {}

    def call(self, piece: Piece, to: Buffer) -> simpy.Event:
        """Have a piece brought to a buffer that expects it; return the event of its being picked up."""
        picked = self._time.event()
        self._calls.put(_Call(piece, to, picked))
        return picked

    def take(self, order: Order | None, draw_batch: Callable[[], float], show: Show) -> Taking:
        """Pick up the piece of the next call."""
        del order, draw_batch
        get = self._calls.get()
        if not get.triggered:
            show("idle", "no-call")
        call: _Call = yield get
        self._to[call.piece.serial] = call.to
        call.picked.succeed()
        # The carrier has a piece of its own in hand: what the station behind finds out concerns the real one.
        return Piece(call.piece.serial, call.piece.order)

    def hand_on(self, piece: Piece, show: Show, gone: Callable[[], None]) -> Steps:
        """The piece has arrived. After a restart nobody waits for it: what was on its way is there."""
        del show
        gone()
        if to := self._to.pop(piece.serial, None):
            to.arrived(piece)
        yield from ()

    def is_last(self, order: Order) -> bool:
        """It has no orders that could end."""
        del order
        return False


class Supply(_WithoutRecords):
    """The work of a machine that supplies others while it is not down.

    Args:
        timeline: the simulated time.
        lost_reason: why its consumers wait while it is down.
    """

    is_counted = False

    def __init__(self, timeline: Timeline, lost_reason: str) -> None:
        self._time, self.lost_reason = timeline, lost_reason
        self.is_lost = False
        self.changed = timeline.event()
        """Triggered when it is lost or back."""
        self._drawing: list[Callable[[], bool]] = []

    def connect(self, draws: Callable[[], bool]) -> None:
        """Connect a consumer; `draws` returns whether it draws at the moment."""
        self._drawing.append(draws)

    def demand(self) -> float:
        """Return the share of its consumers that draw, from 0 to 1."""
        return sum(draws() for draws in self._drawing) / max(1, len(self._drawing))

    def follow(self, state: State) -> None:
        """The supplying machine has entered a state."""
        if self.is_lost != (state == "down"):
            self.is_lost = state == "down"
            changed, self.changed = self.changed, self._time.event()
            changed.succeed()

    def take(self, order: Order | None, draw_batch: Callable[[], float], show: Show) -> Taking:
        """Begin the next cycle of running."""
        del order, draw_batch, show
        yield from ()
        return Piece("", "")  # a cycle of nothing

    def hand_on(self, piece: Piece, show: Show, gone: Callable[[], None]) -> Steps:
        """A cycle has ended."""
        del piece, show
        gone()
        yield from ()

    def is_last(self, order: Order) -> bool:
        """It has no orders that could end."""
        del order
        return False
