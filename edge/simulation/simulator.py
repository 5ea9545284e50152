"""Runs the simulated shop floor against a clock, publishes its events, and resumes it after a restart.

What happens is stored *before* it is published: for each batch first the simulation's checkpoint with the messages that
are about to go out, then the ground truth, then the broker. After a crash the next start publishes that batch again
(the same messages, so nothing is counted twice), and reports the machines offline from its end on. So counters
continue, and what consumers receive is exactly what the ground-truth log holds.

A machine that a real device publishes for, or is expected to, is simulated on, unpublished, so that its neighbours have
what they need; its totals stay as they were (`handover`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from broker.contract.events import NS_PER_MS, NS_PER_S, AnyEvent, Status
from broker.contract.message import Publication
from broker.contract.topics import PREFIX, line_of
from broker.plant.plant import Plant
from broker.source import Publisher, Source
from edge.simulation import ground_truth, past_parts, saved
from edge.simulation.clock import Clock
from edge.simulation.contract_encoder import ContractEncoder
from edge.simulation.event_buffer import GroundTruth
from edge.simulation.ground_truth import GroundTruthLog
from edge.simulation.handover import SILENT_S, Handover
from edge.simulation.planning import plan
from edge.simulation.planning.parts import Part
from edge.simulation.saved import Saved, SavedMessage
from edge.simulation.simulation import BACKFILL, LIVE, LONG_AGO, Checkpoint, SamplingIntervals, Simulation

if TYPE_CHECKING:
    from edge.simulation.floor.machine_state import Totals

SHORTEST_BATCH_S: Final = 0.1
"""At most ten batches a second, whatever the clock's speed."""
LONGEST_LAG_S: Final = 120.0
"""A simulation that has fallen this far behind its clock (the computer slept) was offline, and is resumed."""
WARM_UP_NS: Final = 24 * 3600 * NS_PER_S
_HOUR_NS: Final = 3_600 * NS_PER_S
_BACKFILL_STEP_NS: Final = 600 * NS_PER_S
_LONG_AGO_MACHINE_HOURS: Final = 450
_LONG_AGO_MOST_H: Final = 24
"""Events of so many hours of machines are in memory at once, of a day at most. A store writes a page for each series
that a batch has events of: few batches are written in less time than many."""
_DENSE_NS: Final = 86_400 * NS_PER_S
"""A past of up to this length is sampled densely; of a longer one only the last hour is."""
_LAST_HOUR_NS: Final = _HOUR_NS
_LONGEST_ORDER_NS: Final = 7 * 86_400 * NS_PER_S
_LEAVE_S: Final = 1.0
_CATCH_UP_S: Final = 10.0
_NO_WAITING: Final = float("inf")
_STEP_WITHOUT_WAITING: Final = 600.0
_Of = TypeVar("_Of", bound=AnyEvent | GroundTruth)
_log = logging.getLogger(__name__)


