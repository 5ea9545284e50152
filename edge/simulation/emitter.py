"""Reports what happens on a simulated machine, as events with its asset path and the time.

It remembers the state, crew and warnings that it reported last, and reports only changes.
"""

from collections.abc import Mapping

import msgspec

from broker.contract.events import (
    Command,
    Count,
    Job,
    Labour,
    Material,
    Measurement,
    Meter,
    Notice,
    Part,
    Phase,
    Reply,
    Sample,
    Severity,
    State,
    StateChange,
    Status,
    Value,
)
from edge.simulation.event_buffer import EventBuffer, TruePiece, TrueState
from edge.simulation.floor.pieces import Fate, Order, Piece
from edge.simulation.floor.timeline import Timeline
from edge.simulation.floor.work import Passage
from edge.simulation.machines.model import Finding


class EventEmitter:
    """See the module.

    Args:
        timeline: the time of the events.
        asset: the machine's path.
        out: collects the events.

    Attributes:
        shown: the state and reason reported last; None before the first.
        raised: the active warnings: their texts by code.
    """

    def __init__(self, timeline: Timeline, asset: str, out: EventBuffer) -> None:
        self._timeline, self._asset, self._out = timeline, asset, out
        self.shown: tuple[State, str] | None = None
        self._crew: tuple[float, float] | None = None
        self.raised: dict[str, str] = {}

    def online(self) -> None:
        """Report the machine online, and its last state and crew again."""
        self._out.emit(Status(asset=self._asset, at=self._timeline.now, simulated=True, online=True))
        if self.shown:
            self._emit_state(*self.shown)
        if self._crew:
            self._emit_crew(*self._crew)

    def state(self, state: State, reason: str) -> None:
        """Report the state, if it or its reason changed."""
        if (state, reason) != self.shown:
            self.shown = state, reason
            self._emit_state(state, reason)

    def crew(self, present: float, working: float) -> None:
        """Report the people at the machine, if their number changed."""
        if (present, working) != self._crew:
            self._crew = present, working
            self._emit_crew(present, working)

    def job(self, phase: Phase, order: Order, at: int, *, planned: float, ideal_cycle_s: float) -> None:
        """Report that an order began or ended at `at`."""
        self._out.emit(
            Job(
                asset=self._asset,
                at=at,
                simulated=True,
                phase=phase,
                order=order.number,
                product=order.product,
                planned=planned,
                ideal_cycle=ideal_cycle_s,
            )
        )

    def count(self, counts: Mapping[str, float]) -> None:
        """Report the counters."""
        fields = {"asset": self._asset, "at": self._timeline.now, "simulated": True, **counts}
        self._out.emit(msgspec.convert(fields, Count))

    def piece(self, product: str, fate: Fate, *, startup: bool) -> None:
        """Record the ground truth about a finished piece."""
        self._out.record_truth(TruePiece(self._timeline.now, self._asset, product, fate, startup))

    def finding(self, finding: Finding, part: str) -> None:
        """Report what was measured on a piece."""
        self._out.emit(
            Measurement(
                asset=self._asset,
                at=self._timeline.now,
                simulated=True,
                characteristic=finding.characteristic,
                value=finding.value,
                lower=finding.lower,
                nominal=finding.nominal,
                upper=finding.upper,
                part=part,
                unit=finding.unit,
            )
        )

    def part(self, piece: Piece, fate: Fate, passage: Passage, *, product: str, seconds: float) -> None:
        """Report that the machine has finished with a piece that has a serial number."""
        self._out.emit(
            Part(
                asset=self._asset,
                at=self._timeline.now,
                simulated=True,
                part=piece.serial,
                result=fate,
                seconds=seconds,
                order=piece.order,
                product=product,
                material=passage.material,
                source=passage.source,
                batch=passage.batch,
            )
        )

    def samples(self, values: Mapping[str, Value], units: Mapping[str, str]) -> None:
        """Report what the sensors show at this instant."""
        asset, at = self._asset, self._timeline.now
        self._out.events += [
            Sample(asset=asset, at=at, simulated=True, signal=signal, value=value, unit=units[signal])
            for signal, value in values.items()
        ]

    def meter(self, name: str, total: float, unit: str) -> None:
        """Report what a utility meter shows."""
        at = self._timeline.now
        self._out.emit(Meter(asset=self._asset, at=at, simulated=True, name=name, total=round(total, 4), unit=unit))

    def material(self, name: str, *, consumed: float, stock: float, unit: str) -> None:
        """Report what was consumed of a material, and what is left."""
        at = self._timeline.now
        self._out.emit(
            Material(asset=self._asset, at=at, simulated=True, name=name, consumed=consumed, stock=stock, unit=unit)
        )

    def notice(self, code: str, severity: Severity, text: str, *, active: bool) -> None:
        """Raise or clear an alarm or a warning."""
        at = self._timeline.now
        self._out.emit(
            Notice(asset=self._asset, at=at, simulated=True, code=code, severity=severity, text=text, active=active)
        )

    def warnings(self, warnings: Mapping[str, str]) -> None:
        """Raise the warnings (text by code) that are new, and clear those that are gone."""
        if warnings.keys() == self.raised.keys():
            return
        for code in sorted(self.raised.keys() - warnings.keys()):
            self.notice(code, "warning", self.raised[code], active=False)
        for code in sorted(warnings.keys() - self.raised.keys()):
            self.notice(code, "warning", warnings[code], active=True)
        self.raised = dict(warnings)

    def called(self, name: str, call: str, args: str, by: str) -> None:
        """Report a command that the machine was sent."""
        at = self._timeline.now
        self._out.emit(Command(asset=self._asset, at=at, simulated=True, name=name, id=call, args=args, by=by))

    def replied(self, name: str, call: str) -> None:
        """Report the reply to a command."""
        self._out.emit(Reply(asset=self._asset, at=self._timeline.now, simulated=True, name=name, id=call, ok=True))

    def _emit_state(self, state: State, reason: str) -> None:
        at = self._timeline.now
        self._out.emit(StateChange(asset=self._asset, at=at, simulated=True, state=state, reason=reason))
        self._out.record_truth(TrueState(at, self._asset, state, reason))

    def _emit_crew(self, present: float, working: float) -> None:
        at = self._timeline.now
        self._out.emit(Labour(asset=self._asset, at=at, simulated=True, present=present, working=working))
