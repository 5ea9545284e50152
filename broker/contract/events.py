"""The typed events of the contract: what a valid message means.

Every event belongs to an `asset` (a machine's path) and a time `at`, in nanoseconds since 1970-01-01 UTC. Two events of
one series (asset, kind, name) at the same instant are the same event: the later write wins. The codec converts events
to messages and back; this module is independent of the wire.
"""

from typing import ClassVar, Final, Literal, get_args

import msgspec

Kind = Literal[
    "telemetry",
    "state",
    "count",
    "job",
    "meter",
    "quality",
    "part",
    "labour",
    "material",
    "event",
    "status",
    "adjust",
    "cmd",
    "reply",
    "kpi",
]
"""The kinds of messages, for type checkers; `broker.contract.kinds` describes each."""

State = Literal["running", "setup", "starved", "blocked", "idle", "down", "maintenance", "off", "unknown"]
STATES: Final[tuple[State, ...]] = get_args(State)
"""The states of a machine, in the order of the contract; a state's code in the store is its index here."""
_STATE_CODES: Final = {state: code for code, state in enumerate(STATES)}

TimeSource = Literal["device", "receipt", "retained"]
"""Where `at` comes from: the device sent it; it did not, so it is the time of receipt; or it did not and the message
was retained, so the event is only the last known value, of unknown age."""

Phase = Literal["start", "end"]
PartResult = Literal["", "good", "scrap", "rework"]
Severity = Literal["alarm", "warning", "notice"]
Value = float | bool | str

QUANTITY_LIMIT: Final = 1e15
"""The largest quantity in its unit, positive or negative: doubles count that far one by one, and sums, squares and
products of such quantities stay finite. Larger numbers are what controllers send for "no value"."""
SHORTEST_CYCLE_S: Final = 1e-9
"""An ideal cycle is at least a nanosecond a piece, the grain of the ledger's time: less would count as none."""

NOT_LIVE: Final = -1
"""The receipt of an event that shows no life: nobody knows when its machine sent it."""
WE_WERE_AWAY: Final = -2
"""The receipt of an offline that stands for an absence of the service that stores, not of the machine."""
FELL_SILENT: Final = -3
"""The receipt of an offline that marks a silence of its machine: `silent-after` says from when it counts."""

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000

FURTHEST_AHEAD_NS: Final = 5 * 60 * NS_PER_S
"""How far a clock may be ahead of the receipt of its message."""


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What all events have.

    Attributes:
        asset: the machine's asset path.
        at: when it happened, nanoseconds since 1970-01-01 UTC.
        time_source: where `at` comes from.
        simulated: the machine is not a real one.
        received_ms: when its message was received, milliseconds since 1970-01-01 UTC; 0 where that is not known,
            `NOT_LIVE` where it was retained and has no time. Stored of the kinds that the ledger is computed from.
    """

    kind: ClassVar[Kind]

    asset: str
    at: int
    time_source: TimeSource = "device"
    simulated: bool = False
    received_ms: int = 0

    @property
    def series(self) -> str:
        """The event's series within its asset and kind: the name of its signal, meter, …; or ''."""
        return ""


class Sample(Event, frozen=True, kw_only=True, gc=False):
    """One sample of a signal. `unit` is a UCUM code, '' where the message has none."""

    kind: ClassVar[Kind] = "telemetry"

    signal: str
    value: Value
    unit: str = ""

    @property
    def series(self) -> str:
        """The signal."""
        return self.signal


class StateChange(Event, frozen=True, kw_only=True, gc=False):
    """The machine entered a state, for a reason ('' where none is reported)."""

    kind: ClassVar[Kind] = "state"

    state: State
    reason: str = ""

    @property
    def code(self) -> int:
        """The state's index in `STATES`: its code in the store."""
        return _STATE_CODES[self.state]


class Pieces(Event, frozen=True, kw_only=True, gc=False):
    """An event with numbers of pieces (`COUNTERS`); None where the message has none."""

    produced: float | None = None
    good: float | None = None
    scrap: float | None = None
    rework: float | None = None
    inspected: float | None = None
    first_pass: float | None = None
    planned_scrap: float | None = None
    startup_scrap: float | None = None


class Count(Pieces, frozen=True, kw_only=True, gc=False):
    """Cumulative counters of pieces."""

    kind: ClassVar[Kind] = "count"


class Job(Event, frozen=True, kw_only=True, gc=False):
    """An order starts or ends. `planned` is in pieces, `ideal_cycle` in seconds a piece."""

    kind: ClassVar[Kind] = "job"

    phase: Phase
    order: str = ""
    product: str = ""
    planned: float | None = None
    ideal_cycle: float | None = None


