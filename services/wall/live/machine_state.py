"""The parts of the live state: of each machine its state and device, and of each fact its newest value."""

from typing import TYPE_CHECKING, Final

import msgspec

from broker.contract.events import NS_PER_MS, NS_PER_S
from broker.contract.kinds import of_machines
from services.query.states.current_state import of_machine
from services.wall.live.facts import Value, ms

if TYPE_CHECKING:
    from broker.contract.events import Event, StateChange, Status
    from broker.contract.message import Message

_SIGNS_OF_LIFE: Final = of_machines()
SILENT_AFTER_NS: Final = 60 * NS_PER_S
"""A machine that sent nothing for this long, and for ten times its usual pause, is marked silent."""


class Machine:
    """What the live state holds of one machine besides its facts."""

    __slots__ = (
        "alarms",
        "awaited",
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
        self.awaited = False
        self.kinds: dict[str, int] = {}
        self.facts = 0
        self.alarms: dict[str, Value] = {}

    def note(self, message: "Message", event: "Event") -> None:
        """Record what a message shows of its device: last seen, rate, and whether its clock is right."""
        self.messages += 1
        self.kinds[event.kind] = self.kinds.get(event.kind, 0) + 1
        self.simulated = event.simulated if self.simulated is None else self.simulated or event.simulated
        if self.first is None:
            self.first = min(message.received_at, event.at)
        if message.retained or event.kind not in _SIGNS_OF_LIFE:
            return
        if self.seen is not None:
            pause = max(0, message.received_at - self.seen)
            self.pause_ns += (pause - self.pause_ns) / 8
        self.seen = max(self.seen or 0, message.received_at)
        if event.time_source == "device":
            self.clock_difference_ns = message.received_at - event.at

    def is_silent(self, now: int) -> bool:
        """Return whether nothing came for unusually long."""
        if self.seen is None:
            return self.first is not None
        return now - self.seen > max(SILENT_AFTER_NS, 10 * self.pause_ns)

    def measure_rate(self, elapsed_s: float) -> None:
        """Count the messages since it was last called, so many seconds ago."""
        self.rate = smoothed(self.rate, (self.messages - self.last_count) / elapsed_s)
        self.last_count = self.messages

    def device(self) -> dict[str, Value]:
        """Return what is known of the device, as a fact has it."""
        difference = self.clock_difference_ns
        return {
            "first": ms(self.first),
            "seen": ms(self.seen),
            "rate": round(self.rate, 2),
            "messages": self.messages,
            "kinds": dict(self.kinds),
            "clock_ms": None if difference is None else round(difference / NS_PER_MS, 1),
            "refused": self.rejected,
            "simulated": self.simulated,
        }


class Fact(msgspec.Struct, gc=False):
    """A value, the event time that it is of, and the revision that it came with. A weak one yields to any other."""

    value: Value
    at: int
    revision: int
    weak: bool = False


def smoothed(former: float, current: float) -> float:
    """Return an exponential mean; what is nearly zero is zero, so that a silent machine no longer changes."""
    value = former + (current - former) / 3 if former else current
    return value if value > 0.005 else 0.0
