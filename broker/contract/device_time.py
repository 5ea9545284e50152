"""The time that a device sends: its form, and whether it is near enough to the message's receipt to be right."""

from typing import Final

from broker.contract import instants
from broker.contract.errors import ContractError
from broker.contract.events import (
    FURTHEST_AHEAD_NS,
    NS_PER_MS,
    NS_PER_S,
)
from broker.contract.lenient import leniency

RETENTION_NS: Final = 30 * 86_400 * NS_PER_S
"""How long events are stored; older ones are rejected."""


def instant(ts: float | str) -> int:
    """Return the nanoseconds of a time; a number may come as text, as other numbers may.

    Raises:
        ContractError: it is neither a number nor RFC 3339.
    """
    sent = leniency.milliseconds(ts) if isinstance(ts, str) else None
    return instants.parse(ts if sent is None else sent)


def check_time(at: int, received_at: int, retention_ns: int) -> None:
    """Check that a time is near enough to its receipt; all three are nanoseconds.

    Raises:
        ContractError: it is too far ahead of the receipt, or before what is stored; the hint names the likely unit.
    """
    if at > received_at + FURTHEST_AHEAD_NS:
        raise ContractError(
            f"time is {_duration_text(at - received_at)} ahead of its receipt",
            _unit_advice(at, received_at, retention_ns),
        )
    if at < received_at - retention_ns:
        raise ContractError(
            f"time is {_duration_text(received_at - at)} ago, retention is {_duration_text(retention_ns)}",
            _unit_advice(at, received_at, retention_ns),
        )


def _unit_advice(at: int, received_at: int, retention_ns: int) -> str:
    """Return a hint: the unit that the time's size suggests, else to set the clock."""
    sent = at // NS_PER_MS
    for unit, factor in (("seconds", NS_PER_S), ("microseconds", 1_000), ("nanoseconds", 1)):
        if received_at - retention_ns <= sent * factor <= received_at + FURTHEST_AHEAD_NS:
            return f"ts looks like {unit}, send milliseconds since 1970"
    return "set the device's clock, or leave ts out to have the time of receipt"


def _duration_text(ns: int) -> str:
    seconds = ns // NS_PER_S
    for size, unit in ((365 * 86_400, "years"), (86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
