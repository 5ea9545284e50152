"""The reading half of the InfluxDB store: queries for machines, signals, rejected messages, and for events."""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from broker.contract.events import Sample
from services.store.influx.event_reading import EventReading, events_of, tags_of, values_of
from services.store.influx.events import FORMS, SPREAD_NS
from services.store.influx.http import InfluxServer
from services.store.influx.lines import tag, untag
from services.store.influx.names import Buckets
from services.store.influx.queries import OF_MACHINE, asset_of, between, literal, name, select, under
from services.store.influx.registry import signal_facts, time_ranges
from services.store.interface import Bucket, Machine, NamedSeries, Rejected, Signal

if TYPE_CHECKING:
    from broker.contract.topics import Kind

_DOWNSAMPLED: Final = (
    ("min", "value"),
    ("mean", "value"),
    ("max", "value"),
    ("count", "value"),
    ("last", "text"),
    ("count", "text"),
    ("count", "type"),
    ("count", "gone"),
)
"""The columns of each bucket of a signal; the last two show whether some points do not count."""
_REJECTED: Final = ("topic", "reason", "payload", "bytes", "at", "count")


class Reading:
    """The queries of a store.

    Args:
        server: its server.
        buckets: its buckets.
        row_limit: how many rows an answer may have.

    Attributes:
        events: the queries for events.
    """

    def __init__(self, server: InfluxServer, buckets: Buckets, row_limit: int) -> None:
        self._server, self._buckets, self._row_limit = server, buckets, row_limit
        self.events = EventReading(server, buckets, row_limit)

    async def downsampled(self, asset: str, signal: str, start: int, end: int, points: int) -> list[Bucket]:
        """Answer `Store.downsampled`."""
        width = max(1, -(-(end - start) // max(1, points)))
        functions = [f"{function}({name(field)})" for function, field in _DOWNSAMPLED]
        conditions = [f"signal = {literal(tag(signal))}", *_exactly(asset), *between(start, end)]
        intervals = f"time({width}ns, {start % width}ns) fill(none)"
        found = await self._server.query(
            self._buckets.raw, select(functions, "telemetry", conditions, group=[intervals])
        )
        buckets: list[Bucket] = []
        for at, least, mean, greatest, n, text, texts, data_quality_warnings, gone in values_of(found):
            if data_quality_warnings or gone:
                return await self._downsampled_here(asset, signal, (start, end), width)
            buckets.append(Bucket(at, least, mean, greatest, (n or 0) + (texts or 0), text))
        return buckets

    async def machines(self, asset: str) -> list[Machine]:
        """Answer `Store.machines`."""
        found: dict[str, Machine] = {}
        for bucket in (self._buckets.raw, self._buckets.hours):
            for (path, _, simulated), seen in (await time_ranges(self._server, bucket, asset)).items():
                known = found.get(path) or Machine(path, seen.first, seen.last, simulated=simulated)
                found[path] = Machine(
                    path,
                    min(known.first, seen.first),
                    max(known.last, seen.last),
                    # Where the newest instant has a simulated and a real event, the real one decides.
                    simulated=simulated
                    if seen.last > known.last
                    else known.simulated and (simulated or seen.last < known.last),
                )
        return [found[path] for path in sorted(found)]

    async def signals(self, asset: str) -> list[Signal]:
        """Answer `Store.signals`."""
        facts = await signal_facts(self._server, self._buckets.raw, asset)
        ends: dict[tuple[str, str], list[int]] = {}
        kinds: dict[tuple[str, str], str] = {}
        for kind, field in (("number", "value"), ("text", "text")):
            for function in ("first", "last"):
                statement = select(
                    [f"{function}({name(field)})"], "telemetry", under(asset), group=[*OF_MACHINE, "signal"]
                )
                for one in await self._server.query(self._buckets.raw, statement):
                    key = (asset_of(one.tags[level] for level in OF_MACHINE), untag(one.tags["signal"]))
                    ends.setdefault(key, []).append(one.values[0][0])
                    kinds[key] = kind
        return [
            Signal(
                *key,
                unit=facts[key].unit if key in facts else "",
                kind=facts[key].kind if key in facts else kinds[key],  # type: ignore[arg-type]
                first=min(times),
                last=max(times),
            )
            for key, times in sorted(ends.items())
        ]

    async def series(self) -> list[NamedSeries]:
        """Answer `Store.series`."""
        found: dict[NamedSeries, None] = {}
        for kind, form in FORMS.items():
            if not form.is_spread:
                statement = select(["last(*)"], form.measurement, [], group=tags_of(form))
                for one in await self._server.query(self._buckets.raw, statement):
                    asset = asset_of(one.tags[level] for level in OF_MACHINE)
                    found[NamedSeries(asset, cast("Kind", kind), untag(one.tags.get(form.named)))] = None
        return list(found)

    async def rejected(self, start: int, end: int, limit: int) -> list[Rejected]:
        """Answer `Store.rejected`."""
        limit = min(limit, self._row_limit)
        if start >= end or limit == 0:
            return []
        window = (start, end + SPREAD_NS)
        found = await self._rejected(window, limit)
        if len(found) == limit:
            # A point's time may be a little later than its message's, so the order of both may differ.
            oldest = min(place for place, _ in found)
            found |= await self._rejected((max(start, oldest - SPREAD_NS), oldest + 1), self._row_limit)
        reported = [one for _, one in found if start <= one.at < end]
        reported.sort(key=lambda one: (one.at, one.topic, one.payload), reverse=True)
        return reported[:limit]

    async def metadata(self, words: str) -> str | None:
        """Answer `Store.metadata`."""
        statement = select(["text"], "note", [f"{name('name')} = {literal(tag(words))}"])
        for _, text in values_of(await self._server.query(self._buckets.hours, statement)):
            return str(text)
        return None

    async def _rejected(self, window: tuple[int, int], limit: int) -> set[tuple[int, Rejected]]:
        statement = select(_REJECTED, "rejected", between(*window), newest_first=True, limit=limit)
        return {
            (place, Rejected(int(at), topic, reason, base64.b64decode(payload), int(size), int(count or 1)))
            for place, topic, reason, payload, size, at, count in values_of(
                await self._server.query(self._buckets.raw, statement)
            )
        }

    async def _downsampled_here(self, asset: str, signal: str, window: tuple[int, int], width: int) -> list[Bucket]:
        """Downsample a signal of which some points do not count."""
        conditions = [f"signal = {literal(tag(signal))}", *_exactly(asset), *between(*window)]
        points = await self.events.points(FORMS["telemetry"], conditions)
        intervals: dict[int, list[Sample]] = {}
        for event in sorted(events_of("telemetry", points), key=lambda event: event.at):
            assert isinstance(event, Sample)
            intervals.setdefault((event.at - window[0]) // width, []).append(event)
        return [_bucket(window[0] + number * width, samples) for number, samples in sorted(intervals.items())]


def _bucket(at: int, samples: Sequence[Sample]) -> Bucket:
    numbers = [float(sample.value) for sample in samples if not isinstance(sample.value, str)]
    texts = [sample.value for sample in samples if isinstance(sample.value, str)]
    return Bucket(
        at,
        min(numbers, default=None),
        sum(numbers) / len(numbers) if numbers else None,
        max(numbers, default=None),
        len(samples),
        texts[-1] if texts else None,
    )


def _exactly(asset: str) -> list[str]:
    """Return the conditions that select one machine."""
    conditions = under(asset)
    return [*conditions, *(f"{name(level)} = ''" for level in OF_MACHINE[len(conditions) :])]
