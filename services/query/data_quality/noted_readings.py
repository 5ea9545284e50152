"""Readings of counters, meters and materials that were something else than production, one by one, with their size."""

from typing import Final

import msgspec

from broker.contract import instants
from services.ledger.fields import NANO
from services.ledger.history import History
from services.ledger.readings.cumulative import Noted
from services.ledger.readings.kinds import CORRECTION, DIP, NEW_BASE, RESET, ROLL_OVER, SPIKE

_SENTENCES: Final[dict[int, tuple[str, str]]] = {
    DIP: ("dip", "{field} fell from {base} to {total} and was back: the fall is not counted"),
    CORRECTION: ("correction", "{field} went back from {base} to {total}: {size} are taken off"),
    ROLL_OVER: ("roll-over", "{field} passed its greatest value from {base} to {total}: {counted} are counted"),
    RESET: ("reset", "{field} fell from {base} to {total}: it is counted from zero, {counted}"),
    SPIKE: ("spike", "{field} jumped from {base} to {total} and was back: the jump of {size} is not counted"),
    NEW_BASE: ("new-base", "{field} jumped from {base} to {total}: taken as a new counter, {size} are not counted"),
}


class NotedReading(msgspec.Struct, frozen=True):
    """A reading that was something else than production, and what was done with it.

    Attributes:
        machine: whose.
        at: when it was read, RFC 3339.
        field: of the ledger.
        source: the name of the meter or material, '' of a counter.
        kind: `dip`, `correction`, `roll-over`, `reset`, `spike` or `new-base`.
        before: the total before, in the field's unit.
        total: what was read.
        size: by how much it fell or jumped.
        counted: what it added to the field.
        text: the same as a sentence.
    """

    machine: str
    at: str
    field: str
    source: str
    kind: str
    before: float
    total: float
    size: float
    counted: float
    text: str


def noted_readings(machine: str, history: History, start: int, end: int) -> list[NotedReading]:
    """Return the readings of a machine with start < t ≤ end that were noted, in order of time."""
    found = sorted(history.cumulative.noted(start, end), key=lambda noted: (noted.at, noted.field, noted.source))
    return [_shown(machine, noted) for noted in found]


def _shown(machine: str, noted: Noted) -> NotedReading:
    kind, sentence = _SENTENCES[noted.kind]
    before, total, counted = (amount / NANO for amount in (noted.base, noted.total, noted.added))
    size = abs(noted.total - noted.base) / NANO
    return NotedReading(
        machine=machine,
        at=instants.format_rfc3339(noted.at),
        field=noted.field,
        source=noted.source,
        kind=kind,
        before=before,
        total=total,
        size=size,
        counted=counted,
        text=sentence.format(
            field=noted.source or noted.field,
            base=_number(before),
            total=_number(total),
            size=_number(size),
            counted=_number(counted),
        ),
    )


def _number(amount: float) -> str:
    return f"{amount:.12g}"
