"""The ledger rows of a machine's history: every second in exactly one field, every piece in the minute of its making.

This is the ledger as a pure function of events, calendar and range. Live, replayed and back-filled rows are built here,
and so are the partial minutes at the ends of a range.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import pairwise
from typing import Final, NamedTuple

from broker.contract.events import Adjust
from broker.plant.calendar import NO_SHIFT, TimeRange
from services.ledger import entries
from services.ledger.entries import Order
from services.ledger.fields import NANO, Sums
from services.ledger.history import MINUTE, History
from services.ledger.rules import Rules
from services.ledger.state_timeline import ReportedState
from services.ledger.stops import STOPS, short_stop
from services.ledger.time_field import STOPPED, fields_of_time, time_field

NO_PRODUCT: Final = "-"


RowKey = tuple[int, str, str]
"""Start of the minute, product, shift."""
ReasonKey = tuple[int, str, str]
"""Start of the minute, state, reason."""


class Rows(NamedTuple):
    """Rows by their key, the newest order of each, and (seconds, entries) by reason, both in 10⁻⁹."""

    sums: dict[RowKey, Sums]
    orders: dict[RowKey, str]
    reasons: dict[ReasonKey, tuple[int, int]]


class Part(NamedTuple):
    """One contribution to a sum; the events behind a number are listed as these.

    Attributes:
        field: the ledger's field that it adds to.
        amount: in 10⁻⁹ of the field's unit.
        start: from when; the instant of an entry; for what a reading added, when it was read.
        end: until when; equal to `start` for an instant.
        reported_state: the state then, and its reason.
        product: of the order then on the machine.
        shift: of the calendar.
        booking: what was booked by hand, where that is the contribution.
    """

    field: str
    amount: int
    start: int
    end: int
    reported_state: ReportedState
    product: str
    shift: str
    booking: Adjust | None = None


def build(history: History, start: int, end: int, rules: Rules) -> Rows:
    """Return the rows of [start, end), which need not begin or end on a minute.

    States count from start ≤ t < end; counts, which are about what was made before, from start < t ≤ end.
    """
    return _Builder(history, start, end, rules).build()


def sums(history: History, start: int, end: int, rules: Rules) -> Rows:
    """Return what `build` does, cut only where something changes, not at each minute: the same sums, much faster."""
    return _Builder(history, start, end, rules, by_minute=False).build()


def parts(history: History, start: int, end: int, rules: Rules) -> list[Part]:
    """Return every single contribution to the rows of [start, end), in order of time; their sums are the rows' sums."""
    builder = _Builder(history, start, end, rules, trace=[])
    builder.build()
    assert builder.trace is not None
    return sorted(builder.trace, key=lambda part: (part.start, part.end))


