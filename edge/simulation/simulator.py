"""Runs the simulated shop floor against a clock, publishes its events, and resumes it after a restart.

What happens is stored *before* it is published: for each batch first the simulation's checkpoint with the messages that
are about to go out, then the ground truth, then the broker. After a crash the next start publishes that batch again
(the same messages, so nothing is counted twice), and reports the machines offline from its end on. So counters
continue, and what consumers receive is exactly what the ground-truth log holds.

A machine that a real device publishes for is simulated on, unpublished, so that its neighbours have what they need; its
totals stay as they were (`handover`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from broker import private_files
from broker.contract.events import NS_PER_MS, NS_PER_S, AnyEvent, Sample, Status
from broker.contract.message import Publication
from broker.contract.topics import PREFIX
from broker.plant.plant import Plant
from broker.source import Publisher, Source
from edge.simulation import ground_truth
from edge.simulation.clock import Clock
from edge.simulation.contract_encoder import ContractEncoder
from edge.simulation.event_buffer import GroundTruth, TrueFault, TruePiece, TrueState
from edge.simulation.ground_truth import GroundTruthLog
from edge.simulation.handover import SILENT_S, Handover
from edge.simulation.planning import plan
from edge.simulation.simulation import BACKFILL, LIVE, LONG_AGO, Checkpoint, SamplingIntervals, Simulation

if TYPE_CHECKING:
    from edge.simulation.floor.machine_state import Totals

CHECKPOINT_FILE: Final = "simulator.json"
SHORTEST_BATCH_S: Final = 0.1
"""At most ten batches a second, whatever the clock's speed."""
LONGEST_LAG_S: Final = 120.0
"""A simulation that has fallen this far behind its clock (the computer slept) was offline, and is resumed."""
WARM_UP_NS: Final = 24 * 3600 * NS_PER_S
_BACKFILL_STEP_NS: Final = 600 * NS_PER_S
_LAST_DAY_NS: Final = 86_400 * NS_PER_S
_LONGEST_ORDER_NS: Final = 7 * 86_400 * NS_PER_S
_LEAVE_S: Final = 1.0
_CATCH_UP_S: Final = 10.0
_NO_WAITING: Final = float("inf")
_STEP_WITHOUT_WAITING: Final = 600.0
_log = logging.getLogger(__name__)


class SavedMessage(msgspec.Struct, frozen=True):
    """A publication in the checkpoint file."""

    topic: str
    payload: str
    retain: bool


class Saved(msgspec.Struct):
    """What is in the checkpoint file.

    Attributes:
        checkpoint: the simulation at the end of its last batch.
        messages: that batch, without telemetry: it may not have reached the broker.
        truth: that batch's ground truth: it may not have reached the log.
        real: the machines that real devices published for.
    """

    checkpoint: Checkpoint = msgspec.field(name="memory")  # the key in the files of earlier versions
    messages: list[SavedMessage]
    truth: list[TrueState | TruePiece | TrueFault]
    real: list[str] = []


