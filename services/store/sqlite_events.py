# ruff: noqa: S608  (names of tables and columns are written here, values are parameters)
"""How events become rows of their measurement's table, and rows become events again.

Most events are kept as they are, a column a field. The exceptions: a sample is a number or a text, and its unit is
kept with its series (the newest that was told); a state has its code beside it; commands and replies share a table.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from broker.events import (
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

_CODES: Final = {state: code for code, state in enumerate(STATES)}


class Series(NamedTuple):
    """A series as the store knows it; `unit` is that of samples only."""

    id: int
    asset: str
    name: str
    unit: str


class Form(NamedTuple):
    """How one kind of event is kept.

    Attributes:
        table: its measurement's table.
        columns: the columns beside series, time and simulated.
        values: what stands in them for an event.
        event: the event that a row (time, simulated, *columns) of a series means.
    """

    table: str
    columns: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    event: Callable[[Series, Sequence[Any]], AnyEvent]

    @property
    def selected(self) -> str:
        """The columns of a row as `event` wants it, in SQL."""
        return ", ".join(f'"{column}"' for column in ("time", "simulated", *self.columns))

    @property
    def insert(self) -> str:
        """The statement that writes a row (series, time, simulated, *columns); the later write wins."""
        columns = ("series", "time", "simulated", *self.columns)
        quoted = ", ".join(f'"{column}"' for column in columns)
        return f"INSERT OR REPLACE INTO {self.table} ({quoted}) VALUES ({', '.join('?' * len(columns))})"


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


def _plain(table: str, kept: type[Event], *columns: str, named: str = "", truths: tuple[str, ...] = ()) -> Form:
    """Return the form of an event that is kept as it is.

    Args:
        table: its measurement's table.
        kept: the event's type.
        columns: the fields that are columns of the same name.
        named: the field that is the name of the series.
        truths: the columns that are true or false.
    """

    def values(event: Any) -> tuple[Any, ...]:
        return tuple(getattr(event, column) for column in columns)

    def event(series: Series, row: Sequence[Any]) -> Any:
        fields = dict(zip(columns, row[2:], strict=True))
        fields.update({truth: bool(fields[truth]) for truth in truths})
        if named:
            # A command's series is its name and its id, which is a column as well.
            fields[named] = series.name.partition(" ")[0] if table == "command" else series.name
        return kept(asset=series.asset, at=row[0], simulated=bool(row[1]), **fields)

    return Form(table, columns, values, event)


FORMS: Final[dict[str, Form]] = {
    "telemetry": Form("telemetry", ("value", "text"), _sample_values, _sample),
    "state": Form("state", ("state", "code", "reason"), _state_values, _state),
    "count": _plain("count", Count, *COUNTERS),
    "job": _plain("job", Job, "phase", "order", "product", "planned", "ideal_cycle"),
    "meter": _plain("meter", Meter, "total", "unit", named="name"),
    "quality": _plain(
        "quality", Measurement, "value", "lower", "nominal", "upper", "part", "unit", named="characteristic"
    ),
    "labour": _plain("labour", Labour, "present", "working"),
    "material": _plain(
        "material",
        Material,
        "consumed",
        "stock",
        "integrated_good",
        "lost_production",
        "lost_storage",
        "lost_other",
        "throughput",
        "unit",
        named="name",
    ),
    "event": _plain("event", Notice, "severity", "text", "active", named="code", truths=("active",)),
    "status": _plain("status", Status, "online", truths=("online",)),
    "cmd": _plain("command", Command, "id", "args", "by", named="name"),
    "reply": _plain("command", Reply, "id", "ok", "result", named="name", truths=("ok",)),
}
"""The form of each kind of event that is kept."""