class _Builder:
    def __init__(
        self,
        history: History,
        start: int,
        end: int,
        rules: Rules,
        *,
        trace: list[Part] | None = None,
        by_minute: bool = True,
    ) -> None:
        self.history, self.start, self.end, self.rules, self.trace = history, start, end, rules, trace
        self.by_minute = by_minute
        self.time_ranges = rules.calendar.time_ranges(start, end) if rules.calendar is not None and end > start else []
        self.range_starts = [each.start for each in self.time_ranges]
        self.sums: dict[RowKey, Sums] = {}
        self.orders: dict[RowKey, str] = {}
        self.reasons: dict[ReasonKey, tuple[int, int]] = {}
        self._ideal_of: dict[str, int | None] = {}
        self._newest_place = _Place(None, None)
        self._newest_range: TimeRange | None = None

    def build(self) -> Rows:
        if self.end > self.start:
            self.history.classify_by(self.rules.limits)
            self._time()
            if not self.history.is_quiet_from(self.start):
                if self.history.changes_state_from(self.start):
                    self._entries()
                self._pieces()
        return Rows(self.sums, self.orders, self.reasons)

    def _calendar_at(self, time: int) -> TimeRange | None:
        return self.time_ranges[bisect_right(self.range_starts, time) - 1] if self.time_ranges else None

    def _add(
        self,
        field: str,
        amount: int,
        begin: int,
        until: int,
        place: "_Place",
        *,
        read: int | None = None,
        booking: Adjust | None = None,
    ) -> None:
        """Add to a field of the row that `begin` belongs to; `read` is the time of a reading, if it is one."""
        if not amount:
            return
        key = (begin - begin % MINUTE, place.product, place.shift)
        row = self.sums.get(key)
        if row is None:
            row = self.sums[key] = {}
        row[field] = row.get(field, 0) + amount
        if not row[field]:
            del row[field]  # corrected within the minute
        if self.trace is not None:
            reported = (begin, until) if read is None else (read, read)
            state = self.history.state_at(begin)
            self.trace.append(Part(field, amount, *reported, state, place.product, place.shift, booking))

    def _add_read(self, field: str, amount: int, at: int, place: "_Place", booking: Adjust | None = None) -> None:
        """Add what a reading (or booking) at this instant added, to the moment before."""
        self._add(field, amount, at - 1, at - 1, place, read=at, booking=booking)

    def _place(self, time: int) -> "_Place":
        order, time_range = self.history.jobs.at(time), self._calendar_at(time)
        if order is not self._newest_place.order or time_range is not self._newest_range:
            self._newest_place, self._newest_range = _Place(order, time_range), time_range
        return self._newest_place

    def _edges(self, counted_from: int | None) -> list[int]:
        """Return where anything changes, and the ends of the range."""
        history, start, end = self.history, self.start, self.end
        cuts = set(range(start - start % MINUTE + MINUTE, end, MINUTE) if self.by_minute else ())
        cuts.update(self.range_starts[1:])
        tracks = (history.states, history.links, history.jobs, history.labour, *history.stocks.values())
        for track in tracks:
            times = track.times  # type: ignore[attr-defined]  # they are all tracks, of different entries
            if times and times[-1] > start:
                cuts.update(_inside(times, start, end))
        if counted_from is not None and start < counted_from < end:
            cuts.add(counted_from)
        return [start, *sorted(cuts), end]

    def _time(self) -> None:
        """Cut the range where anything changes, and put each piece of it into its row."""
        history = self.history
        counted_from = history.counted_from
        has_amounts = bool(history.labour.times or history.stocks)
        known_until = self.start  # until where `short` holds
        short = False
        for begin, until in pairwise(self._edges(counted_from)):
            reported_state = history.state_at(begin)
            place = self._place(begin)
            state, reason = reported_state
            is_uncounted = counted_from is None or begin < counted_from
            of_time = fields_of_time(
                state,
                place.planned,
                has_reason=reason != "",
                has_order=place.order is not None,
                is_uncounted=is_uncounted,
            )
            length = until - begin
            self._add_time(of_time.fields, length, begin, until, place)
            if place.order is not None:
                self.orders[begin - begin % MINUTE, place.product, place.shift] = place.order.order
            if of_time.is_lost:
                if begin >= known_until:
                    stop = short_stop(history, begin, self.rules.short_ns)
                    short = stop is not None
                    known_until = history.boundary_after(begin) or self.end if stop is None else stop.end
                if short:
                    self._add("microstop_s", length, begin, until, place)
            if of_time.is_by_reason:
                self._reason(begin, reported_state, length, 0)
            if has_amounts:
                self._people_and_stock(begin, until, place)

    def _add_time(self, fields: tuple[str, ...], length: int, begin: int, until: int, place: "_Place") -> None:
        """Add a piece of time to these fields of the row that it belongs to."""
        if self.trace is not None:
            for field in fields:
                self._add(field, length, begin, until, place)
            return
        key = (begin - begin % MINUTE, place.product, place.shift)
        row = self.sums.get(key)
        if row is None:
            row = self.sums[key] = {}
        for field in fields:
            row[field] = row.get(field, 0) + length

    def _people_and_stock(self, begin: int, until: int, place: "_Place") -> None:
        people = self.history.labour.at(begin)
        if people is not None:
            self._add("attendance_s", _over_time(people[0], begin, until), begin, until, place)
            self._add("work_s", _over_time(people[1], begin, until), begin, until, place)
        for stock in self.history.stocks.values():
            amount = stock.at(begin)
            if amount is not None:
                self._add("stock_s", _over_time(amount, begin, until), begin, until, place)
                self._add("stock_known_s", until - begin, begin, until, place)

    def _reason(self, at: int, reported_state: ReportedState, seconds: int, entries: int) -> None:
        if seconds or entries:
            key = (at - at % MINUTE, reported_state.state, reported_state.reason)
            before = self.reasons.get(key, (0, 0))
            self.reasons[key] = (before[0] + seconds, before[1] + entries)

    def _entries(self) -> None:
        """Count what happens at an instant: entries into states, failures, repairs, micro-stops."""
        history = self.history
        intervals = pairwise(history.intervals(self.start - 1, self.end))
        for (_, _, before), (at, _, reported_state) in intervals:
            if reported_state.state == "unknown" or reported_state == before:
                continue
            # A machine that returns from unknown in the same state has not entered it.
            known = before if before.state != "unknown" else history.last_known_state(at)
            place = self._place(at)
            if reported_state != known and (
                reported_state.reason
                or time_field(reported_state.state, place.planned, has_order=place.order is not None) in STOPPED
            ):
                self._reason(at, reported_state, 0, NANO)
            if reported_state.state == "down" and known.state != "down":
                self._add("failures", NANO, at, at, place)
            if known.state == "down" and reported_state.state != "down":
                self._add("repairs", NANO, at, at, place)
            if reported_state.state in STOPS and reported_state.state != before.state and place.planned is not False:
                stop = short_stop(history, at, self.rules.short_ns)
                if stop is not None and stop.first == at:
                    self._add("microstops", NANO, at, at, place)

    def _pieces(self) -> None:
        """Add what counters and meters counted, and what was booked, to the row of the moment before."""
        cumulative = self.history.cumulative
        if cumulative.reads_after(self.start):
            for at, field in cumulative.notes(self.start, self.end):
                self._add_read(field, NANO, at, self._place(at - 1))
            for at, field, added in cumulative.added(self.start, self.end):
                self._add_counted(field, added, at, self._place(at - 1))
        for booking in self.history.bookings.within(self.start, self.end):
            place = self._place(booking.at - 1)
            for field, amount in entries.booked(booking):
                self._add_counted(field, amount, booking.at, place, booking)

    def _add_counted(self, field: str, added: int, at: int, place: "_Place", booking: Adjust | None = None) -> None:
        """Add what was counted, or booked by hand, and the ideal time of its pieces."""
        self._add_read(field, added, at, place, booking)
        if field == "produced":
            if self.history.state_at(at - 1).state == "off":
                self._add_read("produced_off", added, at, place, booking)
            ideal_ns = self._ideal_ns(place)
            if ideal_ns is None:
                self._add_read("unrated", added, at, place, booking)
            else:
                self._add_read("ideal_s", _times(added, ideal_ns), at, place, booking)
        elif field == "good":
            self._add_read("ideal_good_s", _times(added, self._ideal_ns(place) or 0), at, place, booking)

    def _ideal_ns(self, place: "_Place") -> int | None:
        if place.order is not None and place.order.ideal_ns is not None:
            return place.order.ideal_ns
        if place.product not in self._ideal_of:
            self._ideal_of[place.product] = self.rules.ideal_ns(place.product)
        return self._ideal_of[place.product]


class _Place:
    """Where an instant belongs: the order then on the machine, and the calendar's time range."""

    __slots__ = ("order", "planned", "product", "shift")

    def __init__(self, order: Order | None, planned: TimeRange | None) -> None:
        self.order = order
        self.product = order.product if order is not None else NO_PRODUCT
        self.shift = planned.shift if planned is not None else NO_SHIFT
        self.planned = planned.planned if planned is not None else None


def _inside(times: list[int], start: int, end: int) -> Iterable[int]:
    """Return the times with start < time < end."""
    return times[bisect_right(times, start) : bisect_left(times, end)]


def _over_time(amount: int, begin: int, until: int) -> int:
    """Multiply a quantity by a time. However the time is cut, its parts add up to the same."""
    return amount * until // NANO - amount * begin // NANO


def _times(pieces: int, ideal_ns: int) -> int:
    """Multiply 10⁻⁹ pieces by nanoseconds a piece, to the nearest nanosecond (halves up)."""
    return (pieces * ideal_ns + NANO // 2) // NANO
