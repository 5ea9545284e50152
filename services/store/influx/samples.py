"""The fast path of the writer: samples of numbers of a signal whose facts are known and do not change.

All that a line of such a signal needs is made once. Whatever is not as it was (a text, another unit, an instant that
may hold a simulated and a real sample, facts that are due to be written again) is left to `Writing`, which learns the
signal again from it.
"""

from typing import Final, cast

from msgspec.json import encode

from broker.contract.events import Sample
from broker.contract.samples import Run
from services.store.influx.lines import series
from services.store.influx.registry import REFRESH_NS, Presence, Registry, SignalFacts, variant_tags

_MANY: Final = 250_000


class _Signal:
    """What a line of a signal needs: its beginning, its unit, until when that holds, and its machine's presence."""

    __slots__ = ("presence", "start", "unit", "until")

    def __init__(self, start: str, facts: SignalFacts, presence: Presence) -> None:
        self.start = start
        self.unit = facts.unit
        self.until = facts.written + REFRESH_NS
        self.presence = presence


class SampleLines:
    """Makes the lines of samples of known signals.

    Args:
        registry: which has the facts; `clear` this one with it.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._signals: dict[tuple[str, str, bool], _Signal] = {}

    def clear(self) -> None:
        """Empty the cache."""
        self._signals.clear()

    def line(self, event: Sample, now: int) -> str | None:
        """Return the line of a sample that is about to be written; None where `Writing` has to make it."""
        known = self._signals.get((event.asset, event.signal, event.simulated))
        if known is None or now > known.until:
            return None
        value, unit, at, presence = event.value, event.unit, event.at, known.presence
        if type(value) is not float or (unit and unit != known.unit) or presence.other is not None:
            return None
        if at > presence.last and presence.is_new:
            presence.last = at  # as `widen` does it, where most samples are newer than those before
        elif not presence.first <= at <= presence.last:
            self._registry.widen(presence, at, at)
        return f"{known.start}{encode(value).decode()} {at}"

    def add_lines(self, lines: list[str], run: Run, now: int) -> bool:
        """Add the lines of samples that are about to be written; return False where `Writing` has to make them."""
        known = self._signals.get((run.asset, run.signal, run.simulated))
        if known is None or now > known.until:
            return False
        turns, unit, presence = run.turns, run.unit, known.presence
        if (unit and unit != known.unit) or presence.other is not None:
            return False
        if len(turns) == 2:  # one time and one value
            if type(turns[1]) is str:
                return False
            first = last = cast("int", turns[0])
            lines.append(f"{known.start}{encode(turns[1]).decode()} {first}")
        else:
            start, times, values = known.start, run.times, run.values
            if str in map(type, values):
                return False
            first, last = min(times), max(times)
            for text, at in zip(encode(values)[1:-1].decode().split(","), times, strict=True):
                lines.append(f"{start}{text} {at}")
        if last > presence.last and presence.is_new:
            presence.last = last  # as `widen` does it, where most samples are newer than those before
        if last > presence.last or first < presence.first:
            self._registry.widen(presence, first, last)
        return True

    def learn(self, event: Sample) -> None:
        """Learn the signal of a sample that the registry has; drop it where its lines are not all alike."""
        key = (event.asset, event.signal, event.simulated)
        facts = self._registry.facts(event)
        presence = self._registry.presence((event.asset, event.kind, event.simulated), event.at)
        if facts.mixed or facts.kind != "number" or presence.other is not None:
            self._signals.pop(key, None)
            return
        if len(self._signals) >= _MANY:
            self._signals.clear()
        tags = [*variant_tags(event.asset, event.simulated), ("signal", event.signal)]
        self._signals[key] = _Signal(f"{series('telemetry', tags)} value=", facts, presence)
