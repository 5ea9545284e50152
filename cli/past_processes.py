"""A long past of a large plant is made by several processes at once, in parts that each stand by themselves.

Each process takes one part after the other: it simulates it, makes the rows and stores both. They write in turns, so
while one writes the others simulate.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Lock
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, cast

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
from services.store.interface import Store
from services.store.opening import open_store

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from multiprocessing.sharedctypes import Synchronized

MOST: Final = 4
"""Processes; with more, they wait for their turn to write."""
_PARTS_EACH: Final = 8
"""So many parts for each process, where there are as many: none waits long for the last."""
_WORTH_IT_NS: Final = 30 * 86_400 * NS_PER_S
"""From so much time of machines in all on, several processes are worth their start."""
_LOOK_S: Final = 0.5


class Job(msgspec.Struct, frozen=True):
    """What the processes make.

    Attributes:
        plant: the whole plant's description.
        source: the name of its file.
        parts: what of it is simulated at once.
        data: the data folder, in which each part has its own.
        store: the URL of the store.
        between: of the past, nanoseconds since 1970-01-01 UTC.
    """

    plant: str
    source: str
    parts: tuple[Part, ...]
    data: Path
    store: str
    between: tuple[int, int]


class Shared(NamedTuple):
    """What the processes share: whose turn it is to write, and how many parts were taken."""

    turn: Lock
    taken: "Synchronized[int]"


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
    most = processes or _worth_it(plant, between, store[1])
    if not found and simulator.is_new and most > 1:
        found = parts.packed(_of(plant), plan.read(plant.simulate), plant, most * _PARTS_EACH)
        if len(found) > 1:
            past_parts.begin(data, found)
    if len(found) < 2:
        await past.make(simulator, plant, store[0], between, report)
        return
    job = Job(plant.text, simulator.source, tuple(found), data, store[1], between)
    await _run(job, min(max(most, 2), len(found)), lambda done: report(done, between[1] - between[0]))
    simulator.join_past()


def _worth_it(plant: Plant, between: tuple[int, int], store: str) -> int:
    """Return by how many processes a past is made; into a database by one, whose memory is what a container has."""
    machines = len(plan.read(plant.simulate).assets)
    is_long = (between[1] - between[0]) * machines >= _WORTH_IT_NS
    return min(MOST, os.cpu_count() or 1) if is_long and store.startswith("sqlite:") else 1


def _of(plant: Plant) -> list[Part]:
    return parts.parts(plan.read(plant.simulate), plant.material_flows.values())


# ---- In the process that waits ----


async def _run(job: Job, processes: int, report: Callable[[float], None]) -> None:
    """Run the processes until all parts are made; when one fails, or this is cancelled, end them all."""
    context = multiprocessing.get_context("spawn")
    shared = Shared(context.Lock(), context.Value("i", 0))
    running: dict[Connection, BaseProcess] = {}
    try:
        for _ in range(processes):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(job, shared, sender), daemon=True)
            with uninterrupted():
                process.start()
            sender.close()
            running[receiver] = process
        done = [0.0] * len(job.parts)
        left = set(running)
        while left:
            for ready in await asyncio.to_thread(wait, list(left), _LOOK_S):
                receiver = cast("Connection", ready)
                try:
                    number, of_part = _received(receiver)
                    done[number] = of_part
                except EOFError:
                    await asyncio.to_thread(running[receiver].join)
                    if running[receiver].exitcode:
                        raise CommandError(
                            "a process that makes the past has ended", "start again: it goes on where it ended"
                        ) from None
                    left.discard(receiver)
                report(sum(done) / len(done))
    finally:
        for started in running.values():
            started.terminate()
        for started in running.values():
            await asyncio.to_thread(started.join)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back while a process is begun, which inherits that.

    It would end in the middle of its start, and this one would wait for ever for it to take its job.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _received(receiver: Connection) -> tuple[int, float]:
    """Return a part's number, and how much of it is done, nanoseconds.

    Raises:
        EOFError: the process has ended.
        CommandError: it has failed.
    """
    what = receiver.recv()
    if isinstance(what, str):
        raise CommandError(what, "start again: the past goes on where it ended")
    number, done = what
    return int(number), float(done)


# ---- In each of the others ----


def _work(job: Job, shared: Shared, sender: Connection) -> None:
    """Make parts as long as there are some; the entry of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that waits receives it too, and ends this one
    loop.log_to_stderr()
    try:
        asyncio.run(_make_parts(job, shared, sender))
    except Exception as error:
        sender.send(f"a part of the past cannot be made: {error}")
        raise SystemExit(1) from error


async def _make_parts(job: Job, shared: Shared, sender: Connection) -> None:
    plant = parse(job.plant, job.source)
    floor = plan.read(plant.simulate)
    store = await open_store(job.store, turn=shared.turn)
    try:
        while (number := _next(shared.taken)) < len(job.parts):
            part = job.parts[number]
            folder = past_parts.folder_of(job.data, number)
            simulator = Simulator(plant, folder, source=job.source, part=part)
            report = partial(_report, sender, number)
            machines = parts.of(floor, part).assets
            await past.make(simulator, plant, store, job.between, report, machines=machines)
    finally:
        await store.close()


def _next(taken: "Synchronized[int]") -> int:
    """Take the next part; return its number."""
    with taken.get_lock():
        number = taken.value
        taken.value = number + 1
    return number


def _report(sender: Connection, number: int, done: float, _total: float) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        raise SystemExit(1)
    sender.send((number, done))
