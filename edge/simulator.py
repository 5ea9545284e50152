"""Runs the simulated shop floor against a clock, publishes what it says, and lets it survive a restart.

What happens is written down *before* it is published: for each batch first the simulation's memory with the messages
that are about to go out, then the truth log, then the broker. After a crash the next start publishes that batch again
(the same messages, so nothing is counted twice), and says that the machines were offline from its end on. So counters
go on, and what consumers know is exactly what the truth log says.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import msgspec

from broker.events import NS_PER_MS, NS_PER_S, AnyEvent, Status
from broker.packets import Publication
from broker.plant import Plant
from broker.topics import PREFIX
from edge import truth
from edge.clock import Clock
from edge.outbox import TruePiece, TrueState, Truth
from edge.simulation import BACKFILL, LIVE, Memory, Pace, Simulation
from edge.truth import TruthLog
from edge.wire import Gateway

MEMORY_FILE: Final = "simulator.json"
SHORTEST_BATCH_S: Final = 0.1
"""At most ten batches a second, whatever the clock's speed."""
LONGEST_LAG_S: Final = 120.0
"""A simulation that has fallen this far behind its clock (the computer slept) was offline, and is resumed."""
WARM_UP_NS: Final = 24 * 3600 * NS_PER_S
_BACKFILL_STEP_NS: Final = 600 * NS_PER_S
_LONGEST_ORDER_NS: Final = 7 * 86_400 * NS_PER_S
_GOODBYE_S: Final = 1.0
_log = logging.getLogger(__name__)


class Session(Protocol):
    """What can publish: a broker's session."""

    async def publish(self, *publications: Publication) -> None:
        """Return when the broker has all of them."""


class SavedMessage(msgspec.Struct, frozen=True):
    """A publication as the memory keeps it."""

    topic: str
    payload: str
    retain: bool


class Saved(msgspec.Struct):
    """What is in the memory file.

    Attributes:
        memory: the simulation at the end of its last batch.
        messages: that batch, without telemetry: it may not have reached the broker.
        truth: that batch's truth: it may not have reached the log.
        closed: the machines said goodbye: the last batch has reached both.
    """

    memory: Memory
    messages: list[SavedMessage]
    truth: list[TrueState | TruePiece]
    closed: bool = False


