"""One simulated machine at work: it takes pieces, sets up, runs, stops, breaks, waits, and says so.

Everything that can interrupt the work is known ahead in *operating time*: how long the machine will still run until it
fails, stops or waits. So the work on a piece is cut into steps that end at the first of these, or at the next edge of
the calendar, and nothing needs to be interrupted from outside. What the machine shows is its activity while it is
planned to work; in breaks it is idle, outside shifts it is off; a broken machine stays down until it is mended.

Times are integers, nanoseconds, and whole milliseconds, so that they stand in messages exactly as they are here.
"""

from collections.abc import Callable, Generator
from typing import Any, Final

import msgspec
import simpy

from broker.calendar import NO_SHIFT
from broker.events import (
    COUNTERS,
    NS_PER_MS,
    NS_PER_S,
    Command,
    Count,
    Job,
    Labour,
    Material,
    Measurement,
    Meter,
    Notice,
    Phase,
    Reply,
    Sample,
    Severity,
    State,
    StateChange,
    Status,
)
from edge.cells import Cell
from edge.chance import Chance
from edge.machines.model import Condition, FailureMode, Model, Pause
from edge.outbox import Outbox, TruePiece, TrueState
from edge.physics import vibration
from edge.pieces import Order, OrderBook, Piece
from edge.shifts import Shifts

Steps = Generator[simpy.Event, Any, None]

_H: Final = 3600.0
_REPLY_AFTER_S: Final = 1.5
_BREAK: Final = "break"


class WorkUnitMemory(msgspec.Struct):
    """What a machine must know after a restart. Times that are left are nanoseconds of operation."""

    counts: dict[str, float]
    meters: dict[str, float]
    consumed: float
    stock: float
    run_ns: int
    to_failure: int
    failure: int
    to_minor: int
    to_wait: int
    upkeep_day: int
    bad_starts: int
    model: dict[str, float]
    order: Order | None = None
    order_at: int = 0
    in_hand: Piece | None = None
    is_done: bool = False
    is_scrap: bool = False
    left: int = 0
    cycle: int = 1
    metered_run_s: float = 0.0


class Inlet:
    """Where a machine gets its pieces from: the order book for the first stage, a buffer for the others."""

    def __init__(self, book: OrderBook, stage: int, buffer: simpy.FilterStore | None) -> None:
        self.book = book
        self.stage = stage
        self.buffer = buffer


