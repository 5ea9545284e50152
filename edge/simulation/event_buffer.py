"""Buffers the events of a simulated shop floor in order of time, and beside them the ground truth.

Two events of one series at one instant are one event: of two states of a machine at the same instant only the later
stays, in both.
"""

from typing import Final, Literal

import msgspec

from broker.contract.events import AnyEvent, Count, Job, Labour, State, StateChange
from edge.simulation.floor.pieces import Fate


class TrueState(msgspec.Struct, frozen=True, tag_field="is", tag="state"):
    """The machine was in this state from `at` on, for this reason."""

    at: int
    asset: str
    state: State
    reason: str = ""


class TruePiece(msgspec.Struct, frozen=True, tag_field="is", tag="piece", omit_defaults=True):
    """A piece was finished at `at`; `startup`: it is scrap because the machine had just been set up."""

    at: int
    asset: str
    product: str
    fate: Fate
    startup: bool = False


class TrueFault(msgspec.Struct, frozen=True, tag_field="is", tag="fault"):
    """A failure of the machine begins to show in a signal, or has come.

    Attributes:
        at: when.
        asset: the machine's path.
        reason: reason code of the failure.
        signal: the signal in which it shows.
        phase: `onset` or `failure`.
        left_s: operating time that is left until the failure, seconds.
    """

    at: int
    asset: str
    reason: str
    signal: str
    phase: Literal["onset", "failure"]
    left_s: float


class TrueSupply(msgspec.Struct, frozen=True, tag_field="is", tag="supply"):
    """A batch of material is bad or late, from now on or up to now.

    Attributes:
        at: when.
        asset: the customer's machine that takes it.
        flow: the flow of material.
        batch: the batch's number.
        fault: `bad`, from when it is sent until its last piece is taken; `late`, from when it was due until it arrives.
        phase: `onset` or `end`.
    """

    at: int
    asset: str
    flow: str
    batch: str
    fault: Literal["bad", "late"]
    phase: Literal["onset", "end"]


_ONE_AN_INSTANT: Final[frozenset[type[AnyEvent]]] = frozenset({StateChange, Count, Job, Labour})
GroundTruth = TrueState | TruePiece | TrueFault | TrueSupply


class EventBuffer:
    """Collects events and ground truth until they are taken."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.truth: list[GroundTruth] = []
        self._places: dict[tuple[str, type[AnyEvent]], tuple[int, int]] = {}
        self._true_places: dict[str, tuple[int, int]] = {}

    def emit(self, event: AnyEvent) -> None:
        """Add an event. A state, count, order or crew replaces the machine's earlier one at the same instant."""
        if type(event) in _ONE_AN_INSTANT:
            key = (event.asset, type(event))
            at, place = self._places.get(key, (-1, 0))
            if at == event.at:
                self.events[place] = event
                return
            self._places[key] = (event.at, len(self.events))
        self.events.append(event)

    def record_truth(self, truth: GroundTruth) -> None:
        """Add ground truth. A state replaces the machine's earlier one at the same instant."""
        if isinstance(truth, TrueState):
            at, place = self._true_places.get(truth.asset, (-1, 0))
            if at == truth.at:
                self.truth[place] = truth
                return
            self._true_places[truth.asset] = (truth.at, len(self.truth))
        self.truth.append(truth)

    def take(self) -> tuple[list[AnyEvent], list[GroundTruth]]:
        """Return the events and the ground truth since the last call. Only whole instants may be taken."""
        taken = self.events, self.truth
        self.events, self.truth = [], []
        self._places.clear()
        self._true_places.clear()
        return taken
