"""Weeks of the shipped plant, through messages into the ledger: the same seconds and pieces as really were.

Messages come in any order within ten minutes, some twice, some hours late (but for an offline); the
machines go offline now and then, the ledger writer is restarted. `DAYS` in the environment says how many days;
30 take some minutes.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import msgspec
import pytest

from broker.contract import codec
from broker.contract.events import NS_PER_S, AnyEvent, Sample, Status
from broker.contract.message import Message
from broker.plant.plant import Plant
from cli.ledger.score import compare
from edge.simulation import districts, ground_truth
from edge.simulation.clock import VirtualClock
from edge.simulation.simulation import SamplingIntervals, Simulation
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.recompute import recompute
from services.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from edge.simulation.event_buffer import GroundTruth

DAYS = float(os.environ.get("DAYS", "3"))
START = 1_764_000_000 * NS_PER_S
MINUTE = 60 * NS_PER_S
WINDOW = 10 * MINUTE
NO_SENSORS = SamplingIntervals(sensors=10 * 365 * 86_400 * NS_PER_S, meters=10 * MINUTE)


class Floor:
    """The simulated machines, which go offline now and then; and what was really so."""

    def __init__(self, plant: Plant, draw: Random) -> None:
        self.truth: list[GroundTruth] = []
        self._plant, self._draw = plant, draw
        self._simulation = Simulation(plant, START)
        self._simulation.sampling = NO_SENSORS
        self._simulation.announce(order_since=START)

    def live(self, end: int) -> Iterator[list[AnyEvent]]:
        """Yield what is reported, window by window."""
        while (at := self._simulation.now) < end:
            reported_state = self._simulation.run_until(min(at + WINDOW, end))
            self.truth += self._simulation.take_ground_truth()
            if self._draw.random() < 0.02:
                reported_state = [*reported_state, *self._break()]
            yield reported_state

    def _break(self) -> list[AnyEvent]:
        """Go offline for a while."""
        checkpoint = self._simulation.checkpoint()
        assets = [unit.asset for unit in self._simulation.units]
        self.truth += ground_truth.offline(assets, checkpoint.at)
        resumed = checkpoint.at + self._draw.randrange(MINUTE, 90 * MINUTE)
        self._simulation = Simulation(self._plant, resumed, checkpoint)
        self._simulation.sampling = NO_SENSORS
        self._simulation.announce(order_since=resumed - 7 * 86_400 * NS_PER_S)
        return [Status(asset=asset, at=checkpoint.at, simulated=True, online=False) for asset in assets]


def sent(windows: Iterator[list[AnyEvent]], draw: Random) -> Iterator[tuple[int, list[Message]]]:
    """Yield each window's end and the messages that have come by then."""
    late: list[tuple[int, Message]] = []
    now = START
    for window in windows:
        now = max([now, *(event.at + 1 for event in window)])
        coming = [message for due, message in late if due <= now]
        late = [(due, message) for due, message in late if due > now]
        for event in window:
            if isinstance(event, Sample):
                continue
            rng = draw.random()
            message = codec.encode(event)
            if rng < 0.02 and not is_offline(event):
                late.append((now + draw.randrange(3 * 60 * MINUTE), message))
            else:
                coming += [message] * (2 if rng < 0.05 else 1)
        draw.shuffle(coming)
        yield now, [msgspec.structs.replace(message, retained=False, received_at=now) for message in coming]
    yield now, [msgspec.structs.replace(message, retained=False, received_at=now) for _, message in late]


def is_offline(event: AnyEvent) -> bool:
    """Return whether the broker publishes it: then it is not hours late, or would count from the messages before it."""
    return isinstance(event, Status) and not event.online


@pytest.mark.slow
@pytest.mark.timeout(300 if DAYS <= 5 else 3_600)
async def test_days_of_the_plant_through_messages_are_the_truth(tmp_path: Path) -> None:
    plant, draw = districts.plant(), Random(22_400)
    store = await SqliteStore.open(tmp_path / "corridor.db")
    floor = Floor(plant, draw)
    end = START + round(DAYS * 86_400) * NS_PER_S
    clock = VirtualClock(START)
    writer = LedgerWriter(store, plant, clock.now)
    for now, messages in sent(floor.live(end), draw):
        await clock.sleep_until(now)
        for first in range(0, len(messages), 50):
            assert not await writer.persist(messages[first : first + 50])
        if draw.random() < 0.05:
            writer = LedgerWriter(store, plant, clock.now)
        await writer.advance()
    await clock.sleep_until(end)
    await writer.advance()
    scores = await compare(store, plant, [*floor.truth], START, end)
    assert len(scores) == len(plant.machines()) >= 8
    assert {one.asset: one.differences() for one in scores if one.differences()} == {}
    assert all(dict.fromkeys(each.what for each in one.states).keys() >= {"running", "unknown"} for one in scores)
    done = await recompute(store, plant, "", START - WINDOW, end, now=end)
    assert done.changed == 0
    assert done.events > 5_000 * DAYS
    await store.close()
