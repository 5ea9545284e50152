"""The rows that a machine's history makes: every second in exactly one field, every piece in the minute it was made in.

This is the ledger, as a pure function of events, calendar and range. Live rows, replayed rows, back-filled rows and the
broken minutes at the ends of a range are all made here.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

from broker.plant import Plant

from broker.calendar import Span
from services.ledger.counters import increments
from services.ledger.fields import NANO, Sums
from services.ledger.history import MINUTE, History, Order, Said

NO_PRODUCT: Final = "-"
NO_SHIFT: Final = "-"

WORKING: Final = frozenset({"running", "setup"})
STOPS: Final = frozenset({"starved", "blocked", "idle", "down"})

RowKey = tuple[int, str, str]
"""Start of the minute, product, shift."""
ReasonKey = tuple[int, str, str]
"""Start of the minute, state, reason."""


class Spans(Protocol):
    """What the ledger needs of a shift calendar."""

    def spans(self, start: int, end: int) -> list[Span]:
        """Return what is planned, covering [start, end) without gaps."""


class Rules(NamedTuple):
    """What a machine's rows depend on besides its events.

    Attributes:
        calendar: None where the machine has none; then it is planned whenever it is not off, in maintenance or unknown.
        short_ns: a stop shorter than this is a micro-stop.
        ideal_ns: nanoseconds a piece of a product, where the order does not say; None where nobody does.
    """

    calendar: Spans | None
    short_ns: int
    ideal_ns: Callable[[str], int | None]

    @classmethod
    def of(cls, plant: Plant, machine: str) -> "Rules":
        """Return a machine's rules from the plant description."""

        def ideal_ns(product: str) -> int | None:
            ideal_s = plant.ideal_cycle(machine, product)
            return None if ideal_s is None else round(ideal_s * NANO)

        return cls(plant.calendar_of(machine), plant.microstop_limit_ns, ideal_ns)


class Rows(NamedTuple):
    """Rows by their key, the newest order of each, and (seconds, entries) by reason, both in 10⁻⁹."""

    sums: dict[RowKey, Sums]
    orders: dict[RowKey, str]
    reasons: dict[ReasonKey, tuple[int, int]]


def build(history: History, start: int, end: int, rules: Rules) -> Rows:
    """Return the rows of [start, end), which need not begin or end on a minute.

    States count from start ≤ t < end; counts, which tell of what was made before, from start < t ≤ end.
    """
    return _Builder(history, start, end, rules).build()


def time_field(said: Said, order: Order | None, planned: bool | None) -> str:
    """Return the ledger's field for a second in this state; `planned` is None where there is no calendar."""
    state = said.state
    if state in ("off", "maintenance"):
        return f"{state}_s"
    if state == "unknown":
        return "unknown_planned_s" if planned else "unknown_s"
    if planned is False and state not in WORKING:
        return "off_s"
    if state == "idle" and order is None:
        return "no_order_s"
    return f"{state}_s"


def unknown_time(start: int, end: int, calendar: Spans | None) -> Sums:
    """Return the time of a machine of which nothing is known over [start, end)."""
    if calendar is None:
        return {"unknown_s": end - start} if end > start else {}
    planned = sum(span.end - span.start for span in calendar.spans(start, end) if span.planned)
    return {"unknown_planned_s": planned, "unknown_s": end - start - planned}