class Simulator:
    """The simulated part of a plant, with its checkpoint and its ground-truth log in a data folder.

    Args:
        plant: the plant.
        folder: holds checkpoint and ground-truth log; None for neither (each start is a new one).
        prefix: the first levels of every topic.
        source: the plant file's name, for messages.

    Raises:
        PlanError: the plant's `simulate` part has a mistake.
        OSError: the folder cannot be read.
    """

    def __init__(
        self, plant: Plant, folder: Path | None = None, *, prefix: str = PREFIX, source: str = "plant file"
    ) -> None:
        plan.read(plant.simulate, source)
        self.plant = plant
        self._folder = folder
        self._prefix = prefix
        self._encoder = ContractEncoder(prefix)
        self._saved = _load(folder / CHECKPOINT_FILE) if folder else None
        self._simulation: Simulation | None = None
        self._is_pending = False
        self._handover = Handover({})
        self._totals: dict[str, Totals] = {}

    @property
    def filters(self) -> list[str]:
        """Topic filters of all that is published for its machines, by whomever."""
        lines = {asset.rpartition("/")[0] for asset in self._assets()}
        return [f"{self._prefix}/{line}/#" for line in sorted(lines)]

    @property
    def is_new(self) -> bool:
        """Whether nothing was simulated here before, so that `backfill` may make a past."""
        return self._saved is None and self._simulation is None

    def backfill(self, start: int, end: int) -> Iterator[list[AnyEvent]]:
        """Simulate the past from `start` to `end` at full speed; yield its events in batches, in order of time.

        Sensors are sampled less often than live, above all until a day before the end. `simulate` then continues from
        `end`, without a gap.
        """
        simulation = self._simulation = _warmed_up(self.plant, start)
        with self._log() as log:
            while simulation.now < end // NS_PER_MS * NS_PER_MS:
                simulation.sampling = LONG_AGO if simulation.now < end - _LAST_DAY_NS else BACKFILL
                events = simulation.run_until(min(end, simulation.now + _BACKFILL_STEP_NS))
                truth = simulation.take_ground_truth()
                self._save(simulation, self._encoder.publications(_lasting(events)), truth)
                log.append(truth, simulation.now)
                yield events
            log.append([], simulation.now, last=True)
        self._save(simulation, [], [])

    async def simulate(self, publisher: Publisher, clock: Clock, devices: Source | None = None) -> None:
        """Publish what happens as the clock runs, until cancelled; then report the machines offline.

        While the data folder cannot be written it waits, and logs that; its machines are offline meanwhile.

        Args:
            publisher: takes the messages.
            clock: the plant's time.
            devices: what is published on the machines' topics (`filters`); None where no real device can be.

        Raises:
            OSError: the data folder cannot be written at the start.
            SessionError: the broker rejected a message.
        """
        silent_s = {asset: self.plant.asset(asset).silent_after or SILENT_S for asset in self._assets()}
        real = self._saved.real if self._saved is not None else []
        self._handover = Handover(silent_s, real=real, now=_monotonic_s(), prefix=self._prefix)
        async with contextlib.AsyncExitStack() as stack:
            log = stack.enter_context(self._log())
            if devices is not None:
                stack.push_async_callback(_stop, asyncio.create_task(self._watch(devices)))
            simulation = await self._begin(publisher, clock, log)
            simulation.sampling = _sampling(clock.speed)
            try:
                while True:
                    if (clock.now() - simulation.now) / clock.speed > LONGEST_LAG_S * NS_PER_S:
                        simulation = await self._after_gap(publisher, simulation.checkpoint(), clock.now(), log)
                        simulation.sampling = _sampling(clock.speed)
                    await self._batch(publisher, clock, simulation, log)
            finally:
                await self._leave(publisher, simulation, log)

    async def _begin(self, publisher: Publisher, clock: Clock, log: GroundTruthLog) -> Simulation:
        if self._simulation is not None:  # the store has the events of the back-fill, the broker has none of them
            self._simulation.announce(order_since=self._simulation.now - _LONGEST_ORDER_NS)
            return self._simulation
        if self._saved is None:
            self._simulation = _warmed_up(self.plant, clock.now())
            return self._simulation
        saved = self._saved
        if saved.truth or saved.messages:
            log.append(saved.truth, saved.checkpoint.at)
            await publisher.publish(*map(_message, saved.messages))
        self._simulation = await self._after_gap(
            publisher, saved.checkpoint, max(clock.now(), saved.checkpoint.at), log
        )
        return self._simulation

    async def _after_gap(
        self, publisher: Publisher, checkpoint: Checkpoint, now: int, log: GroundTruthLog
    ) -> Simulation:
        """Resume a simulation after a time in which its machines were offline."""
        simulation = Simulation(self.plant, max(now, checkpoint.at + NS_PER_MS), checkpoint)
        simulation.announce(order_since=simulation.now - _LONGEST_ORDER_NS)
        self._totals = {unit.asset: unit.totals() for unit in simulation.units if unit.asset in self._handover.real}
        assets = [unit.asset for unit in simulation.units if unit.asset not in self._handover.real]
        log.append(ground_truth.offline(assets, checkpoint.at), checkpoint.at)
        gone: list[AnyEvent] = [Status(asset=asset, at=checkpoint.at, simulated=True, online=False) for asset in assets]
        await publisher.publish(*self._encoder.publications(gone))
        self._simulation = simulation
        return simulation

    async def _batch(self, publisher: Publisher, clock: Clock, simulation: Simulation, log: GroundTruthLog) -> None:
        speed = clock.speed if clock.speed < _NO_WAITING else _STEP_WITHOUT_WAITING
        due = max(simulation.next_due() + NS_PER_MS, simulation.now + round(SHORTEST_BATCH_S * speed * NS_PER_S))
        due = max(due, min(clock.now(), simulation.now + round(_CATCH_UP_S * speed * NS_PER_S)))
        await clock.sleep_until(due)
        events, truth = self._run(simulation, due)
        publications = self._encoder.publications(events)
        await self._store_batch(simulation, publications, truth, log)
        if publications:
            self._is_pending = True
            await publisher.publish(*publications)
            self._is_pending = False

    def _run(self, simulation: Simulation, due: int) -> tuple[list[AnyEvent], list[GroundTruth]]:
        """Simulate until `due`; return events and truth of the machines that no device publishes for."""
        taken = self._handover.take()
        truth: list[GroundTruth] = ground_truth.offline(taken, simulation.now)
        real = frozenset(self._handover.real)
        for unit in simulation.units:
            if unit.asset in taken:
                self._totals[unit.asset] = unit.totals()
        events = [event for event in simulation.run_until(due) if event.asset not in real]
        truth += [one for one in simulation.take_ground_truth() if one.asset not in real]
        returned = self._handover.give_back(_monotonic_s())
        for unit in simulation.units:
            if unit.asset in real:
                unit.set_totals(self._totals[unit.asset])
            if unit.asset in returned:
                del self._totals[unit.asset]
                unit.announce(simulation.now)
        for asset in taken:
            _log.info("%s is handed over to a real device", asset)
        for asset in returned:
            _log.info("the device of %s is gone; it is simulated again", asset)
        return events, truth

    async def _watch(self, devices: Source) -> None:
        async for batch in devices.batches():
            for message in batch.messages:
                self._handover.receive(message, _monotonic_s())
            batch.acknowledge()

    async def _store_batch(
        self, simulation: Simulation, publications: list[Publication], truth: list[GroundTruth], log: GroundTruthLog
    ) -> None:
        """Store a batch; while that fails, as on a full disk, try again each second."""
        is_logged = False
        while True:
            try:
                self._save(simulation, publications, truth)
                log.append(truth, simulation.now)
            except OSError as error:
                if not is_logged:
                    _log.warning("simulated machines wait: %s cannot be written (%s); make room", self._folder, error)
                    is_logged = True
                await asyncio.sleep(1)
            else:
                return

    async def _leave(self, publisher: Publisher, simulation: Simulation, log: GroundTruthLog) -> None:
        """Report the machines offline at the end of the last batch: nothing after it was published."""
        assets = [unit.asset for unit in simulation.units if unit.asset not in self._handover.real]
        with contextlib.suppress(OSError):
            log.append(ground_truth.offline(assets, simulation.now), simulation.now, last=True)
        with contextlib.suppress(Exception):  # this process ends; the next start reports it again
            async with asyncio.timeout(_LEAVE_S):
                gone = [event for event in simulation.offline() if event.asset in assets]
                await publisher.publish(*self._encoder.publications(gone))
                if not self._is_pending:
                    self._save(simulation, [], [])

    def _assets(self) -> list[str]:
        """Return the machines that publish on the contract's topics: those that a device can take over."""
        simulated = plan.read(self.plant.simulate)
        return [asset for asset in simulated.assets if not self.plant.asset(asset).dialect]

    def _log(self) -> GroundTruthLog:
        return GroundTruthLog(self._folder / ground_truth.FILE_NAME if self._folder else None)

    def _save(self, simulation: Simulation, publications: list[Publication], truth: list[GroundTruth]) -> None:
        if self._folder is None:
            return
        stored = [
            SavedMessage(one.topic, one.payload.decode(), one.retain)
            for one in publications
            if "/telemetry" not in one.topic
        ]
        saved = Saved(simulation.checkpoint(), stored, list(truth), sorted(self._handover.real))
        target = self._folder / CHECKPOINT_FILE
        fresh = target.with_suffix(".new")
        private_files.write(fresh, msgspec.json.encode(saved))
        fresh.replace(target)


async def simulate(publisher: Publisher, plant: Plant, clock: Clock, *, folder: Path | None = None) -> None:
    """Simulate a plant until cancelled, resuming from the folder's checkpoint."""
    await Simulator(plant, folder).simulate(publisher, clock)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _monotonic_s() -> float:
    return asyncio.get_running_loop().time()


def _warmed_up(plant: Plant, start: int) -> Simulation:
    """Return a simulation at `start` that has run for a day: its lines are full, its counters above zero."""
    simulation = Simulation(plant, start - WARM_UP_NS)
    simulation.sampling = SamplingIntervals(60 * NS_PER_S, 600 * NS_PER_S)
    simulation.run_until(start)
    simulation.take_ground_truth()
    simulation.announce(order_since=simulation.now)
    return simulation


def _sampling(speed: float) -> SamplingIntervals:
    """Return intervals at which a fast clock does not mean more messages a second."""
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
        _log.warning(
            "%s cannot be read (%s); the simulated machines start as new, their counters from zero", path, error
        )
        return None
