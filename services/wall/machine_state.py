"""The parts of the live state: of each machine its state and device, and of each fact its newest value."""

from typing import TYPE_CHECKING

import msgspec

from services.query.current_state import of_machine
from services.wall.facts import Value

if TYPE_CHECKING:
    from broker.contract.events import StateChange, Status


class Machine:
    """What the live state holds of one machine besides its facts."""

    __slots__ = (
        "alarms",
        "back_at",
        "clock_difference_ns",
        "current_state",
        "facts",
        "first",
        "kinds",
        "last_count",
        "messages",
        "newest_at",
        "pause_ns",
        "rate",
        "rejected",
        "reported_state",
        "seen",
        "silent",
        "simulated",
        "status",
    )

    def __init__(self) -> None:
        self.reported_state: StateChange | None = None
        self.status: Status | None = None
        self.back_at: int | None = None
        self.current_state = of_machine(None, None, None)
        self.newest_at = 0
        self.first: int | None = None
        self.seen: int | None = None
        self.pause_ns = 0.0
        self.messages = 0
        self.last_count = 0
        self.rate = 0.0
        self.clock_difference_ns: int | None = None
        self.rejected = 0
        self.simulated: bool | None = None
        self.silent = False
        self.kinds: dict[str, int] = {}
        self.facts = 0
        self.alarms: dict[str, Value] = {}


class Fact(msgspec.Struct, gc=False):
    """A value, the event time that it is of, and the revision that it came with. A weak one yields to any other."""

    value: Value
    at: int
    revision: int
    weak: bool = False
