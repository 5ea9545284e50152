"""Machines that may be silent only so long: the same time is unknown in any order of arrival, and by any setting."""

import asyncio
from itertools import pairwise

import hypothesis
import pytest
from hypothesis import strategies as st

from broker.contract.events import AnyEvent, Count, Sample, StateChange
from broker.plant.plant import NO_PLANT, Plant
from broker.plant.plant_file import parse
from edge.simulation.clock import VirtualClock
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.recompute import recompute
from services.query.ranges import measure
from services.store.interface import Batch, Store
from tests.ledger.deliveries import T0
from tests.ledger.oracle import MINUTE
from tests.ledger.stores import empty_store
from tests.properties import examples

MILL = "works/hall/line-1/mill-1"
END = T0 + 240 * MINUTE
FOR_EVER = 2**62


def silent_after(minutes: int) -> Plant:
    return parse(f'[asset.works]\nsilent-after = "{minutes}m"\n', "plant.toml") if minutes else NO_PLANT


def unknown_ns(events: list[AnyEvent], minutes: int) -> int:
    """Return how long the machine is unknown from T0 to END by `minutes` of silence; never with 0."""
    since = min(event.at for event in events if isinstance(event, StateChange))
    times = [*sorted({event.at for event in events}), END]
    limit = minutes * MINUTE or FOR_EVER
    silent = [(before + limit, after) for before, after in pairwise(times) if after - before > limit]
    return since - T0 + sum(after - max(begin, since) for begin, after in silent if after > since)


@st.composite
def reported(draw: st.DrawFn) -> list[AnyEvent]:
    found: list[AnyEvent] = [StateChange(asset=MILL, at=T0 + MINUTE, state="running")]
    kinds = draw(st.lists(st.sampled_from(["count", "sample", "state"]), min_size=2, max_size=14))
    for number, kind in enumerate(kinds):
        at = T0 + draw(st.integers(2, 230)) * MINUTE + number
        received_ms = at // 1_000_000
        if kind == "count":
            found.append(Count(asset=MILL, at=at, produced=at - T0, received_ms=received_ms))
        elif kind == "sample":
            found.append(Sample(asset=MILL, at=at, signal="load", value=1.0))
        else:
            found.append(StateChange(asset=MILL, at=at, state="running", received_ms=received_ms))
    # The service sees no telemetry: what is between its samples is noticed with the next message of another kind.
    last = T0 + draw(st.integers(231, 239)) * MINUTE
    found.append(Count(asset=MILL, at=last, produced=last - T0, received_ms=last // 1_000_000))
    return sorted(found, key=lambda event: event.at)


async def deliver(store: Store, plant: Plant, events: list[AnyEvent], size: int, *, live: bool) -> None:
    """Store events batch by batch, telemetry as another service does; every other batch by a new writer.

    In time, or all late, telemetry first.
    """
    clock = VirtualClock(T0 if live else END)
    writer = LedgerWriter(store, plant, clock.now)
    await store.write(Batch(events=[event for event in events if isinstance(event, Sample) and not live]))
    for place in range(0, len(events), size):
        batch = events[place : place + size]
        await clock.sleep_until(max(batch[-1].at, clock.now()))
        await store.write(Batch(events=[event for event in batch if isinstance(event, Sample)]))
        if place // size % 2:
            writer = LedgerWriter(store, plant, clock.now)
        await writer.store_events([event for event in batch if not isinstance(event, Sample)])
        await writer.advance()
    await clock.sleep_until(END)
    await writer.advance()
    await writer.finish()


async def measured(store: Store, plant: Plant) -> int:
    total = (await measure(store, plant, MILL, T0, END, now=END)).total()
    assert total.get("unknown_s", 0) + total.get("running_s", 0) == END - T0
    return total.get("unknown_s", 0)


@pytest.mark.slow
@examples(30)
@hypothesis.given(reported(), st.data())
def test_the_same_time_is_unknown_in_any_order_and_by_any_setting(events: list[AnyEvent], data: st.DataObject) -> None:
    live = data.draw(st.booleans())
    order = events if live else data.draw(st.permutations(events))
    size = data.draw(st.sampled_from([1, 3, 100]))
    minutes = data.draw(st.sampled_from([5, 10, 45]))
    other = data.draw(st.sampled_from([0, 7, 60]))

    async def check() -> None:
        async with empty_store() as store:
            await deliver(store, silent_after(minutes), order, size, live=live)
            assert await measured(store, silent_after(minutes)) == unknown_ns(events, minutes)
            assert (await recompute(store, silent_after(minutes), "", 0, FOR_EVER, now=END)).changed == 0
            await recompute(store, silent_after(other), "", 0, FOR_EVER, now=END)
            assert await measured(store, silent_after(other)) == unknown_ns(events, other)

    asyncio.run(check())
