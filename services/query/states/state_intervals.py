"""State intervals: which state each machine was in, and which order ran on it, from when to when.

The timeline is the ledger's own, so intervals and indicators agree. Where a range has more intervals than a screen has
pixels, those shorter than a pixel are merged into the one before.
"""

from typing import Final

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_MS
from services.ledger.history import History
from services.query.constraint import timelines
from services.store.interface import Store

MOST_INTERVALS: Final = 4_000
"""Of one machine; a range that has more is downsampled to this."""

MOST_IN_ALL: Final = 200_000
"""State intervals and orders of all machines in one answer."""


class StateIntervals(msgspec.Struct, frozen=True):
    """A machine over a range.

    Attributes:
        asset: the machine.
        states: (from, to, state, reason), times in ms, in order, without gaps.
        orders: (from, to, order, product), where an order ran.
        downsampled: whether short intervals were merged, because there were too many to draw.
    """

    asset: str
    states: list[tuple[int, int, str, str]]
    orders: list[tuple[int, int, str, str]]
    downsampled: bool = False


async def state_intervals(store: Store, asset: str, start: int, end: int) -> list[StateIntervals]:
    """Return the state intervals of every machine under `asset` over [start, end).

    Raises:
        ContractError: there are too many.
    """
    found = await timelines(store, asset, start, end)
    reported: list[StateIntervals] = []
    left = MOST_IN_ALL
    for machine, history in sorted(found.items()):
        reported.append(_of(machine, history, start, end))
        left -= len(reported[-1].states) + len(reported[-1].orders)
        if left < 0:
            raise ContractError(
                f"the machines have more than {MOST_IN_ALL} states and orders in this range",
                "ask for fewer machines, or a shorter range",
            )
    return reported


def _of(machine: str, history: History, start: int, end: int) -> StateIntervals:
    states: list[tuple[int, int, str, str]] = []
    for first, last, reported_state in history.intervals(start, end):
        if states and states[-1][2:] == (reported_state.state, reported_state.reason):
            states[-1] = (states[-1][0], last, reported_state.state, reported_state.reason)
        else:
            states.append((first, last, reported_state.state, reported_state.reason))
    drawn = _downsample(states, (end - start) // MOST_INTERVALS) if len(states) > MOST_INTERVALS else states
    return StateIntervals(
        machine, [_in_ms(each) for each in drawn], _orders(history, start, end), len(drawn) < len(states)
    )


def _orders(history: History, start: int, end: int) -> list[tuple[int, int, str, str]]:
    times, entries = history.jobs.times, history.jobs.entries
    bands: list[tuple[int, int, str, str]] = []
    for place, order in enumerate(entries):
        first = max(times[place], start)
        last = min(times[place + 1] if place + 1 < len(times) else end, end)
        if order is None or first >= last:
            continue
        if place and order == entries[place - 1] and bands:  # it went on
            first = bands.pop()[0]
        bands.append((first, last, order.order, order.product))
    return [_in_ms(each) for each in bands]


def _downsample(state_intervals: list[tuple[int, int, str, str]], shortest: int) -> list[tuple[int, int, str, str]]:
    """Merge intervals shorter than `shortest` into the one before."""
    stored: list[tuple[int, int, str, str]] = []
    for first, last, state, reason in state_intervals:
        if stored and (last - first < shortest or stored[-1][2:] == (state, reason)):
            stored[-1] = (stored[-1][0], last, *stored[-1][2:])
        else:
            stored.append((first, last, state, reason))
    return stored


def _in_ms(state_interval: tuple[int, int, str, str]) -> tuple[int, int, str, str]:
    return state_interval[0] // NS_PER_MS, state_interval[1] // NS_PER_MS, state_interval[2], state_interval[3]
