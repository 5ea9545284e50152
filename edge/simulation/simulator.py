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
from typing import Final

import msgspec

from broker import private_files
from broker.contract.events import NS_PER_MS, NS_PER_S, AnyEvent, Sample, Status
from broker.contract.message import Publication
from broker.contract.topics import PREFIX
from broker.plant.plant import Plant
from broker.source import Publisher
from edge.simulation import ground_truth, plan
from edge.simulation.clock import Clock
from edge.simulation.contract_encoder import ContractEncoder
from edge.simulation.event_buffer import GroundTruth, TruePiece, TrueState
from edge.simulation.ground_truth import GroundTruthLog
from edge.simulation.simulation import BACKFILL, LIVE, LONG_AGO, Checkpoint, SamplingIntervals, Simulation

CHECKPOINT_FILE: Final = "simulator.json"
SHORTEST_BATCH_S: Final = 0.1
"""At most ten batches a second, whatever the clock's speed."""
LONGEST_LAG_S: Final = 120.0
"""A simulation that has fallen this far behind its clock (the computer slept) was offline, and is resumed."""
WARM_UP_NS: Final = 24 * 3600 * NS_PER_S
_BACKFILL_STEP_NS: Final = 600 * NS_PER_S
_LAST_DAY_NS: Final = 86_400 * NS_PER_S
_LONGEST_ORDER_NS: Final = 7 * 86_400 * NS_PER_S
_GOODBYE_S: Final = 1.0
_CATCH_UP_S: Final = 10.0
_NO_WAITING: Final = float("inf")
_STEP_WITHOUT_WAITING: Final = 600.0
_log = logging.getLogger(__name__)


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
    """

    memory: Checkpoint
    messages: list[SavedMessage]
    truth: list[TrueState | TruePiece]


class Simulator:
    """The simulated part of a plant, with its memory and its truth log in a data folder.

    Args:
        plant: the plant.
        folder: where memory and truth log live; None for neither (each start is a new one).
        prefix: what topics begin with.
        source: the plant file's name, for messages.

    Raises:
        PlanError: the plant's `simulate` part has a mistake.
        OSError: the folder cannot be read.
    """

    def __init__(
        self, plant: Plant, folder: Path | None = None, *, prefix: str = PREFIX, source: str = "plant file"
    ) -> None:
        plan.read(plant.simulate, source)
        self._plant = plant
        self._folder = folder
        self._encoder = ContractEncoder(prefix)
        self._saved = _load(folder / CHECKPOINT_FILE) if folder else None
        self._simulation: Simulation | None = None
        self._is_pending = False

    @property
    def is_new(self) -> bool:
        """Whether this plant has no past here: nothing was simulated before, so a past may be made up by `backfill`."""
        return self._saved is None and self._simulation is None

    def backfill(self, start: int, end: int) -> Iterator[list[AnyEvent]]:
        """Live through the past from `start` to `end`, as fast as it goes; return its events in batches, by time.

        Sensors are read more seldom than in real life, above all until a day before the end. `simulate` then goes on
        from `end`, without a seam.
        """
        simulation = self._simulation = _warmed_up(self._plant, start)
        with self._log() as log:
            while simulation.now < end // NS_PER_MS * NS_PER_MS:
                simulation.sampling = LONG_AGO if simulation.now < end - _LAST_DAY_NS else BACKFILL
                events = simulation.run_until(min(end, simulation.now + _BACKFILL_STEP_NS))
                reported = simulation.take_ground_truth()
                self._save(simulation, self._encoder.publications(_lasting(events)), reported)
                log.append(reported, simulation.now)
                yield events
            log.append([], simulation.now, last=True)
        self._save(simulation, [], [])

    async def simulate(self, publisher: Publisher, clock: Clock) -> None:
        """Publish what happens, as it happens by the clock, until cancelled; then say goodbye for the machines.

        While the data folder cannot be written it waits, and says so; its machines are offline meanwhile.

        Raises:
            OSError: the data folder cannot be written to begin with.
            SessionError: the broker refused a message.
        """
        with self._log() as log:
            simulation = await self._begin(publisher, clock, log)
            simulation.sampling = _sampling(clock.speed)
            try:
                while True:
                    if (clock.now() - simulation.now) / clock.speed > LONGEST_LAG_S * NS_PER_S:
                        simulation = await self._after_gap(publisher, simulation.memory(), clock.now(), log)
                        simulation.sampling = _sampling(clock.speed)
                    await self._batch(publisher, clock, simulation, log)
            finally:
                await self._leave(publisher, simulation, log)

    async def _begin(self, publisher: Publisher, clock: Clock, log: GroundTruthLog) -> Simulation:
        if self._simulation is not None:  # of its past nobody has heard: the store knows it, the broker does not
            self._simulation.announce(order_since=self._simulation.now - _LONGEST_ORDER_NS)
            return self._simulation
        if self._saved is None:
            self._simulation = _warmed_up(self._plant, clock.now())
            return self._simulation
        saved = self._saved
        if saved.truth or saved.messages:
            log.append(saved.truth, saved.memory.at)
            await publisher.publish(*map(_message, saved.messages))
        self._simulation = await self._after_gap(publisher, saved.memory, max(clock.now(), saved.memory.at), log)
        return self._simulation

    async def _after_gap(self, publisher: Publisher, memory: Checkpoint, now: int, log: GroundTruthLog) -> Simulation:
        """Take up a simulation after time in which its machines were offline."""
        simulation = Simulation(self._plant, max(now, memory.at + NS_PER_MS), memory)
        simulation.announce(order_since=simulation.now - _LONGEST_ORDER_NS)
        assets = [unit.asset for unit in simulation.units]
        log.append(ground_truth.offline(assets, memory.at), memory.at)
        gone: list[AnyEvent] = [Status(asset=asset, at=memory.at, simulated=True, online=False) for asset in assets]
        await publisher.publish(*self._encoder.publications(gone))
        self._simulation = simulation
        return simulation

    async def _batch(self, publisher: Publisher, clock: Clock, simulation: Simulation, log: GroundTruthLog) -> None:
        speed = clock.speed if clock.speed < _NO_WAITING else _STEP_WITHOUT_WAITING
        due = max(simulation.next_due() + NS_PER_MS, simulation.now + round(SHORTEST_BATCH_S * speed * NS_PER_S))
        due = max(due, min(clock.now(), simulation.now + round(_CATCH_UP_S * speed * NS_PER_S)))
        await clock.sleep_until(due)
        publications = self._encoder.publications(simulation.run_until(due))
        reported = simulation.take_ground_truth()
        await self._write_down(simulation, publications, reported, log)
        if publications:
            self._is_pending = True
            await publisher.publish(*publications)
            self._is_pending = False

    async def _write_down(
        self, simulation: Simulation, publications: list[Publication], reported: list[GroundTruth], log: GroundTruthLog
    ) -> None:
        """Write a batch down; while that fails, as on a full disk, try again each second."""
        is_reported = False
        while True:
            try:
                self._save(simulation, publications, reported)
                log.append(reported, simulation.now)
            except OSError as error:
                if not is_reported:
                    _log.warning("simulated machines wait: %s cannot be written (%s); make room", self._folder, error)
                    is_reported = True
                await asyncio.sleep(1)
            else:
                return

    async def _leave(self, publisher: Publisher, simulation: Simulation, log: GroundTruthLog) -> None:
        """Say goodbye at the end of the last batch: what came after it nobody has heard."""
        assets = [unit.asset for unit in simulation.units]
        with contextlib.suppress(OSError):
            log.append(ground_truth.offline(assets, simulation.now), simulation.now, last=True)
        with contextlib.suppress(Exception):  # nobody is left to be told; the next start says it again
            async with asyncio.timeout(_GOODBYE_S):
                await publisher.publish(*self._encoder.publications(simulation.goodbye()))
                if not self._is_pending:
                    self._save(simulation, [], [])

    def _log(self) -> GroundTruthLog:
        return GroundTruthLog(self._folder / ground_truth.FILE_NAME if self._folder else None)

    def _save(self, simulation: Simulation, publications: list[Publication], reported: list[GroundTruth]) -> None:
        if self._folder is None:
            return
        stored = [
            SavedMessage(one.topic, one.payload.decode(), one.retain)
            for one in publications
            if "/telemetry" not in one.topic
        ]
        saved = Saved(simulation.memory(), stored, list(reported))
        target = self._folder / CHECKPOINT_FILE
        fresh = target.with_suffix(".new")
        private_files.write(fresh, msgspec.json.encode(saved))
        fresh.replace(target)


async def simulate(publisher: Publisher, plant: Plant, clock: Clock, *, folder: Path | None = None) -> None:
    """Simulate a plant until cancelled, going on from what the folder remembers."""
    await Simulator(plant, folder).simulate(publisher, clock)


def _warmed_up(plant: Plant, start: int) -> Simulation:
    """Return a simulation at `start` that has lived for a day: its lines are full of work, its counters stand."""
    simulation = Simulation(plant, start - WARM_UP_NS)
    simulation.sampling = SamplingIntervals(60 * NS_PER_S, 600 * NS_PER_S)
    simulation.run_until(start)
    simulation.take_ground_truth()
    simulation.announce(order_since=simulation.now)
    return simulation


def _sampling(speed: float) -> SamplingIntervals:
    """Return a pace at which a fast clock does not mean more messages a second."""
    faster = max(1.0, min(speed, 60.0))
    return SamplingIntervals(round(LIVE.sensors * faster), round(LIVE.meters * max(1.0, faster / 10)))


def _lasting(events: list[AnyEvent]) -> list[AnyEvent]:
    return [event for event in events if not isinstance(event, Sample)]


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
