"""A machine for which the plant expects a real device: nothing of its simulation is published, live or in a past."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from broker.contract import codec
from broker.contract.events import NS_PER_S, AnyEvent, Count
from broker.contract.message import Message, Publication
from broker.plant import plant_file
from broker.plant.plant import Plant
from cli import past
from edge.simulation import ground_truth
from edge.simulation.clock import VirtualClock
from edge.simulation.handover import Handover
from edge.simulation.planning import plan
from edge.simulation.simulator import Simulator
from services.store.sqlite.store import SqliteStore

START = 1_764_000_000 * NS_PER_S
HOUR = 3_600 * NS_PER_S
MILL, ROBOT, CMM = (f"a/b/c/{name}" for name in ("mill-1", "robot-1", "cmm-1"))


def plant(connected: str) -> Plant:
    return plant_file.parse(
        f"""
        [asset."a/b/c"]
        [asset."{connected}"]
        connected = true
        [asset."{CMM}"]
        connected = false
        [product.p]
        ideal-cycle = 20
        [simulate.line."a/b/c"]
        stages = [["mill-1"], ["robot-1"], ["cmm-1"]]
        buffers = [3, 3]
        orders = [{{ product = "p", pieces = 40 }}]
        [simulate.machine."{MILL}"]
        model = "five-axis-mill"
        cell = "robot-assembly"
        [simulate.machine."{ROBOT}"]
        model = "weld-robot"
        cell = "robot-assembly"
        [simulate.machine."{CMM}"]
        model = "coordinate-measuring-machine"
        cell = "robot-assembly"
        """.replace('[asset."a/b/c"]\n', "" if connected == "a/b/c" else '[asset."a/b/c"]\n', 1),
        "test",
    )


class Broker:
    """Records what is published, and ends its simulator at an instant."""

    def __init__(self, until: int) -> None:
        self.events: list[AnyEvent] = []
        self._until = until

    async def publish(self, *publications: Publication) -> None:
        for one in publications:
            self.events += codec.decode(Message(one.topic, one.payload, received_at=START + 4 * HOUR))
        if max((event.at for event in self.events), default=0) >= self._until:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)


async def run(which: Plant, folder: Path, start: int, until: int) -> list[AnyEvent]:
    broker = Broker(until)
    with pytest.raises(asyncio.CancelledError):
        await Simulator(which, folder).simulate(broker, VirtualClock(start))
    return broker.events


def assets(found: Iterable[object]) -> set[str]:
    return {path for one in found if (path := getattr(one, "asset", None))}


def test_one_is_inherited_and_may_be_taken_out() -> None:
    whole = plant("a/b/c")
    assert plan.published(whole, plan.read(whole.simulate)) == [CMM]
    one = plant(ROBOT)
    assert plan.published(one, plan.read(one.simulate)) == [MILL, CMM]


def test_it_is_its_devices_from_the_start_and_stays_so() -> None:
    handover = Handover({ROBOT: 60, MILL: 60}, connected=[ROBOT])
    assert handover.real == {ROBOT}
    handover.receive(Message(f"corridor/v1/{ROBOT}/status", b"online", received_at=START), 1)
    assert handover.take() == []
    assert handover.give_back(100) == []
    assert handover.real == {ROBOT}


async def test_nothing_of_it_is_published_over_starts_while_those_after_it_are_supplied(tmp_path: Path) -> None:
    which = plant(ROBOT)
    events = await run(which, tmp_path, START, START + HOUR)
    events += await run(which, tmp_path, START + 2 * HOUR, START + 3 * HOUR)
    assert assets(events) == {MILL, CMM}
    counted = [event.produced for event in events if isinstance(event, Count) and event.asset == CMM]
    assert (counted[-1] or 0) > (counted[0] or 0)
    assert assets(ground_truth.read(tmp_path / ground_truth.FILE_NAME)) == {MILL, CMM}


async def test_a_past_has_nothing_of_it(tmp_path: Path) -> None:
    which = plant(ROBOT)
    store = await SqliteStore.open(tmp_path / "corridor.db")
    await past.make(Simulator(which, tmp_path), which, store, (START, START + HOUR))
    assert [machine.asset for machine in await store.machines()] == sorted([MILL, CMM])
    await store.close()
    assert assets(ground_truth.read(tmp_path / ground_truth.FILE_NAME)) == {MILL, CMM}
