"""The payload of each kind on the wire: the types from which codec and JSON Schema are derived.

Unknown fields are ignored, so that old services accept new devices. Every quantity is bounded, telemetry too: it is
stored as a double, which would change larger whole numbers silently, and a single DBL_MAX or 1e30 that a controller
sends for "no value" would spoil every mean and chart that it is in. What a type cannot express (an alphabet, at least
one of several fields) the codec checks; here it is an `extra_json_schema`, for the schema's readers.
"""

from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from broker.contract.events import QUANTITY_LIMIT, SHORTEST_CYCLE_S, PartResult, Phase, Severity, State
from broker.contract.names import NAME_PATTERN

NOT_PLAIN: Final = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
)
"""Characters that a text on one line must not have, as a class for regular expressions: control characters, ends of
line, and invisible or direction-changing format characters, with which two names could look alike. The joiners U+200C
and U+200D are allowed: Persian and Indic words need them."""

MOST_VALUES: Final = 32_768
"""Values in one message: 256 KiB at eight bytes each, which is 1.28 s of vibration at 25.6 kHz."""

_NAME: Final = {"pattern": NAME_PATTERN}
_PLAIN: Final = {"pattern": f"^[^{NOT_PLAIN}]*$"}

Time = Annotated[
    int | float | str | None,
    Meta(
        description="When it was so: milliseconds since 1970-01-01 UTC, or RFC 3339 to the nanosecond. "
        "Left out, the time of receipt is taken."
    ),
]
Simulated = Annotated[bool, Meta(description="The machine is not a real one.")]
Reason = Annotated[
    str, Meta(description="Why, in the alphabet of names.", extra_json_schema={"anyOf": [_NAME, {"const": ""}]})
]
Unit = Annotated[
    str, Meta(max_length=32, description="A UCUM code, such as Cel, kW.h or mm/s.", extra_json_schema=_PLAIN)
]
Text = Annotated[str, Meta(max_length=1024, description="For people to read.")]
Label = Annotated[
    str,
    Meta(
        max_length=64, description="As the order system or controller writes it, on one line.", extra_json_schema=_PLAIN
    ),
]
Code = Annotated[
    str,
    Meta(
        min_length=1, max_length=64, description="As the controller writes it, on one line.", extra_json_schema=_PLAIN
    ),
]
Number = Annotated[float, Meta(ge=-QUANTITY_LIMIT, le=QUANTITY_LIMIT)]
Total = Annotated[
    float, Meta(ge=0, le=QUANTITY_LIMIT, description="Cumulative: it only grows; a lower value is a reset.")
]
Quantity = Annotated[float, Meta(ge=0, le=QUANTITY_LIMIT)]
Seconds = Annotated[float, Meta(ge=SHORTEST_CYCLE_S, le=QUANTITY_LIMIT, description="Seconds a piece.")]
Step = Annotated[float, Meta(ge=1e-6, le=86_400_000, description="Milliseconds from one sample to the next.")]
Value = Annotated[
    Number | bool | str | UnsetType | None,
    Meta(description="A number, a truth value or a text of at most 256 characters; null: there is no value."),
]
Values = Annotated[
    Annotated[dict[str, Number | bool | str | None], Meta(max_length=MOST_VALUES)]
    | Annotated[list[Number], Meta(max_length=MOST_VALUES)]
    | UnsetType,
    Meta(
        description="Of an object: several signals of one instant. Of a list: evenly spaced samples of one signal, "
        "the first at `ts`.",
        extra_json_schema={"propertyNames": _NAME},
    ),
]
BookingId = Annotated[
    str | int, Meta(description="Names this booking: 1 to 64 characters, on one line. The same id again replaces it.")
]
Booked = Annotated[
    int | float | str | None,
    Meta(description="When it was booked, as `ts`: of one id the last counts. Left out, the time of receipt is taken."),
]
Remark = Annotated[str, Meta(max_length=256, description="For people to read, on one line.", extra_json_schema=_PLAIN)]
CallId = Annotated[str | int, Meta(description="Names this call: 1 to 64 characters, on one line.")]


def is_one_line(annotated: Any) -> bool:
    """Return whether a field's type is plain text on one line, which the codec checks."""
    return any(isinstance(meta, Meta) and meta.extra_json_schema == _PLAIN for meta in get_args(annotated)[1:])


Stale = Annotated[bool, Meta(description="Without `ts`: the last known value, of unknown age; it counts in no sum.")]


