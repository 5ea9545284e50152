"""The state of one simulated machine that a restart continues from, and its settings."""

from collections.abc import Callable

import msgspec

from edge.simulation.floor.disruptions import Upcoming
from edge.simulation.floor.pieces import Order, Piece


class WorkUnitCheckpoint(msgspec.Struct, kw_only=True):
    """The state of a machine that a restart continues from.

    Attributes:
        counts: the cumulative counters.
        meters: what the utility meters show.
        consumed: of its material, since it was new.
        stock: of its material, on hand.
        run_ns: operating time since it was new.
        metered_run_ns: of that, what the meters besides electricity have counted.
        upcoming: the disruptions to come.
        upkeep_day: the last day (UTC, since 1970) of autonomous maintenance.
        bad_starts: pieces that will be scrap because the machine was just set up.
        model: the model's own checkpoint.
        raised: the active warnings: their texts by code.
        order: the present order.
        order_at: when it began.
        load: the pieces on the machine; those with a fate are finished and counted, and only have to leave.
        is_loaded: no more pieces are added to the load.
        left: operating time that the load still needs, nanoseconds; 0 if it was not begun.
        cycle: operating time that it needs in all, nanoseconds.
        begun_at: when it was begun.
    """

    counts: dict[str, float]
    meters: dict[str, float]
    consumed: float = 0.0
    stock: float = 0.0
    run_ns: int = 0
    metered_run_ns: int = 0
    upcoming: Upcoming | None = None
    upkeep_day: int = -1
    bad_starts: int = 0
    model: dict[str, float] = {}
    raised: dict[str, str] = {}
    order: Order | None = None
    order_at: int = 0
    load: list[Piece] = []
    is_loaded: bool = False
    left: int = 0
    cycle: int = 1
    begun_at: int = 0

    @property
    def is_finished(self) -> bool:
        """Whether the load was worked on, and leaves the machine."""
        return any(piece.fate for piece in self.load)


class Totals(msgspec.Struct, frozen=True):
    """What a machine has counted: pieces, utilities, material."""

    counts: dict[str, float]
    meters: dict[str, float]
    consumed: float


class MachineConfig(msgspec.Struct, frozen=True):
    """The settings of one machine besides its cell and its model.

    Attributes:
        ideal_cycle_s: returns the ideal cycle of a product, seconds a piece.
        load: pieces that are worked on together.
        crew: people at it during a shift.
        upkeep_shift: the shift that begins with autonomous maintenance, '' for none.
        upkeep_min: how long that takes, minutes.
        defect_pace: the time that defects take to grow, as a share of that on a real machine.
    """

    ideal_cycle_s: Callable[[str], float]
    load: int
    crew: float
    upkeep_shift: str
    upkeep_min: float
    defect_pace: float
