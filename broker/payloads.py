"""How the payload of each kind looks on the wire: the types from which codec and JSON Schema are made.

Fields that are not known are ignored, so that old services bear new devices.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from broker.events import Phase, Severity, State
from broker.topics import Kind

NAME_PATTERN: Final = "^[a-z0-9][a-z0-9-]{0,31}$"

Time = Annotated[
    int | float | str | None,
    Meta(
        description="When it was so: milliseconds since 1970-01-01 UTC, or RFC 3339 to the nanosecond. "
        "Left out, the time of receipt is taken."
    ),
]
Reason = Annotated[str, Meta(pattern=f"{NAME_PATTERN}|^$", description="Why, in the alphabet of names.")]
Unit = Annotated[str, Meta(max_length=32, description="A UCUM code, such as Cel, kW.h or mm/s.")]
Text = Annotated[str, Meta(max_length=1024)]
Label = Annotated[str, Meta(max_length=64, description="Free text, as the order system or controller writes it.")]
Scalar = Annotated[float | bool | str, Meta(description="A number, a truth value or a short text.")]
Total = Annotated[float, Meta(ge=0, description="Cumulative: it only grows; a lower value is a reset.")]
Quantity = Annotated[float, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0, description="Seconds a piece.")]
Step = Annotated[float, Meta(gt=0, description="Milliseconds from one sample to the next.")]


class Payload(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What every payload may say."""

    ts: Time = None
    simulated: bool = False


class TelemetryPayload(Payload, kw_only=True):
    """One sample, or several.

    `value` is one sample; an object `values` is several signals of one instant; a list `values`, with `dt`, is evenly
    spaced samples of one signal.

    Attributes:
        quality: `bad`: there is no value to be had.
    """

    value: float | bool | str | None = None
    values: dict[str, float | bool | str | None] | list[float] | None = None
    dt: Step | None = None
    unit: Unit = ""
    quality: str = "good"


class StatePayload(Payload, kw_only=True):
    """The machine entered a state."""

    state: State
    reason: Reason = ""


class CountPayload(Payload, kw_only=True):
    """Cumulative counters of pieces; any subset of the fields."""

    produced: Total | None = None
    good: Total | None = None
    scrap: Total | None = None
    rework: Total | None = None
    inspected: Total | None = None
    first_pass: Total | None = None
    planned_scrap: Total | None = None
    startup_scrap: Total | None = None


class JobPayload(Payload, kw_only=True):
    """An order starts or ends."""

    phase: Phase
    order: Label = ""
    product: Label = ""
    planned: Quantity | None = None
    ideal_cycle: Seconds | None = None


class MeterPayload(Payload, kw_only=True):
    """A cumulative utility meter."""

    total: Total
    unit: Unit = ""


class QualityPayload(Payload, kw_only=True):
    """A measured characteristic, with its limits."""

    value: float
    lower: float | None = None
    nominal: float | None = None
    upper: float | None = None
    part: Label = ""
    unit: Unit = ""


class LabourPayload(Payload, kw_only=True):
    """People at the work unit."""

    present: Quantity
    working: Quantity | None = None


class MaterialPayload(Payload, kw_only=True):
    """Cumulative consumption, and the stock on hand."""

    consumed: Total | None = None
    stock: float | None = None
    integrated_good: Total | None = None
    lost_production: Total | None = None
    lost_storage: Total | None = None
    lost_other: Total | None = None
    throughput: Total | None = None
    unit: Unit = ""


class EventPayload(Payload, kw_only=True):
    """An alarm or notice, raised or cleared."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]
    severity: Severity = "notice"
    text: Text = ""
    active: bool = True


class StatusPayload(Payload, kw_only=True):
    """Whether the device is connected."""

    status: Annotated[str, Meta(pattern="^(online|offline)$")]


class CommandPayload(Payload, kw_only=True):
    """A command to the machine."""

    id: str | int
    args: Any = msgspec.field(default_factory=dict)
    by: Text = ""


class ReplyPayload(Payload, kw_only=True):
    """The answer to a command, with the id of that command."""

    id: str | int
    ok: bool
    result: Any = None


class KpiPayload(Payload, kw_only=True):
    """The indicators of an asset over a window: the running shift, hour or order. Published by the KPI service."""

    window: str
    start: Annotated[str, Meta(description="RFC 3339.")]
    end: Annotated[str, Meta(description="RFC 3339: until when it is counted.")]
    coverage: float | None
    indicators: dict[str, float | None]
    notes: list[str] = msgspec.field(default_factory=list)


PAYLOADS: Final[dict[Kind, Any]] = {
    "telemetry": TelemetryPayload | float | bool | str,
    "state": StatePayload | str,
    "count": CountPayload,
    "job": JobPayload,
    "meter": MeterPayload | float,
    "quality": QualityPayload | float,
    "labour": LabourPayload,
    "material": MaterialPayload,
    "event": EventPayload,
    "status": StatusPayload | str,
    "cmd": CommandPayload,
    "reply": ReplyPayload,
    "kpi": KpiPayload,
}
"""What the payload of each kind may be: an object, or for some kinds a bare number, truth value or word."""
