"""Retained messages without a time of their own: what is last known, of unknown age, and never "now".

A broker hands them to each new subscriber, so they come again with every restart of a service, broker or device. One
counts only where nothing of its kind is stored of its machine; a state where the machine is online and reported no
other since. A reading, a quantity or an alarm of unknown age is in no sum, and is never stored.
"""

from typing import Final

from broker.contract.events import AnyEvent
from broker.contract.kinds import TABLE

_NOTES: Final = {
    "state": "it is stored where the machine is online, and no state or another one is stored of it",
    "other": "it is stored where nothing of this kind is stored of the machine",
    "": "it is not stored: screens show it, no sum has it",
}


def is_snapshot(event: AnyEvent) -> bool:
    """Return whether an event is of unknown age: its message was retained, and has no time of its own."""
    return event.time_source == "retained"


def may_be_stored(event: AnyEvent) -> bool:
    """Return whether an event is of known age, or may count even so."""
    return not is_snapshot(event) or TABLE[event.kind].is_condition


def note(event: AnyEvent) -> str:
    """Return what becomes of a retained message without a time, in words."""
    use = "" if not TABLE[event.kind].is_condition else event.kind if event.kind in _NOTES else "other"
    return f"no ts, and retained: it is the last known value, not that of now; {_NOTES[use]}"
