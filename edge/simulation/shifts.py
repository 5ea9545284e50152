"""The shift calendar as a simulated machine lives by it: is it planned to work now, and until when is that so."""

from collections.abc import Sequence
from typing import Final, Protocol

from broker.contract.events import NS_PER_S
from broker.plant.calendar import NO_SHIFT, Span
from edge.simulation.timeline import NEVER

_AHEAD_NS: Final = 2 * 86_400 * NS_PER_S
_FOR_EVER: Final = Span(0, NEVER, NO_SHIFT, planned=True)


class SpanSource(Protocol):
    """What knows the spans of a time range: a plant's calendar."""

    def spans(self, start: int, end: int) -> Sequence[Span]:
        """Return spans that cover start ≤ t < end without a gap."""


class Shifts:
    """One machine's calendar, asked with times that only grow.

    Args:
        calendar: None for a machine that is always planned to work.
    """

    def __init__(self, calendar: SpanSource | None) -> None:
        self._calendar = calendar
        self._spans: list[Span] = []
        self._span = _FOR_EVER if calendar is None else Span(0, 0, NO_SHIFT, planned=False)

    @property
    def always(self) -> bool:
        """Whether there is no calendar."""
        return self._calendar is None

    def at(self, now: int) -> Span:
        """Return the span that `now` is in. Its start may be cut; its end is an edge, or two days ahead."""
        if now >= self._span.end:
            self._span = self._find(now)
        return self._span

    def _find(self, now: int) -> Span:
        while self._spans:
            span = self._spans.pop()
            if span.start <= now < span.end:
                return span
        assert self._calendar is not None  # a machine without one never comes to the end of its span
        self._spans = list(reversed(self._calendar.spans(now, now + _AHEAD_NS)))
        return self._spans.pop()
