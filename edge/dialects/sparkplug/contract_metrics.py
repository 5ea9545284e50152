"""The contract's events as metrics, and back: what an edge node of ours publishes, and a host of ours reads exactly.

    state/state                    running
    state/reason                   no-parts
    count/produced                 812
    telemetry/spindle-speed/value  12000      engUnit /min
    meter/electricity/total        5123.4     engUnit kW.h

A metric is named by kind, series and field. All fields of an event are sent together, with its time; null stands where
a field has no value. A device whose birth has `Properties/Contract` is read this way, and no other; its birth has the
machine's path, too, and whether it is simulated.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from broker.contract import topics
from broker.contract.errors import ContractError, shown
from broker.contract.events import NS_PER_MS, AnyEvent, Event, Kind
from broker.contract.kinds import TABLE
from edge.dialects.sparkplug.datatypes import Datatype, Value
from edge.dialects.sparkplug.readings import Reading

CONTRACT: Final = "Properties/Contract"
ASSET: Final = "Properties/Asset"
SIMULATED: Final = "Properties/Simulated"
VERSION: Final = "corridor/v1"
UNIT: Final = "engUnit"
"""The property of a metric in which its unit is sent."""

_SHARED: Final = frozenset(Event.__struct_fields__)


class Field(NamedTuple):
    """A field of an event, as a metric."""

    name: str
    value: Value | None
    datatype: Datatype
    unit: str


def fields(event: AnyEvent) -> list[Field]:
    """Return the metrics of an event; those of a number that is null are of `Double`, as all numbers are."""
    begin = _begin(event.kind, event)
    unit = getattr(event, "unit", "")
    return [
        Field(f"{begin}/{name}", value, _datatype(value), unit)
        for name in _own_fields(event.kind)
        for value in [getattr(event, name)]
    ]


class Assembler:
    """Assembles the events of one device from its readings.

    Args:
        asset: the machine's path.
        simulated: the machine is not a real one.
    """

    def __init__(self, asset: str, *, simulated: bool) -> None:
        self._asset = asset
        self._simulated = simulated
        self._last: dict[str, tuple[int, Value | None]] = {}

    def events(self, readings: Sequence[Reading]) -> tuple[list[AnyEvent], list[ContractError]]:
        """Return the events of readings that came together, in order of time, and what is wrong with the others.

        Fields that did not come have the values that they had; what came before, as in an earlier birth, is no event.
        """
        groups: dict[tuple[int, str], dict[str, Reading]] = {}
        for each in readings:
            begin, _, field = each.name.rpartition("/")
            if begin.partition("/")[0] in TABLE and each.at_ms is not None:
                groups.setdefault((each.at_ms, begin), {})[field] = each
        events: list[AnyEvent] = []
        errors: list[ContractError] = []
        for (at_ms, begin), found in sorted(groups.items(), key=lambda group: group[0][0]):
            values = {f"{begin}/{field}": (at_ms, one.value) for field, one in found.items()}
            if values.items() <= self._last.items():
                continue
            self._last |= {name: one for name, one in values.items() if at_ms >= self._last.get(name, one)[0]}
            try:
                events += self._event(at_ms, begin, found)
            except ContractError as error:
                errors.append(error)
        return events, errors

    def _event(self, at_ms: int, begin: str, found: Mapping[str, Reading]) -> list[AnyEvent]:
        kind, _, series = begin.partition("/")
        entry = TABLE[kind]  # type: ignore[index]  # it is one of them
        if entry.event is None:
            return []
        values: dict[str, Any] = {
            name: found[name].value if name in found else self._last.get(f"{begin}/{name}", (0, None))[1]
            for name in _own_fields(entry.kind)
        }
        sent = {name: value for name, value in values.items() if value is not None}
        if not sent:
            return []
        units = [unit for one in found.values() if isinstance(unit := one.properties.get(UNIT), str)]
        if units and "unit" in entry.event.__struct_fields__:
            sent["unit"] = units[0]
        if series:
            sent[entry.name] = series
        shared = {"asset": self._asset, "at": at_ms * NS_PER_MS, "simulated": self._simulated}
        try:
            return [msgspec.convert(shared | sent, entry.event)]  # type: ignore[list-item]  # one of AnyEvent
        except (msgspec.ValidationError, TypeError) as error:
            raise ContractError(f"metrics {shown(begin)}: {error}", "see the contract's page") from error


def asset_of(readings: Mapping[str, Value | None]) -> str | None:
    """Return the machine's path of a birth in the contract's form; None for another birth.

    Raises:
        ContractError: the path is not a machine's.
    """
    if readings.get(CONTRACT) != VERSION:
        return None
    asset = topics.check_asset(str(readings.get(ASSET)))
    if asset.count("/") != 3:
        raise ContractError(f"{ASSET} is {shown(asset)}, not a machine", "send site/area/line/machine")
    return asset


def _begin(kind: Kind, event: AnyEvent) -> str:
    name = TABLE[kind].name
    return f"{kind}/{getattr(event, name)}" if name in event.__struct_fields__ else kind


def _own_fields(kind: Kind) -> list[str]:
    entry = TABLE[kind]
    assert entry.event is not None
    without = _SHARED | {"unit", entry.name}
    return [name for name in entry.event.__struct_fields__ if name not in without]


def _datatype(value: Value | None) -> Datatype:
    match value:
        case bool():
            return Datatype.BOOLEAN
        case str():
            return Datatype.STRING
    return Datatype.DOUBLE
