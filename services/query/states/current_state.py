"""The current state of a machine, and of a line, area or site, from what its machines report.

A machine is in the state that it last reported, unless its device is offline: then it is unknown. Back online it is in
the state that it reported before, from the moment it came back, until it reports another.

A group (line, area, site) has the most urgent state of its machines: a machine that is down makes its line *down*, and
is named; else the line runs if any of its machines runs; else it waits, is being set up, and so on. The number of
machines in each state stands beside it.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from broker.contract.events import State, StateChange, Status

URGENCY: Final[tuple[State, ...]] = (
    "down",
    "running",
    "blocked",
    "starved",
    "setup",
    "idle",
    "maintenance",
    "unknown",
    "off",
)
"""Which machine's state a group is shown by: the first of these that any of its machines is in."""


class CurrentState(msgspec.Struct, frozen=True, gc=False):
    """The state of a machine or group.

    Attributes:
        state: the state.
        since: from when it is known, nanoseconds; None where that is unknown.
        reason: why, '' where none is reported.
        machine: of a group, the machine that it is shown by.
        of_unknown_age: the state was retained without a time: it may be hours old.
    """

    state: State
    since: int | None = None
    reason: str = ""
    machine: str = ""
    of_unknown_age: bool = False


def of_machine(
    reported_state: StateChange | None, status: Status | None, back_at: int | None, *, is_awaited: bool = False
) -> CurrentState:
    """Return the current state of a machine.

    Args:
        reported_state: the newest state that it reported.
        status: whether its device is connected, from itself or its last will.
        back_at: when the device came back, if it was once offline.
        is_awaited: a real device is expected, and has not reported anything.
    """
    if status is not None and not status.online and (reported_state is None or reported_state.at <= status.at):
        return CurrentState("unknown", _since(status), "offline", of_unknown_age=status.time_source == "retained")
    if reported_state is None:
        return CurrentState("unknown", None, "awaiting-device" if is_awaited else "no-state-heard")
    since = _since(reported_state)
    if since is not None and back_at is not None and back_at > since:
        since = back_at
    return CurrentState(
        reported_state.state, since, reported_state.reason, of_unknown_age=reported_state.time_source == "retained"
    )


def of_group(
    machines: Iterable[tuple[str, CurrentState]], former: CurrentState | None
) -> tuple[CurrentState, dict[State, int]]:
    """Return the current state of a group, and how many of its machines are in each state.

    Args:
        machines: path and current state of each machine, in the order of the line.
        former: the group's state before: while it stays the same without being named by one machine, `since` stays.
    """
    each = list(machines)
    tally = Counter(current_state.state for _, current_state in each)
    state: State = next((state for state in URGENCY if tally[state]), "unknown")
    those = [(path, current_state) for path, current_state in each if current_state.state == state]
    known = [current_state.since for _, current_state in those if current_state.since is not None]
    if state == "down":
        path, worst = min(those, key=lambda each: each[1].since if each[1].since is not None else 0)
        return msgspec.structs.replace(worst, machine=path), dict(tally)
    since: int | None
    if former is not None and former.state == state and former.since is not None:
        since = former.since
    elif former is not None:
        since = max((current_state.since for _, current_state in each if current_state.since is not None), default=None)
    else:
        since = min(known, default=None)
    shown = those[0] if len(those) == 1 else None
    return (
        CurrentState(
            state,
            since,
            shown[1].reason if shown else "",
            shown[0] if shown else "",
            of_unknown_age=all(current_state.of_unknown_age for _, current_state in those),
        ),
        dict(tally),
    )


def _since(event: StateChange | Status) -> int | None:
    return None if event.time_source == "retained" else event.at
