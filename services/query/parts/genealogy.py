"""The genealogy of a part: the machines that it passed, what was measured, its material and where that came from.

A part is found by its serial number in the part events and measurements that machines report. The same number on two
lines means two parts, unless a flow of material joins them. From a part the search goes on to the part that it was made
from, along the plant's flows, and to those that were made from it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from broker.contract.events import NS_PER_S, AnyEvent, Measurement, Part
from broker.contract.instants import format_rfc3339
from broker.contract.topics import line_of
from broker.plant.material_flow import MaterialFlow
from broker.plant.plant import Plant
from services.query.parts.batches import Batches, flow_of
from services.query.parts.energy import energy_kwh
from services.query.parts.records import (
    BatchGenealogy,
    BatchMember,
    Genealogy,
    Measured,
    PartRecord,
    Reference,
    Step,
)
from services.store.interface import Store

_DEEPEST: Final = 6


class UnknownPartError(LookupError):
    """Nothing is stored of a part or batch; the text has a hint."""


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
    parts = await _Search(store, plant).parts(serial, line)
    if not parts:
        where = f" under {line}" if line else ""
        raise UnknownPartError(
            f"no machine{where} has reported a part {serial!r}; serial numbers are compared letter by letter,"
            " and machines report them with `part` and `quality` messages, for as long as events are stored"
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
    search = _Search(store, plant)
    return BatchGenealogy(
        await search.batches.facts(number, events),
        await search.members({(line_of(event.asset), event.part): event for event in _parts_of(holds)}),
        await search.members(await search.made_from(_parts_of(used))),
    )


class _Search:
    """A search for parts; what it reads of batches is read once."""

    def __init__(self, store: Store, plant: Plant) -> None:
        self._store, self._plant = store, plant
        self.batches = Batches(store, plant)

    async def parts(self, serial: str, line: str) -> list[PartRecord]:
        """Return the parts that have a serial number, each with its genealogy; of a supplier's, what is known of it."""
        found = _by_line(await self._store.traced("part", [serial], line))
        if found:
            return [await self._record(serial, path, events, depth=_DEEPEST) for path, events in sorted(found.items())]
        for used in await self._store.traced("source", [serial]):
            if isinstance(used, Part) and (flow := flow_of(self._plant, used)) and flow.supplier.startswith(line):
                return [await self._made_elsewhere(serial, flow, used)]
        return []

    async def made_from(self, used: Sequence[Part]) -> dict[tuple[str, str], Part]:
        """Return these parts, those made from them, and so on, by line and serial number."""
        affected: dict[tuple[str, str], Part] = {}
        reached = list(used)
        while reached:
            new = {
                (line_of(event.asset), event.part): event
                for event in reached
                if (line_of(event.asset), event.part) not in affected
            }
            affected |= new
            later = await self._store.traced("source", sorted({event.part for event in new.values()})) if new else []
            lines = {line for line, _ in new}
            reached = [event for event in _parts_of(later) if self._comes_from(event, lines)]
        return affected

    async def members(self, named: dict[tuple[str, str], Part]) -> list[BatchMember]:
        """Return parts with the newest that was reported of each, in order of their first event."""
        newest: dict[tuple[str, str], Part] = dict(named)
        for event in _parts_of(
            await self._store.traced("part", sorted({serial for _, serial in named})) if named else []
        ):
            key = (line_of(event.asset), event.part)
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

    async def _record(self, serial: str, line: str, events: Sequence[AnyEvent], *, depth: int) -> PartRecord:
        """Return a part of a line, from its events in order of time."""
        steps = [await self._step(own) for own in sorted(_passes(events), key=lambda own: (own[-1].at, own[-1].asset))]
        passed = _parts_of(events)
        taken = next((event for event in passed if event.material or event.source), None)
        left = next((event for event in reversed(passed) if event.batch), None)
        last = passed[-1] if passed else None
        known = [step.energy_kwh for step in steps if step.energy_kwh is not None]
        source = None
        if taken and taken.source and depth:
            source = await self._source(taken, depth - 1)
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
            material=await self.batches.facts(taken.material, [taken]) if taken and taken.material else None,
            source=source,
            batch=await self.batches.facts(left.batch, [left]) if left else None,
            became=await self._became(serial, line),
        )

    async def _source(self, taken: Part, depth: int) -> PartRecord | None:
        """Return the part that another was made from: at the supplier of the flow, else on any other line."""
        flow = flow_of(self._plant, taken)
        found = _by_line(await self._store.traced("part", [taken.source], flow.supplier if flow else ""))
        found.pop(line_of(taken.asset), None)
        for line, events in sorted(found.items()):
            return await self._record(taken.source, line, events, depth=depth)
        return await self._made_elsewhere(taken.source, flow, taken) if flow else None

    async def _made_elsewhere(self, serial: str, flow: MaterialFlow, used: Part) -> PartRecord:
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
            batch=await self.batches.facts(used.material, [used]) if used.material else None,
            became=await self._became(serial, flow.supplier),
        )

    async def _became(self, serial: str, line: str) -> list[Reference]:
        used = [
            event
            for event in _parts_of(await self._store.traced("source", [serial]))
            if self._comes_from(event, {line})
        ]
        made = {(line_of(event.asset), event.part): event for event in reversed(used)}
        return [
            Reference(part, where, event.product, format_rfc3339(event.at))
            for (where, part), event in sorted(made.items())
        ]

    async def _step(self, own: Sequence[Part | Measurement]) -> Step:
        """Return a machine's step from the events of one pass: measurements, and the part event that ends it."""
        last = own[-1]
        part = last if isinstance(last, Part) else None
        start = None if part is None or part.seconds is None else part.at - round(part.seconds * NS_PER_S)
        return Step(
            asset=last.asset,
            title=self._plant.title(last.asset),
            from_=None if start is None else format_rfc3339(start),
            to=format_rfc3339(last.at),
            result=part.result if part else "",
            energy_kwh=None if start is None else await energy_kwh(self._store, last.asset, start, last.at),
            measurements=[_measured(event) for event in own if isinstance(event, Measurement)],
        )

    def _comes_from(self, event: Part, lines: set[str]) -> bool:
        """Whether the part that an event's part was made from is one of these lines'."""
        flow = flow_of(self._plant, event)
        return flow.supplier in lines if flow else line_of(event.asset) not in lines


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


def _by_line(events: Iterable[AnyEvent]) -> dict[str, list[AnyEvent]]:
    found: dict[str, list[AnyEvent]] = {}
    for event in events:
        found.setdefault(line_of(event.asset), []).append(event)
    return found


def _parts_of(events: Iterable[AnyEvent]) -> list[Part]:
    return [event for event in events if isinstance(event, Part)]
