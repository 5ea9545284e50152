"""The table of kinds: for each kind of message its event, its payload, its topic, its columns, and who stores it.

It is the one place where a kind is described. Topics, codec and JSON Schema, the routing between the services, what
both engines store and what is exported are derived from it. A new kind is an entry here, with its struct in `events`
(and its name in `Kind` there) and its payload in `payloads`. Order matters: schema, tables and filters follow it.

Tables, columns and their order are relied on from outside: add, never change.
"""

from typing import Annotated, Any, Final, Literal, NamedTuple

from msgspec import Meta

from broker.contract import events
from broker.contract.events import COUNTERS, Event, Kind, State
from broker.contract.payloads import (
    MATERIALS,
    AdjustPayload,
    CommandPayload,
    CountPayload,
    EventPayload,
    JobPayload,
    KpiPayload,
    LabourPayload,
    MaterialPayload,
    MeterPayload,
    Number,
    PartPayload,
    QualityPayload,
    ReplyPayload,
    StatePayload,
    StatusPayload,
    TelemetryPayload,
    Total,
)

ColumnType = Literal[
    "number", "optional number", "any-subset number", "text", "optional text", "truth", "whole", "receipt"
]
"""The type of a column. Of *any-subset* numbers each message reports at least one; each has a newest value of its
own. A receipt is a time, 0 where it is not known."""


class Column(NamedTuple):
    """What is stored of an event beside asset, name, time and whether it is simulated.

    Attributes:
        name: the column's, and the event's attribute.
        type: what stands in it.
        unit: UCUM code; `unit` where the message reports it in the field of that name; '' where there is none.
        is_of_series: it is stored once a series, the newest that was reported, not with each event.
    """

    name: str
    type: ColumnType
    unit: str = ""
    is_of_series: bool = False


class Entry(NamedTuple):
    """The description of one kind of message.

    Attributes:
        kind: the level of the topic.
        label: what it is, in a few words.
        event: what a message means; None where no event is made of it.
        payload: the wire type of an object.
        examples: messages that are right: the topic after the asset path, and the payload as JSON. The first is what
            an error text shows.
        bare: what the payload may be instead of an object.
        topic: whether its topic ends in a name.
        name: what that name is called; of events, the field that holds the name of the series, whether the topic has
            it or the payload.
        is_retained: it is published retained, so that later subscribers receive the current state.
        is_condition: it reports what holds until the next report. Of such a kind a retained message without a time may
            be stored, as what is last known (`broker.contract.retained`).
        is_of_machine: the machine itself sends it, so that a message is a sign of life.
        is_by_id: each message has an `id` and is an event by itself, which holds for no longer than its instant: two of
            one instant with different ids are two events, and none is the newest of anything.
        one_of: the fields of which a message has at least one.
        unless: a field, and the value with which it needs none of these.
        stored_by: the service that stores it; '' where it is not stored as it is.
        columns: what is stored, in order.
        table: its table, where that is not called as the kind.
    """

    kind: Kind
    label: str
    event: type[Event] | None
    payload: Any
    examples: dict[str, str]
    bare: Any = None
    topic: Literal["named", "maybe named", "not named"] = "not named"
    name: str = ""
    is_retained: bool = False
    is_condition: bool = False
    is_of_machine: bool = True
    is_by_id: bool = False
    one_of: tuple[str, ...] = ()
    unless: tuple[str, Any] = ("quality", "bad")
    stored_by: Literal["kpi", "ingest", ""] = "ingest"
    columns: tuple[Column, ...] = ()
    table: str = ""

    @property
    def measurement(self) -> str:
        """The table or measurement that holds its events."""
        return self.table or self.kind

    @property
    def shares_table(self) -> bool:
        """Whether its table holds events of other kinds, too."""
        return any(entry.measurement == self.measurement for entry in stored() if entry.kind != self.kind)

    @property
    def subset(self) -> tuple[str, ...]:
        """The columns of which a message reports any subset."""
        return tuple(column.name for column in self.columns if column.type == "any-subset number")

    @property
    def wire(self) -> Any:
        """What its payload may be, as a type for msgspec."""
        if self.bare is not None:
            return self.payload | self.bare
        return Annotated[self.payload, _one_of(self.one_of, *self.unless)] if self.one_of else self.payload


