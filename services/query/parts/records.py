"""The records that answer a question for a part or a batch; encoded, they are the documents of API and command line."""

from typing import Any

import msgspec


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


def as_document(found: Genealogy | BatchGenealogy) -> dict[str, Any]:
    """Return an answer as JSON's types."""
    document: dict[str, Any] = msgspec.to_builtins(found)
    return document
