"""How events become points of their measurement, and points become events again.

An event is a point of its series (measurement and tags) at its time; what is written later at the same place takes its
place. InfluxDB does that field by field, and cannot take a field away. So where a message may leave a field out, the
field `reported` names those that this message told. A count or material, of which each message tells any subset, needs
none, for there a field that is not told stays. Truths are 1 and 0.

Two commands of one instant, or two refused messages, would be one point. So their points stand up to a millisecond
later, at a place that follows from what they are, and the field `at` holds their time.
"""

import zlib
from collections.abc import Callable
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
from services.store.influx.lines import number, text

SPREAD_NS: Final = 1_000_000
"""How far from its time a point may stand that has a field `at`."""

Values = dict[str, Any]
"""The fields of a point; None where it has none."""

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


class Form(NamedTuple):
    """How one kind of event is kept.

    Attributes:
        measurement: its measurement.
        named: the tag that tells its series apart, '' where there is none.
        columns: its fields.
        fields: what a line says of an event.
        event: the event that a point of a machine and series means: (asset, series, time, simulated, fields).
        subset: the fields of which a message tells any subset; each has its own newest value.
        is_spread: its points stand up to `SPREAD_NS` later than the events.
    """

    measurement: str
    named: str
    columns: tuple[str, ...]
    fields: Callable[[Any], str]
    event: Callable[[str, str, int, bool, Values], AnyEvent]
    subset: tuple[str, ...] = ()
    is_spread: bool = False


def _sample_fields(event: Sample) -> str:
    value = event.value
    return f"text={text(value)}" if isinstance(value, str) else f"value={number(value)}"


def _sample(asset: str, series: str, at: int, simulated: bool, values: Values) -> Sample:
    value, words = values["value"], values["text"]
    # A signal that was a number and a text says which of them each sample is, for one instant may have had both.
    is_text = value is None if values["type"] is None else values["type"] == "text"
    return Sample(asset=asset, at=at, simulated=simulated, signal=series, value=words if is_text else float(value))


def _state_fields(event: StateChange) -> str:
    return f"state={text(event.state)},code={number(_CODES[event.state])},reason={text(event.reason)}"


def _state(asset: str, _: str, at: int, simulated: bool, values: Values) -> StateChange:
    return StateChange(asset=asset, at=at, simulated=simulated, state=values["state"], reason=values["reason"] or "")


def _plain(
    measurement: str,
    stored: type[Event],
    *,
    named: str = "",
    numbers: tuple[str, ...] = (),
    perhaps: tuple[str, ...] = (),
    texts: tuple[str, ...] = (),
    truths: tuple[str, ...] = (),
) -> Form:
    """Return the form of an event whose fields are kept as they are.

    Args:
        measurement: its measurement.
        stored: the event's type.
        named: the field that is a tag.
        numbers: fields that are numbers.
        perhaps: fields that are numbers or not told.
        texts: fields that are text.
        truths: fields that are true or false.
    """

    def fields(event: Any) -> str:
        written = [f"{name}={number(getattr(event, name))}" for name in (*numbers, *truths)]
        written += [f"{name}={text(getattr(event, name))}" for name in texts]
        reported = [name for name in perhaps if getattr(event, name) is not None]
        written += [f"{name}={number(getattr(event, name))}" for name in reported]
        if perhaps:
            written.append(f"told={text(','.join(reported))}")
        return ",".join(written)

    def event(asset: str, series: str, at: int, simulated: bool, values: Values) -> Any:
        found: dict[str, Any] = {name: float(values[name]) for name in numbers}
        found |= {name: bool(values[name]) for name in truths}
        found |= {name: values[name] or "" for name in texts}
        reported = values.get("told")
        for name in perhaps:
            if values[name] is not None and (reported is None or name in reported.split(",")):
                found[name] = float(values[name])
        if named:
            found[named] = series
        return stored(asset=asset, at=at, simulated=simulated, **found)

    columns = (*numbers, *truths, *texts, *perhaps, *(("told",) if perhaps else ()))
    return Form(measurement, named, columns, fields, event)


