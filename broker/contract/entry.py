"""The form of an entry in the table of kinds: what is described of a kind of message, and of a column of its table."""

from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta

from broker.contract.events import Event, Kind

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
    def subset(self) -> tuple[str, ...]:
        """The columns of which a message reports any subset."""
        return tuple(column.name for column in self.columns if column.type == "any-subset number")

    @property
    def wire(self) -> Any:
        """What its payload may be, as a type for msgspec."""
        if self.bare is not None:
            return self.payload | self.bare
        return Annotated[self.payload, _one_of(self.one_of, *self.unless)] if self.one_of else self.payload


def _one_of(names: tuple[str, ...], field: str, value: Any) -> Meta:
    instead = {"required": [field], "properties": {field: {"const": value}}}
    return Meta(extra_json_schema={"anyOf": [*({"required": [name]} for name in names), instead]})
