"""The genealogy of a part: the machines that it passed, what was measured, its material and where that came from.

A part is found by its serial number in the part events and measurements that machines report. The same number on two
lines means two parts, unless a flow of material joins them. From a part the search goes on to the part that it was made
from, along the plant's flows, and to those that were made from it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from broker.contract.events import NS_PER_S, AnyEvent, Measurement, Notice, Part
from broker.contract.instants import format_rfc3339
from broker.plant.material_flow import ARRIVED, SHIPPED, MaterialFlow, from_line, into_line
from broker.plant.plant import Plant
from services.query.part_energy import energy_kwh
from services.store.interface import Store

_DEEPEST: Final = 6
_LONGEST_TRANSIT_NS: Final = 14 * 86_400 * NS_PER_S


class UnknownPartError(LookupError):
    """Nothing is stored of a part or batch; the text has a hint."""


class Measured(msgspec.Struct, frozen=True):
    """A characteristic of a part, as measured."""

    characteristic: str
    value: float
    lower: float | None
    nominal: float | None
    upper: float | None
    unit: str
    within: bool


class Step(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A machine that a part passed.

    Attributes:
        asset: the machine.
        title: its name for people.
        from_: when it began on the part, RFC 3339; null where that was not reported.
        to: when it had finished.
        result: `good`, `scrap`, `rework`; '' where that was not reported.
        energy_kwh: the part's share of the electricity; null where it is not metered, or not yet.
        measurements: what it measured.
    """

    asset: str
    title: str
    from_: str | None
    to: str
    result: str
    energy_kwh: float | None
    measurements: list[Measured]


class BatchFacts(msgspec.Struct, frozen=True):
    """A batch of material on its way: its number, flow, ends, and when it left and arrived (null: not known)."""

    number: str
    flow: str
    title: str
    supplier: str
    customer: str
    shipped: str | None
    arrived: str | None


class Reference(msgspec.Struct, frozen=True):
    """A part that is named by another's genealogy: its serial number and line, and when it was made of it."""

    serial: str
    line: str
    product: str
    at: str


