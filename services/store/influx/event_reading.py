"""Reading events out of InfluxDB: points of a measurement, series by series, decoded and put in order.

Where two points may be one event (a machine's simulated and real event at one instant) one of them has `gone` set; the
fields of a count are those of both.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from broker.contract.events import AnyEvent, Sample
from broker.contract.topics import Kind
from services.store.influx.events import FORMS, SPREAD_NS, Form
from services.store.influx.http import InfluxServer, Series
from services.store.influx.ledger_reading import too_many
from services.store.influx.lines import untag
from services.store.influx.names import Buckets
from services.store.influx.queries import OF_MACHINE, asset_of, between, literal, name, select, under
from services.store.influx.registry import SIMULATED, signal_facts
from services.store.interface import Trace

EventKey = tuple[int, str, str]
"""Time, machine and series."""

_NAMES_AT_ONCE: Final = 200
"""Names of one query: an address and a WHERE have their limits."""


class Point(NamedTuple):
    """A point of a kind's measurement, by its parts."""

    key: EventKey
    simulated: bool
    values: dict[str, Any]


class EventReading:
    """The queries for events.

    Args:
        server: its server.
        buckets: its buckets.
        row_limit: how many rows an answer may have.
    """

    def __init__(self, server: InfluxServer, buckets: Buckets, row_limit: int) -> None:
        self._server, self._buckets, self._row_limit = server, buckets, row_limit

    async def events(
        self, kinds: Sequence[Kind], asset: str, start: int, end: int, limit: int | None, *, newest_first: bool
    ) -> list[AnyEvent]:
        """Answer `Store.events`."""
        known = [kind for kind in dict.fromkeys(kinds) if kind in FORMS]
        if start >= end or limit == 0:
            return []
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(self._events(kind, asset, (start, end), limit, newest_first=newest_first))
                for kind in known
            ]
        found = [event for task in asked for event in task.result()]
        if limit is None and len(found) > self._row_limit:
            raise too_many(self._row_limit)
        return (await self._finished(found, asset, newest_first=newest_first))[:limit]

    async def latest_before(self, kinds: Sequence[Kind], asset: str, at: int) -> list[AnyEvent]:
        """Answer `Store.latest_before`."""
        known = [kind for kind in dict.fromkeys(kinds) if kind in FORMS]
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._before(kind, asset, at)) for kind in known]
        found = [event for task in asked for event in task.result()]
        if len(found) > self._row_limit:
            raise too_many(self._row_limit)
        return await self._finished(found, asset, newest_first=False)

    async def traced(self, field: Trace, names: Sequence[str], asset: str) -> list[AnyEvent]:
        """Answer `Store.traced`."""
        kinds: tuple[Kind, ...] = ("part", "quality") if field == "part" else ("part",)
        wanted = [one for one in dict.fromkeys(names) if one]
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(self._traced(kind, field, wanted[place : place + _NAMES_AT_ONCE], asset))
                for kind in kinds
                for place in range(0, len(wanted), _NAMES_AT_ONCE)
            ]
        return await self._finished([event for task in asked for event in task.result()], asset, newest_first=False)

    async def _traced(self, kind: Kind, field: Trace, names: Sequence[str], asset: str) -> list[AnyEvent]:
        named = " OR ".join(f"{name(field)} = {literal(one)}" for one in names)
        return events_of(kind, await self.points(FORMS[kind], [f"({named})", *under(asset)]))

    async def _events(
        self, kind: Kind, asset: str, window: tuple[int, int], limit: int | None, *, newest_first: bool
    ) -> list[AnyEvent]:
        """Return a kind's events within a window; with a limit at least the first so many, if there are."""
        form = FORMS[kind]
        conditions = _conditions(kind, asset)
        start, end = window
        if form.is_spread or limit is None:
            last = end + SPREAD_NS if form.is_spread else end
            points = await self.points(form, [*conditions, *between(start, last)])
            return [event for event in events_of(kind, points) if start <= event.at < end]
        found: list[AnyEvent] = []
        while len(found) < limit and start < end:
            points = await self._first_points(
                form, [*conditions, *between(start, end)], limit=limit, newest_first=newest_first
            )
            if len(points) < limit:
                return found + events_of(kind, points)
            # The limit may have split an instant: read it whole.
            edge = points[-1].key[0]
            points = [point for point in points if point.key[0] != edge]
            points += await self.points(form, [*conditions, *between(edge, edge + 1)])
            found += events_of(kind, points)
            start, end = (start, edge) if newest_first else (edge + 1, end)
        return found

    async def _before(self, kind: Kind, asset: str, at: int) -> list[AnyEvent]:
        form = FORMS[kind]
        if form.subset:
            return await self._before_by_field(kind, asset, at)
        if form.is_spread:
            # Each command is a series of its own.
            found = await self._events(kind, asset, (-(2**63), at), None, newest_first=False)
            return list(
                {(event.asset, event.series): event for event in sorted(found, key=lambda one: one.at)}.values()
            )
        conditions = [*_conditions(kind, asset), f"time < {at}"]
        points: dict[tuple[str, str], list[Point]] = {}
        for point in await self._grouped(form, conditions, limit=1, newest_first=True):
            points.setdefault(point.key[1:], []).append(point)
        newest: list[Point] = []
        for variants in points.values():
            latest = max(point.key[0] for point in variants)
            newest += [point for point in variants if point.key[0] == latest]
        return events_of(kind, newest)

    async def _before_by_field(self, kind: Kind, asset: str, at: int) -> list[AnyEvent]:
        """Return the newest event of each field, with its other fields."""
        form = FORMS[kind]
        conditions = [*_conditions(kind, asset), f"time < {at}"]
        reported: dict[tuple[str, str], dict[tuple[bool, str], tuple[int, Any]]] = {}

        async def ask(field: str) -> None:
            statement = select([f"last({name(field)})"], form.measurement, conditions, group=tags_of(form))
            for one in await self._server.query(self._buckets.raw, statement):
                key = (asset_of(one.tags[level] for level in OF_MACHINE), untag(one.tags.get(form.named)))
                moment, value = one.values[0]
                reported.setdefault(key, {})[one.tags[SIMULATED] == "true", field] = (moment, value)

        async with asyncio.TaskGroup() as group:
            for field in (*form.columns, "gone"):
                group.create_task(ask(field))
        found: list[AnyEvent] = []
        missing: dict[int, set[tuple[str, str]]] = {}
        for key, fields in reported.items():
            newest: dict[str, int] = {}
            for (_, field), (moment, _) in fields.items():
                newest[field] = max(moment, newest.get(field, moment))
            times = {moment for field, moment in newest.items() if field in form.subset}
            if len({simulated for simulated, _ in fields}) == 1 and times:
                # The fields at the newest time are all fields of that message; older messages may have had more.
                latest = max(times)
                values = dict.fromkeys((*form.columns, "gone"))
                values |= {field: value for (_, field), (moment, value) in fields.items() if moment == latest}
                found += events_of(kind, [Point((latest, *key), next(iter(fields))[0], values)])
                times.remove(latest)
            for moment in times:
                missing.setdefault(moment, set()).add(key)
        for moment, keys in missing.items():
            scope = next(iter(keys))[0] if len(keys) == 1 else asset
            points = await self.points(form, [*_conditions(kind, scope), *between(moment, moment + 1)])
            found += events_of(kind, [point for point in points if point.key[1:] in keys])
        return found

    async def points(self, form: Form, conditions: Sequence[str]) -> list[Point]:
        """Return all points, in no order; grouped, it takes the server half the time."""
        points = await self._grouped(form, conditions, limit=self._row_limit + 1)
        if len(points) > self._row_limit:
            raise too_many(self._row_limit)
        return points

    async def _grouped(
        self, form: Form, conditions: Sequence[str], *, limit: int, newest_first: bool = False
    ) -> list[Point]:
        """Return at most `limit` points of each series."""
        columns = (*form.columns, "gone")
        statement = select(
            columns, form.measurement, conditions, group=tags_of(form), newest_first=newest_first, limit=limit
        )
        points: list[Point] = []
        for one in await self._server.query(self._buckets.raw, statement):
            key = (asset_of(one.tags[level] for level in OF_MACHINE), untag(one.tags.get(form.named)))
            simulated = one.tags[SIMULATED] == "true"
            for at, *values in one.values:
                points.append(Point((at, *key), simulated, dict(zip(columns, values, strict=True))))
        return points

    async def _first_points(
        self, form: Form, conditions: Sequence[str], *, limit: int, newest_first: bool
    ) -> list[Point]:
        """Return the first points of all series, in order of time."""
        columns = (*form.columns, "gone")
        tags = tags_of(form)
        statement = select([*columns, *tags], form.measurement, conditions, newest_first=newest_first, limit=limit)
        points: list[Point] = []
        for at, *rest in values_of(await self._server.query(self._buckets.raw, statement)):
            found = dict(zip((*columns, *tags), rest, strict=True))
            key = (at, asset_of(found[level] for level in OF_MACHINE), untag(found.get(form.named)))
            points.append(Point(key, found[SIMULATED] == "true", found))
        return points

    async def _finished(self, events: list[AnyEvent], asset: str, *, newest_first: bool) -> list[AnyEvent]:
        """Return events in order, samples with their unit."""
        events.sort(key=lambda event: (event.at, event.asset, event.kind, event.series), reverse=newest_first)
        if not any(event.kind == "telemetry" for event in events):
            return events
        facts = await signal_facts(self._server, self._buckets.raw, asset)
        units = {key: one.unit for key, one in facts.items() if one.unit}
        return [
            msgspec.structs.replace(event, unit=unit)
            if isinstance(event, Sample) and (unit := units.get((event.asset, event.signal)))
            else event
            for event in events
        ]


def _conditions(kind: Kind, asset: str) -> list[str]:
    return [*([f"kind = {literal(kind)}"] if FORMS[kind].kind else []), *under(asset)]


def values_of(found: Iterable[Series]) -> Iterable[list[Any]]:
    """Return the rows of all series of an answer."""
    return (values for one in found for values in one.values)


def tags_of(form: Form) -> list[str]:
    """Return the tags that distinguish the series of a kind."""
    return [*OF_MACHINE, *([form.named] if form.named else []), SIMULATED]


def events_of(kind: Kind, points: Iterable[Point]) -> list[AnyEvent]:
    """Return the events of points, given all points of each instant."""
    form = FORMS[kind]
    found: list[AnyEvent] = []
    gone: dict[EventKey, Point] = {}
    live: list[Point] = []
    for point in points:
        if point.values["gone"]:
            gone[point.key] = point
        else:
            live.append(point)
    for point in live:
        values = point.values
        if form.subset and (other := gone.get(point.key)):
            values = {field: other.values[field] if value is None else value for field, value in values.items()}
        at, asset, series = point.key
        if form.is_spread:
            at = int(values["at"])
        found.append(form.event(asset, series, at, point.simulated, values))
    return found