def _subset(
    measurement: str, stored: type[Event], subset: tuple[str, ...], *, named: str = "", texts: str = ""
) -> Form:
    """Return the form of an event whose messages tell any subset of its fields."""

    def fields(event: Any) -> str:
        written = [f"{name}={number(value)}" for name in subset if (value := getattr(event, name)) is not None]
        if texts:
            written.append(f"{texts}={text(getattr(event, texts))}")
        return ",".join(written)

    def event(asset: str, series: str, at: int, simulated: bool, values: Values) -> Any:
        found: dict[str, Any] = {name: float(values[name]) for name in subset if values[name] is not None}
        if texts:
            found[texts] = values[texts] or ""
        if named:
            found[named] = series
        return stored(asset=asset, at=at, simulated=simulated, **found)

    columns = (*subset, texts) if texts else subset
    return Form(measurement, named, columns, fields, event, subset)


def _command_fields(event: Command) -> str:
    return f'id={text(event.id)},args={text(event.args)},by={text(event.by)},at="{event.at}"'


def _command(asset: str, series: str, at: int, simulated: bool, values: Values) -> Command:
    return Command(
        asset=asset,
        at=at,
        simulated=simulated,
        name=series,
        id=values["id"],
        args=values["args"] or "",
        by=values["by"] or "",
    )


def _reply_fields(event: Reply) -> str:
    return f'id={text(event.id)},ok={number(event.ok)},result={text(event.result)},at="{event.at}"'


def _reply(asset: str, series: str, at: int, simulated: bool, values: Values) -> Reply:
    return Reply(
        asset=asset,
        at=at,
        simulated=simulated,
        name=series,
        id=values["id"],
        ok=bool(values["ok"]),
        result=values["result"] or "",
    )


FORMS: Final[dict[str, Form]] = {
    "telemetry": Form("telemetry", "signal", ("value", "text", "type"), _sample_fields, _sample),
    "state": Form("state", "", ("state", "code", "reason"), _state_fields, _state),
    "count": _subset("count", Count, COUNTERS),
    "job": _plain("job", Job, texts=("phase", "order", "product"), perhaps=("planned", "ideal_cycle")),
    "meter": _plain("meter", Meter, named="name", numbers=("total",), texts=("unit",)),
    "quality": _plain(
        "quality",
        Measurement,
        named="characteristic",
        numbers=("value",),
        perhaps=("lower", "nominal", "upper"),
        texts=("part", "unit"),
    ),
    "labour": _plain("labour", Labour, numbers=("present",), perhaps=("working",)),
    "material": _subset("material", Material, _QUANTITIES, named="name", texts="unit"),
    "event": _plain("event", Notice, named="code", truths=("active",), texts=("severity", "text")),
    "status": _plain("status", Status, truths=("online",)),
    "cmd": Form("command", "name", ("id", "args", "by", "at"), _command_fields, _command, is_spread=True),
    "reply": Form("command", "name", ("id", "ok", "result", "at"), _reply_fields, _reply, is_spread=True),
}
"""The form of each kind of event that is kept."""


def tags_of(event: AnyEvent) -> list[tuple[str, str]]:
    """Return the tags of an event's points besides those of its machine and `simulated`."""
    if isinstance(event, (Command, Reply)):
        return [("kind", event.kind), ("name", event.name)]
    named = FORMS[event.kind].named
    return [(named, event.series)] if named else []


class Places:
    """Gives points that could stand at one place places of their own; the same batch gives the same places again."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, int], tuple[str | bytes | int, ...]] = {}

    def place(self, series: str, at: int, *parts: str | bytes) -> int:
        """Return the time of the point of what happened at `at` and is told apart by these parts."""
        key = 0
        for part in parts:
            key = zlib.crc32(part if isinstance(part, bytes) else part.encode("utf-8", "replace"), key)
        offset = key % SPREAD_NS
        while self._taken.setdefault((series, at + offset), (at, *parts)) != (at, *parts):
            offset = (offset + 1) % SPREAD_NS
        return at + offset