class _Builder:
    def __init__(self, history: History, start: int, end: int, rules: Rules) -> None:
        self.history, self.start, self.end, self.rules = history, start, end, rules
        self.spans = rules.calendar.spans(start, end) if rules.calendar is not None and end > start else []
        self.span_starts = [span.start for span in self.spans]
        self.sums: dict[RowKey, Sums] = {}
        self.orders: dict[RowKey, str] = {}
        self.reasons: dict[ReasonKey, tuple[int, int]] = {}

    def build(self) -> Rows:
        if self.end > self.start:
            self._time()
            self._entries()
            self._pieces()
        return Rows(self.sums, self.orders, self.reasons)

    def _span(self, time: int) -> Span | None:
        return self.spans[bisect_right(self.span_starts, time) - 1] if self.spans else None

    def _row(self, time: int, order: Order | None, span: Span | None) -> Sums:
        product = order.product if order is not None else NO_PRODUCT
        key = (time - time % MINUTE, product, span.shift if span is not None else NO_SHIFT)
        row = self.sums.get(key)
        if row is None:
            row = self.sums[key] = {}
        if order is not None:
            self.orders[key] = order.order
        return row

    def _time(self) -> None:
        """Cut the range where anything changes, and put each piece of it into its row."""
        history, start, end = self.history, self.start, self.end
        cuts = {*range(start - start % MINUTE + MINUTE, end, MINUTE), *self.span_starts[1:]}
        for times in (
            history.states.times,
            history.links.times,
            history.jobs.times,
            history.labour.times,
            *(stock.times for stock in history.stocks.values()),
        ):
            cuts.update(_inside(times, start, end))
        edges = [start, *sorted(cuts), end]
        stop_end = start  # until where `short` holds
        short = False
        for begin, until in pairwise(edges):
            said = history.said_at(begin)
            order = history.jobs.at(begin)
            span = self._span(begin)
            planned = span.planned if span is not None else None
            row = self._row(begin, order, span)
            length = until - begin
            field = time_field(said, order, planned)
            row[field] = row.get(field, 0) + length
            if said.state == "running":
                row["between_s"] = row.get("between_s", 0) + length
            if said.state == "down":
                row["repair_s"] = row.get("repair_s", 0) + length
            if planned is False and said.state in WORKING:
                row["overtime_s"] = row.get("overtime_s", 0) + length
            if order is not None:
                row["order_s"] = row.get("order_s", 0) + length
            if said.state in STOPS and planned is not False:
                if begin >= stop_end:
                    spell = history.spell_at(begin)
                    stop_end = spell.end if spell.end is not None else end
                    short = spell.end is not None and spell.end - spell.start < self.rules.short_ns
                if short:
                    row["microstop_s"] = row.get("microstop_s", 0) + length
            else:
                stop_end = begin
            self._reason(begin, said, length if field in (f"{said.state}_s", "no_order_s") else 0, 0)
            self._people_and_stock(row, begin, length)

    def _people_and_stock(self, row: Sums, begin: int, length: int) -> None:
        people = self.history.labour.at(begin)
        if people is not None:
            row["attendance_s"] = row.get("attendance_s", 0) + length * people[0] // NANO
            row["work_s"] = row.get("work_s", 0) + length * people[1] // NANO
        for stock in self.history.stocks.values():
            amount = stock.at(begin)
            if amount is not None:
                row["stock_s"] = row.get("stock_s", 0) + length * amount // NANO
                row["stock_known_s"] = row.get("stock_known_s", 0) + length

    def _reason(self, at: int, said: Said, seconds: int, entries: int) -> None:
        if said.reason and (seconds or entries):
            key = (at - at % MINUTE, said.state, said.reason)
            before = self.reasons.get(key, (0, 0))
            self.reasons[key] = (before[0] + seconds, before[1] + entries)

    def _entries(self) -> None:
        """Count what happens at an instant: entries into states, failures, repairs, micro-stops."""
        history = self.history
        changes = sorted(
            {
                *_inside(history.states.times, self.start - 1, self.end),
                *_inside(history.links.times, self.start - 1, self.end),
            }
        )
        for at in changes:
            said = history.said_at(at)
            if said.state == "unknown":
                continue
            before = history.said_at(at - 1)
            known = before if before.state != "unknown" else history.known_before(at)
            if said == before:
                continue
            order, span = history.jobs.at(at), self._span(at)
            if said != known:
                self._reason(at, said, 0, NANO)
            if said.state == "down" and known.state != "down":
                self._count(at, order, span, "failures")
            if known.state == "down" and said.state != "down":
                self._count(at, order, span, "repairs")
            if said.state in STOPS and said.state != before.state and (span is None or span.planned):
                spell = history.spell_at(at)
                if spell.end is not None and spell.end - spell.start < self.rules.short_ns:
                    self._count(at, order, span, "microstops")

    def _count(self, at: int, order: Order | None, span: Span | None, field: str) -> None:
        row = self._row(at, order, span)
        row[field] = row.get(field, 0) + NANO

    def _pieces(self) -> None:
        """Put what counters and meters added into the row of the moment before they were read."""
        for (field, _source), readings in self.history.readings.items():
            for at, added in increments(readings, self.start, self.end):
                order = self.history.jobs.at(at - 1)
                row = self._row(at - 1, order, self._span(at - 1))
                row[field] = row.get(field, 0) + added
                if field == "produced":
                    ideal_ns = self._ideal_ns(order)
                    if ideal_ns is None:
                        row["unrated"] = row.get("unrated", 0) + added
                    else:
                        row["ideal_s"] = row.get("ideal_s", 0) + _times(added, ideal_ns)
                elif field == "good":
                    row["ideal_good_s"] = row.get("ideal_good_s", 0) + _times(added, self._ideal_ns(order) or 0)

    def _ideal_ns(self, order: Order | None) -> int | None:
        if order is not None and order.ideal_ns is not None:
            return order.ideal_ns
        return self.rules.ideal_ns(order.product if order is not None else NO_PRODUCT)


def _inside(times: list[int], start: int, end: int) -> Iterable[int]:
    """Return the times with start < time < end."""
    return times[bisect_right(times, start) : bisect_left(times, end)]


def _times(pieces: int, ideal_ns: int) -> int:
    """Multiply 10⁻⁹ pieces by nanoseconds a piece, to the nearest nanosecond (halves up)."""
    return (pieces * ideal_ns + NANO // 2) // NANO
