"""Finding parts: what a name that somebody typed in is, and the newest parts of a line or machine.

A serial number and the number of a batch look alike to whoever reads them off a label, so a name is looked up as both.
Of a name that is neither, the hint is what was reported lately and is spelt nearly so.
"""

import difflib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, Literal

import msgspec

from broker.contract.events import AnyEvent, Measurement, Part
from broker.contract.instants import EARLIEST, LATEST, format_rfc3339
from broker.contract.topics import line_of
from broker.plant.plant import Plant
from services.query.parts.genealogy import UnknownPartError, batch_genealogy, genealogy
from services.query.parts.records import BatchGenealogy, Genealogy
from services.store.interface import Store

MOST_LISTED: Final = 500
_LOOKED_AT: Final = 2_000
"""Events of which the names are compared with one that is not known."""
_MOST_NEAR: Final = 6
_NEAR: Final = 0.75


class Near(msgspec.Struct, frozen=True):
    """A name that was reported, and is spelt nearly as the one that was asked for."""

    name: str
    kind: Literal["part", "batch"]


class Found(msgspec.Struct, frozen=True):
    """What a name is.

    Attributes:
        name: as it was asked for.
        genealogy: of the parts that have it as their serial number; null where there is none.
        batch: what it holds and affects; null where it is no batch.
        near: where it is neither: names like it, the nearest first.
    """

    name: str
    genealogy: Genealogy | None
    batch: BatchGenealogy | None
    near: list[Near]


class ListedPart(msgspec.Struct, frozen=True):
    """A part as a machine last reported it.

    Attributes:
        serial: its serial number.
        asset: the machine that reported last.
        at: when that was, RFC 3339.
        product: what it is.
        order: that it belongs to.
        result: the newest that was reported; '' for none.
        outside: the characteristics that were measured beyond their limits.
        material: the batch that it was made from; '' where none is known.
    """

    serial: str
    asset: str
    at: str
    product: str
    order: str
    result: str
    outside: list[str]
    material: str


async def find(store: Store, plant: Plant, name: str, asset: str = "") -> Found:
    """Return what a name is: a part's, a batch's, both or neither.

    Args:
        store: where the events are.
        plant: its flows of material.
        name: a serial number, or the number of a batch.
        asset: parts under this asset path only.
    """
    parts = batch = None
    with suppress(UnknownPartError):
        parts = await genealogy(store, plant, name, asset)
    with suppress(UnknownPartError):
        batch = await batch_genealogy(store, plant, name)
    near = [] if parts or batch or not name.strip() else await _near(store, name.strip())
    return Found(name, parts, batch, near)


async def listed_parts(store: Store, asset: str, start: int, end: int, *, most: int = 100) -> list[ListedPart]:
    """Return the parts that the machines under `asset` reported over start ≤ t < end, the newest first."""
    events = await store.events(("part", "quality"), asset, start, end, limit=_LOOKED_AT, newest_first=True)
    found: dict[tuple[str, str], list[Part | Measurement]] = {}
    for event in events:
        if isinstance(event, Part | Measurement) and event.part:
            found.setdefault((line_of(event.asset), event.part), []).append(event)
    return [_listed(events) for events in list(found.values())[:most]]


def _listed(events: Sequence[Part | Measurement]) -> ListedPart:
    """Return one part from its events, the newest first."""
    passed = [event for event in events if isinstance(event, Part)]
    return ListedPart(
        serial=events[0].part or "",
        asset=events[0].asset,
        at=format_rfc3339(events[0].at),
        product=_first(event.product for event in passed),
        order=_first(event.order for event in passed),
        result=_first(event.result for event in passed),
        outside=_outside(events),
        material=_first(event.material for event in passed),
    )


def _outside(events: Iterable[Part | Measurement]) -> list[str]:
    """Return the characteristics whose newest value is beyond its limits; events come newest first."""
    newest: dict[str, Measurement] = {}
    for event in events:
        if isinstance(event, Measurement):
            newest.setdefault(event.characteristic, event)
    return sorted(name for name, event in newest.items() if event.place != "within")


def _first(texts: Iterable[str]) -> str:
    return next(filter(None, texts), "")


async def _near(store: Store, name: str) -> list[Near]:
    """Return names that were reported lately: those that hold this one, then those that are spelt nearly so."""
    kinds = _names(await store.events(("part", "quality"), "", EARLIEST, LATEST, limit=_LOOKED_AT, newest_first=True))
    folded = name.casefold()
    holding = [known for known in kinds if folded in known.casefold() or known.casefold() in folded]
    spelt = {known.casefold(): known for known in kinds}
    alike = [spelt[near] for near in difflib.get_close_matches(folded, spelt, n=_MOST_NEAR, cutoff=_NEAR)]
    exact = [known for known in holding if known.casefold() == folded]
    ordered = dict.fromkeys((*exact, *alike, *holding))
    return [Near(known, kinds[known]) for known in list(ordered)[:_MOST_NEAR]]


def _names(events: Iterable[AnyEvent]) -> dict[str, Literal["part", "batch"]]:
    kinds: dict[str, Literal["part", "batch"]] = {}
    for event in events:
        if isinstance(event, Part):
            for number in filter(None, (event.material, event.batch)):
                kinds.setdefault(number, "batch")
            for serial in filter(None, (event.part, event.source)):
                kinds.setdefault(serial, "part")
        elif isinstance(event, Measurement) and event.part:
            kinds.setdefault(event.part, "part")
    return kinds
