"""One simulated machine at work: it takes pieces, sets up, runs, stops, fails and waits, and reports each.

Everything that can interrupt the work is known ahead in *operating time*: how long the machine will still run until it
fails, stops or waits. So the work on a piece is cut into steps that end at the first of these, or at the next change of
the calendar, and no step is interrupted from outside. In planned time the machine shows its activity; in breaks it is
idle, outside shifts it is off; a failed machine stays down until it is repaired.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Final

import msgspec
import simpy

from broker.contract.events import COUNTERS, NS_PER_S, Phase, State
from broker.plant.calendar import NO_SHIFT
from edge.simulation.cells import Cell
from edge.simulation.disruptions import Disruption, Disruptions, Upcoming
from edge.simulation.emitter import EventEmitter
from edge.simulation.machines.model import Condition, Model
from edge.simulation.physics import vibration
from edge.simulation.pieces import Order, OrderBook, Piece
from edge.simulation.random_stream import RandomStream
from edge.simulation.shifts import Shifts
from edge.simulation.timeline import Steps, Timeline, delay_ns

if TYPE_CHECKING:
    from edge.simulation.event_buffer import Fate

_DAY_NS: Final = 86_400 * NS_PER_S
_REPLY_AFTER_S: Final = 1.5
_LOAD_PROGRAM: Final = "load-program"


class WorkUnitCheckpoint(msgspec.Struct, kw_only=True):
    """The state of a machine that a restart continues from.

    Attributes:
        counts: the cumulative counters.
        meters: what the utility meters show.
        consumed: of its material, since it was new.
        stock: of its material, on hand.
        run_ns: operating time since it was new.
        metered_run_ns: of that, what the meters besides electricity have counted.
        upcoming: the disruptions to come.
        upkeep_day: the last day (UTC, since 1970) of autonomous maintenance.
        bad_starts: pieces that will be scrap because the machine was just set up.
        model: the model's own checkpoint.
        raised: the active warnings: their texts by code.
        order: the present order.
        order_at: when it began.
        in_hand: the piece on the machine.
        is_done: the piece was finished and counted; it only has to leave.
        is_scrap: it leaves as scrap.
        left: operating time that the piece still needs, nanoseconds; 0 if it was not begun.
        cycle: operating time that it needs in all, nanoseconds.
    """

    counts: dict[str, float]
    meters: dict[str, float]
    consumed: float = 0.0
    stock: float = 0.0
    run_ns: int = 0
    metered_run_ns: int = 0
    upcoming: Upcoming | None = None
    upkeep_day: int = -1
    bad_starts: int = 0
    model: dict[str, float] = {}
    raised: dict[str, str] = {}
    order: Order | None = None
    order_at: int = 0
    in_hand: Piece | None = None
    is_done: bool = False
    is_scrap: bool = False
    left: int = 0
    cycle: int = 1


class Place(msgspec.Struct, frozen=True):
    """Where a machine stands in its line.

    Attributes:
        book: the line's order book.
        stage: its stage, from 0.
        inlet: the buffer before it; None for the first stage, which gets raw pieces from the order book.
        outlet: the buffer behind it; None for the last stage.
        share: its part of an order, where several machines work side by side.
    """

    book: OrderBook
    stage: int
    inlet: simpy.FilterStore | None
    outlet: simpy.FilterStore | None
    share: float


class MachineConfig(msgspec.Struct, frozen=True):
    """The settings of one machine besides its cell and its model.

    Attributes:
        ideal_cycle_s: returns the ideal cycle of a product, seconds.
        crew: people at it during a shift.
        upkeep_shift: the shift that begins with autonomous maintenance, '' for none.
        upkeep_min: how long that takes, minutes.
        defect_pace: the time that defects take to grow, as a share of that on a real machine.
    """

    ideal_cycle_s: Callable[[str], float]
    crew: float
    upkeep_shift: str
    upkeep_min: float
    defect_pace: float


class WorkUnit:
    """See the module.

    Args:
        timeline: the simulated time.
        asset: the machine's path.
        cell: how it loses time and pieces.
        model: its sensors and process.
        shifts: when it is planned to work.
        place: where it stands in its line.
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
        place: Place,
        config: MachineConfig,
        emitter: EventEmitter,
        stream_for: Callable[[str], RandomStream],
        checkpoint: WorkUnitCheckpoint | None,
    ) -> None:
        self.asset = asset
        self._time, self._cell, self._model, self._shifts = timeline, cell, model, shifts
        self._place, self._config, self._emitter = place, config, emitter
        self._cycles, self._quality = stream_for("cycles"), stream_for("quality")
        self._activity: tuple[State, str] = ("idle", "")
        self._since: int | None = None
        self._sampled_at = timeline.now
        self._condition = Condition()
        self._m = checkpoint or WorkUnitCheckpoint(
            counts=dict.fromkeys(COUNTERS, 0), meters={}, stock=model.material[3] if model.material else 0.0
        )
        self._m.meters = dict.fromkeys(model.meters, 0.0) | self._m.meters
        self._disruptions = Disruptions(cell, model, stream_for, self._m.upcoming)
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
    def in_hand(self) -> Piece | None:
        """The piece on the machine, unless it is scrap that waits to be cleared."""
        return None if self._m.is_scrap else self._m.in_hand

    @property
    def counts(self) -> dict[str, float]:
        """The cumulative counters."""
        return self._m.counts

    def checkpoint(self) -> WorkUnitCheckpoint:
        """Return the machine's present state, for a restart."""
        m, ran = self._m, self._ran()
        return msgspec.structs.replace(
            m,
            run_ns=m.run_ns + ran,
            upcoming=self._disruptions.upcoming(ran),
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
        self._emit_material()

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
            if m.in_hand is None:
                yield from self._wait_for_shift()
                yield from self._maintain()
                m.in_hand = yield from self._take()
                m.left, m.is_done, m.is_scrap = 0, False, False
            if m.order is None or m.order.number != m.in_hand.order:
                yield from self._wait_for_shift()
                yield from self._change_over(self._place.book.orders[m.in_hand.order])
            if not m.is_done:
                yield from self._run(m.in_hand)
            yield from self._hand_on(m.in_hand)

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

    def _take(self) -> Generator[simpy.Event, Any, Piece]:
        """Take the next piece, one of the present order if the buffer holds it."""
        book, inlet, order = self._place.book, self._place.inlet, self._m.order
        if inlet is None:
            return book.draw(batch=1 + 0.2 * (2 * self._cycles.uniform() - 1))
        number = order.number if order else ""
        if any(piece.order == number for piece in inlet.items):
            get = inlet.get(lambda piece: piece.order == number)
        else:
            get = inlet.get()
        if not get.triggered:
            self._do("starved", "no-parts")
        piece: Piece = yield get
        book.taken(piece, self._place.stage)
        return piece

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
        # A whole number of pieces, of that mean.
        m.bad_starts = int(self._cell.startup_scrap) + self._quality.happens(self._cell.startup_scrap % 1)

    def _run(self, piece: Piece) -> Steps:
        """Run until the piece is done, through failures, short stops, waits, breaks and ends of shifts."""
        m, time = self._m, self._time
        if m.left <= 0:
            ideal_s = self._config.ideal_cycle_s(m.order.product if m.order else "")
            m.cycle = m.left = delay_ns(ideal_s / self._cell.speed * max(0.5, 1 + 0.02 * self._cycles.normal()))
        while m.left > 0:
            yield from self._wait_for_shift()
            self._do("running", "")
            step = min(m.left, self._shifts.at(time.now).end - time.now, self._disruptions.left)
            self._since = time.now
            yield time.timeout(step)
            self._since = None
            m.left -= step
            m.run_ns += step
            if disruption := self._disruptions.run(step):
                yield from self._suffer(disruption)
        self._finish(piece)

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

    def _hand_on(self, piece: Piece) -> Steps:
        m = self._m
        if not m.is_scrap and self._place.outlet is not None:
            put = self._place.outlet.put(piece)
            if not put.triggered:
                self._do("blocked", "buffer-full")
            yield put
        m.in_hand = None
        if m.order is not None and self._place.book.none_to_come(m.order, self._place.stage):
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
        present = self._config.crew if is_staffed else 0.0
        self._emitter.crew(present, present if state in {"running", "setup", "maintenance"} else 0.0)

    def _emit_job_start(self, order: Order) -> None:
        self._emit_job("start", order, self._m.order_at)

    def _emit_job(self, phase: Phase, order: Order, at: int) -> None:
        cycle_s = self._config.ideal_cycle_s(order.product)
        planned = round(order.pieces * self._place.share)
        self._emitter.job(phase, order, at, planned=planned, ideal_cycle_s=cycle_s)

    def _emit_material(self) -> None:
        if self._model.material:
            name, unit, _, _ = self._model.material
            self._emitter.material(name, consumed=self._m.consumed, stock=self._m.stock, unit=unit)

    def _ran(self) -> int:
        """Return the operating time of the present step so far, nanoseconds."""
        return 0 if self._since is None else self._time.now - self._since

    def _stand(self) -> Condition:
        """Return the machine's present condition, for its model."""
        m, now, ran = self._m, self._condition, self._ran()
        now.state = self._emitter.shown[0] if self._emitter.shown else "off"
        now.progress = 1 - (m.left - ran) / m.cycle if m.in_hand else 0.0
        now.run_s = (m.run_ns + ran) / NS_PER_S
        now.batch = m.order.batch if m.order else 1.0
        now.product = m.order.product if m.order else ""
        now.day_s = self._time.now // NS_PER_S % 86_400
        failure = self._disruptions.failure
        now.decaying = failure.signal
        if failure.signal:
            left_h = max(0, self._disruptions.to_failure - ran) / NS_PER_S / 3600
            now.decay = vibration.decay_share(left_h, failure.doubling_h * self._config.defect_pace)
        return now

    # ---- Pieces ----

    def _finish(self, piece: Piece) -> None:
        """Inspect a piece and count it, by its first inspection. Rework is done beside the machine."""
        m, cell = self._m, self._cell
        findings = self._model.finish(piece, self._stand())
        for finding in findings:
            self._emitter.finding(finding, piece.serial)
        is_startup = m.bad_starts > 0
        m.bad_starts -= is_startup
        is_scrap = is_startup or self._quality.happens(cell.scrap)
        if self._model.inspects:
            is_scrap = is_scrap or any(not one.lower <= one.value <= one.upper for one in findings)
        fate: Fate = "scrap" if is_scrap else "rework" if self._quality.happens(cell.rework) else "good"
        counts = m.counts
        counts["produced"] += 1
        counts["inspected"] += 1
        counts[fate] += 1
        counts["first_pass"] += fate == "good"
        counts["startup_scrap"] += is_startup
        counts["planned_scrap"] = round(counts["planned_scrap"] + cell.scrap, 6)
        self._emitter.count(counts)
        product = m.order.product if m.order else ""
        self._emitter.piece(product, fate, startup=is_startup)
        self._use_material()
        m.is_done, m.is_scrap = True, is_scrap
        if is_scrap:
            self._place.book.scrapped(piece, self._place.stage)

    def _use_material(self) -> None:
        if self._model.material:
            _, _, a_piece, delivery = self._model.material
            m = self._m
            m.consumed = round(m.consumed + a_piece, 6)
            m.stock = round(m.stock - a_piece, 6)
            if m.stock < 2 * a_piece:
                m.stock += delivery
            self._emit_material()
