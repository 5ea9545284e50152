"""How events become points of their measurement, and points become events again.

An event is a point of its series (measurement and tags) at its time; what is written later at the same place takes its
place. InfluxDB does that field by field, and cannot take a field away. So where a message may leave a field out, the
field `told` names those that this message reported. A count or material, of which each message reports any subset,
needs none, for there a field that is not reported stays. Truths are 1 and 0.

Two commands or bookings of one instant, or two rejected messages, would be one point. So their points stand up to a
millisecond later, at a place that follows from what they are, and the field `at` holds their time.
"""

import zlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from broker.contract.entry import ColumnType, Entry
from broker.contract.events import AnyEvent, Sample
from broker.contract.kinds import shares_table, stored
from services.store.influx.lines import number, text

SPREAD_NS: Final = 1_000_000
"""How far from its time a point may stand that has a field `at`."""

Values = dict[str, Any]
"""The fields of a point; None where it has none."""


class Form(NamedTuple):
    """How one kind of event is stored.

    Attributes:
        measurement: its measurement.
        named: the tag that distinguishes its series, '' where there is none.
        columns: its fields.
        fields: what a line holds of an event.
        event: the event that a point of a machine and series means: (asset, series, time, simulated, fields).
        subset: the fields of which a message reports any subset; each has its own newest value.
        is_spread: its points stand up to `SPREAD_NS` later than the events.
        kind: the kind, where the measurement holds several and a tag names each; else ''.
    """

    measurement: str
    named: str
    columns: tuple[str, ...]
    fields: Callable[[Any], str]
    event: Callable[[str, str, int, bool, Values], AnyEvent]
    subset: tuple[str, ...] = ()
    is_spread: bool = False
    kind: str = ""


def _sample_fields(event: Sample) -> str:
    value = event.value
    return f"text={text(value)}" if isinstance(value, str) else f"value={number(value)}"


def _sample(asset: str, series: str, at: int, simulated: bool, values: Values) -> Sample:
    value, words = values["value"], values["text"]
    # A signal that was a number and a text stores which of them each sample is, for one instant may have had both.
    is_text = value is None if values["type"] is None else values["type"] == "text"
    return Sample(asset=asset, at=at, simulated=simulated, signal=series, value=words if is_text else float(value))


_WRITTEN_FIRST: Final[dict[ColumnType, int]] = {
    "number": 0,
    "any-subset number": 0,
    "truth": 0,
    "whole": 1,
    "receipt": 1,
    "text": 1,
    "optional number": 2,
    "optional text": 2,
}
"""In which order a line has its fields, by their type; those of commands and replies stand in the table's."""


def _form(entry: Entry) -> Form:
    """Return the form of an event whose attributes are its fields."""
    stored = entry.event
    assert stored is not None
    is_spread = entry.is_by_id
    columns = entry.columns if is_spread else sorted(entry.columns, key=lambda column: _WRITTEN_FIRST[column.type])
    written = [
        (column.name, text if column.type in {"text", "optional text"} else number)
        for column in columns
        if column.type not in {"optional number", "optional text", "receipt"}
    ]
    is_received = any(column.type == "receipt" for column in columns)
    optional = [
        (column.name, text if column.type == "optional text" else number)
        for column in columns
        if column.type in {"optional number", "optional text"}
    ]
    read = [(column.name, _READERS[column.type]) for column in columns if column.name in stored.__struct_fields__]
    optional_names = {name for name, _ in optional}

    def fields(event: Any) -> str:
        parts = [f"{name}={write(value)}" for name, write in written if (value := getattr(event, name)) is not None]
        if is_received and event.received_ms:
            parts.append(f"received_ms={number(event.received_ms)}")
        if optional:
            reported = []
            for name, write in optional:
                if (value := getattr(event, name)) is not None:
                    parts.append(f"{name}={write(value)}")
                    reported.append(name)
            parts.append(f"told={text(','.join(reported))}")
        if is_spread:
            parts.append(f'at="{event.at}"')
        return ",".join(parts)

    def event(asset: str, series: str, at: int, simulated: bool, values: Values) -> Any:
        reported = values.get("told")
        gone = optional_names.difference(reported.split(",")) if reported is not None else ()
        found = {name: given for name, read in read if name not in gone and (given := read(values[name])) is not None}
        if entry.name:
            found[entry.name] = series
        return stored(asset=asset, at=at, simulated=simulated, **found)

    names = [column.name for column in columns]
    names += [*(["told"] if optional else []), *(["at"] if is_spread else [])]
    kind = entry.kind if shares_table(entry) else ""
    return Form(entry.measurement, entry.name, tuple(names), fields, event, entry.subset, is_spread, kind)


def _perhaps(value: Any) -> float | None:
    return None if value is None else float(value)


_READERS: Final[dict[ColumnType, Callable[[Any], Any]]] = {
    "number": float,
    "any-subset number": _perhaps,
    "truth": bool,
    "whole": int,
    "receipt": lambda value: int(value or 0),
    "text": lambda value: value or "",
    "optional number": _perhaps,
    "optional text": lambda value: value,
}
"""What a field of each type means that stands in a point, or does not."""

FORMS: Final[dict[str, Form]] = {
    **{entry.kind: _form(entry) for entry in stored()},
    "telemetry": Form("telemetry", "signal", ("value", "text", "type"), _sample_fields, _sample),
}
"""The form of each kind of event that is stored."""


def tags_of(event: AnyEvent) -> list[tuple[str, str]]:
    """Return the tags of an event's points besides those of its machine and `simulated`."""
    form = FORMS[event.kind]
    tags = [("kind", form.kind)] if form.kind else []
    return [*tags, (form.named, name_of(event))] if form.named else tags


def name_of(event: AnyEvent) -> str:
    """Return the name of an event's series without its id, which is a field; '' where the kind has no names."""
    named = FORMS[event.kind].named
    return str(getattr(event, named)) if named else ""


class Places:
    """Gives points that could stand at one place places of their own; the same batch gives the same places again."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, int], tuple[str | bytes | int, ...]] = {}

    def place(self, series: str, at: int, *parts: str | bytes) -> int:
        """Return the time of the point of what happened at `at` and is distinguished by these parts."""
        key = 0
        for part in parts:
            key = zlib.crc32(part if isinstance(part, bytes) else part.encode("utf-8", "replace"), key)
        offset = key % SPREAD_NS
        while self._taken.setdefault((series, at + offset), (at, *parts)) != (at, *parts):
            offset = (offset + 1) % SPREAD_NS
        return at + offset
