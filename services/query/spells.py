"""The past as ribbons draw it: which state each machine was in, and which order was on it, from when to when.

The timeline is the ledger's own, so a ribbon and the indicators beside it tell the same story. Spells shorter than a
pixel are merged into their neighbours where a range holds more spells than a screen has pixels.
"""

from typing import Final

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_MS
from services.ledger.history import History
from services.query.constraint import timelines
from services.store.interface import Store

MOST_SPELLS: Final = 4_000
"""Of one machine; a range that holds more is thinned to this."""


MOST_IN_ALL: Final = 200_000
"""Spells of all machines that are asked for at once."""


class Spells(msgspec.Struct, frozen=True):
    """A machine over a range.

    Attributes:
        asset: the machine.
        states: (from, to, state, reason), times in ms, in order, without gaps; unknown where nobody knows.
        orders: (from, to, order, product), where an order was on.
        thinned: short spells were merged away, because there were too many to draw.
    """

    asset: str
    states: list[tuple[int, int, str, str]]
    orders: list[tuple[int, int, str, str]]
    thinned: bool = False


async def spells(store: Store, asset: str, start: int, end: int) -> list[Spells]:
    """Return the spells of every machine under `asset` over [start, end).

    Raises:
        ContractError: there are too many.
    """
    found = await timelines(store, asset, start, end)
    told: list[Spells] = []
    left = MOST_IN_ALL
    for machine, history in sorted(found.items()):
        told.append(_of(machine, history, start, end))
        left -= len(told[-1].states) + len(told[-1].orders)
        if left < 0:
            raise ContractError(
                f"the machines have more than {MOST_IN_ALL} states and orders in this range",
                "ask for fewer machines, or a shorter range",
            )
    return told


def _of(machine: str, history: History, start: int, end: int) -> Spells:
    states: list[tuple[int, int, str, str]] = []
    for first, last, said in history.stretches(start, end):
        if states and states[-1][2:] == (said.state, said.reason):
            states[-1] = (states[-1][0], last, said.state, said.reason)
        else:
            states.append((first, last, said.state, said.reason))
    drawn = _thin(states, (end - start) // MOST_SPELLS) if len(states) > MOST_SPELLS else states
    return Spells(machine, [_in_ms(each) for each in drawn], _orders(history, start, end), len(drawn) < len(states))


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


def _thin(spells: list[tuple[int, int, str, str]], shortest: int) -> list[tuple[int, int, str, str]]:
    """Merge spells shorter than `shortest` into the one before."""
    kept: list[tuple[int, int, str, str]] = []
    for first, last, state, reason in spells:
        if kept and (last - first < shortest or kept[-1][2:] == (state, reason)):
            kept[-1] = (kept[-1][0], last, *kept[-1][2:])
        else:
            kept.append((first, last, state, reason))
    return kept


def _in_ms(spell: tuple[int, int, str, str]) -> tuple[int, int, str, str]:
    return spell[0] // NS_PER_MS, spell[1] // NS_PER_MS, spell[2], spell[3]
