"""The table of kinds is complete: it has every kind, event and field of the types."""

from typing import get_args

import msgspec
import pytest

from broker.contract.entry import Entry
from broker.contract.events import AnyEvent, Event, Kind
from broker.contract.kinds import TABLE, stored

entries = pytest.mark.parametrize("entry", stored(), ids=lambda entry: entry.kind)


def test_the_types_list_the_kinds_and_events_of_the_table() -> None:
    assert tuple(TABLE) == get_args(Kind)
    assert [entry.event for entry in stored()] == list(get_args(AnyEvent))


@entries
def test_an_entry_is_of_its_event(entry: Entry) -> None:
    assert entry.event is not None
    assert entry.event.kind == entry.kind
    assert entry.name in {"", *entry.event.__struct_fields__}
    assert (bool(entry.name) or entry.is_by_id) == (entry.event.series is not Event.series)


@entries
def test_every_field_of_an_event_is_stored(entry: Entry) -> None:
    assert entry.event is not None
    own = [field for field in entry.event.__struct_fields__ if field not in {*Event.__struct_fields__, entry.name}]
    columns = [column.name for column in entry.columns]
    assert sorted(name for name in columns if name in own) == sorted(own)


@entries
def test_a_column_that_may_be_empty_is_a_field_that_may_be_none(entry: Entry) -> None:
    if entry.kind == "telemetry":  # one value, in the column of numbers or that of texts
        return
    assert entry.event is not None
    types = {field.name: field.type for field in msgspec.structs.fields(entry.event)}
    empty = {column.name for column in entry.columns if column.type in {"optional number", "any-subset number"}}
    assert empty == {name for name, of in types.items() if type(None) in get_args(of)}


@entries
def test_a_kind_of_which_any_subset_is_sent_needs_one_of_it(entry: Entry) -> None:
    assert set(entry.subset) <= set(entry.one_of)
    assert set(entry.one_of) <= {column.name for column in entry.columns}


@entries
def test_a_kind_by_id_has_its_id(entry: Entry) -> None:
    assert entry.event is not None
    assert entry.is_by_id == ("id" in entry.event.__struct_fields__)


@entries
def test_a_kind_names_the_service_that_stores_it(entry: Entry) -> None:
    assert entry.stored_by
    assert entry.columns
