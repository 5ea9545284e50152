"""What a store holds as sheets: rows under columns, machine by machine and in order of time, a few thousand at once.

Columns are those of the measurements (`docs/how-to/recompute-and-export.md` lists them): time, the four levels of the
asset, the keys of the series, and the fields; the ledger's sums are in the units of their names.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple

from broker.contract.entry import ColumnType, Entry
from broker.contract.events import AnyEvent, Command, Sample
from broker.contract.kinds import measurements
from broker.contract.topics import LEVELS, Kind, line_of
from broker.plant.plant import Plant
from services.ledger.fields import FIELDS, NANO, bounded
from services.ledger.history import MINUTE
from services.ledger.indicators.indicators import INDICATORS
from services.query.answers import answer
from services.query.paging import pages
from services.store.interface import Resolution, Store

Type = Literal["time", "text", "number", "whole", "truth"]
Row = tuple[Any, ...]
"""Times are nanoseconds; None where there is no value."""

_PAGE: Final = 20_000
_DAY: Final = 24 * 60 * MINUTE
_TIME_RANGES: Final[dict[Resolution, int]] = {"minute": _DAY, "hour": 30 * _DAY, "day": 365 * _DAY}
"""How much of one machine's ledger is read at once."""


class Column(NamedTuple):
    """A column's name, and the type of what stands in it."""

    name: str
    type: Type


class Sheet(NamedTuple):
    """Columns, and the rows under them.

    Attributes:
        columns: in order.
        pages: the rows, some at once, each time with the share of the whole that is done.
    """

    columns: tuple[Column, ...]
    pages: AsyncIterator[tuple[float, list[Row]]]


class Range(NamedTuple):
    """What is asked for: an asset path ('' for everything), from when, until when."""

    asset: str
    start: int
    end: int


_PLACE: Final = (Column("time", "time"), *(Column(level, "text") for level in LEVELS))


class _Form(NamedTuple):
    kinds: tuple[Kind, ...]
    columns: tuple[Column, ...]
    values: Callable[[Any], Row]


def _sample(event: Sample) -> Row:
    text = event.value if isinstance(event.value, str) else None
    return event.signal, None if isinstance(event.value, str) else float(event.value), text, event.unit


def _call(event: Any) -> Row:
    if isinstance(event, Command):
        return event.kind, event.name, event.id, event.args, event.by, None, None
    return event.kind, event.name, event.id, None, None, event.ok, event.result


def _columns(*columns: tuple[str, Type]) -> tuple[Column, ...]:
    return tuple(Column(*column) for column in columns)


def _numbers(*names: str) -> tuple[tuple[str, Type], ...]:
    return tuple((name, "number") for name in names)


def _texts(*names: str) -> tuple[tuple[str, Type], ...]:
    return tuple((name, "text") for name in names)


_TYPES: Final[dict[ColumnType, Type]] = {
    "number": "number",
    "optional number": "number",
    "any-subset number": "number",
    "text": "text",
    "optional text": "text",
    "truth": "truth",
    "whole": "whole",
}
_FIRST: Final = {"material": "stock"}
"""The columns that stand first, which the order of the table of kinds does not say."""


def _form(measurement: str, entries: Sequence[Entry]) -> _Form:
    """Return the form of the events of a table; those of several kinds stand under the columns of all."""
    shown = [column for entry in entries for column in entry.columns if column.type != "receipt"]
    found = {column.name: _TYPES[column.type] for column in shown}
    columns = sorted(found.items(), key=lambda column: column[0] != _FIRST.get(measurement))
    named = _texts(*(["kind"] if len(entries) > 1 else []), *([entries[0].name] if entries[0].name else []))
    sheet = _columns(*named, *columns)
    return _Form(tuple(entry.kind for entry in entries), sheet, _values([column.name for column in sheet]))


def _values(names: Sequence[str]) -> Callable[[Any], Row]:
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda event: (get(event),)


EVENTS: Final[dict[str, _Form]] = {
    measurement: _form(measurement, entries) for measurement, entries in measurements().items()
}
EVENTS["telemetry"] = EVENTS["telemetry"]._replace(values=_sample)
EVENTS["command"] = EVENTS["command"]._replace(values=_call)
"""The kinds of events that can be exported, by measurement."""


