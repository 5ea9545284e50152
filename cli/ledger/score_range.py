"""Which time range `corridor score` compares: what the ground truth covers and the store has received.

A message that the broker has accepted may still wait there for the service that stores it: while a demo runs, and after
one that was stopped, until the next start. What follows the newest stored message of a machine is therefore not
compared. Messages of a machine are stored in their order, so all before that one is.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from broker.contract import instants
from broker.contract.instants import FOR_EVER
from cli.invocation.errors import CommandError
from edge.simulation.event_buffer import GroundTruth, TrueState
from edge.simulation.ground_truth import Until, published_by_devices
from services.ledger.fields import NANO
from services.ledger.history import HOLDING
from services.store.interface import Store

WAITING_NS: Final = 120 * NANO
"""A simulated machine reads its meters more often than this, so a larger difference is worth a note."""


class ScoreRange(NamedTuple):
    """A range that is compared: start ≤ t < end.

    Attributes:
        start: nanoseconds since 1970-01-01 UTC.
        end: the same.
        left_out: the machines for which a device published in it: the ground truth does not know what they did.
        notes: why it is not all that the truth covers; none if it is.
    """

    start: int
    end: int
    left_out: frozenset[str]
    notes: list[str]


async def range_of(store: Store, lines: Sequence[GroundTruth | Until], last: float | None) -> ScoreRange:
    """Return the range that is compared.

    Args:
        store: with the events.
        lines: of the truth log.
        last: how much of it was asked for, seconds; None for all.

    Raises:
        CommandError: there is none.
    """
    until = max((line.at for line in lines if isinstance(line, Until)), default=0)
    first = min((line.at for line in lines), default=0)
    if until - 1 <= first:
        raise CommandError("the ground truth covers no time yet", "wait a minute")
    machines = sorted({line.asset for line in lines if isinstance(line, TrueState)})
    present = published_by_devices(lines, until, until)
    end = min([until, *[await _last_stored(store, machine) for machine in machines if machine not in present]]) - 1
    notes = []
    is_left = any(isinstance(line, TrueState) and line.at == until and line.state == "unknown" for line in lines)
    if until - 1 - end > (0 if is_left else WAITING_NS):
        notes.append(
            f"newer messages than {instants.format_rfc3339(end + 1)} are not in the store; those that wait at the "
            "broker are stored once the demo or its services run again"
        )
    start = first
    asked = first if last is None else end - round(last * NANO)
    stored = [await _first_stored(store, machine) for machine in machines]
    if min(stored) > first + NANO:
        start = max(stored)
        if asked < start:
            notes.append(f"older events than {instants.format_rfc3339(start)} are not in the store")
    start = max(start, asked)
    if start >= end:
        raise CommandError("the store has no events of the simulator", "name its store with --store")
    left_out = published_by_devices(lines, start, end)
    if left_out:
        notes.append(f"devices published for these machines, which are not compared: {', '.join(sorted(left_out))}")
    return ScoreRange(start, end, left_out, notes)


async def _first_stored(store: Store, machine: str) -> int:
    """Return from when on both states and counts of a machine are in the store."""
    firsts = [
        event.at
        for kind in (("state",), ("count",))
        for event in await store.events(kind, machine, -FOR_EVER, FOR_EVER, limit=1)
    ]
    return max(firsts, default=FOR_EVER)


async def _last_stored(store: Store, machine: str) -> int:
    """Return when the newest stored message of a simulated machine is from, of those that its ledger is made from."""
    newest = await store.latest_before(HOLDING, machine, FOR_EVER)
    return max((event.at for event in newest if event.asset == machine), default=FOR_EVER)
