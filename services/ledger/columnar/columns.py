"""The events of many machines as columns of integers: the input of `builder`.

States, connections, orders and so on are each a table of entries ordered by owner and time; texts are indices into a
list. Entries before `since` are moved to the instants just before it, in order: only those that still hold then matter,
and all times of a machine lie within its range or close to it.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from broker.contract.events import STATES, Adjust, AnyEvent, Count, Job, Labour, Material, Meter, StateChange
from broker.contract.instants import FOR_EVER
from services.ledger import entries, presence
from services.ledger.bookings import Bookings
from services.ledger.fields import FIELDS
from services.ledger.orders import Orders
from services.ledger.readings.cumulative import Cumulative
from services.ledger.rows import NO_PRODUCT
from services.ledger.rules import Rules
from services.ledger.state_timeline import ReportedState
from services.ledger.track import Track

Whole = npt.NDArray[np.int64]

NO_ORDER: Final = -1
NOT_REPORTED: Final = -1
"""An ideal cycle that was not reported."""
CODES: Final = {state: code for code, state in enumerate(STATES)}


class Slice(NamedTuple):
    """A machine and the time range of its rows.

    Attributes:
        start: from when.
        end: until when, later than `start`.
        rules: as for `rows.build`.
        known: the newest state before its first event that was not unknown.
    """

    asset: str
    start: int
    end: int
    rules: Rules
    known: ReportedState


class Table(NamedTuple):
    """Entries over time.

    Attributes:
        owner: the index of each entry's machine or series, ascending.
        at: from when it holds, nanoseconds since 1970-01-01 UTC, ascending within an owner, each instant once.
        values: one column for each value of an entry.
    """

    owner: Whole
    at: Whole
    values: tuple[Whole, ...]


class Columns(NamedTuple):
    """The events of machines.

    Attributes:
        machines: whose they are.
        states: code and reason of the states that each machine reported.
        links: whether it is online, 1 or 0.
        jobs: order (or `NO_ORDER`), product, and nanoseconds a piece (or `NOT_REPORTED`).
        labour: people present and working, in 10⁻⁹.
        stocks: the stock of each material, in 10⁻⁹; the owner is a place in `stock_machines`.
        stock_machines: the machine of each series of stocks, ascending.
        readings: what cumulative readings added, in 10⁻⁹; the owner is a place in `reading_machines` and
            `reading_fields`.
        reading_machines: the machine of each series of readings.
        reading_fields: the place of the field that it adds to, in `FIELDS`.
        notes: when something else than production was read: the place in `FIELDS` of what counts it; of machines.
        bookings: of each machine the fields' places in `FIELDS` and the amounts booked by hand, in 10⁻⁹; an instant may
            stand there several times.
        reasons: texts; the first is ''.
        orders: texts.
        products: texts; the first is that of no product.
    """

    machines: tuple[Slice, ...]
    states: Table
    links: Table
    jobs: Table
    labour: Table
    stocks: Table
    stock_machines: Whole
    readings: Table
    reading_machines: Whole
    reading_fields: Whole
    notes: Table
    bookings: Table
    reasons: tuple[str, ...]
    orders: tuple[str, ...]
    products: tuple[str, ...]


class Codes:
    """Numbers for texts, in order of first use."""

    def __init__(self, *first: str) -> None:
        self._codes = {text: code for code, text in enumerate(first)}

    def __getitem__(self, text: str) -> int:
        return self._codes.setdefault(text, len(self._codes))

    def texts(self) -> tuple[str, ...]:
        """Return the texts, each at the place of its number."""
        return tuple(self._codes)


class ColumnBuilder:
    """Builds columns, one machine after the other."""

    def __init__(self) -> None:
        self._machines: list[Slice] = []
        self._reasons = Codes("")
        self._orders = Codes()
        self._products = Codes(NO_PRODUCT)
        self._states, self._links, self._jobs = _Growing(), _Growing(), _Growing()
        self._labour, self._stocks, self._readings = _Growing(), _Growing(), _Growing()
        self._notes = _Growing()
        self._bookings = _Growing()
        self._stock_machines: list[int] = []
        self._reading_machines: list[int] = []
        self._reading_fields: list[int] = []

    def put(self, machine: Slice, events: Iterable[AnyEvent], since: int = -FOR_EVER) -> Cumulative:
        """Add a machine, and return its readings, to find whether they are all that matter.

        Args:
            machine: which, and its range.
            events: all from `since` until after its end, and those before that still held then.
            since: see `History.since`; at least `history.lookback_ns` before its start.
        """
        number = len(self._machines)
        self._machines.append(machine)
        reported = self._tracks(events, machine.rules.silent_ns)
        self._states.add(number, *_entries_since(reported.states, since, reported.links))
        self._links.add(number, *_entries_since(reported.links, since, reported.states))
        self._jobs.add(number, *_entries_since(self._jobs_of(reported.jobs), since))
        self._labour.add(number, *_entries_since(reported.labour, since))
        for stock in reported.stocks.values():
            self._stocks.add(len(self._stock_machines), *_entries_since(stock, since))
            self._stock_machines.append(number)
        self._put_readings(number, reported.readings, since)
        self._put_bookings(number, reported.bookings, since)
        return reported.readings

    def _put_readings(self, number: int, readings: Cumulative, since: int) -> None:
        machine = self._machines[number]
        readings.classify_all(machine.rules.limits)
        for _, series in readings.series():
            first, last = max(series.place_at(since - 1), 0), series.place_at(machine.end) + 1
            times = series.times[first:last]
            times[:1] = [max(at, since - 1) for at in times[:1]]
            self._readings.add(len(self._reading_machines), times, list(zip(series.added[first:last], strict=True)))
            self._reading_machines.append(number)
            self._reading_fields.append(FIELDS.index(series.field))
        notes = sorted(readings.notes(machine.start, machine.end))
        self._notes.add(number, [at for at, _ in notes], [(FIELDS.index(field),) for _, field in notes])

    def _put_bookings(self, number: int, bookings: Bookings, since: int) -> None:
        booked = [
            (booking.at, (FIELDS.index(field), amount))
            for booking in bookings.within(since - 1, FOR_EVER)
            for field, amount in entries.booked(booking)
        ]
        self._bookings.add(number, [at for at, _ in booked], [value for _, value in booked])

    def columns(self) -> Columns:
        """Return the columns.

        Raises:
            OverflowError: an amount does not fit 64 bits.
        """
        return Columns(
            tuple(self._machines),
            self._states.table(2),
            self._links.table(1),
            self._jobs.table(3),
            self._labour.table(2),
            self._stocks.table(1),
            np.array(self._stock_machines, np.int64),
            self._readings.table(1),
            np.array(self._reading_machines, np.int64),
            np.array(self._reading_fields, np.int64),
            self._notes.table(1),
            self._bookings.table(2),
            self._reasons.texts(),
            self._orders.texts(),
            self._products.texts(),
        )

    def _tracks(self, events: Iterable[AnyEvent], silent_ns: int | None) -> "_Reported":
        reported = _Reported()
        reasons = self._reasons
        for event in events:
            at = event.at
            presence.put(reported.statuses, reported.signs, event)
            match event:
                case StateChange():
                    reported.states.put(at, (CODES[event.state], reasons[event.reason]))
                case Count() | Meter() | Material():
                    reported.readings.load(event)
                    if isinstance(event, Material) and (stock := entries.stock(event)) is not None:
                        reported.stocks.setdefault(event.name, Track()).put(at, (stock,))
                case Job():
                    reported.jobs.report(at, entries.job(event))
                case Adjust():
                    reported.bookings.put(event)
                case Labour():
                    if (people := entries.people(event)) is not None:
                        reported.labour.put(at, people)
                case _:
                    pass
        links = presence.links(reported.statuses, reported.signs, silent_ns)
        for at, online in zip(links.times, links.entries, strict=True):
            reported.links.put(at, (int(online),))
        return reported

    def _jobs_of(self, orders: Orders) -> "Entries":
        jobs: Entries = Track()
        for at, order in zip(orders.times, orders.entries, strict=True):
            if order is None:
                jobs.put(at, (NO_ORDER, 0, NOT_REPORTED))
            else:
                ideal_ns = NOT_REPORTED if order.ideal_ns is None else order.ideal_ns
                jobs.put(at, (self._orders[order.order], self._products[order.product], ideal_ns))
        return jobs


Entries = Track[tuple[int, ...]]


class _Reported:
    """What one machine reported."""

    def __init__(self) -> None:
        self.states: Entries = Track()
        self.statuses: Track[presence.Report] = Track()
        self.signs: presence.Signs = Track()
        self.links: Entries = Track()
        self.jobs = Orders()
        self.labour: Entries = Track()
        self.stocks: dict[str, Entries] = {}
        self.readings = Cumulative(self.jobs)
        self.bookings = Bookings()


class _Growing:
    """A table that grows by one owner after the other."""

    def __init__(self) -> None:
        self._owner: list[int] = []
        self._at: list[int] = []
        self._values: list[tuple[int, ...]] = []

    def add(self, owner: int, at: Sequence[int], values: Sequence[tuple[int, ...]]) -> None:
        self._owner += [owner] * len(at)
        self._at += at
        self._values += values

    def table(self, width: int) -> Table:
        values = np.fromiter(chain.from_iterable(self._values), np.int64).reshape(len(self._values), width)
        columns = tuple(np.ascontiguousarray(values[:, column]) for column in range(width))
        return Table(np.array(self._owner, np.int64), np.array(self._at, np.int64), columns)


def _entries_since(track: Entries, since: int, other: Entries | None = None) -> tuple[list[int], list[tuple[int, ...]]]:
    """Return times and entries from `since` on, and the entry that held then, moved to just before it.

    Args:
        track: whose.
        since: from here on all entries are returned.
        other: a track that must stay in order with this one: states and connections.
    """
    place = track.place_at(since - 1)
    if place < 0:
        return track.times, track.entries
    facing = other.place_at(since - 1) if other is not None else -1
    is_older = other is not None and facing >= 0 and track.times[place] < other.times[facing]
    return [since - 2 if is_older else since - 1, *track.times[place + 1 :]], track.entries[place:]
