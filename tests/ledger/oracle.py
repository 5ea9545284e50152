"""The ledger as specified, slow and obvious: what the tests hold the real one against.

Time is cut at every instant at which anything could change (events, edges of the calendar, minutes, ends of the range).
For each piece the state is looked up among all events, and the piece goes into exactly one field. What happens at an
instant (failures, entries, micro-stops) is found by walking through all instants at which something was reported, from
the first; counters by scanning all their readings from the first. Nothing is stored from one call to the next, amounts
are exact fractions in 10⁻⁹ of the field's unit, and nothing but the names of fields is shared with `services.ledger`.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from broker.contract.events import Adjust, AnyEvent, Count, Job, Labour, Material, Meter, StateChange, Status
from broker.plant.plant import Plant
from tests.ledger.readings.oracle import PIECES, Is, classified

if TYPE_CHECKING:
    from broker.plant.calendar import TimeRange

NANO = 1_000_000_000
MINUTE = 60 * NANO
LONG_AGO = -(2**62)
FAR_AHEAD = 2**62
LOST = ("starved", "blocked", "idle", "down")

TIME_FIELDS = {
    "running_s",
    "setup_s",
    "starved_s",
    "blocked_s",
    "idle_s",
    "no_order_s",
    "down_s",
    "unknown_planned_s",
    "maintenance_s",
    "off_s",
    "unknown_s",
}
QUANTITIES = ("consumed", "integrated_good", "lost_production", "lost_storage", "lost_other", "throughput")
METERS = {
    "electricity": ("electricity_kwh", {"": Fraction(1), "kW.h": Fraction(1), "W.h": Fraction(1, 1000)}),
    "compressed-air": ("air_m3", {"": Fraction(1), "m3": Fraction(1), "L": Fraction(1, 1000)}),
    "water": ("water_m3", {"": Fraction(1), "m3": Fraction(1), "L": Fraction(1, 1000)}),
    "gas": ("gas_m3", {"": Fraction(1), "m3": Fraction(1), "L": Fraction(1, 1000)}),
}
INTEGRALS = {"attendance_s", "work_s", "stock_s"}
"""Fields that are a quantity times a time: the real ledger rounds each part of them to 10⁻⁹."""

RowKey = tuple[str, int, str, str]
"""Machine, minute, product, shift."""
ReasonKey = tuple[str, int, str, str]
"""Machine, minute, state, reason."""


class Ledger(NamedTuple):
    """What the oracle finds."""

    rows: dict[RowKey, dict[str, Fraction]]
    orders: dict[RowKey, str]
    reasons: dict[ReasonKey, tuple[int, int]]


def winners(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """Return the events that count, in order of time; `events` are in the order in which they came.

    Of two of one series and instant the later counts; a count or material that lacks a field does not change it, and
    the end of one order does not affect another that begins. Of the bookings of one id the one booked last counts, the
    others are void.
    """
    stored: dict[tuple[str, str, str, int], AnyEvent] = {}
    booked: dict[tuple[str, str], list[Adjust]] = {}
    for event in events:
        key = (event.asset, event.kind, event.series, event.at)
        if isinstance(event, Adjust):
            booked.setdefault((event.asset, event.id), []).append(event)
            continue
        before = stored.get(key)
        if before is not None and isinstance(event, (Count, Material)):
            reported = {name: value for name in event.__struct_fields__ if (value := getattr(event, name)) is not None}
            stored[key] = msgspec.structs.replace(before, **reported)
        elif isinstance(event, Job) and isinstance(before, Job) and _is_past(event, before):
            continue
        else:
            stored[key] = event
    for of_id in booked.values():
        of_id.sort(key=_booked_last)
        for booking in of_id:
            is_void = booking.void or booking is not of_id[-1]
            stored[booking.asset, "adjust", booking.id, booking.at] = msgspec.structs.replace(booking, void=is_void)
    return sorted(stored.values(), key=lambda event: (event.at, event.asset, event.kind, event.series))


def _booked_last(booking: Adjust) -> tuple[object, ...]:
    amounts = [(value is not None, value or 0) for value in (getattr(booking, field) for field in PIECES)]
    return booking.booked, booking.at, amounts, booking.void


def _is_past(end: Job, start: Job) -> bool:
    return end.phase == "end" and start.phase == "start" and end.order not in {"", start.order}


def ledger(events: Iterable[AnyEvent], plant: Plant, start: int, end: int, silent: Iterable[str] = ()) -> Ledger:
    """Return the rows of all machines that have an event, and of those that are silent, over start ≤ t < end."""
    stored = winners(events)
    found = Ledger({}, {}, {})
    for machine in sorted({event.asset for event in stored} | set(silent)):
        _Machine(machine, [event for event in stored if event.asset == machine], plant, found).fill(start, end)
    return found


def counted(events: Iterable[AnyEvent]) -> set[str]:
    """Return the machines whose time counts: those that ever reported a state, a count or an order."""
    return {event.asset for event in events if isinstance(event, (StateChange, Count, Job))}


class _Machine:
    def __init__(self, machine: str, events: Sequence[AnyEvent], plant: Plant, found: Ledger) -> None:
        self.machine, self.plant, self.found = machine, plant, found
        self.events = events
        self.states = [event for event in events if isinstance(event, StateChange)]
        self.links = [event for event in events if isinstance(event, Status)]
        self.jobs = [event for event in events if isinstance(event, Job)]
        self.time_ranges: list[TimeRange] | None = None

    def fill(self, start: int, end: int) -> None:
        calendar = self.plant.calendar_of(self.machine)
        self.time_ranges = None if calendar is None else calendar.time_ranges(start - 2 * MINUTE, end + MINUTE)
        self._time(start, end)
        self._instants(start, end)
        self._readings(start, end)

    # ---- What was so at an instant ----

    def reported_state(self, at: int) -> tuple[str, str]:
        """Return state and reason."""
        state = [event for event in self.states if event.at <= at][-1:]
        link = [event for event in self.links if event.at <= at][-1:]
        alive = [
            event
            for event in self.events
            if link and link[0].at < event.at <= at and not isinstance(event, Adjust)  # a person's
        ]
        if not state or (link and not link[0].online and not alive):
            return "unknown", ""
        return state[0].state, state[0].reason

    def until(self, at: int) -> list[AnyEvent]:
        """Return all that was reported up to this instant."""
        return [event for event in self.events if event.at <= at]

    def job(self, at: int) -> Job | None:
        on = None
        for event in self.jobs:
            if event.at <= at and event.phase == "start":
                on = event
            elif event.at <= at and on is not None and event.order in {"", on.order}:
                on = None
        return on

    def time_range(self, at: int) -> tuple[str, bool | None]:
        """Return the shift, and whether the calendar plans it (None without a calendar)."""
        if self.time_ranges is None:
            return "-", None
        return next(
            (time_range.shift, time_range.planned)
            for time_range in self.time_ranges
            if time_range.start <= at < time_range.end
        )

    def key(self, at: int) -> RowKey:
        job = self.job(at)
        return self.machine, at // MINUTE * MINUTE, (job.product if job else "") or "-", self.time_range(at)[0]

    def add(self, field: str, amount: Fraction | int, at: int) -> None:
        if amount:
            row = self.found.rows.setdefault(self.key(at), {})
            row[field] = row.get(field, Fraction(0)) + amount

    def is_stopped(self, at: int, state: str) -> bool:
        """Return whether time in this state would be lost at this instant."""
        field = _field(state, planned=self.time_range(at)[1], ordered=self.job(at) is not None)
        return field in {"starved_s", "blocked_s", "idle_s", "down_s"}

    def enter(self, at: int, reported_state: tuple[str, str], seconds: int, entries: int) -> None:
        if (reported_state[1] or self.is_stopped(at, reported_state[0])) and (seconds or entries):
            key = (self.machine, at // MINUTE * MINUTE, *reported_state)
            before = self.found.reasons.get(key, (0, 0))
            self.found.reasons[key] = (before[0] + seconds, before[1] + entries)

    # ---- Time ----

    def _time(self, start: int, end: int) -> None:
        cuts = {start, end, *range(start // MINUTE * MINUTE, end, MINUTE), *(event.at for event in self.events)}
        cuts |= {time_range.start for time_range in self.time_ranges or ()}
        short_stops = list(self.short_stops())
        for begin, until in pairwise(sorted(cut for cut in cuts if start <= cut <= end)):
            length = until - begin
            state, reason = self.reported_state(begin)
            planned, job = self.time_range(begin)[1], self.job(begin)
            field = _field(state, planned=planned, ordered=job is not None)
            self.add(field, length, begin)
            self.add("between_s", length if state == "running" else 0, begin)
            received = any(isinstance(event, Count) and event.produced is not None for event in self.until(begin))
            self.add("uncounted_s", length if state == "running" and not received else 0, begin)
            self.add("repair_s", length if state == "down" else 0, begin)
            self.add("overtime_s", length if state in ("running", "setup") and planned is False else 0, begin)
            self.add("order_s", length if job is not None else 0, begin)
            short = any(stop[0].start <= begin and until <= stop[-1].end for stop in short_stops)
            self.add("microstop_s", length if short and state in LOST and planned is not False else 0, begin)
            self.enter(begin, (state, reason), length if field in (f"{state}_s", "no_order_s") else 0, 0)
            if job is not None:
                self.found.orders[self.key(begin)] = job.order
            self._people_and_stock(begin, length)

    def _people_and_stock(self, begin: int, length: int) -> None:
        people = [event for event in self.events if isinstance(event, Labour) and event.at <= begin][-1:]
        for labour in people:
            self.add("attendance_s", length * _exact(labour.present), begin)
            self.add("work_s", length * _exact(labour.working or 0), begin)
        materials = [event for event in self.events if isinstance(event, Material)]
        for name in {event.name for event in materials}:
            reported = [event.stock for event in materials if event.name == name and event.at <= begin]
            stocks = [stock for stock in reported if stock is not None]
            if stocks:
                self.add("stock_s", length * _exact(stocks[-1]), begin)
                self.add("stock_known_s", length, begin)

    def state_intervals(self) -> Iterator["_StateInterval"]:
        """Yield the ended state intervals, whatever the reasons."""
        times = sorted({event.at for event in self.events})
        state, since = "unknown", LONG_AGO
        for at in times:
            now = self.reported_state(at)[0]
            if now != state:
                yield _StateInterval(state, since, at)
                state, since = now, at

    def short_stops(self) -> Iterator[list["_StateInterval"]]:
        """Yield the intervals of each stop that was short, from the first on that was lost time."""
        limit = self.plant.microstop_limit_ns
        stop: list[_StateInterval] = []
        now = self.reported_state(FAR_AHEAD)[0]
        for each in (*self.state_intervals(), _StateInterval(now, FAR_AHEAD, FAR_AHEAD)):
            is_gap = each.state == "unknown" and each.end - each.start < limit and each.start < FAR_AHEAD
            if is_gap or (each.state not in ("running", "setup", "unknown") and each.start < FAR_AHEAD):
                if stop or not is_gap:
                    stop.append(each)
                continue
            while stop and stop[-1].state == "unknown":
                stop.pop()
            lasts = each.start == FAR_AHEAD and each.state not in ("running", "setup", "unknown")
            if stop and not lasts and stop[-1].end - stop[0].start < limit:
                while stop and stop[0].state not in LOST:
                    stop.pop(0)
                if stop:
                    yield stop
            stop = []

    # ---- What happens at an instant ----

    def _instants(self, start: int, end: int) -> None:
        known = ("unknown", "")
        for at in sorted({event.at for event in self.events}):
            reported_state = self.reported_state(at)
            if reported_state[0] == "unknown":
                continue
            if reported_state != known and start <= at < end:
                self.enter(at, reported_state, 0, NANO)
                self.add("failures", NANO if reported_state[0] == "down" and known[0] != "down" else 0, at)
                self.add("repairs", NANO if known[0] == "down" and reported_state[0] != "down" else 0, at)
            known = reported_state
        for stop in self.short_stops():
            at = stop[0].start
            if start <= at < end and self.time_range(at)[1] is not False:
                self.add("microstops", NANO, at)

    # ---- Counters ----

    def _readings(self, start: int, end: int) -> None:
        noted: set[tuple[int, str, str]] = set()
        for (field, source), readings in self.classified().items():
            for at, (kind, added) in readings:
                if not start < at <= end:
                    continue
                if kind not in {"", "left out"}:
                    noted.add((at, kind, source and f"{field} {source}"))
                self._pieces(field, added, at)
        for at, kind, _ in noted:
            self.add(kind, NANO, at - 1)
        for booking in self.events:
            if isinstance(booking, Adjust) and not booking.void and start < booking.at <= end:
                for field in PIECES:
                    self._pieces(field, _exact(getattr(booking, field) or 0) * NANO, booking.at)

    def _pieces(self, field: str, added: Fraction, at: int) -> None:
        """Add pieces, and their ideal time, to the moment before they were counted or booked for."""
        self.add(field, added, at - 1)
        ideal_ns = self.ideal_ns(at - 1)
        if field == "produced":
            self.add("unrated", added if ideal_ns is None else 0, at - 1)
            self.add("produced_off", added if self.reported_state(at - 1)[0] == "off" else 0, at - 1)
        ideal_field = {"produced": "ideal_s", "good": "ideal_good_s"}.get(field)
        if ideal_field is not None:
            self.add(ideal_field, _nearest(added * (ideal_ns or 0) / NANO), at - 1)

    def classified(self) -> dict[tuple[str, str], list[tuple[int, Is]]]:
        """Return what each cumulative reading is; counters of pieces together, everything else by itself."""
        groups: dict[tuple[str, str], dict[str, list[tuple[int, Fraction]]]] = {}
        for (field, source), readings in self.totals().items():
            groups.setdefault((field if source else "", source), {})[field] = readings
        return {
            (field, source): [(at, kind) for (at, _), kind in zip(series[field], kinds, strict=True)]
            for (_, source), series in groups.items()
            for field, kinds in classified(series, self.possible).items()
        }

    def possible(self, field: str, start: int, end: int) -> Fraction | None:
        """Return the most that can have been counted: pieces, at the shortest ideal cycle in force meanwhile."""
        if field not in PIECES:
            return None
        instants = [start, *(event.at for event in self.jobs if start < event.at < end)]
        cycles = [cycle for at in instants if (cycle := self.ideal_ns(at))]
        return Fraction(3, 2) * (end - start) * NANO / min(cycles) + NANO if cycles else None

    def ideal_ns(self, at: int) -> Fraction | None:
        job = self.job(at)
        ideal_s = job.ideal_cycle if job is not None else None
        if ideal_s is None:
            ideal_s = self.plant.ideal_cycle(self.machine, (job.product if job else "") or "-")
        return None if ideal_s is None else _exact(ideal_s) * NANO

    def totals(self) -> dict[tuple[str, str], list[tuple[int, Fraction]]]:
        """Return the cumulative readings, by field and by what they were read from."""
        found: dict[tuple[str, str], list[tuple[int, Fraction]]] = {}

        def read(field: str, source: str, at: int, total: float | Fraction | None) -> None:
            if total is not None:
                found.setdefault((field, source), []).append((at, _exact(total) * NANO))

        for event in self.events:
            match event:
                case Count():
                    for field in PIECES:
                        read(field, "", event.at, getattr(event, field))
                case Material():
                    for field in QUANTITIES:
                        read(field, event.name, event.at, getattr(event, field))
                case Meter():
                    field, worth = METERS[event.name]
                    read(field, event.name, event.at, Fraction(event.total) * worth[event.unit])
                case _:
                    pass
        return found


class _StateInterval(NamedTuple):
    state: str
    start: int
    end: int


def _field(state: str, *, planned: bool | None, ordered: bool) -> str:
    match state:
        case "off" | "maintenance":
            return f"{state}_s"
        case "unknown":
            return "unknown_planned_s" if planned else "unknown_s"
        case "running" | "setup":
            return f"{state}_s"
        case _ if planned is False:
            return "off_s"
        case "idle" if not ordered:
            return "no_order_s"
        case _:
            return f"{state}_s"


def _exact(reported: float | Fraction) -> Fraction:
    """Return a quantity as the ledger takes it: to the nearest 10⁻⁹ of its unit."""
    return Fraction(round(Fraction(reported) * NANO), NANO)


def _nearest(amount: Fraction) -> int:
    return int((amount + Fraction(1, 2)) // 1)
