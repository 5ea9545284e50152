"""Batches of material on their way: the flow that one belongs to, and when it left and arrived."""

from collections.abc import Iterator, Sequence
from typing import Final

from broker.contract.events import NS_PER_S, Notice, Part
from broker.contract.instants import format_rfc3339
from broker.contract.topics import line_of
from broker.plant.material_flow import ARRIVED, SHIPPED, MaterialFlow, from_line, into_line, owner
from broker.plant.plant import Plant
from services.query.parts.records import BatchFacts
from services.store.interface import Events

_LONGEST_TRANSIT_NS: Final = 14 * 86_400 * NS_PER_S

_Range = tuple[int, int]


class Batches:
    """The batches of one answer.

    Args:
        events: where the notices are.
        plant: its flows of material.
    """

    def __init__(self, events: Events, plant: Plant) -> None:
        self._plant = plant
        self._notices = _Notices(events)

    async def facts(self, number: str, known: Sequence[Part]) -> BatchFacts:
        """Return a batch's flow, and when it left and arrived, given events of parts in it or made from it."""
        flow = next((found for event in known if (found := flow_of(self._plant, event, number))), None)
        if flow is None:
            return BatchFacts(number, "", "", "", "", None, None)
        around = known[0].at
        between = (around - _LONGEST_TRANSIT_NS, around + _LONGEST_TRANSIT_NS)
        shipped = await self._notices.first(flow.supplier, SHIPPED, number, between)
        arrived = await self._notices.first(flow.customer, ARRIVED, number, between)
        return BatchFacts(number, flow.name, flow.label, flow.supplier, flow.customer, shipped, arrived)


class _Notices:
    """Notices of batches by line, each time range of a line read once."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._read: dict[str, list[_Range]] = {}
        self._at: dict[tuple[str, str, str], list[int]] = {}

    async def first(self, line: str, code: str, number: str, between: _Range) -> str | None:
        """Return when a line first reported a notice of a batch within a time range, RFC 3339."""
        read = self._read.setdefault(line, [])
        for gap in list(_gaps(read, between)):
            for event in await self._events.events(("event",), line, *gap):
                if isinstance(event, Notice) and event.code in {SHIPPED, ARRIVED}:
                    self._at.setdefault((line, event.code, event.text), []).append(event.at)
            read.append(gap)
        at = min((at for at in self._at.get((line, code, number), ()) if between[0] <= at < between[1]), default=None)
        return None if at is None else format_rfc3339(at)


def _gaps(read: list[_Range], wanted: _Range) -> Iterator[_Range]:
    """Yield what of a time range has not been read."""
    at, end = wanted
    for first, last in sorted(read):
        if at < min(first, end):
            yield at, min(first, end)
        at = max(at, last)
    if at < end:
        yield at, end


def flow_of(plant: Plant, event: Part, number: str = "") -> MaterialFlow | None:
    """Return the flow that a batch belongs to: its number begins with the flow's name, else there is only one."""
    line, number = line_of(event.asset), number or event.material
    flows = into_line(plant.material_flows, line) if number == event.material else from_line(plant.material_flows, line)
    named = owner(flows, number)
    if named is None and len(flows) == 1:
        return flows[0]
    return named