def events(store: Store, kind: str, asked: Range) -> Sheet:
    """Return the events of one of `EVENTS`."""
    form = EVENTS[kind]

    def row(event: AnyEvent) -> Row:
        return (event.at, *_levels(event.asset), event.simulated, *form.values(event))

    async def rows() -> AsyncIterator[tuple[float, list[Row]]]:
        machines = [machine.asset for machine in await store.machines(asked.asset)]
        for number, machine in enumerate(machines):
            async for page in pages(store, form.kinds, machine, asked.start, asked.end, size=_PAGE):
                part = (page[-1].at - asked.start) / (asked.end - asked.start)
                yield (number + part) / len(machines), [row(event) for event in page]

    return Sheet((*_PLACE, Column("simulated", "truth"), *form.columns), rows())


def ledger(store: Store, asked: Range, resolution: Resolution) -> Sheet:
    """Return the ledger's rows by minute, hour or day that begin in the range."""

    async def rows(machine: str, start: int, end: int) -> list[Row]:
        return [
            (row.start, *_levels(machine), row.product, row.shift, row.order, *_in_units(bounded(row.sums).get, FIELDS))
            for row in await store.rows(machine, start, end, resolution)
        ]

    columns = _columns(*_texts("product", "shift", "order"), *_numbers(*FIELDS))
    return Sheet((*_PLACE, *columns), _by_machine(store, asked, _TIME_RANGES[resolution], rows))


def reasons(store: Store, asked: Range) -> Sheet:
    """Return time by reason, in minutes that begin in the range."""

    async def rows(machine: str, start: int, end: int) -> list[Row]:
        return [
            (row.start, *_levels(machine), row.state, row.reason, row.seconds / NANO, row.entries / NANO)
            for row in await store.reason_rows(machine, start, end)
        ]

    columns = _columns(*_texts("state", "reason"), *_numbers("seconds", "entries"))
    return Sheet((*_PLACE, *columns), _by_machine(store, asked, _DAY, rows))


def indicators(store: Store, plant: Plant, asked: Range, every_ns: int, *, now: int) -> Sheet:
    """Return all indicators of each machine, of each line, and of the asset itself, one row an interval.

    Args:
        store: where ledger and events are.
        plant: calendars and ideal cycles.
        asked: the range; it is cut into intervals from its start, of which the last may be shorter.
        every_ns: the length of an interval.
        now: the present.
    """

    async def rows() -> AsyncIterator[tuple[float, list[Row]]]:
        known = await store.machines(asked.asset)
        first = min((machine.first for machine in known), default=asked.end)
        skipped = max(first - asked.start, 0) // every_ns * every_ns  # nothing is known so early
        starts = range(asked.start + skipped, min(asked.end, now), every_ns)
        machines = [machine.asset for machine in known]
        lines = {line_of(machine) for machine in machines if machine != asked.asset}
        assets = sorted({asked.asset, *machines, *lines} - {""})
        for number, asset in enumerate(assets):
            for place, start in enumerate(starts):
                end = min(start + every_ns, asked.end)
                found = await answer(store, plant, asset, start, end, now=now)
                if found.machines:
                    values = (found.indicators[name] for name in INDICATORS)
                    yield (
                        (number + place / len(starts)) / len(assets),
                        [(start, *_levels(asset), end, found.coverage, *values)],
                    )

    columns = _columns(("to", "time"), *_numbers("coverage", *INDICATORS))
    return Sheet((*_PLACE, *columns), rows())


async def _by_machine(
    store: Store, asked: Range, length_ns: int, rows: Callable[[str, int, int], Any]
) -> AsyncIterator[tuple[float, list[Row]]]:
    machines = await store.machines(asked.asset)
    for number, machine in enumerate(machines):
        begin = max(asked.start, machine.first - length_ns)
        for start in range(begin, asked.end, length_ns):
            part = (start - begin) / (asked.end - begin)
            yield (number + part) / len(machines), await rows(machine.asset, start, min(start + length_ns, asked.end))


def _levels(asset: str) -> tuple[str, ...]:
    return tuple([*asset.split("/"), "", "", "", ""][: len(LEVELS)])


def _in_units(get: Callable[[str, int], int], fields: Sequence[str]) -> tuple[float, ...]:
    return tuple(get(field, 0) / NANO for field in fields)
