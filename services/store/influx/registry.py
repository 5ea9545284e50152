"""The registry of machines and signals, in measurements of its own, so that no query has to read all events.

`asset` holds, for each machine and kind, the times of its oldest and newest event, one series for simulated events and
one for real ones; each kind is stored by one service, so no two write the same series. The bucket of raw events has one
point an hour, which is exact; the bucket that never expires has a single point, which may lag by an hour. Together they
are exact as long as there are events, and remain when these expire. `signal` holds unit and type of a signal; the
newest point counts. Times are texts of digits, because a float cannot hold them.

The writer caches all of it in memory. From it, it also knows where two points may be one event: a simulated and a real
event at the same instant (the later replaces the earlier, though their tags differ), and signals that were both number
and text.
"""

from typing import Final, NamedTuple

from broker.contract.events import NS_PER_S, AnyEvent, Sample
from services.store.influx.http import InfluxServer
from services.store.influx.lines import asset_tags, number, series, text, untag
from services.store.influx.queries import OF_MACHINE, asset_of, select, under

HOUR_NS: Final = 3_600 * NS_PER_S
REFRESH_NS: Final = 12 * HOUR_NS
"""The facts of a signal are written again after this long, so that they do not expire before its events."""

SIMULATED: Final = "simulated"

Variant = tuple[str, str, bool]
"""Machine, kind of event, and whether they are the simulated ones."""


class TimeRange(NamedTuple):
    """Times of the oldest and the newest event."""

    first: int
    last: int

    def with_(self, other: "TimeRange") -> "TimeRange":
        """Return the time range that covers both."""
        return TimeRange(min(self.first, other.first), max(self.last, other.last))


class Presence:
    """What the writer knows of one variant: its time range, as `TimeRange`, and the other variant, if there is one.

    Attributes:
        start: measurement and tags of the line that stores it.
        is_new: the time range is wider than what is stored.
        stored: the time range in the bucket that never expires.
    """

    __slots__ = ("first", "is_new", "last", "other", "start", "stored")

    def __init__(self, variant: Variant, seen: TimeRange) -> None:
        asset, kind, simulated = variant
        self.first, self.last = seen
        self.stored: TimeRange | None = None
        self.start = series("asset", [*variant_tags(asset, simulated), ("kind", kind)])
        self.other: Presence | None = None
        self.is_new = False

    def holds(self, at: int) -> bool:
        """Return whether an event of it may stand at this instant."""
        return self.first <= at <= self.last


class SignalFacts(NamedTuple):
    """The facts of a signal: unit, number or text, whether it has been both, and when they were written."""

    unit: str
    kind: str
    mixed: bool
    written: int


