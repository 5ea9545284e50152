"""One simulated machine at work: it takes pieces, sets up, runs, stops, fails and waits, and reports each.

It works on a load: one piece, or on a batch machine as many as fit. Where they come from and go to is its `Work`.

Everything that can interrupt the work is known ahead in *operating time*: how long the machine will still run until it
fails, stops or waits. So the work on a piece is cut into steps that end at the first of these, or at the next change of
the calendar, and no step is interrupted from outside. In planned time the machine shows its activity; in breaks it is
idle, outside shifts it is off; a failed machine stays down until it is repaired.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import simpy

from broker.contract.events import COUNTERS, NS_PER_S, Phase, State
from broker.plant.calendar import NO_SHIFT
from edge.simulation.emitter import EventEmitter
from edge.simulation.floor.cells import Cell
from edge.simulation.floor.disruptions import Disruption, Disruptions
from edge.simulation.floor.inspection import Inspection
from edge.simulation.floor.machine_state import MachineConfig, Totals, WorkUnitCheckpoint
from edge.simulation.floor.pieces import Order, Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.floor.shared import Supply
from edge.simulation.floor.shifts import Shifts
from edge.simulation.floor.timeline import Steps, Timeline, delay_ns
from edge.simulation.floor.work import Work
from edge.simulation.machines.model import Condition, Model

_DAY_NS: Final = 86_400 * NS_PER_S
_REPLY_AFTER_S: Final = 1.5
_LOAD_PROGRAM: Final = "load-program"


class WorkUnit:
    """See the module.

    Args:
        timeline: the simulated time.
        asset: the machine's path.
        cell: how it loses time and pieces.
        model: its sensors and process.
        shifts: when it is planned to work.
        work: where its pieces come from, and where they go.
        supplies: the machines without which it cannot run.
        config: its other settings.
        emitter: reports what it does.
        stream_for: returns its stream of random numbers for a purpose.
        checkpoint: the machine before a restart; None for a new one.
    """

    def __init__(
        self,
        timeline: Timeline,
        asset: str,
        *,
        cell: Cell,
        model: Model,
        shifts: Shifts,
        work: Work,
        supplies: Sequence[Supply] = (),
        config: MachineConfig,
        emitter: EventEmitter,
        stream_for: Callable[[str], RandomStream],
        checkpoint: WorkUnitCheckpoint | None,
    ) -> None:
        self.asset = asset
        self._time, self._cell, self._model, self._shifts = timeline, cell, model, shifts
        self._work, self._supplies, self._config, self._emitter = work, supplies, config, emitter
        self._cycles = stream_for("cycles")
        self._activity: tuple[State, str] = ("idle", "")
        self._since: int | None = None
        self._sampled_at = timeline.now
        self._condition = Condition()
        self._m = checkpoint or WorkUnitCheckpoint(
            counts=dict.fromkeys(COUNTERS, 0), meters={}, stock=model.material[3] if model.material else 0.0
        )
        self._m.meters = dict.fromkeys(model.meters, 0.0) | self._m.meters
        self._disruptions = Disruptions(cell, model, stream_for, self._m.upcoming)
        self._inspection = Inspection(
            timeline, state=self._m, cell=cell, model=model, work=work, emitter=emitter, chance=stream_for("quality")
        )
        model.restore(self._m.model)
        model.warnings = dict(self._m.raised)
        emitter.raised = dict(self._m.raised)
        timeline.process(self._live())
        if not shifts.always:
            timeline.process(self._follow_calendar())

    @property
    def order(self) -> Order | None:
        """The order on the machine."""
        return self._m.order

    @property
    def in_hand(self) -> list[Piece]:
        """The pieces on the machine but for scrap that waits to be cleared."""
        return [piece for piece in self._m.load if piece.fate != "scrap"]

    @property
    def state(self) -> State:
        """The state that it shows."""
        return self._emitter.shown[0] if self._emitter.shown else "off"

    def draws(self) -> bool:
        """Whether it draws what its supplies give."""
        return self.state == "running"

    @property
    def counts(self) -> dict[str, float]:
        """The cumulative counters."""
        return self._m.counts

    def totals(self) -> Totals:
        """Return what it has counted."""
        return Totals(dict(self._m.counts), dict(self._m.meters), self._m.consumed)

    def set_totals(self, totals: Totals) -> None:
        """Count on from these: what it did since then was not published."""
        self._m.counts.update(totals.counts)
        self._m.meters.update(totals.meters)
        self._m.consumed = totals.consumed

    def checkpoint(self) -> WorkUnitCheckpoint:
        """Return the machine's present state, for a restart."""
        m, ran = self._m, self._ran()
        return msgspec.structs.replace(
            m,
            run_ns=m.run_ns + ran,
            upcoming=self._disruptions.upcoming(ran),
            load=list(m.load),
            left=m.left - ran,
            model=self._model.checkpoint(),
            raised=dict(self._model.warnings),
        )

    def announce(self, order_since: int) -> None:
        """Come online, and report status, state, crew, order, counters and stock.

        Args:
            order_since: an order that began earlier is reported as begun at this instant.
        """
        m = self._m
        self._emitter.online()
        if m.order:
            m.order_at = max(m.order_at, order_since)
            self._emit_job_start(m.order)
        self._emitter.count(m.counts)
        self._inspection.emit_material()

    def read_sensors(self) -> None:
        """Report what the sensors show now, and which warnings are new or gone."""
        passed_s = (self._time.now - self._sampled_at) / NS_PER_S
        self._sampled_at = self._time.now
        values = self._model.sample(self._stand(), passed_s)
        self._m.meters["electricity"] += self._model.power_kw * passed_s / 3600
        self._emitter.samples(values, self._model.signals)
        self._emitter.warnings(self._model.warnings)

    def read_meters(self) -> None:
        """Report what the utility meters show now."""
        m = self._m
        run_ns = m.run_ns + self._ran()
        for name, unit in self._model.meters.items():
            if name != "electricity":
                m.meters[name] += self._model.used(name, (run_ns - m.metered_run_ns) / NS_PER_S)
            self._emitter.meter(name, m.meters[name], unit)
        m.metered_run_ns = run_ns

    # ---- Its life ----

    def _live(self) -> Steps:
        m = self._m
        while True:
            if not m.load or not m.is_loaded:
                yield from self._take()
            if not m.is_finished:
                yield from self._change_over_to(m.load[0])
                yield from self._run()
            yield from self._inspection.finish_load(self._stand)
            yield from self._unload()

    def _wait_for_shift(self) -> Steps:
        while not (now_range := self._shifts.at(self._time.now)).planned:
            self._show()
            yield self._time.timeout(now_range.end - self._time.now)

    def _maintain(self) -> Steps:
        day = self._time.now // _DAY_NS
        if self._config.upkeep_shift == self._shifts.at(self._time.now).shift and day != self._m.upkeep_day:
            self._m.upkeep_day = day
            self._do("maintenance", "autonomous-maintenance")
            yield from self._pass(self._config.upkeep_min * 60)

    def _take(self) -> Steps:
        """Take pieces until the load is full, or no more of its order are to come."""
        m = self._m
        if not m.load:
            yield from self._wait_for_shift()
            yield from self._maintain()
            m.load.append((yield from self._work.take(m.order, self._draw_batch, self._do)))
        while len(m.load) < self._config.load:
            more = yield from self._work.take_more(m.load, self._do)
            if more is None:
                break
            m.load.append(more)
        m.left, m.is_loaded = 0, True

    def _draw_batch(self) -> float:
        return 1 + 0.2 * (2 * self._cycles.uniform() - 1)

    def _change_over_to(self, piece: Piece) -> Steps:
        """Change over to the order of a piece; one that came back is worked on between two others, without that."""
        order, present = self._work.order_of(piece), self._m.order
        if order and (present is None or present.number != order.number) and not piece.passes:
            yield from self._wait_for_shift()
            yield from self._change_over(order)

    def _change_over(self, order: Order) -> Steps:
        m = self._m
        is_same = m.order is not None and m.order.product == order.product
        m.order, m.order_at = order, self._time.now
        self._emit_job_start(order)
        if is_same or self._cell.setup_min <= 0:
            return
        self._do("setup", "change-over")
        call = f"{order.number}-{self._time.now // NS_PER_S}"
        args = msgspec.json.encode({"program": order.product}).decode()
        self._emitter.called(_LOAD_PROGRAM, call, args, by="cell-controller")
        yield self._time.timeout(delay_ns(_REPLY_AFTER_S))
        self._emitter.replied(_LOAD_PROGRAM, call)
        yield from self._pass(self._disruptions.setup_s())
        self._inspection.was_set_up()

    def _run(self) -> Steps:
        """Run until the load is done, through failures, short stops, waits, breaks and ends of shifts."""
        m, time = self._m, self._time
        if m.left <= 0:
            m.cycle = m.left = self._cycle()
            m.begun_at = time.now
        while m.left > 0:
            yield from self._wait_for_shift()
            yield from self._wait_for_supplies()
            self._do("running", "")
            step = min(m.left, self._shifts.at(time.now).end - time.now, self._disruptions.left)
            self._since = since = time.now
            yield self._passed_or_supply_lost(step)
            step, self._since = time.now - since, None
            m.left -= step
            m.run_ns += step
            if disruption := self._disruptions.run(step):
                yield from self._suffer(disruption)

    def _cycle(self) -> int:
        """Return the operating time that the load needs, nanoseconds."""
        order = self._work.order_of(self._m.load[0])
        ideal_s = self._config.load * self._config.ideal_cycle_s(order.product if order else "")
        usual_s = ideal_s / self._cell.speed * max(0.5, 1 + 0.02 * self._cycles.normal())
        return delay_ns(usual_s * self._model.begin(self._m.load, self._stand()))

    def _wait_for_supplies(self) -> Steps:
        while lost := next((supply for supply in self._supplies if supply.is_lost), None):
            self._do("starved", lost.lost_reason)
            yield lost.changed
            yield from self._wait_for_shift()

    def _passed_or_supply_lost(self, step: int) -> simpy.Event:
        passed = self._time.timeout(step)
        if not self._supplies:
            return passed
        return self._time.any_of([passed, *(supply.changed for supply in self._supplies)])

    def _suffer(self, disruption: Disruption) -> Steps:
        self._do(disruption.shown.state, disruption.shown.reason)
        if disruption.failure is None:
            yield from self._pass(disruption.lasts_s)
            return
        code, text = disruption.failure.reason, disruption.failure.text
        self._emitter.notice(code, "alarm", text, active=True)
        yield self._time.timeout(delay_ns(disruption.lasts_s))
        self._emitter.notice(code, "alarm", text, active=False)
        self._disruptions.repaired()
        self._do("idle", "")

    def _unload(self) -> Steps:
        m = self._m

        def gone() -> None:
            del m.load[0]

        while m.load:
            yield from self._work.hand_on(m.load[0], self._do, gone)
        m.is_loaded = False
        if m.order is not None and self._work.is_last(m.order):
            self._emit_job("end", m.order, self._time.now)
            m.order = None

    def _pass(self, seconds: float) -> Steps:
        """Let planned time pass; breaks and the time outside shifts do not count."""
        left = delay_ns(seconds)
        while left > 0:
            now_range = self._shifts.at(self._time.now)
            self._show()
            step = min(left, now_range.end - self._time.now)
            yield self._time.timeout(step)
            if now_range.planned:
                left -= step

    def _follow_calendar(self) -> Steps:
        while True:
            self._show()
            yield self._time.timeout(self._shifts.at(self._time.now).end - self._time.now)

    # ---- What it shows ----

    def _do(self, state: State, reason: str) -> None:
        self._activity = (state, reason)
        self._show()

    def _show(self) -> None:
        state, reason = self._activity
        now_range = self._shifts.at(self._time.now)
        is_staffed = self._shifts.always or now_range.shift != NO_SHIFT
        if not now_range.planned and state != "down":
            state, reason = ("idle", "break") if is_staffed else ("off", "")
        self._emitter.state(state, reason)
        if isinstance(self._work, Supply):
            self._work.follow(state)
        present = self._config.crew if is_staffed else 0.0
        self._emitter.crew(present, present if state in {"running", "setup", "maintenance"} else 0.0)

    def _emit_job_start(self, order: Order) -> None:
        self._emit_job("start", order, self._m.order_at)

    def _emit_job(self, phase: Phase, order: Order, at: int) -> None:
        cycle_s = self._config.ideal_cycle_s(order.product)
        planned = round(order.pieces * self._work.share)
        self._emitter.job(phase, order, at, planned=planned, ideal_cycle_s=cycle_s)

    def _ran(self) -> int:
        """Return the operating time of the present step so far, nanoseconds."""
        return 0 if self._since is None else self._time.now - self._since

    def _stand(self) -> Condition:
        """Return the machine's present condition, for its model."""
        m, now, ran = self._m, self._condition, self._ran()
        order, load = m.order, m.load
        now.state = self.state
        now.run_s = (m.run_ns + ran) / NS_PER_S
        now.batch, now.product = (order.batch, order.product) if order else (1.0, "")
        now.pieces = len(load)
        now.progress, now.load_id = (1 - (m.left - ran) / m.cycle, load[0].serial) if load else (0.0, "")
        if isinstance(self._work, Supply):
            now.demand = self._work.demand()
        now.day_s = self._time.now // NS_PER_S % 86_400
        now.decaying = self._disruptions.failure.signal
        if now.decaying:
            now.decay = self._disruptions.decay(ran, self._config.defect_pace)
        return now
