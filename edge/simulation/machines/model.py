"""A machine's model: its signals, its failure modes, and what it does to a piece.

A model is the part of a simulated machine that differs from kind to kind. The work unit
(`edge.simulation.floor.workunit`) decides when it runs, waits and fails; the model returns what its sensors show
meanwhile, what power it draws, and how good the piece is. A model has its own random numbers and no clock: only the
seconds passed and the seconds run.

**A new kind** is one file in the folder of its trade, with a subclass of `Model` (`model.py`), and its line in
`MODELS`. It gives `signals`, `failures`, `minor_stops` and `sample`; what it leaves on a piece or measures is `finish`,
which adds to `piece.error` (a share of half the tolerance) and returns findings.

- **Randomness**: what sensors show comes from `self.noise`, what happens from `self.process`, and never the second in
  `sample`: how often sensors are read must not change what happens. State that lasts is a number named in
  `checkpointed`; what follows from `now.progress` and `now.run_s` needs none.
- **Scrap by measurement**: `inspects = True` makes a piece whose finding is beyond its limits scrap, or rework where
  the finding's `rework` names that side. With `decides_alone = True` the cell's shares decide nothing. A piece that
  comes back through a loop of the line is given to `rework`, not to `finish`.
- **A batch kind** gives `load = 6`: six pieces, of one order, are worked on for six ideal cycles; the last load of an
  order may be smaller and takes as long. `begin(pieces, now)` is called once a load: draw there what this load suffers,
  and return how long it takes against the usual (the slowest thermocouple gates the hold: `1.08`). `spoiled(now)` is
  asked at the end: a text ("vacuum lost in the hold, bag 3") makes all of the load scrap, and is its alarm. Then
  `finish` is called for each piece. `now.pieces` and `now.load_id` say what is inside.
- **A kind that serves several lines** gives `serves` and `serves_reason`, and stands in `[simulate.shared."…"]` rather
  than in a stage. `serves = "carries"` (vehicle, crane): a cycle is the trip of a piece to the next stage; who calls it
  is blocked until it picks up. `serves = "supplies"` (compressor, chiller): it runs without pieces, and while it is
  down its consumers are starved; `now.demand` is the share of them that run. Neither makes scrap.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final, Literal

import msgspec

from broker.contract.events import State, Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream

HALL_CEL: Final = 20.5
_AFTER_REWORK: Final = 0.3


class FailureMode(msgspec.Struct, frozen=True):
    """One way in which a machine breaks down.

    Attributes:
        reason: its reason code.
        text: the text of its alarm.
        weight: how often, against the others.
        signal: the signal in which it shows before, '' for none.
        doubling_h: running hours in which the defect doubles.
    """

    reason: str
    text: str
    weight: float
    signal: str = ""
    doubling_h: float = 45.0


class Pause(msgspec.Struct, frozen=True):
    """A short stop or a wait: the state and reason that the machine shows, and how often against the others."""

    state: State
    reason: str
    weight: float = 1.0


class Finding(msgspec.Struct, frozen=True):
    """What was measured on a piece.

    Attributes:
        characteristic: its name, as in the topic.
        value: as measured.
        lower: the lower limit.
        nominal: the value aimed at.
        upper: the upper limit.
        unit: UCUM.
        rework: the side on which a piece beyond its limit can be reworked (a bore too small is bored again, too large
            is scrap); '' for neither.
    """

    characteristic: str
    value: float
    lower: float
    nominal: float
    upper: float
    unit: str
    rework: Literal["", "above", "below"] = ""


class Condition:
    """The machine at an instant, for its model.

    Attributes:
        state: as the machine shows it.
        progress: how much of the cycle is done, 0 to 1.
        run_s: operating time since the machine was new, seconds.
        batch: the material's resistance as a share of the tables'.
        product: what is being made, '' for nothing.
        day_s: seconds since midnight UTC, for the temperature of the hall.
        decaying: the signal in which the coming failure shows, '' for none.
        decay: how far that has gone, from 0 to 1 at the breakdown.
        pieces: how many are on the machine: up to its load.
        load_id: the serial number of the first of them, '' for none.
        demand: of a machine that supplies others, the share of them that draw at the moment.
    """

    __slots__ = (
        "batch",
        "day_s",
        "decay",
        "decaying",
        "demand",
        "load_id",
        "pieces",
        "product",
        "progress",
        "run_s",
        "state",
    )

    def __init__(self) -> None:
        self.state: State = "off"
        self.progress = 0.0
        self.run_s = 0.0
        self.batch = 1.0
        self.product = ""
        self.day_s = 0.0
        self.decaying = ""
        self.decay = 0.0
        self.pieces = 0
        self.load_id = ""
        self.demand = 0.0

    def decayed(self, signal: str) -> float:
        """Return how far the coming failure shows in a signal, from 0 to 1."""
        return self.decay if self.decaying == signal else 0.0

    @property
    def hall_cel(self) -> float:
        """Temperature of the hall: warmest at 15:00 UTC, by 1.5 K."""
        return HALL_CEL + 1.5 * math.cos((self.day_s / 3600 - 15) * math.pi / 12)


class Model(ABC):
    """A machine's sensors and process.

    Args:
        stream_for: returns the model's random numbers for a purpose: what sensors show must not change what happens.
    """

    signals: ClassVar[Mapping[str, str]]
    """Its signals, with their UCUM units ('' for texts and truth values)."""
    failures: ClassVar[tuple[FailureMode, ...]]
    minor_stops: ClassVar[tuple[Pause, ...]]
    waits: ClassVar[tuple[Pause, ...]] = (
        Pause("idle", "operator-away", 2),
        Pause("starved", "material-late", 2),
        Pause("idle", "crane-busy", 1),
    )
    material: ClassVar[tuple[str, str, float, float] | None] = None
    """Name, unit, quantity a piece, and quantity a delivery of the material that it uses."""
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h"}
    """Its utility meters, with their units; all but electricity grow with the pieces by `utility`."""
    checkpointed: ClassVar[tuple[str, ...]] = ()
    """The names of the attributes, all numbers, that its checkpoint holds."""
    inspects: ClassVar[bool] = False
    """Whether it inspects pieces: those beyond their limits are scrap, or go to rework as the finding says."""
    decides_alone: ClassVar[bool] = False
    """Whether its measurements alone decide about scrap and rework, and the cell's shares are only what is planned."""
    load: ClassVar[int] = 1
    """Pieces that it works on together; a plant file may give another number. More than 1 makes it a batch machine."""
    serves: ClassVar[Literal["", "carries", "supplies"]] = ""
    """What it does for machines of several lines; '' for a machine that stands in the flow of one."""
    serves_reason: ClassVar[str] = ""
    """Why others wait for it: until it picks up a piece, or while its supply is down."""

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        self.noise = stream_for("sensors").normal
        self.process = stream_for("process")
        self.power_kw = 0.0
        self.warnings: dict[str, str] = {}

    @abstractmethod
    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the sensors show, `passed_s` after they were last read; sets `power_kw` and `warnings`."""

    def begin(self, pieces: Sequence[Piece], now: Condition) -> float:
        """Begin a cycle with these pieces; return its length as a share of the usual one, 1.0 on average.

        What is decided by chance about this load (a bag that leaks, a thermocouple that lags) is drawn here, from
        `process`, never in `sample`: how often sensors are read must not change what happens.
        """
        del pieces, now
        return 1.0

    def spoiled(self, now: Condition) -> str:
        """Return why the whole load is scrap, as a text for an alarm; '' if it is not. Asked once, at its end."""
        del now
        return ""

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Let the process leave its error on a piece, or measure it; return what was measured.

        Called for each piece of a load, after `spoiled`.
        """
        del piece, now
        return []

    def rework(self, piece: Piece, now: Condition) -> list[Finding]:
        """Rework a piece that came back, rather than `finish` it; return what was measured."""
        piece.error *= _AFTER_REWORK
        return self.finish(piece, now) if self.inspects else []

    def used(self, meter: str, run_s: float) -> float:
        """Return what a meter besides electricity counts in so many seconds of running."""
        del meter, run_s
        return 0.0

    def checkpoint(self) -> dict[str, float]:
        """Return the model's present state, for a restart."""
        return {name: getattr(self, name) for name in self.checkpointed}

    def restore(self, checkpoint: Mapping[str, float]) -> None:
        """Restore a state that `checkpoint` returned; what is not in it stays as it is."""
        for name in self.checkpointed:
            if name in checkpoint:
                setattr(self, name, checkpoint[name])

    def warn(self, code: str, text: str, value: float, limit: float) -> None:
        """Raise a warning at a limit; clear it once the value is 5 % below."""
        if value >= limit:
            self.warnings.setdefault(code, text)
        elif value < 0.95 * limit:
            self.warnings.pop(code, None)


def toward(value: float, goal: float, tau_s: float, passed_s: float) -> float:
    """Return a value that follows its goal with a time constant: first-order lag."""
    return goal + (value - goal) * math.exp(-passed_s / tau_s)