class Payload(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The fields that every payload may have."""

    ts: Time = None
    simulated: Simulated = False
    stale: Stale = False


QUALITIES: Final = ("good", "bad", "uncertain")


class Reading(Payload, kw_only=True):
    """The fields that every payload of readings may have."""

    quality: Annotated[
        str,
        Meta(
            description="`bad`: there is no value; the other fields are ignored.",
            extra_json_schema={"enum": list(QUALITIES)},
        ),
    ] = "good"


class TelemetryPayload(Reading, kw_only=True):
    """One sample (`value`), several signals of one instant (`values`), or evenly spaced samples (`values` and `dt`)."""

    value: Value = UNSET
    values: Values = UNSET
    dt: Step | None = None
    unit: Unit = ""


class StatePayload(Reading, kw_only=True):
    """The machine entered a state."""

    state: State
    reason: Reason = ""


class CountPayload(Reading, kw_only=True):
    """Cumulative counters of pieces; any subset of the fields, but at least one."""

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
    planned: Annotated[float, Meta(ge=0, le=QUANTITY_LIMIT, description="Pieces.")] | None = None
    ideal_cycle: Seconds | None = None


class MeterPayload(Reading, kw_only=True):
    """A cumulative utility meter: electricity, compressed-air, water, gas."""

    total: Total
    unit: Unit = ""


class QualityPayload(Reading, kw_only=True):
    """A measured characteristic of a part, with its limits where they are known."""

    value: Number
    lower: Number | None = None
    nominal: Number | None = None
    upper: Number | None = None
    part: Label = ""
    unit: Unit = ""


class PartPayload(Payload, kw_only=True):
    """The machine has finished with a part that has a serial number."""

    part: Code
    result: PartResult = ""
    seconds: Annotated[float, Meta(ge=0, le=QUANTITY_LIMIT, description="For how long it was on it.")] | None = None
    order: Label = ""
    product: Label = ""
    material: Annotated[Label, Meta(description="The batch of material that it was made from here.")] = ""
    source: Annotated[Label, Meta(description="The serial number of the part that it was made from here.")] = ""
    batch: Annotated[Label, Meta(description="The batch in which it leaves the line.")] = ""


class LabourPayload(Reading, kw_only=True):
    """People at the work unit from now on: present, and of those, working."""

    present: Quantity
    working: Quantity | None = None


class MaterialPayload(Reading, kw_only=True):
    """Cumulative consumption, and the stock on hand; any subset of the fields, but at least one."""

    consumed: Total | None = None
    stock: Number | None = None
    integrated_good: Total | None = None
    lost_production: Total | None = None
    lost_storage: Total | None = None
    lost_other: Total | None = None
    throughput: Total | None = None
    unit: Unit = ""


class EventPayload(Payload, kw_only=True):
    """An alarm or notice, raised (`active`) or cleared."""

    code: Code
    severity: Severity = "notice"
    text: Text = ""
    active: bool = True


class StatusPayload(Payload, kw_only=True):
    """Whether the device is connected; its MQTT will is `offline`."""

    status: Literal["online", "offline"]


class AdjustPayload(Payload, kw_only=True):
    """Pieces booked by hand: signed, any subset of the fields of `count`, but at least one unless it is void."""

    id: BookingId
    produced: Number | None = None
    good: Number | None = None
    scrap: Number | None = None
    rework: Number | None = None
    inspected: Number | None = None
    first_pass: Number | None = None
    planned_scrap: Number | None = None
    startup_scrap: Number | None = None
    reason: Remark = ""
    by: Label = ""
    void: Annotated[bool, Meta(description="It takes back what was booked under this id.")] = False
    booked: Booked = None


class CommandPayload(Payload, kw_only=True):
    """A command to the machine."""

    id: CallId
    args: Any = msgspec.field(default_factory=dict)
    by: Text = ""


class ReplyPayload(Payload, kw_only=True):
    """The answer to a command, with the id of that command."""

    id: CallId
    ok: bool
    result: Any = None


class KpiWarning(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing or seems wrong in the data behind an answer: one of its notes, as data."""

    code: Annotated[str, Meta(description="What it is, for programs; changes only by adding.")]
    asset: Annotated[str, Meta(description="Of which machine it is, or of which asset.")]
    indicator: Annotated[str | None, Meta(description="The indicator that is not defined; null in other warnings.")]
    amount: Annotated[float | None, Meta(description="Pieces, seconds or times; null where it is of no number.")]
    text: Annotated[str, Meta(description="The note.")]
    hint: Annotated[str, Meta(description="What to do.")]
    why: Annotated[str, Meta(description="The text without the machine or indicator that it is of.")]


class KpiPayload(Payload, kw_only=True):
    """The indicators of an asset over a window: a shift, hour or order, running or last. The KPI service's."""

    window: Annotated[str, Meta(description="`hour`, `shift`, `order`; `last-hour`, `last-shift`, `last-order`.")]
    name: Annotated[str, Meta(description="Of the shift or order.")] = ""
    start: Annotated[str, Meta(description="RFC 3339.")]
    end: Annotated[str, Meta(description="RFC 3339: until when it is counted.")]
    coverage: float | None
    indicators: dict[str, float | None]
    notes: list[str] = msgspec.field(default_factory=list)
    warnings: Annotated[list[KpiWarning], Meta(description="The notes as data, in the same order.")] = msgspec.field(
        default_factory=list
    )
    implausible: Annotated[
        dict[str, str], Meta(description="Indicators whose value cannot be, with the code of the warning why.")
    ] = msgspec.field(default_factory=dict)


class RejectedPayload(msgspec.Struct, kw_only=True):
    """A message that was rejected, on the topic of those: when it came (ms), why, and the first of its bytes.

    Or how many more came like others (`count`): then `topic` is the filter that they match, and there are no bytes.
    """

    at: int
    topic: str
    reason: str
    base64: bytes
    bytes: int
    count: int = 1


MATERIALS: Final = tuple(
    name for name in MaterialPayload.__struct_fields__ if name not in {*Reading.__struct_fields__, "unit"}
)
"""The quantities of a material, of which a message has at least one."""
