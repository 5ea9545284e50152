"""How events become rows of their measurement's table, and rows become events again.

Most events are kept as they are, a column a field. The exceptions: a sample is a number or a text, and its unit is
kept with its series (the newest that was told); a state has its code beside it; commands and replies share a table.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from broker.contract.events import (
    COUNTERS,
    STATES,
    AnyEvent,
    Command,
    Count,
    Event,
    Job,
    Labour,
    Material,
    Measurement,
    Meter,
    Notice,
    Reply,
    Sample,
    StateChange,
    Status,
)

FOR_EVER: Final = 2**63 - 2
"""Later than any event."""

_QUANTITIES: Final = (
    "consumed",
    "stock",
    "integrated_good",
    "lost_production",
    "lost_storage",
    "lost_other",
    "throughput",
)
_CODES: Final = {state: code for code, state in enumerate(STATES)}


class Series(NamedTuple):
    """A series as the store knows it.

    Attributes:
        unit: of samples.
        type: of samples, number or text; of counts and materials, the fields that were ever told (`reported`).
    """

    id: int
    asset: str
    name: str
    unit: str
    type: str


LOOKBACK_STEP_NS: Final = 3_600_000_000_000
"""Until when a field was told is known to this."""


def reported(stored: str) -> dict[str, int]:
    """Return the fields of a count or material that were ever told, each with a time after which it was not."""
    parts = (part.partition(" ") for part in stored.split(",") if part)
    return {field: int(until) if until else FOR_EVER for field, _, until in parts}


def report(stored: str, fields: Sequence[str], event: Any) -> str:
    """Return what `reported` reads, with the fields that this event tells."""
    ever = reported(stored)
    for field in fields:
        if event.at > ever.get(field, -FOR_EVER) and getattr(event, field) is not None:
            ever[field] = event.at // LOOKBACK_STEP_NS * LOOKBACK_STEP_NS + LOOKBACK_STEP_NS - 1
    return ",".join(f"{field} {until}" for field, until in ever.items())


class Form(NamedTuple):
    """How one kind of event is kept.

    Attributes:
        table: its measurement's table.
        columns: the columns beside series, time and simulated.
        values: what stands in them for an event.
        event: the event that a row (time, simulated, *columns) of a series means.
        fields: the columns of which a message tells any subset; each has its own newest value.
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

        A field that the later message does not tell keeps what an earlier one of the same instant told.
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


def _state_values(event: StateChange) -> tuple[str, int, str]:
    return event.state, _CODES[event.state], event.reason


def _state(series: Series, row: Sequence[Any]) -> StateChange:
    at, simulated, state, _, reason = row
    return StateChange(asset=series.asset, at=at, simulated=bool(simulated), state=state, reason=reason)


def _plain(
    table: str,
    stored: type[Event],
    *columns: str,
    named: str = "",
    truths: tuple[str, ...] = (),
    fields: tuple[str, ...] = (),
) -> Form:
    """Return the form of an event that is kept as it is.

    Args:
        table: its measurement's table.
        stored: the event's type.
        columns: the fields that are columns of the same name.
        named: the field that is the name of the series.
        truths: the columns that are true or false.
        fields: the columns of which a message tells any subset.
    """

    def values(event: Any) -> tuple[Any, ...]:
        return tuple(getattr(event, column) for column in columns)

    def event(series: Series, row: Sequence[Any]) -> Any:
        fields = dict(zip(columns, row[2:], strict=True))
        fields.update({truth: bool(fields[truth]) for truth in truths})
        if named:
            # A command's series is its name and its id, which is a column as well.
            fields[named] = series.name.partition(" ")[0] if table == "command" else series.name
        return stored(asset=series.asset, at=row[0], simulated=bool(row[1]), **fields)

    return Form(table, columns, values, event, fields)


FORMS: Final[dict[str, Form]] = {
    "telemetry": Form("telemetry", ("value", "text"), _sample_values, _sample),
    "state": Form("state", ("state", "code", "reason"), _state_values, _state),
    "count": _plain("count", Count, *COUNTERS, fields=COUNTERS),
    "job": _plain("job", Job, "phase", "order", "product", "planned", "ideal_cycle"),
    "meter": _plain("meter", Meter, "total", "unit", named="name"),
    "quality": _plain(
        "quality", Measurement, "value", "lower", "nominal", "upper", "part", "unit", named="characteristic"
    ),
    "labour": _plain("labour", Labour, "present", "working"),
    "material": _plain(
        "material",
        Material,
        *_QUANTITIES,
        "unit",
        named="name",
        fields=_QUANTITIES,
    ),
    "event": _plain("event", Notice, "severity", "text", "active", named="code", truths=("active",)),
    "status": _plain("status", Status, "online", truths=("online",)),
    "cmd": _plain("command", Command, "id", "args", "by", named="name"),
    "reply": _plain("command", Reply, "id", "ok", "result", named="name", truths=("ok",)),
}
"""The form of each kind of event that is kept."""
