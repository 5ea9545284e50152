"""Counters of pieces, as sources have them: often all and bad ones, a topic each, and no good ones.

Good pieces are those produced less scrap, once both are known, and unless the source counts them itself. Of one piece
that is bad, both counters move, in two messages and in any order; between the two the difference is that of no moment.
So when one moves alone, the good pieces wait until the other is reported, the same one moves again (the next cycle), or
`HELD_NS` have passed. They are those of the time at which the one moved.
"""

from typing import Final

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S, AnyEvent, Count
from edge.dialects.dialect import Dialect, Translation
from edge.dialects.values import Stamp

HELD_NS: Final = 10 * NS_PER_S
"""How long the good pieces wait for the other counter, from the receipt of the one that moved."""
_PAIR: Final = frozenset({"produced", "scrap"})


class _Held(msgspec.Struct, frozen=True):
    """A counter that moved alone."""

    counter: str
    stamp: Stamp
    due: int


class Counters:
    """The last counters of each machine of a source."""

    def __init__(self) -> None:
        self._last: dict[str, dict[str, float]] = {}
        self._held: dict[str, _Held] = {}

    def count(self, stamp: Stamp, counted: dict[str, float]) -> list[AnyEvent]:
        """Return the counters of a message, with the good pieces where they are certain; nothing if there are none.

        Raises:
            ContractError: a counter is below zero; the others are not counted either, and nothing is remembered.
        """
        if not counted:
            return []
        for counter, value in counted.items():
            if value < 0:
                raise ContractError(f"the counter {counter} is {value:g}, below zero", "count pieces from zero up")
        last = self._last.setdefault(stamp.asset, {})
        reported = _PAIR & counted.keys()
        if "good" in last or "good" in counted or not reported or stamp.source == "retained":
            last |= counted
            return [_count(stamp, counted | (_good(last) if reported else {}))]
        held = self._held.get(stamp.asset)
        has_moved = any(last.get(counter) != counted[counter] for counter in reported)
        if has_moved and held is not None and reported == {held.counter}:  # the next cycle: the last one is over
            events = self._released(stamp.asset, held)
        else:
            events = []
        last |= counted
        if reported == _PAIR or (held is not None and held.counter not in reported):
            self._held.pop(stamp.asset, None)
            return [*events, _count(stamp, counted | _good(last))]
        if has_moved:
            self._held[stamp.asset] = _Held(next(iter(reported)), stamp, stamp.received_at + HELD_NS)
        return [*events, _count(stamp, counted if stamp.asset in self._held else counted | _good(last))]

    @property
    def due(self) -> int | None:
        """When `tick` is to be called; None while no good pieces wait."""
        return min((held.due for held in self._held.values()), default=None)

    def tick(self, now: int) -> list[AnyEvent]:
        """Return the good pieces that have waited long enough."""
        due = [(asset, held) for asset, held in self._held.items() if held.due <= now]
        return [event for asset, held in due for event in self._released(asset, held)]

    def _released(self, asset: str, held: _Held) -> list[AnyEvent]:
        del self._held[asset]
        good = _good(self._last[asset])
        return [_count(held.stamp, good)] if good else []


class CountingDialect(Dialect):
    """A dialect whose source has counters of pieces: `_counters` holds them, and what waits is returned when due."""

    def __init__(self) -> None:
        self._counters = Counters()

    @property
    def due(self) -> int | None:
        """When good pieces have waited long enough for the counter that moves with them."""
        return self._counters.due

    def tick(self, now: int) -> Translation:
        """Return the good pieces that waited."""
        return Translation(events=self._counters.tick(now))


def _good(last: dict[str, float]) -> dict[str, float]:
    """Return the good pieces where they follow from the others."""
    if "good" in last or not last.keys() >= _PAIR:
        return {}
    return {"good": max(0.0, last["produced"] - last["scrap"])}


def _count(stamp: Stamp, found: dict[str, float]) -> Count:
    return msgspec.structs.replace(Count(**stamp.shared()), **found)