class Simulator:
    """The simulated part of a plant, with its checkpoint and its ground-truth log in a data folder.

    Args:
        plant: the plant.
        folder: holds checkpoint and ground-truth log; None for neither (each start is a new one).
        prefix: the first levels of every topic.
        source: the plant file's name, for messages.
        part: what of the floor is simulated, if not all of it; only a past is (`past_parts`).

    Raises:
        PlanError: the plant's `simulate` part has a mistake.
        OSError: the folder cannot be read.
    """

    def __init__(
        self,
        plant: Plant,
        folder: Path | None = None,
        *,
        prefix: str = PREFIX,
        source: str = "plant file",
        part: Part | None = None,
    ) -> None:
        floor = plan.read(plant.simulate, source)
        self._connected = frozenset(floor.assets).difference(plan.published(plant, floor))
        self.plant, self.source = plant, source
        self._part = part
        self._folder = folder
        self._prefix = prefix
        self._encoder = ContractEncoder(prefix)
        self._saved = saved.read(folder) if folder else None
        self._has_parts = folder is not None and bool(past_parts.unfinished(folder))
        self._simulation: Simulation | None = None
        self._is_pending = False
        self._handover = Handover({})
        self._totals: dict[str, Totals] = {}

    @property
    def filters(self) -> list[str]:
        """Topic filters of all that is published for its machines, by whomever."""
        lines = {line_of(asset) for asset in self._assets()}
        return [f"{self._prefix}/{line}/#" for line in sorted(lines)]

    @property
    def is_new(self) -> bool:
        """Whether nothing was simulated here before, so that `backfill` may make a past."""
        return self._saved is None and self._simulation is None and not self._has_parts

    @property
    def is_past_unfinished(self) -> bool:
        """Whether a `backfill` was interrupted; another one goes on from there."""
        is_begun = self._saved is not None and self._saved.is_past_unfinished
        return self._simulation is None and (is_begun or self._has_parts)

    def backfill(self, start: int, end: int) -> Iterator[list[AnyEvent]]:
        """Simulate the past from `start` to `end` at full speed; yield its events in batches, in order of time.

        One that was interrupted goes on from where it ended, whatever `start` is: first come once more the last events
        that may not have been stored. Sensors are sampled less often than live, above all in a past of days. `simulate`
        then continues from `end`, without a gap.
        """
        simulation, first = self._past_begun(start)
        self._simulation = simulation
        is_long = end - simulation.now > _DENSE_NS
        with self._log() as log:
            if first:
                yield first
            while simulation.now < end // NS_PER_MS * NS_PER_MS:
                is_long_ago = is_long and simulation.now < end - _LAST_HOUR_NS
                simulation.sampling = LONG_AGO if is_long_ago else BACKFILL
                step = (
                    _long_ago_step_ns(simulation.now, end, len(simulation.units)) if is_long_ago else _BACKFILL_STEP_NS
                )
                events = self._simulated(simulation.run_until(min(end, simulation.now + step)))
                truth = self._simulated(simulation.take_ground_truth())
                self._save(simulation, [], truth, past=events, is_past_unfinished=True)
                log.append(truth, simulation.now)
                yield events
            log.append([], simulation.now, last=True)
        # A part of a past is whole once all parts are.
        self._save(simulation, [], [], is_past_unfinished=self._part is not None)

    def join_past(self) -> None:
        """Let `simulate` go on from where the parts of a past have come to their end (`past_parts`)."""
        assert self._folder is not None
        whole = past_parts.join(self._folder, past_parts.unfinished(self._folder))
        assert whole is not None
        self._simulation = Simulation(self.plant, whole.checkpoint.at, whole.checkpoint)

    def _past_begun(self, start: int) -> tuple[Simulation, list[AnyEvent]]:
        """Return the simulation of a past, and the events that may not have been stored: new, or as interrupted."""
        if not self.is_past_unfinished:
            return _warmed_up(self.plant, start, self._part), []
        assert self._saved is not None
        checkpoint = self._saved.checkpoint
        with self._log() as log:
            log.append(self._saved.truth, checkpoint.at)
        return Simulation(self.plant, checkpoint.at, checkpoint, self._part), saved.events_of(self._saved.past)

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
        self._handover = Handover(
            silent_s, real=real, connected=self._connected, now=_monotonic_s(), prefix=self._prefix
        )
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
        if self._has_parts and self._folder is not None:
            self._saved = past_parts.join(self._folder, past_parts.unfinished(self._folder))
        if self._saved is None:
            self._simulation = _warmed_up(self.plant, clock.now(), self._part)
            return self._simulation
        last = self._saved
        publications = [*map(_message, last.messages), *self._encoder.publications(saved.events_of(last.past))]
        if last.truth or publications:
            log.append(last.truth, last.checkpoint.at)
            await publisher.publish(*publications)
        self._simulation = await self._after_gap(publisher, last.checkpoint, max(clock.now(), last.checkpoint.at), log)
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
        truth: list[GroundTruth] = ground_truth.taken_over(taken, simulation.now)
        real = frozenset(self._handover.real)
        for unit in simulation.units:
            if unit.asset in real and unit.asset not in self._totals:
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

    def _simulated(self, found: list[_Of]) -> list[_Of]:
        """Return what is not of machines that a real device is expected for."""
        return [one for one in found if one.asset not in self._connected] if self._connected else found

    def _assets(self) -> list[str]:
        """Return the machines that publish on the contract's topics: those that a device can take over."""
        simulated = plan.read(self.plant.simulate)
        return [asset for asset in simulated.assets if not self.plant.asset(asset).dialect]

    def _log(self) -> GroundTruthLog:
        return GroundTruthLog(self._folder / ground_truth.FILE_NAME if self._folder else None)

    def _save(
        self,
        simulation: Simulation,
        publications: list[Publication],
        truth: list[GroundTruth],
        *,
        past: list[AnyEvent] | None = None,
        is_past_unfinished: bool = False,
    ) -> None:
        if self._folder is None:
            return
        messages = [
            SavedMessage(one.topic, one.payload.decode(), one.retain)
            for one in publications
            if "/telemetry" not in one.topic
        ]
        real = sorted(self._handover.real)
        whole = Saved(
            simulation.checkpoint(),
            messages,
            list(truth),
            real,
            past=saved.by_kind(past or []),
            is_past_unfinished=is_past_unfinished,
        )
        saved.write(self._folder, whole)


async def simulate(publisher: Publisher, plant: Plant, clock: Clock, *, folder: Path | None = None) -> None:
    """Simulate a plant until cancelled, resuming from the folder's checkpoint."""
    await Simulator(plant, folder).simulate(publisher, clock)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _monotonic_s() -> float:
    return asyncio.get_running_loop().time()


def _warmed_up(plant: Plant, start: int, part: Part | None) -> Simulation:
    """Return a simulation at `start` that has run for a day: its lines are full, its counters above zero."""
    simulation = Simulation(plant, start - WARM_UP_NS, part=part)
    simulation.sampling = LONG_AGO
    simulation.run_until(start)
    simulation.take_ground_truth()
    simulation.announce(order_since=simulation.now)
    return simulation


def _long_ago_step_ns(now: int, end: int, machines: int) -> int:
    """Return how far a past goes on at once: whole hours, up to the first of them after which it is sampled densely."""
    hours = -(-(end - _LAST_HOUR_NS - now) // _HOUR_NS)
    return min(hours, max(1, min(_LONG_AGO_MOST_H, _LONG_AGO_MACHINE_HOURS // machines))) * _HOUR_NS


def _sampling(speed: float) -> SamplingIntervals:
    """Return intervals at which a fast clock does not mean more messages a second."""
    faster = max(1.0, min(speed, 60.0))
    return SamplingIntervals(round(LIVE.sensors * faster), round(LIVE.meters * max(1.0, faster / 10)))


def _message(one: SavedMessage) -> Publication:
    return Publication(one.topic, one.payload.encode(), qos=1, retain=one.retain)
