"""The table of kinds: for each kind of message its event, its payload, its topic, its columns, and who stores it.

It is the one place where a kind is described. Topics, codec and JSON Schema, the routing between the services, what
both engines store and what is exported are derived from it. A new kind is an entry here, with its struct in `events`
(and its name in `Kind` there) and its payload in `payloads`. Order matters: schema, tables and filters follow it.

Tables, columns and their order are relied on from outside: add, never change.
"""

from typing import Final, Literal

from broker.contract import events
from broker.contract.entry import Column, Entry
from broker.contract.events import COUNTERS, Kind, State
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


def shares_table(entry: Entry) -> bool:
    """Whether the table of a kind holds events of other kinds, too."""
    return len(measurements()[entry.measurement]) > 1


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
