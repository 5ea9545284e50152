"""Who reported for a machine: its simulation, a real device, and the moments in between."""

import pytest

from broker.contract.events import NS_PER_MS, NS_PER_S, AnyEvent, Count, Status
from services.query.origins import origins
from services.store.interface import Batch, Store

MILL = "a/b/c/mill-1"
START = 1_795_593_600 * NS_PER_S


def counts(seconds: list[float], *, simulated: bool) -> list[Count]:
    return [
        Count(asset=MILL, at=START + round(second * NS_PER_S), produced=place, simulated=simulated)
        for place, second in enumerate(seconds)
    ]


async def seen(store: Store, start: float = -1_000, end: float = 1_000) -> list[tuple[float, float, bool]]:
    found = await origins(store, MILL, START + round(start * NS_PER_S), START + round(end * NS_PER_S))
    return [
        ((each.start - START // NS_PER_MS) / 1_000, (each.end - START // NS_PER_MS) / 1_000, each.simulated)
        for each in found
    ]


async def test_a_device_that_takes_over_and_is_gone_makes_two_moments(store: Store) -> None:
    events: list[AnyEvent] = [
        *counts([0, 10, 20], simulated=True),
        Status(asset=MILL, at=START + 30 * NS_PER_S, online=True),
        *counts([40, 50], simulated=False),
        Status(asset=MILL, at=START + 60 * NS_PER_S, online=False),
        *counts([70, 80], simulated=True),
    ]
    await store.write(Batch(events=events))
    assert await seen(store) == [(0, 30, True), (30, 70, False), (70, 80, True)]
    assert await seen(store, 45, 65) == [(45, 60, False)]
    assert await seen(store, 15, 45) == [(15, 30, True), (30, 40, False)]


@pytest.mark.parametrize("overlap", [[30.0, 31.0], [30.0, 32.0, 35.0]])
async def test_messages_that_overlap_for_a_moment_are_one_moment(store: Store, overlap: list[float]) -> None:
    await store.write(Batch(events=counts([0, 10, 20, *(each + 0.5 for each in overlap[:-1])], simulated=True)))
    await store.write(Batch(events=counts([*overlap, 40, 50], simulated=False)))
    assert await seen(store) == [(0, 30, True), (30, 50, False)]


async def test_a_machine_that_is_always_simulated_has_one_origin_and_an_unknown_one_none(store: Store) -> None:
    assert await seen(store) == []
    await store.write(Batch(events=counts([0, 10], simulated=True)))
    assert await seen(store) == [(0, 10, True)]