class Simulator:
    """The simulated part of a plant, with its memory and its truth log in a data folder.

    Args:
        plant: the plant.
        folder: where memory and truth log live; None for neither (each start is a new one).
        prefix: what topics begin with.

    Raises:
        PlanError: the plant's `simulate` part has a mistake.
        OSError: the folder cannot be read.
    """

    def __init__(self, plant: Plant, folder: Path | None = None, *, prefix: str = PREFIX) -> None:
        self._plant = plant
        self._folder = folder
        self._gateway = Gateway(prefix)
        self._saved = _load(folder / MEMORY_FILE) if folder else None
        self._simulation: Simulation | None = None

    @property
    def is_new(self) -> bool:
        """Whether this plant has no past here: nothing was simulated before, so a past may be made up by `backfill`."""
        return self._saved is None and self._simulation is None

    def backfill(self, start: int, end: int) -> Iterator[list[AnyEvent]]:
        """Live through the past from `start` to `end`, as fast as it goes; return its events in batches, by time.

        Sensors are read more seldom than in real life. `simulate` then goes on from `end`, without a seam.
        """
        simulation = self._simulation = _warmed_up(self._plant, start)
        simulation.pace = BACKFILL
        with self._log() as log:
            while simulation.now < end // NS_PER_MS * NS_PER_MS:
                events = simulation.run_until(min(end, simulation.now + _BACKFILL_STEP_NS))
                log.append(simulation.take_truth(), simulation.now)
                yield events
            log.append([], simulation.now, last=True)
        self._save(simulation, [], [], closed=False)

    async def simulate(self, session: Session, clock: Clock) -> None:
        """Publish what happens, as it happens by the clock, until cancelled; then say goodbye for the machines.

        Raises:
            OSError: the data folder cannot be written.
        """
        with self._log() as log:
            simulation = await self._begin(session, clock, log)
            simulation.pace = _pace(clock.speed)
            try:
                while True:
                    if (clock.now() - simulation.now) / clock.speed > LONGEST_LAG_S * NS_PER_S:
                        simulation = await self._after_gap(session, simulation.memory(), clock.now(), log)
                        simulation.pace = _pace(clock.speed)
                    await self._batch(session, clock, simulation, log)
            finally:
                await self._leave(session, clock, simulation, log)

    async def _begin(self, session: Session, clock: Clock, log: TruthLog) -> Simulation:
        if self._simulation is not None:
            return self._simulation
        if self._saved is None:
            self._simulation = _warmed_up(self._plant, clock.now())
            return self._simulation
        saved = self._saved
        if not saved.closed:
            log.append(saved.truth, saved.memory.at)
            await session.publish(*map(_message, saved.messages))
        self._simulation = await self._after_gap(session, saved.memory, max(clock.now(), saved.memory.at), log)
        return self._simulation

    async def _after_gap(self, session: Session, memory: Memory, now: int, log: TruthLog) -> Simulation:
        """Take up a simulation after time in which its machines were offline."""
        simulation = Simulation(self._plant, max(now, memory.at + NS_PER_MS), memory)
        simulation.announce(order_since=simulation.now - _LONGEST_ORDER_NS)
        assets = [unit.asset for unit in simulation.units]
        log.append(truth.offline(assets, memory.at), memory.at)
        gone: list[AnyEvent] = [Status(asset=asset, at=memory.at, simulated=True, online=False) for asset in assets]
        await session.publish(*self._gateway.publications(gone))
        self._simulation = simulation
        return simulation

    async def _batch(self, session: Session, clock: Clock, simulation: Simulation, log: TruthLog) -> None:
        shortest_ns = (
            round(SHORTEST_BATCH_S * NS_PER_S * (clock.speed if clock.speed < float("inf") else 600))
            // NS_PER_MS
            * NS_PER_MS
        )
        due = max(simulation.next_due() + NS_PER_MS, simulation.now + max(shortest_ns, NS_PER_MS))
        await clock.sleep_until(due)
        events = simulation.run_until(due)
        publications = self._gateway.publications(events)
        told = simulation.take_truth()
        self._save(simulation, publications, told, closed=False)
        log.append(told, simulation.now)
        if publications:
            await session.publish(*publications)

    async def _leave(self, session: Session, clock: Clock, simulation: Simulation, log: TruthLog) -> None:
        """Say goodbye at the end of the last batch: what came after it nobody has heard."""
        del clock
        goodbye = self._gateway.publications(simulation.goodbye())
        log.append(truth.offline([unit.asset for unit in simulation.units], simulation.now), simulation.now, last=True)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_GOODBYE_S):
                await session.publish(*goodbye)

    def _log(self) -> TruthLog:
        return TruthLog(self._folder / truth.FILE_NAME if self._folder else None)

    def _save(
        self, simulation: Simulation, publications: list[Publication], told: list[Truth], *, closed: bool
    ) -> None:
        if self._folder is None:
            return
        kept = [
            SavedMessage(one.topic, one.payload.decode(), one.retain)
            for one in publications
            if "/telemetry" not in one.topic
        ]
        saved = Saved(simulation.memory(), kept, list(told), closed)
        target = self._folder / MEMORY_FILE
        fresh = target.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(saved))
        fresh.replace(target)


async def simulate(session: Session, plant: Plant, clock: Clock, *, folder: Path | None = None) -> None:
    """Simulate a plant until cancelled, going on from what the folder remembers."""
    await Simulator(plant, folder).simulate(session, clock)


def _warmed_up(plant: Plant, start: int) -> Simulation:
    """Return a simulation at `start` that has lived for a day: its lines are full of work, its counters stand."""
    simulation = Simulation(plant, start - WARM_UP_NS)
    simulation.pace = Pace(60 * NS_PER_S, 600 * NS_PER_S)
    simulation.run_until(start)
    simulation.take_truth()
    simulation.announce(order_since=simulation.now)
    return simulation


def _pace(speed: float) -> Pace:
    """Return a pace at which a fast clock does not mean more messages a second."""
    faster = max(1.0, min(speed, 60.0))
    return Pace(round(LIVE.sensors * faster), round(LIVE.meters * max(1.0, faster / 10)))


def _message(saved: SavedMessage) -> Publication:
    return Publication(saved.topic, saved.payload.encode(), qos=1, retain=saved.retain)


def _load(path: Path) -> Saved | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Saved)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        _log.warning("%s cannot be read (%s); the simulated machines start anew, their counters from zero", path, error)
        return None
