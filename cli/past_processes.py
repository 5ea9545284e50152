"""A long past of a large plant is made by several processes at once, each of which makes a part that stands by itself.

Each simulates its part, makes the rows and stores both. They write in turns, so while one writes the others simulate.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Lock
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from broker.contract.events import NS_PER_S
from broker.plant.plant import Plant
from broker.plant.plant_file import parse
from cli import past
from cli.invocation.errors import CommandError
from cli.running import loop
from edge.simulation import past_parts
from edge.simulation.planning import parts, plan
from edge.simulation.planning.parts import Part
from edge.simulation.simulator import Simulator
from services.store.interface import Batch, Store
from services.store.opening import open_store

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

MOST: Final = 4
"""Processes; with more, they wait for their turn to write."""
_WORTH_IT_NS: Final = 30 * 86_400 * NS_PER_S
"""From so much time of machines in all on, several processes are worth their start."""
_LOOK_S: Final = 0.5


class Job(msgspec.Struct, frozen=True):
    """What one process makes.

    Attributes:
        plant: the whole plant's description.
        source: the name of its file.
        part: what of it is simulated.
        folder: holds checkpoint and ground truth of the part.
        store: the URL of the store.
        between: of the past, nanoseconds since 1970-01-01 UTC.
    """

    plant: str
    source: str
    part: Part
    folder: str
    store: str
    between: tuple[int, int]


async def make(
    simulator: Simulator,
    store: tuple[Store, str],
    data: Path,
    between: tuple[int, int],
    report: Callable[[float, float], None],
    *,
    processes: int | None = None,
) -> None:
    """Make a past as `past.make` does, by several processes where that is faster.

    Args:
        simulator: of the data folder; new, or one whose past is unfinished.
        store: where to, and its URL.
        data: the data folder.
        between: nanoseconds since 1970-01-01 UTC.
        report: gets how much is done, of how much.
        processes: how many, rather than as many as there are processors and as are worth it.

    Raises:
        CommandError: a process has failed.
    """
    plant = simulator.plant
    found = past_parts.unfinished(data)
    if not found and simulator.is_new:
        most = processes or _worth_it(plant, between, store[1])
        found = parts.packed(_of(plant), plan.read(plant.simulate), most)
        if len(found) > 1:
            past_parts.begin(data, found)
    if len(found) < 2:
        await past.make(simulator, plant, store[0], between, report)
        return
    jobs = [
        Job(plant.text, simulator.source, part, str(past_parts.folder_of(data, number)), store[1], between)
        for number, part in enumerate(found)
    ]
    await _run(jobs, lambda done: report(done, between[1] - between[0]))
    simulator.join_past()


def _worth_it(plant: Plant, between: tuple[int, int], store: str) -> int:
    """Return by how many processes a past is made; into a database by one, whose memory is what a container has."""
    machines = len(plan.read(plant.simulate).assets)
    is_long = (between[1] - between[0]) * machines >= _WORTH_IT_NS
    return min(MOST, os.cpu_count() or 1) if is_long and store.startswith("sqlite:") else 1


def _of(plant: Plant) -> list[Part]:
    return parts.parts(plan.read(plant.simulate), plant.material_flows.values())


# ---- In the process that waits ----


async def _run(jobs: Sequence[Job], report: Callable[[float], None]) -> None:
    """Run the processes until all are done; when one fails, or this is cancelled, end them all."""
    context = multiprocessing.get_context("spawn")
    turn = context.Lock()
    running: dict[Connection, BaseProcess] = {}
    try:
        for job in jobs:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(job, turn, sender), daemon=True)
            process.start()
            sender.close()
            running[receiver] = process
        done = dict.fromkeys(running, 0.0)
        left = set(running)
        while left:
            for ready in await asyncio.to_thread(wait, list(left), _LOOK_S):
                receiver = cast("Connection", ready)
                try:
                    done[receiver] = _received(receiver)
                except EOFError:
                    await asyncio.to_thread(running[receiver].join)
                    if running[receiver].exitcode:
                        raise CommandError(
                            "a process that makes the past has ended", "start again: it goes on where it ended"
                        ) from None
                    left.discard(receiver)
                report(sum(done.values()) / len(done))
    finally:
        for started in running.values():
            started.terminate()
        for started in running.values():
            await asyncio.to_thread(started.join)


def _received(receiver: Connection) -> float:
    """Return how much a process has done, nanoseconds.

    Raises:
        EOFError: it has ended.
        CommandError: it has failed.
    """
    what = receiver.recv()
    if isinstance(what, str):
        raise CommandError(what, "start again: the past goes on where it ended")
    return float(what)


# ---- In each of the others ----


def _work(job: Job, turn: Lock, sender: Connection) -> None:
    """Make a part; the entry of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that waits receives it too, and ends this one
    loop.log_to_stderr()

    def report(done: float, _total: float) -> None:
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            raise SystemExit(1)
        sender.send(done)

    try:
        asyncio.run(_make_part(job, turn, report))
    except Exception as error:
        sender.send(f"a part of the past cannot be made: {error}")
        raise SystemExit(1) from error


async def _make_part(job: Job, turn: Lock, report: Callable[[float, float], None]) -> None:
    plant = parse(job.plant, job.source)
    simulator = Simulator(plant, Path(job.folder), source=job.source, part=job.part)
    machines = parts.of(plan.read(plant.simulate), job.part).assets
    store = await open_store(job.store)
    try:
        await past.make(simulator, plant, cast("Store", _InTurn(store, turn)), job.between, report, machines=machines)
    finally:
        await store.close()


class _InTurn:
    """A store to which several processes write in turns: a file has one writer at a time."""

    def __init__(self, store: Store, turn: Lock) -> None:
        self._store, self._turn = store, turn

    async def write(self, batch: Batch) -> None:
        async with _held(self._turn):
            await self._store.write(batch)

    def __getattr__(self, name: str) -> Any:  # all that only reads
        return getattr(self._store, name)


@contextlib.asynccontextmanager
async def _held(turn: Lock) -> AsyncIterator[None]:
    await asyncio.to_thread(turn.acquire)
    try:
        yield
    finally:
        turn.release()