class Registry:
    """The writer's cache of machines and signals. `clear` it after any error: it is then loaded again."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Empty the cache."""
        self._loaded = False
        self._present: dict[Variant, Presence] = {}
        self._signals: dict[tuple[str, str], SignalFacts] = {}
        self._new_time_ranges: list[Presence] = []
        self._new_signals: set[tuple[str, str]] = set()

    async def load(self, server: InfluxServer, raw: str, for_ever: str) -> None:
        """Load the cache, if it is empty."""
        if self._loaded:
            return
        stored = await time_ranges(server, for_ever)
        for variant, seen in _joined(stored, await time_ranges(server, raw)).items():
            self._make(variant, seen).stored = stored.get(variant)
        self._signals = await signal_facts(server, raw)
        self._loaded = True

    def add(self, event: AnyEvent) -> bool:
        """Add an event that is about to be written; return whether its instant may hold another variant of it."""
        other = self.presence((event.asset, event.kind, event.simulated), event.at).other
        return other is not None and other.holds(event.at)

    def presence(self, variant: Variant, at: int) -> Presence:
        """Return what is known of a variant, with an event that is about to be written at this instant."""
        known = self._present.get(variant)
        if known is None:
            known = self._make(variant, TimeRange(at, at))
            self.widen(known, at, at)
        elif not known.first <= at <= known.last:
            self.widen(known, at, at)
        return known

    def widen(self, known: Presence, first: int, last: int) -> None:
        """Add events to a variant, the oldest or newest of which is outside of its time range."""
        known.first = min(first, known.first)
        known.last = max(last, known.last)
        if not known.is_new:
            known.is_new = True
            self._new_time_ranges.append(known)

    def facts(self, event: Sample) -> SignalFacts:
        """Return the facts of the signal of a sample that was added."""
        return self._signals[event.asset, event.signal]

    def _make(self, variant: Variant, seen: TimeRange) -> Presence:
        made = self._present[variant] = Presence(variant, seen)
        asset, kind, simulated = variant
        made.other = self._present.get((asset, kind, not simulated))
        if made.other is not None:
            made.other.other = made
        return made

    def add_sample(self, event: Sample, now: int) -> bool:
        """Add a sample that is about to be written; return whether its signal has been both number and text."""
        key = (event.asset, event.signal)
        kind = "text" if isinstance(event.value, str) else "number"
        known = self._signals.get(key)
        if known is None:
            known = SignalFacts(event.unit, kind, mixed=False, written=now)
        elif kind != known.kind or (event.unit and event.unit != known.unit) or now - known.written > REFRESH_NS:
            mixed = known.mixed or kind != known.kind
            known = SignalFacts(event.unit or known.unit, kind, mixed=mixed, written=max(now, known.written + 1))
        else:
            return known.mixed
        self._signals[key] = known
        self._new_signals.add(key)
        return known.mixed

    def lines(self) -> tuple[list[str], list[str]]:
        """Return the lines to write: for the raw bucket, and for the bucket that never expires."""
        raw, for_ever = [], []
        for seen in self._new_time_ranges:
            seen.is_new = False
            first, last, stored = seen.first, seen.last, seen.stored
            line = f'{seen.start} first="{first}",last="{last}"'
            raw.append(f"{line} {last // HOUR_NS * HOUR_NS}")
            if stored is None or first < stored.first or last >= stored.last + HOUR_NS:
                for_ever.append(f"{line} 0")
                seen.stored = TimeRange(first, last)
        for asset, signal in self._new_signals:
            facts = self._signals[asset, signal]
            start = series("signal", [*asset_tags(asset), ("signal", signal)])
            fields = f"unit={text(facts.unit)},kind={text(facts.kind)},mixed={number(facts.mixed)}"
            raw.append(f"{start} {fields} {facts.written}")
        self._new_time_ranges.clear()
        self._new_signals.clear()
        return raw, for_ever


def variant_tags(asset: str, simulated: bool) -> list[tuple[str, str]]:
    """Return the tags of a machine's points."""
    return [*asset_tags(asset), (SIMULATED, "true" if simulated else "")]


async def time_ranges(server: InfluxServer, database: str, asset: str = "") -> dict[Variant, TimeRange]:
    """Return the time ranges that one bucket has for the machines under an asset path."""
    found = await server.query(
        database,
        select(
            ["first", "last"], "asset", under(asset), group=[*OF_MACHINE, "kind", SIMULATED], newest_first=True, limit=1
        ),
    )
    return {
        (asset_of(one.tags[level] for level in OF_MACHINE), one.tags["kind"], one.tags[SIMULATED] == "true"): TimeRange(
            int(first), int(last)
        )
        for one in found
        for _, first, last in one.values
    }


async def signal_facts(server: InfluxServer, database: str, asset: str = "") -> dict[tuple[str, str], SignalFacts]:
    """Return the facts of the signals of the machines under an asset path."""
    found = await server.query(
        database,
        select(
            ["unit", "kind", "mixed"],
            "signal",
            under(asset),
            group=[*OF_MACHINE, "signal"],
            newest_first=True,
            limit=1,
        ),
    )
    return {
        (asset_of(one.tags[level] for level in OF_MACHINE), untag(one.tags["signal"])): SignalFacts(
            unit, kind, mixed=bool(mixed), written=written
        )
        for one in found
        for written, unit, kind, mixed in one.values
    }


def _joined(one: dict[Variant, TimeRange], other: dict[Variant, TimeRange]) -> dict[Variant, TimeRange]:
    joined = dict(one)
    for variant, seen in other.items():
        joined[variant] = joined[variant].with_(seen) if variant in joined else seen
    return joined