class Meter(Event, frozen=True, kw_only=True, gc=False):
    """A cumulative utility meter: electricity, compressed-air, water, gas. `unit` is a UCUM code."""

    kind: ClassVar[Kind] = "meter"

    name: str
    total: float
    unit: str = ""

    @property
    def series(self) -> str:
        """The meter's name."""
        return self.name


class Measurement(Event, frozen=True, kw_only=True, gc=False):
    """A measured quality characteristic of a part, with its limits where they are reported."""

    kind: ClassVar[Kind] = "quality"

    characteristic: str
    value: float
    lower: float | None = None
    nominal: float | None = None
    upper: float | None = None
    part: str = ""
    unit: str = ""

    @property
    def series(self) -> str:
        """The characteristic."""
        return self.characteristic

    @property
    def place(self) -> Literal["below", "within", "above"]:
        """Where the value lies, given its limits; a limit that is not reported is none."""
        if self.lower is not None and self.value < self.lower:
            return "below"
        return "above" if self.upper is not None and self.value > self.upper else "within"


class Part(Event, frozen=True, kw_only=True, gc=False):
    """The machine has finished with a part that has a serial number: a step of its genealogy.

    Attributes:
        part: its serial number.
        result: what it was found to be; '' where that is not reported.
        seconds: for how long it was on the machine, seconds; None where that is not reported.
        order: that it belongs to.
        product: what it becomes.
        material: the batch of material that the machine made it from; '' where it took none.
        source: the serial number of the part that the machine made it from; '' where there is none.
        batch: the batch in which it leaves the line; '' before.
    """

    kind: ClassVar[Kind] = "part"

    part: str
    result: PartResult = ""
    seconds: float | None = None
    order: str = ""
    product: str = ""
    material: str = ""
    source: str = ""
    batch: str = ""


class Labour(Event, frozen=True, kw_only=True, gc=False):
    """People at the work unit from now on: present, and of those, working."""

    kind: ClassVar[Kind] = "labour"

    present: float
    working: float | None = None


class Material(Event, frozen=True, kw_only=True, gc=False):
    """A material at the work unit: cumulative quantities, and the `stock` on hand."""

    kind: ClassVar[Kind] = "material"

    name: str
    consumed: float | None = None
    stock: float | None = None
    integrated_good: float | None = None
    lost_production: float | None = None
    lost_storage: float | None = None
    lost_other: float | None = None
    throughput: float | None = None
    unit: str = ""

    @property
    def series(self) -> str:
        """The material."""
        return self.name


class Notice(Event, frozen=True, kw_only=True, gc=False):
    """An alarm or notice, raised (`active`) or cleared."""

    kind: ClassVar[Kind] = "event"

    code: str
    severity: Severity = "notice"
    text: str = ""
    active: bool = True

    @property
    def series(self) -> str:
        """The code."""
        return self.code


class Status(Event, frozen=True, kw_only=True, gc=False):
    """Whether the device is connected; its MQTT will reports that it is not."""

    kind: ClassVar[Kind] = "status"

    online: bool


class Adjust(Pieces, frozen=True, kw_only=True, gc=False):
    """Pieces booked by hand, as moved or added at a time: signed, on top of what the counters report.

    Of several bookings of one id the one that was booked last counts; if that is `void`, none.

    Attributes:
        id: names the booking.
        reason: why, for people.
        by: who booked it.
        void: it takes back what was booked under this id.
        booked: when it was booked, RFC 3339.
    """

    kind: ClassVar[Kind] = "adjust"

    id: str
    reason: str = ""
    by: str = ""
    void: bool = False
    booked: str

    @property
    def series(self) -> str:
        """The id: each booking is its own."""
        return self.id


class Command(Event, frozen=True, kw_only=True, gc=False):
    """A command to the machine. `args` is JSON text."""

    kind: ClassVar[Kind] = "cmd"

    name: str
    id: str
    args: str = "{}"
    by: str = ""

    @property
    def series(self) -> str:
        """Name and id: each call is its own."""
        return f"{self.name} {self.id}"


class Reply(Event, frozen=True, kw_only=True, gc=False):
    """The machine's answer to a command. `result` is JSON text."""

    kind: ClassVar[Kind] = "reply"

    name: str
    id: str
    ok: bool
    result: str = "null"

    @property
    def series(self) -> str:
        """Name and id of the command that is answered."""
        return f"{self.name} {self.id}"


AnyEvent = (
    Sample
    | StateChange
    | Count
    | Job
    | Meter
    | Measurement
    | Part
    | Labour
    | Material
    | Notice
    | Status
    | Adjust
    | Command
    | Reply
)

COUNTERS: Final = (
    "produced",
    "good",
    "scrap",
    "rework",
    "inspected",
    "first_pass",
    "planned_scrap",
    "startup_scrap",
)
"""The counters of pieces: cumulative in a `Count`, differences in an `Adjust`."""