class WorkUnit:
    """See the module.

    Args:
        env: SimPy's environment, its time in integer nanoseconds.
        asset: the machine's path.
        cell: how it loses time and pieces.
        model: its sensors and process.
        shifts: when it is meant to work.
        inlet: where pieces come from.
        outlet: where good pieces go to; None behind the last stage.
        out: where it says what it does.
        chance: makes its streams of random numbers, by purpose.
        ideal_cycle_s: the ideal cycle of a product.
        share: its part of an order, where several machines work side by side.
        crew: people at it during a shift.
        upkeep: the shift that begins with maintenance ('' for none), and its minutes.
        pace: how long defects take to grow, against real machines.
        memory: what it was before a restart.
    """

    def __init__(
        self,
        env: simpy.Environment,
        asset: str,
        *,
        cell: Cell,
        model: Model,
        shifts: Shifts,
        inlet: Inlet,
        outlet: simpy.FilterStore | None,
        out: Outbox,
        chance: Callable[[str], Chance],
        ideal_cycle_s: Callable[[str], float],
        share: float,
        crew: float,
        upkeep: tuple[str, float],
        pace: float,
        memory: WorkUnitMemory | None,
    ) -> None:
        self.asset = asset
        self.model = model
        self._env, self._cell, self._shifts, self._inlet, self._outlet = env, cell, shifts, inlet, outlet
        self._out, self._ideal_cycle_s, self._share = out, ideal_cycle_s, share
        self._crew, self._upkeep, self._pace = crew, upkeep, pace
        self._sampled_at = env.now
        self._failures, self._repairs = chance("failures"), chance("repairs")
        self._stops, self._cycles, self._quality = chance("stops"), chance("cycles"), chance("quality")
        self._activity: tuple[State, str] = ("idle", "")
        self._shown: tuple[State, str] | None = None
        self._crew_shown: tuple[float, float] | None = None
        self._raised: dict[str, str] = {}
        self._mode: FailureMode = model.failures[0]
        self._since: int | None = None
        self._condition = Condition()
        self._m = memory or self._new()
        if memory:
            model.remember(memory.model)
        self._mode = model.failures[self._m.failure % len(model.failures)]
        env.process(self._live())
        if not shifts.always:
            env.process(self._keep_calendar())

    # ---- What others may see ----

    @property
    def shown(self) -> tuple[State, str]:
        """State and reason as last said."""
        return self._shown or ("off", "")

    @property
    def order(self) -> Order | None:
        """The order that is on the machine."""
        return self._m.order

    @property
    def in_hand(self) -> Piece | None:
        """The piece on the machine."""
        return self._m.in_hand

    @property
    def counts(self) -> dict[str, float]:
        """The cumulative counters."""
        return self._m.counts

    @property
    def meters(self) -> dict[str, float]:
        """The cumulative meters."""
        return self._m.meters

    def memory(self) -> WorkUnitMemory:
        """Return what a restart must know, as it is now."""
        m, since = self._m, self._ran()
        return msgspec.structs.replace(
            m,
            run_ns=m.run_ns + since,
            to_failure=m.to_failure - since,
            to_minor=m.to_minor - since,
            to_wait=m.to_wait - since,
            left=max(0, m.left - since),
            model=self.model.memory(),
        )

    def announce(self, order_since: int) -> None:
        """Say who it is, as a machine does when it comes online: status, state, order, counters, people, stock.

        Args:
            order_since: the order is said to be on since then, if it began before.
        """
        m = self._m
        self._out.say(Status(**self._stamp(), online=True))
        if self._shown:
            state, reason = self._shown
            self._out.say(StateChange(**self._stamp(), state=state, reason=reason))
            self._out.know(TrueState(self._env.now, self.asset, state, reason))
        if m.order:
            m.order_at = max(m.order_at, order_since)
            self._say_job("start", m.order, m.order_at)
        self._out.say(Count(**self._stamp(), **m.counts))
        if self._crew_shown:
            self._out.say(Labour(**self._stamp(), present=self._crew_shown[0], working=self._crew_shown[1]))
        self._say_material()

    def read_sensors(self) -> None:
        """Say what the sensors show now, and which of the model's warnings are new or over."""
        now = self._env.now
        passed_s = (now - self._sampled_at) / NS_PER_S
        self._sampled_at = now
        model, m = self.model, self._m
        values = model.sample(self._stand(), passed_s)
        m.meters["electricity"] += model.power_kw * passed_s / _H
        events, asset, units = self._out.events, self.asset, model.signals
        for signal, value in values.items():
            events.append(Sample(asset=asset, at=now, simulated=True, signal=signal, value=value, unit=units[signal]))
        if model.warnings.keys() != self._raised.keys():
            self._raise_warnings(model.warnings)

    def read_meters(self) -> None:
        """Say what the utility meters show now."""
        m = self._m
        ran_s = (m.run_ns + self._ran()) / NS_PER_S
        for name, unit in self.model.meters.items():
            if name != "electricity":
                m.meters[name] += self.model.used(name, ran_s - m.metered_run_s)
            self._out.say(Meter(**self._stamp(), name=name, total=round(m.meters[name], 4), unit=unit))
        m.metered_run_s = ran_s

    # ---- Its life ----

    def _live(self) -> Steps:
        m = self._m
        while True:
            if m.in_hand is None:
                yield from self._wait_for_shift()
                yield from self._maintain()
                m.in_hand = yield from self._take()
                m.left, m.is_done = 0, False
            piece = m.in_hand
            if m.order is None or m.order.number != piece.order:
                yield from self._wait_for_shift()
                yield from self._change_over(self._inlet.book.orders[piece.order])
            if not m.is_done:
                yield from self._run(piece)
            yield from self._hand_on(piece)

    def _hand_on(self, piece: Piece) -> Steps:
        m = self._m
        if not m.is_scrap and self._outlet is not None:
            put = self._outlet.put(piece)
            if not put.triggered:
                self._do("blocked", "buffer-full")
            yield put
        m.in_hand = None
        if m.order is not None and self._inlet.book.none_to_come(m.order, self._inlet.stage):
            self._say_job("end", m.order, self._env.now)
            m.order = None

    def _wait_for_shift(self) -> Steps:
        while not (span := self._shifts.at(self._env.now)).planned:
            self._show()
            yield self._env.timeout(span.end - self._env.now)

    def _maintain(self) -> Steps:
        shift, minutes = self._upkeep
        span = self._shifts.at(self._env.now)
        day = self._env.now // (86_400 * NS_PER_S)
        if span.shift != shift or self._m.upkeep_day == day:
            return
        self._m.upkeep_day = day
        self._do("maintenance", "autonomous-maintenance")
        yield from self._pass(_ns(minutes * 60))

    def _take(self) -> Generator[simpy.Event, Any, Piece]:
        inlet, order = self._inlet, self._m.order
        if inlet.buffer is None:
            return inlet.book.draw(1 + 0.2 * (2 * self._cycles.uniform() - 1))
        number = order.number if order else ""
        if order and any(piece.order == number for piece in inlet.buffer.items):
            get = inlet.buffer.get(lambda piece: piece.order == number)
        else:
            get = inlet.buffer.get()
        if not get.triggered:
            self._do("starved", "no-parts")
        piece: Piece = yield get
        inlet.book.taken(piece, inlet.stage)
        return piece

    def _change_over(self, order: Order) -> Steps:
        m = self._m
        same = m.order is not None and m.order.product == order.product
        m.order, m.order_at = order, self._env.now
        self._say_job("start", order, m.order_at)
        if same or self._cell.setup_min <= 0:
            return
        self._do("setup", "change-over")
        call = f"load-{order.number}-{self._env.now // NS_PER_S}"
        self._out.say(
            Command(
                **self._stamp(),
                name="load-program",
                id=call,
                args=msgspec.json.encode({"program": order.product}).decode(),
                by="cell-controller",
            )
        )
        yield self._env.timeout(_ns(_REPLY_AFTER_S))
        self._out.say(Reply(**self._stamp(), name="load-program", id=call, ok=True))
        yield from self._pass(_ns(60 * self._stops.lognormal(self._cell.setup_min, self._cell.setup_sigma)))
        self.model.setup_done()
        m.bad_starts = self._startup_pieces()

    def _run(self, piece: Piece) -> Steps:
        """Run until the piece is done, through failures, short stops, waits, breaks and ends of shifts."""
        m, env = self._m, self._env
        if m.left <= 0:
            ideal_s = self._ideal_cycle_s(m.order.product if m.order else "")
            m.cycle = m.left = _ns(ideal_s / self._cell.speed * max(0.5, 1 + 0.02 * self._cycles.normal()))
        while m.left > 0:
            span = self._shifts.at(env.now)
            if not span.planned:
                self._show()
                yield env.timeout(span.end - env.now)
                continue
            self._do("running", "")
            step = min(m.left, span.end - env.now, m.to_failure, m.to_minor, m.to_wait)
            self._since = env.now
            yield env.timeout(step)
            self._since = None
            m.left -= step
            m.run_ns += step
            m.to_failure -= step
            m.to_minor -= step
            m.to_wait -= step
            if m.to_failure <= 0:
                yield from self._fail()
            elif m.to_minor <= 0:
                m.to_minor = self._next_minor()
                yield from self._pause(self.model.minor_stops, self._cell.minor_min * 60)
            elif m.to_wait <= 0:
                m.to_wait = self._next_wait()
                yield from self._pause(self.model.waits, _WAIT_S)
        m.is_done, m.is_scrap = True, not self._finish(piece)

    def _fail(self) -> Steps:
        mode = self._mode
        self._do("down", mode.reason)
        self._notice(mode.reason, "alarm", mode.text, active=True)
        repair_s = 3600 * self._repairs.lognormal(self._cell.mttr_h, self._cell.repair_sigma)
        yield self._env.timeout(_ns(repair_s))
        self._notice(mode.reason, "alarm", mode.text, active=False)
        self._draw_failure(self._m)
        self._do("idle", "")

    def _pause(self, kinds: tuple[Pause, ...], mean_s: float) -> Steps:
        kind = kinds[self._stops.choose([kind.weight for kind in kinds])]
        self._do(kind.state, kind.reason)
        yield from self._pass(_ns(self._stops.exponential(mean_s)))

    def _pass(self, duration: int) -> Steps:
        """Let planned time pass; breaks and the time outside shifts do not count."""
        while duration > 0:
            span = self._shifts.at(self._env.now)
            self._show()
            step = min(duration, span.end - self._env.now)
            yield self._env.timeout(step)
            if span.planned:
                duration -= step

    def _keep_calendar(self) -> Steps:
        while True:
            self._show()
            yield self._env.timeout(self._shifts.at(self._env.now).end - self._env.now)

    # ---- Pieces ----

    def _finish(self, piece: Piece) -> bool:
        """Judge and count a piece; return whether it goes on."""
        m, cell = self._m, self._cell
        findings = self.model.finish(piece, self._stand())
        for one in findings:
            self._out.say(
                Measurement(
                    **self._stamp(),
                    characteristic=one.characteristic,
                    value=one.value,
                    lower=one.lower,
                    nominal=one.nominal,
                    upper=one.upper,
                    part=piece.serial,
                    unit=one.unit,
                )
            )
        startup = m.bad_starts > 0
        m.bad_starts -= startup
        scrap = startup or self._quality.happens(cell.scrap)
        if self.model.inspects:
            scrap = scrap or any(not one.lower <= one.value <= one.upper for one in findings)
        rework = not scrap and self._quality.happens(cell.rework / (1 - cell.scrap) if cell.scrap < 1 else 0.0)
        product = m.order.product if m.order else ""
        self._out.know(TruePiece(self._env.now, self.asset, product, "scrap" if scrap else "good", rework, startup))
        counts = m.counts
        counts["produced"] += 1
        counts["inspected"] += 1
        counts["scrap" if scrap else "good"] += 1
        counts["rework"] += rework
        counts["first_pass"] += not scrap and not rework
        counts["startup_scrap"] += startup
        counts["planned_scrap"] = round(counts["planned_scrap"] + cell.scrap, 6)
        self._out.say(Count(**self._stamp(), **counts))
        self._use_material()
        if scrap:
            self._inlet.book.scrapped(piece, self._inlet.stage)
        return not scrap

    def _use_material(self) -> None:
        if self.model.material is None:
            return
        _, _, a_piece, delivery = self.model.material
        m = self._m
        m.consumed = round(m.consumed + a_piece, 6)
        m.stock = round(m.stock - a_piece, 6)
        if m.stock < 2 * a_piece:
            m.stock += delivery
        self._say_material()

    def _startup_pieces(self) -> int:
        """Return how many pieces after a set-up are scrap: a whole number of that mean."""
        mean = self._cell.startup_scrap
        return int(mean) + self._quality.happens(mean % 1)

    # ---- Sensors ----

    def _ran(self) -> int:
        """Return the operating time of the step that is on."""
        return 0 if self._since is None else self._env.now - self._since

    def _stand(self) -> Condition:
        """Return how the machine stands now, for its model."""
        m, now, ran = self._m, self._condition, self._ran()
        now.state = self.shown[0]
        now.progress = 1 - (m.left - ran) / m.cycle if m.in_hand else 0.0
        now.run_s = (m.run_ns + ran) / NS_PER_S
        now.batch = m.order.batch if m.order else 1.0
        now.product = m.order.product if m.order else ""
        now.day_s = self._env.now // NS_PER_S % 86_400
        now.decaying = self._mode.signal
        if self._mode.signal:
            left_h = max(0, m.to_failure - ran) / NS_PER_S / _H
            now.decay = vibration.decay_share(left_h, self._mode.doubling_h * self._pace)
        return now

    def _raise_warnings(self, warnings: dict[str, str]) -> None:
        for code in sorted(self._raised.keys() - warnings.keys()):
            self._notice(code, "warning", self._raised[code], active=False)
        for code in sorted(warnings.keys() - self._raised.keys()):
            self._notice(code, "warning", warnings[code], active=True)
        self._raised = dict(warnings)

    # ---- What is said ----

    def _do(self, state: State, reason: str) -> None:
        self._activity = (state, reason)
        self._show()

    def _show(self) -> None:
        shown = self._activity
        span = self._shifts.at(self._env.now)
        if not span.planned and shown[0] != "down":
            shown = ("off", "") if span.shift == NO_SHIFT else ("idle", _BREAK)
        if shown != self._shown:
            self._shown = shown
            self._out.say(StateChange(**self._stamp(), state=shown[0], reason=shown[1]))
            self._out.know(TrueState(self._env.now, self.asset, *shown))
        present = 0.0 if not self._shifts.always and span.shift == NO_SHIFT else self._crew
        crew = (present, present if shown[0] in {"running", "setup", "maintenance"} else 0.0)
        if crew != self._crew_shown:
            self._crew_shown = crew
            self._out.say(Labour(**self._stamp(), present=crew[0], working=crew[1]))

    def _say_job(self, phase: Phase, order: Order, at: int) -> None:
        self._out.say(
            Job(
                asset=self.asset,
                at=at,
                simulated=True,
                phase=phase,
                order=order.number,
                product=order.product,
                planned=round(order.pieces * self._share),
                ideal_cycle=self._ideal_cycle_s(order.product),
            )
        )

    def _say_material(self) -> None:
        if self.model.material:
            name, unit, _, _ = self.model.material
            consumed, stock = self._m.consumed, self._m.stock
            self._out.say(Material(**self._stamp(), name=name, consumed=consumed, stock=stock, unit=unit))

    def _notice(self, code: str, severity: Severity, text: str, *, active: bool) -> None:
        self._out.say(Notice(**self._stamp(), code=code, severity=severity, text=text, active=active))

    def _stamp(self) -> dict[str, Any]:
        return {"asset": self.asset, "at": self._env.now, "simulated": True}

    # ---- Chance ----

    def _new(self) -> WorkUnitMemory:
        memory = WorkUnitMemory(
            counts=dict.fromkeys(COUNTERS, 0),
            meters=dict.fromkeys(self.model.meters, 0.0),
            consumed=0.0,
            stock=self.model.material[3] if self.model.material else 0.0,
            run_ns=0,
            to_failure=0,
            failure=0,
            to_minor=self._next_minor(),
            to_wait=self._next_wait(),
            upkeep_day=-1,
            bad_starts=0,
            model={},
        )
        self._draw_failure(memory)
        # The machine is not new: it has lived a part of the time to its first failure already.
        memory.to_failure = max(_ns(60), _ns(memory.to_failure / NS_PER_S * self._failures.uniform()))
        return memory

    def _draw_failure(self, memory: WorkUnitMemory) -> None:
        memory.to_failure = _ns(3600 * self._failures.weibull(self._cell.mtbf_h, self._cell.failure_shape))
        memory.failure = self._failures.choose([mode.weight for mode in self.model.failures])
        self._mode = self.model.failures[memory.failure]

    def _next_minor(self) -> int:
        rate = self._cell.minor_per_h
        return _ns(self._stops.exponential(3600 / rate)) if rate > 0 else _NEVER

    def _next_wait(self) -> int:
        """Return the operating time to the next wait, such that waiting is its share of waiting and operating."""
        wait = self._cell.wait
        return _ns(self._stops.exponential(_WAIT_S * (1 - wait) / wait)) if wait > 0 else _NEVER


_WAIT_S: Final = 480.0
_NEVER: Final = 1 << 61


def _ns(seconds: float) -> int:
    """Return a time in nanoseconds, at least 1 ms, in whole milliseconds."""
    return max(1, round(seconds * 1000)) * NS_PER_MS
