"""Readings: the metrics of a payload with the definitions of their birth, and what became of a node or device.

This is what a host application learns; what it means to us is another matter (`dialect`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from broker.contract.errors import ContractError, shown
from edge.dialects.sparkplug import datatypes
from edge.dialects.sparkplug.codec import Metric
from edge.dialects.sparkplug.datatypes import Datatype, Value
from edge.dialects.sparkplug.topics import Key

MOST_METRICS: Final = 50_000
"""Of one node or device."""
BD_SEQ: Final = "bdSeq"
REBIRTH: Final = "Node Control/Rebirth"


class Definition(msgspec.Struct, frozen=True):
    """What a birth says of a metric: data by alias have nothing of it."""

    name: str
    datatype: Datatype
    properties: Mapping[str, Value] = {}


class Reading(msgspec.Struct, frozen=True):
    """One value of a metric.

    Attributes:
        definition: that of its birth.
        value: None where it is null.
        at_ms: when it was measured, else when it was sent, milliseconds since 1970-01-01 UTC; None if neither is known.
        properties: those of the birth, and of this value.
    """

    definition: Definition
    value: Value | None
    at_ms: int | None
    properties: Mapping[str, Value] = {}

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.definition.name


class Birth(msgspec.Struct, frozen=True):
    """A node or device introduced itself, with all its metrics.

    Attributes:
        key: whose it is.
        at_ms: when it was sent, milliseconds since 1970-01-01 UTC; None if that is not known.
        readings: all its metrics.
        was_online: it was there before: this birth was asked for.
        uuid: the payload's; Factory+ marks its own by it.
    """

    key: Key
    at_ms: int | None
    readings: Sequence[Reading]
    was_online: bool = False
    uuid: str = ""


class Data(msgspec.Struct, frozen=True):
    """A node or device reported values."""

    key: Key
    readings: Sequence[Reading]


class Death(msgspec.Struct, frozen=True):
    """A node or device is offline, and its metrics are stale, since `at` (nanoseconds since 1970-01-01 UTC)."""

    key: Key
    at: int


Change = Birth | Data | Death


class Catalogue:
    """The metrics of one node or device by name and alias, as its birth defined them."""

    def __init__(self) -> None:
        self.is_online = False
        self._by_name: dict[str, Definition] = {}
        self._by_alias: dict[int, Definition] = {}
        self._ambiguous: set[int] = set()

    @property
    def aliases(self) -> Mapping[int, Definition]:
        """The metrics that may be sent by alias alone."""
        return self._by_alias

    def define(self, metrics: Sequence[Metric]) -> list[ContractError]:
        """Replace the definitions by those of a birth; return what is wrong with them."""
        self._by_name, self._by_alias, self._ambiguous = {}, {}, set()
        errors: list[ContractError] = []
        if len(metrics) > MOST_METRICS:
            errors.append(ContractError(f"a birth has {len(metrics):,} metrics", f"send at most {MOST_METRICS:,}"))
        for each in metrics[:MOST_METRICS]:
            if not each.name:
                errors.append(ContractError(f"the metric of alias {each.alias} has no name", "name it in the birth"))
            elif each.datatype is None or each.datatype is Datatype.UNKNOWN:
                errors.append(ContractError(f"metric {shown(each.name)} has no datatype", "send it in the birth"))
            else:
                definition = Definition(each.name, each.datatype, each.properties)
                self._by_name[each.name] = definition
                errors += self._alias(each.alias, definition)
        return errors

    def find(self, metric: Metric) -> Definition | None:
        """Return the definition of a metric in data; None where a birth is missing.

        Raises:
            ContractError: its alias stands for two metrics.
        """
        if metric.alias is not None and (found := self._by_alias.get(metric.alias)) is not None:
            if not metric.name or metric.name == found.name:
                return found
        elif metric.alias in self._ambiguous and not metric.name:
            raise ContractError(f"alias {metric.alias} stands for two metrics of the birth", "use each alias once")
        known = self._by_name.get(metric.name)
        if known is None and metric.name and metric.datatype:
            return Definition(metric.name, metric.datatype)
        return known

    def _alias(self, alias: int | None, definition: Definition) -> list[ContractError]:
        if alias is None:
            return []
        first = self._by_alias.get(alias)
        if alias in self._ambiguous or (first is not None and first.name != definition.name):
            self._ambiguous.add(alias)
            self._by_alias.pop(alias, None)
            other = f" and {shown(first.name)}" if first else ""
            return [ContractError(f"alias {alias} stands for {shown(definition.name)}{other}", "use each alias once")]
        self._by_alias[alias] = definition
        return []


def reading(metric: Metric, definition: Definition, sent_ms: int | None) -> Reading:
    """Return the reading of a metric.

    Raises:
        ContractError: its value is none of its datatype.
    """
    try:
        value = metric.value(definition.datatype)
    except ContractError as error:
        raise ContractError(f"metric {shown(definition.name)}: {error.problem}", error.hint) from error
    properties = {**definition.properties, **metric.properties} if metric.properties else definition.properties
    return Reading(definition, value, metric.timestamp if metric.timestamp is not None else sent_ms, properties)


def is_read(definition: Definition) -> bool:
    """Return whether the values of a metric can be read; data sets and templates are noted in the birth alone."""
    return definition.datatype not in datatypes.COMPOSITE