def stored() -> list[Entry]:
    """Return the entries of the kinds that are stored as events."""
    return [entry for entry in TABLE.values() if entry.event is not None]


def of_machines() -> frozenset[Kind]:
    """Return the kinds that a machine itself sends: a message of these is a sign of life."""
    return frozenset(kind for kind, entry in TABLE.items() if entry.is_of_machine)


def by_id() -> frozenset[Kind]:
    """Return the kinds of which each message is an event by itself, named by its id."""
    return frozenset(kind for kind, entry in TABLE.items() if entry.is_by_id)


def measurements() -> dict[str, list[Entry]]:
    """Return the tables of events, each with the kinds that it holds."""
    found: dict[str, list[Entry]] = {}
    for entry in stored():
        found.setdefault(entry.measurement, []).append(entry)
    return found


def _one_of(names: tuple[str, ...], field: str, value: Any) -> Meta:
    instead = {"required": [field], "properties": {field: {"const": value}}}
    return Meta(extra_json_schema={"anyOf": [*({"required": [name]} for name in names), instead]})


_UNIT: Final = Column("unit", "text")
_RECEIVED: Final = Column("received_ms", "receipt", "ms")

TABLE: Final[dict[Kind, Entry]] = {
    entry.kind: entry
    for entry in (
        Entry(
            kind="telemetry",
            label="samples of signals",
            event=events.Sample,
            payload=TelemetryPayload,
            bare=Number | bool | str | None,
            examples={
                "telemetry/spindle-temperature": '{"value":21.5,"unit":"Cel"}',
                "telemetry/door": "true",
                "telemetry": '{"ts":1795507200000,"values":{"spindle-speed":12000,"spindle-load":41.2}}',
                "telemetry/vibration": '{"ts":"2026-11-24T08:00:00.123456789Z","dt":0.5,"values":[0.01,0.03,-0.02]}',
                "telemetry/coolant": '{"quality":"bad"}',
            },
            topic="maybe named",
            name="signal",
            columns=(
                Column("value", "optional number", "unit"),
                Column("text", "optional text"),
                Column("unit", "text", is_of_series=True),
            ),
        ),
        Entry(
            kind="state",
            label="the machine entered a state",
            event=events.StateChange,
            payload=StatePayload,
            bare=State,
            examples={"state": '{"state":"down","reason":"spindle-overheat"}'},
            is_retained=True,
            is_condition=True,
            stored_by="kpi",
            columns=(Column("state", "text"), Column("code", "whole"), Column("reason", "text"), _RECEIVED),
        ),
        Entry(
            kind="count",
            label="cumulative counters of pieces",
            event=events.Count,
            payload=CountPayload,
            examples={"count": '{"produced":812,"good":801,"scrap":9,"rework":2}'},
            is_retained=True,
            one_of=COUNTERS,
            stored_by="kpi",
            columns=(*(Column(counter, "any-subset number", "{piece}") for counter in COUNTERS), _RECEIVED),
        ),
        Entry(
            kind="job",
            label="an order starts or ends",
            event=events.Job,
            payload=JobPayload,
            examples={
                "job": '{"phase":"start","order":"wo-1042","product":"bracket-7","planned":200,"ideal_cycle":42.0}'
            },
            is_retained=True,
            is_condition=True,
            stored_by="kpi",
            columns=(
                Column("phase", "text"),
                Column("order", "text"),
                Column("product", "text"),
                Column("planned", "optional number", "{piece}"),
                Column("ideal_cycle", "optional number", "s"),
                _RECEIVED,
            ),
        ),
        Entry(
            kind="meter",
            label="cumulative utility meters",
            event=events.Meter,
            payload=MeterPayload,
            bare=Total,
            examples={"meter/electricity": '{"total":5123.4,"unit":"kW.h"}'},
            topic="named",
            name="name",
            stored_by="kpi",
            columns=(Column("total", "number", "unit"), _UNIT, _RECEIVED),
        ),
        Entry(
            kind="quality",
            label="measured characteristics of parts",
            event=events.Measurement,
            payload=QualityPayload,
            bare=Number,
            examples={
                "quality/bore-diameter": '{"value":12.013,"lower":11.98,"nominal":12.0,"upper":12.02,"part":"b-77"}'
            },
            topic="named",
            name="characteristic",
            stored_by="kpi",
            columns=(
                Column("value", "number", "unit"),
                Column("lower", "optional number", "unit"),
                Column("nominal", "optional number", "unit"),
                Column("upper", "optional number", "unit"),
                Column("part", "text"),
                _UNIT,
            ),
        ),
        Entry(
            kind="part",
            label="a part with a serial number was finished",
            event=events.Part,
            payload=PartPayload,
            examples={
                "part": '{"part":"b-77","result":"good","seconds":412.5,"order":"wo-1042","product":"bracket-7",'
                '"material":"heat-118"}'
            },
            stored_by="kpi",
            columns=(
                Column("part", "text"),
                Column("result", "text"),
                Column("seconds", "optional number", "s"),
                Column("order", "text"),
                Column("product", "text"),
                Column("material", "text"),
                Column("source", "text"),
                Column("batch", "text"),
            ),
        ),
        Entry(
            kind="labour",
            label="people at the work unit",
            event=events.Labour,
            payload=LabourPayload,
            examples={"labour": '{"present":3,"working":2}'},
            is_retained=True,
            stored_by="kpi",
            columns=(
                Column("present", "number", "{person}"),
                Column("working", "optional number", "{person}"),
                _RECEIVED,
            ),
        ),
        Entry(
            kind="material",
            label="cumulative consumption, and stock",
            event=events.Material,
            payload=MaterialPayload,
            examples={"material/aluminium": '{"consumed":12.5,"stock":80,"unit":"kg"}'},
            topic="named",
            name="name",
            one_of=MATERIALS,
            stored_by="kpi",
            columns=(*(Column(quantity, "any-subset number", "unit") for quantity in MATERIALS), _UNIT, _RECEIVED),
        ),
        Entry(
            kind="event",
            label="alarms and notices",
            event=events.Notice,
            payload=EventPayload,
            examples={"event": '{"code":"e-204","severity":"alarm","text":"door open","active":true}'},
            name="code",
            columns=(Column("severity", "text"), Column("text", "text"), Column("active", "truth")),
        ),
        Entry(
            kind="status",
            label="whether the device is connected",
            event=events.Status,
            payload=StatusPayload,
            bare=Literal["online", "offline"],
            examples={"status": '"online"'},
            is_retained=True,
            is_condition=True,
            stored_by="kpi",
            columns=(Column("online", "truth"), _RECEIVED),
        ),
        Entry(
            kind="adjust",
            label="pieces booked by hand",
            event=events.Adjust,
            payload=AdjustPayload,
            examples={
                "adjust": '{"ts":1795507200000,"id":"b-17","good":-5,"scrap":5,"reason":"burr found","by":"ann"}'
            },
            is_of_machine=False,
            is_by_id=True,
            one_of=COUNTERS,
            unless=("void", True),
            stored_by="kpi",
            columns=(
                Column("id", "text"),
                *(Column(counter, "optional number", "{piece}") for counter in COUNTERS),
                Column("reason", "text"),
                Column("by", "text"),
                Column("void", "truth"),
                Column("booked", "text"),
            ),
        ),
        Entry(
            kind="cmd",
            label="commands to the machine",
            event=events.Command,
            payload=CommandPayload,
            examples={"cmd/set-speed": '{"id":"42","args":{"speed":800},"by":"maintenance"}'},
            topic="named",
            name="name",
            is_of_machine=False,
            is_by_id=True,
            columns=(Column("id", "text"), Column("args", "text"), Column("by", "text")),
            table="command",
        ),
        Entry(
            kind="reply",
            label="answers to commands",
            event=events.Reply,
            payload=ReplyPayload,
            examples={"reply/set-speed": '{"id":"42","ok":true}'},
            topic="named",
            name="name",
            is_by_id=True,
            columns=(Column("id", "text"), Column("ok", "truth"), Column("result", "text")),
            table="command",
        ),
        Entry(
            kind="kpi",
            label="indicators, published by Corridor",
            event=None,
            payload=KpiPayload,
            examples={
                "kpi/shift": '{"window":"shift","start":"2026-11-24T06:00:00Z","end":"2026-11-24T08:00:00Z",'
                '"coverage":1.0,"indicators":{"availability":0.72,"effectiveness":0.81,"quality_ratio":0.94,'
                '"oee":0.55},"notes":[]}'
            },
            topic="named",
            name="window",
            is_retained=True,
            is_of_machine=False,
            stored_by="",
        ),
    )
}
"""Every kind of the contract, in its order."""
