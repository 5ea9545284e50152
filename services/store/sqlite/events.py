"""How events become rows of their measurement's table, and rows become events again.

The table of kinds says which columns an event has. The exceptions: a sample is a number or a text, and its unit is
stored with its series (the newest that was reported); the id of a kind by id stands in its series as well.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple

from broker.contract.entry import Entry
from broker.contract.events import AnyEvent, Sample
from broker.contract.kinds import stored

FOR_EVER: Final = 2**63 - 2
"""Later than any event."""


class Series(NamedTuple):
    """A series as the store knows it.

    Attributes:
        unit: of samples.
        type: of samples, number or text; of counts and materials, the fields that were ever reported (`reported`).
    """

    id: int
    asset: str
    name: str
    unit: str
    type: str


LOOKBACK_STEP_NS: Final = 3_600_000_000_000
"""Until when a field was reported is known to this."""


def reported(stored: str) -> dict[str, int]:
    """Return the fields of a count or material that were ever reported, each with a time after which it was not."""
    parts = (part.partition(" ") for part in stored.split(",") if part)
    return {field: int(until) if until else FOR_EVER for field, _, until in parts}


def report(stored: str, fields: Sequence[str], event: Any) -> str:
    """Return what `reported` reads, with the fields that this event reports."""
    known, at = _reported(stored), event.at
    if at <= _until(stored, fields):
        return stored
    new = [field for field in fields if at > known.get(field, -FOR_EVER) and getattr(event, field) is not None]
    if not new:
        return stored
    ever = known | dict.fromkeys(new, at // LOOKBACK_STEP_NS * LOOKBACK_STEP_NS + LOOKBACK_STEP_NS - 1)
    return ",".join(f"{field} {until}" for field, until in ever.items())


_reported = lru_cache(1_024)(reported)  # of most series the same, and one event after the other


@lru_cache(1_024)
def _until(stored: str, fields: Sequence[str]) -> int:
    """Return until when it is known that each of the fields was reported."""
    known = _reported(stored)
    return min(known.get(field, -FOR_EVER) for field in fields)


class Form(NamedTuple):
    """How one kind of event is stored.

    Attributes:
        table: its measurement's table.
        columns: the columns beside series, time and simulated.
        values: what stands in them for an event.
        event: the event that a row (time, simulated, *columns) of a series means.
        fields: the columns of which a message reports any subset; each has its own newest value.
    """

    table: str
    columns: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    event: Callable[[Series, Sequence[Any]], AnyEvent]
    fields: tuple[str, ...] = ()

    @property
    def selected(self) -> str:
        """The columns of a row as `event` wants it, in SQL."""
        return ", ".join(f'"{column}"' for column in ("time", "simulated", *self.columns))

    @property
    def insert(self) -> str:
        """The statement that writes a row (series, time, simulated, *columns); the later write wins.

        A field that the later message does not report stays as an earlier one of the same instant reported it.
        """
        columns = ("series", "time", "simulated", *self.columns)
        quoted = ", ".join(f'"{column}"' for column in columns)
        values = f"({quoted}) VALUES ({', '.join('?' * len(columns))})"
        if not self.fields:
            return f"INSERT OR REPLACE INTO {self.table} {values}"
        stored = ", ".join(f"{field} = coalesce(excluded.{field}, {field})" for field in self.fields)
        others = [f'"{column}" = excluded."{column}"' for column in columns[2:] if column not in self.fields]
        return f"INSERT INTO {self.table} {values} ON CONFLICT DO UPDATE SET {', '.join([stored, *others])}"


def _sample_values(event: Sample) -> tuple[float | None, str | None]:
    value = event.value
    return (None, value) if isinstance(value, str) else (float(value), None)


def _sample(series: Series, row: Sequence[Any]) -> Sample:
    at, simulated, value, text = row
    return Sample(
        asset=series.asset,
        at=at,
        simulated=bool(simulated),
        signal=series.name,
        value=text if value is None else value,
        unit=series.unit,
    )


def _form(entry: Entry) -> Form:
    """Return the form of an event whose attributes are its columns."""
    stored = entry.event
    assert stored is not None
    columns = tuple(column.name for column in entry.columns)
    own = [(place, name) for place, name in enumerate(columns, 2) if name in stored.__struct_fields__]
    truths = [column.name for column in entry.columns if column.type == "truth"]
    get = attrgetter(*columns)
    name = entry.name

    def event(series: Series, row: Sequence[Any]) -> Any:
        fields = {name: row[place] for place, name in own}
        for truth in truths:
            fields[truth] = bool(fields[truth])
        if name:
            # A call's series is its name and its id, which is a column as well.
            fields[name] = series.name.partition(" ")[0] if entry.is_by_id else series.name
        return stored(asset=series.asset, at=row[0], simulated=bool(row[1]), **fields)

    values = get if len(columns) > 1 else lambda event: (get(event),)
    return Form(entry.measurement, columns, values, event, entry.subset)


FORMS: Final[dict[str, Form]] = {
    **{entry.kind: _form(entry) for entry in stored()},
    "telemetry": Form("telemetry", ("value", "text"), _sample_values, _sample),
}
"""The form of each kind of event that is stored."""