class PartRecord(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A part with its genealogy.

    Attributes:
        serial: its serial number.
        line: the line that made it.
        order: that it belongs to.
        product: what it is.
        result: the newest that was reported.
        from_: when the first machine began on it, RFC 3339.
        to: when the last had finished.
        energy_kwh: of all steps; null where none is known.
        steps: the machines that it passed, in order.
        material: the batch that it was made from; null where none is known.
        source: the part that it was made from, with its own genealogy; null where none is known.
        batch: the batch in which it left the line; null where it is in none.
        became: the parts that were made from it.
    """

    serial: str
    line: str
    order: str
    product: str
    result: str
    from_: str | None
    to: str
    energy_kwh: float | None
    steps: list[Step]
    material: BatchFacts | None
    source: "PartRecord | None"
    batch: BatchFacts | None
    became: list[Reference]


class Genealogy(msgspec.Struct, frozen=True):
    """The answer for a serial number: the parts that have it, most often one."""

    serial: str
    parts: list[PartRecord]


class BatchMember(msgspec.Struct, frozen=True):
    """A part of a batch, or one that was made from it.

    Attributes:
        serial: its serial number.
        line: the line that made it.
        product: what it is.
        result: the newest that was reported.
        at: when that was, RFC 3339.
        source: the part that it was made from; '' where that is not known.
    """

    serial: str
    line: str
    product: str
    result: str
    at: str
    source: str


class BatchGenealogy(msgspec.Struct, frozen=True):
    """What a batch holds, and which parts it affects: those made from it, and those made from these."""

    batch: BatchFacts
    holds: list[BatchMember]
    affects: list[BatchMember]


async def genealogy(store: Store, plant: Plant, serial: str, line: str = "") -> Genealogy:
    """Return the parts that have a serial number, each with its genealogy.

    Args:
        store: where the events are.
        plant: its flows of material.
        serial: the serial number.
        line: only under this asset path.

    Raises:
        UnknownPartError: nothing is stored of it.
    """
    found = _by_line(await store.traced("part", [serial], line))
    parts = [
        await _record(store, plant, serial, path, events, depth=_DEEPEST) for path, events in sorted(found.items())
    ]
    if not parts:
        for used in await store.traced("source", [serial]):
            if isinstance(used, Part) and (flow := _flow_of(plant, used)) and flow.supplier.startswith(line):
                parts.append(await _made_elsewhere(store, plant, serial, flow, used))
                break
    if not parts:
        where = f" under {line}" if line else ""
        raise UnknownPartError(
            f"no machine{where} has reported a part {serial!r}; serial numbers are compared letter by letter,"
            " and machines report them with `part` and `quality` messages, for as long as events are kept"
        )
    return Genealogy(serial, parts)


async def batch_genealogy(store: Store, plant: Plant, number: str) -> BatchGenealogy:
    """Return what a batch of material holds, and the parts that it affects.

    Raises:
        UnknownPartError: nothing is stored of it.
    """
    holds, used = await store.traced("batch", [number]), await store.traced("material", [number])
    events = [event for event in (*holds, *used) if isinstance(event, Part)]
    if not events:
        raise UnknownPartError(
            f"no machine has reported a part in, or made from, a batch {number!r}; `corridor part SERIAL` names the"
            " batch of a part's material"
        )
    affected: dict[tuple[str, str], Part] = {}
    reached = _parts_of(used)
    while reached:
        new = {
            (_line(event.asset), event.part): event
            for event in reached
            if (_line(event.asset), event.part) not in affected
        }
        affected |= new
        later = await store.traced("source", sorted({event.part for event in new.values()})) if new else []
        lines = {line for line, _ in new}
        reached = [event for event in _parts_of(later) if _comes_from(plant, event, lines)]
    return BatchGenealogy(
        await _batch_facts(store, plant, number, events),
        await _members(store, {(_line(event.asset), event.part): event for event in _parts_of(holds)}),
        await _members(store, affected),
    )


async def _members(store: Store, named: dict[tuple[str, str], Part]) -> list[BatchMember]:
    newest: dict[tuple[str, str], Part] = dict(named)
    for event in _parts_of(await store.traced("part", sorted({serial for _, serial in named})) if named else []):
        key = (_line(event.asset), event.part)
        if key in named:
            newest[key] = event
    return [
        BatchMember(
            serial,
            line,
            newest[line, serial].product,
            newest[line, serial].result,
            format_rfc3339(newest[line, serial].at),
            first.source,
        )
        for (line, serial), first in sorted(named.items(), key=lambda each: (each[1].at, each[0]))
    ]


async def _record(
    store: Store, plant: Plant, serial: str, line: str, events: Sequence[AnyEvent], *, depth: int
) -> PartRecord:
    """Return a part of a line, from its events in order of time."""
    steps = [
        await _step(store, plant, own) for own in sorted(_passes(events), key=lambda own: (own[-1].at, own[-1].asset))
    ]
    passed = _parts_of(events)
    taken = next((event for event in passed if event.material or event.source), None)
    left = next((event for event in reversed(passed) if event.batch), None)
    last = passed[-1] if passed else None
    known = [step.energy_kwh for step in steps if step.energy_kwh is not None]
    source = None
    if taken and taken.source and depth:
        source = await _source(store, plant, taken, depth - 1)
    return PartRecord(
        serial=serial,
        line=line,
        order=last.order if last else "",
        product=last.product if last else "",
        result=next((event.result for event in reversed(passed) if event.result), ""),
        from_=next((step.from_ for step in steps if step.from_), None),
        to=steps[-1].to,
        energy_kwh=sum(known) if known else None,
        steps=steps,
        material=await _batch_facts(store, plant, taken.material, [taken]) if taken and taken.material else None,
        source=source,
        batch=await _batch_facts(store, plant, left.batch, [left]) if left else None,
        became=await _became(store, plant, serial, line),
    )


async def _source(store: Store, plant: Plant, taken: Part, depth: int) -> PartRecord | None:
    """Return the part that another was made from: at the supplier of the flow, else on any other line."""
    flow = _flow_of(plant, taken)
    found = _by_line(await store.traced("part", [taken.source], flow.supplier if flow else ""))
    found.pop(_line(taken.asset), None)
    for line, events in sorted(found.items()):
        return await _record(store, plant, taken.source, line, events, depth=depth)
    return await _made_elsewhere(store, plant, taken.source, flow, taken) if flow else None


async def _made_elsewhere(store: Store, plant: Plant, serial: str, flow: MaterialFlow, used: Part) -> PartRecord:
    """Return a part of a supplier whose machines have reported nothing of it."""
    return PartRecord(
        serial=serial,
        line=flow.supplier,
        order="",
        product=flow.products[0] if flow.products else "",
        result="",
        from_=None,
        to=format_rfc3339(used.at),
        energy_kwh=None,
        steps=[],
        material=None,
        source=None,
        batch=await _batch_facts(store, plant, used.material, [used]) if used.material else None,
        became=await _became(store, plant, serial, flow.supplier),
    )


async def _became(store: Store, plant: Plant, serial: str, line: str) -> list[Reference]:
    used = [event for event in _parts_of(await store.traced("source", [serial])) if _comes_from(plant, event, {line})]
    made = {(_line(event.asset), event.part): event for event in reversed(used)}
    return [
        Reference(part, where, event.product, format_rfc3339(event.at)) for (where, part), event in sorted(made.items())
    ]


async def _step(store: Store, plant: Plant, own: Sequence[Part | Measurement]) -> Step:
    """Return a machine's step from the events of one pass: measurements, and the part event that ends it."""
    last = own[-1]
    part = last if isinstance(last, Part) else None
    start = None if part is None or part.seconds is None else part.at - round(part.seconds * NS_PER_S)
    return Step(
        asset=last.asset,
        title=plant.title(last.asset),
        from_=None if start is None else format_rfc3339(start),
        to=format_rfc3339(last.at),
        result=part.result if part else "",
        energy_kwh=None if start is None else await energy_kwh(store, last.asset, start, last.at),
        measurements=[_measured(event) for event in own if isinstance(event, Measurement)],
    )


def _measured(event: Measurement) -> Measured:
    return Measured(
        event.characteristic,
        event.value,
        event.lower,
        event.nominal,
        event.upper,
        event.unit,
        within=event.place == "within",
    )


def _passes(events: Iterable[AnyEvent]) -> list[list[Part | Measurement]]:
    """Split a part's events into its passes through machines; a part event ends one."""
    open_: dict[str, list[Part | Measurement]] = {}
    done: list[list[Part | Measurement]] = []
    # At one instant a machine has measured before it has finished.
    for event in sorted(events, key=lambda event: (event.at, event.asset, isinstance(event, Part))):
        if isinstance(event, Part | Measurement):
            own = open_.setdefault(event.asset, [])
            own.append(event)
            if isinstance(event, Part):
                done.append(open_.pop(event.asset))
    return [*done, *open_.values()]


async def _batch_facts(store: Store, plant: Plant, number: str, known: Sequence[Part]) -> BatchFacts:
    """Return a batch's flow, and when it left and arrived, from an event of a part in it or made from it."""
    flow = next((found for event in known if (found := _flow_of(plant, event, number))), None)
    shipped = arrived = None
    if flow is not None:
        around = known[0].at
        between = (around - _LONGEST_TRANSIT_NS, around + _LONGEST_TRANSIT_NS)
        shipped = await _noticed(store, flow.supplier, SHIPPED, number, between)
        arrived = await _noticed(store, flow.customer, ARRIVED, number, between)
    return BatchFacts(
        number,
        flow.name if flow else "",
        (flow.title or flow.name) if flow else "",
        flow.supplier if flow else "",
        flow.customer if flow else "",
        shipped,
        arrived,
    )


async def _noticed(store: Store, line: str, code: str, number: str, between: tuple[int, int]) -> str | None:
    for event in await store.events(("event",), line, *between):
        if isinstance(event, Notice) and event.code == code and event.text == number:
            return format_rfc3339(event.at)
    return None


def _flow_of(plant: Plant, event: Part, number: str = "") -> MaterialFlow | None:
    """Return the flow that a batch belongs to: its number begins with the flow's name, else there is only one."""
    line, number = _line(event.asset), number or event.material
    flows = into_line(plant.material_flows, line) if number == event.material else from_line(plant.material_flows, line)
    named = [flow for flow in flows if number.startswith(f"{flow.name}-")]
    if named:
        return named[0]
    return flows[0] if len(flows) == 1 else None


def _comes_from(plant: Plant, event: Part, lines: set[str]) -> bool:
    """Whether the part that an event's part was made from is one of these lines'."""
    flow = _flow_of(plant, event)
    return flow.supplier in lines if flow else _line(event.asset) not in lines


def _by_line(events: Iterable[AnyEvent]) -> dict[str, list[AnyEvent]]:
    found: dict[str, list[AnyEvent]] = {}
    for event in events:
        found.setdefault(_line(event.asset), []).append(event)
    return found


def _parts_of(events: Iterable[AnyEvent]) -> list[Part]:
    return [event for event in events if isinstance(event, Part)]


def _line(asset: str) -> str:
    return asset.rpartition("/")[0]


def as_document(found: Genealogy | BatchGenealogy) -> dict[str, Any]:
    """Return an answer as JSON's types."""
    document: dict[str, Any] = msgspec.to_builtins(found)
    return document
