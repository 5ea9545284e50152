"""A past that several processes make is the one that a single process makes, however often it is interrupted."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pytest

from broker.contract.events import NS_PER_S, AnyEvent
from broker.plant import plant_file
from cli import past_processes
from cli.invocation.errors import CommandError
from cli.ledger.score import compare
from edge.simulation import ground_truth, saved
from edge.simulation.simulator import Simulator
from services.store.interface import Store
from services.store.opening import default_url, open_store

HOUR: Final = 3_600 * NS_PER_S
START: Final = 1_790_000_000 * NS_PER_S
BETWEEN: Final = (START, START + HOUR)
PLANT: Final = plant_file.parse(
    "[simulate]\nseed = 7\n"
    + "".join(
        f"""
        [simulate.line."a/b/{line}"]
        stages = [["marker-1"], ["robot-1"]]
        buffers = [3]
        orders = [{{ product = "p", pieces = 40 }}]
        [simulate.machine."a/b/{line}/marker-1"]
        model = "laser-marker"
        cell = "robot-assembly"
        [simulate.machine."a/b/{line}/robot-1"]
        model = "weld-robot"
        cell = "robot-assembly"
        """
        for line in ("line-1", "line-2", "line-3")
    ),
    "test",
)


class InterruptedPastError(Exception):
    """What a test interrupts a past with."""


async def everything(store: Store) -> Sequence[object]:
    """Return what a store holds of machines, their events, their rows and their reasons."""
    end = START + 100 * HOUR
    machines = await store.machines()
    kinds = sorted({series.kind for series in await store.series()})
    events: list[AnyEvent] = []
    for machine in machines:
        for kind in kinds:
            events += sorted(await store.events([kind], machine.asset, 0, end), key=msgspec.json.encode)
    assert len(events) > 1_000
    rows = await store.rows("", 0, end)
    assert rows
    return [machines, events, rows, await store.reason_rows("", 0, end)]


def made(
    folder: Path, processes: int, report: Callable[[float, float], None] = lambda _done, _total: None
) -> Sequence[object]:
    """Make a past; return what the store holds then."""

    async def go() -> Sequence[object]:
        url = default_url(folder)
        store = await open_store(url)
        try:
            simulator = Simulator(PLANT, folder)
            await past_processes.make(simulator, (store, url), folder, BETWEEN, report, processes=processes)
            assert not Simulator(PLANT, folder).is_past_unfinished
            return await everything(store)
        finally:
            await store.close()

    return asyncio.run(go())


def differences(folder: Path) -> list[str]:
    """Return the machines whose ledger is not what they really did."""

    async def go() -> list[str]:
        store = await open_store(default_url(folder))
        try:
            lines = list(ground_truth.read(folder / ground_truth.FILE_NAME))
            scores = await compare(store, PLANT, lines, *BETWEEN)
            assert len(scores) == len(PLANT.simulate["machine"])
            return [one.asset for one in scores if one.differences()]
        finally:
            await store.close()

    return asyncio.run(go())


@pytest.mark.slow
def test_two_processes_make_the_past_that_one_makes(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    done: list[float] = []
    assert made(one, 1) == made(two, 2, lambda so_far, _whole: done.append(so_far))
    assert done == sorted(done)
    assert done[-1] > 0.9 * HOUR
    first, second = saved.read(one), saved.read(two)
    assert first
    assert second
    assert first.checkpoint == second.checkpoint
    assert not [path for path in two.iterdir() if path.is_dir()]
    assert differences(two) == []


@pytest.mark.slow
def test_a_past_of_several_processes_that_was_interrupted_is_made_to_its_end(tmp_path: Path) -> None:
    def interrupt(done: float, whole: float) -> None:
        if 0 < done < whole:
            raise InterruptedPastError

    with pytest.raises(InterruptedPastError):
        made(tmp_path, 2, interrupt)
    simulator = Simulator(PLANT, tmp_path)
    assert simulator.is_past_unfinished
    assert not simulator.is_new
    made(tmp_path, 2)
    assert differences(tmp_path) == []


@pytest.mark.slow
def test_what_fails_in_a_process_is_reported_where_the_past_was_asked_for(tmp_path: Path) -> None:
    async def go() -> None:
        store = await open_store(default_url(tmp_path))
        try:
            simulator = Simulator(PLANT, tmp_path)
            await past_processes.make(
                simulator, (store, "no-such-store:"), tmp_path, BETWEEN, lambda _done, _total: None, processes=2
            )
        finally:
            await store.close()

    with pytest.raises(CommandError, match="no-such-store"):
        asyncio.run(go())
