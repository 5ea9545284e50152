"""The rows of many machines at once, from columns of events: identical to those of `rows.build`.

All machines share one time axis, each with a section of its own, so that every lookup (state, order, shift) is a search
in one sorted column. The axis is cut wherever anything changes and at every minute; each piece between two cuts belongs
to one row, and adds to one field of time there.

Amounts have 64 bits. Where one might not fit, `OverflowError` is raised; `rows.build` has no such limit.
"""

from typing import Final

import numpy as np

from broker.contract.events import STATES
from broker.plant.calendar import NO_SHIFT
from services.ledger.columnar.columns import CODES, NO_ORDER, NOT_REPORTED, Codes, Columns, Slice, Table, Whole
from services.ledger.columnar.made import Made
from services.ledger.columnar.products import times
from services.ledger.columnar.time_fields import FIELD, HAS_REASON, IS_STOPPED, IS_WORKING, NOT_PLANNED, PLACE
from services.ledger.columnar.timeline_arrays import (
    LIMIT,
    UNKNOWN,
    ChangePoints,
    StateTimeline,
    Timeline,
    TimelineArrays,
    differs,
    merged,
    place,
    timeline,
)
from services.ledger.fields import FIELDS, NANO
from services.ledger.history import MINUTE

_N: Final = len(FIELDS)
_DOWN: Final = CODES["down"]
_OFF: Final = CODES["off"]
_RUNNING: Final = CODES["running"]


def build(columns: Columns) -> Made:
    """Return the rows of each machine's range.

    Raises:
        OverflowError: an amount, or machines times time, might not fit 64 bits.
    """
    return _Builder(columns).build()


class _Builder:
    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.axis = TimelineArrays(columns)
        self.shifts = Codes(NO_SHIFT)

    def build(self) -> Made:
        reported_state = timeline(self.columns, self.axis)
        jobs = self.axis.track(self.columns.jobs, (NO_ORDER, 0, NOT_REPORTED))
        time_ranges = self._time_ranges()
        self._cut(reported_state, jobs, time_ranges)
        self._rows(reported_state, jobs, time_ranges)
        self._time()
        self._people_and_stock()
        self._entries()
        self._pieces()
        return self._made()

    # ---- The time axis ----

    def _time_ranges(self) -> StateTimeline:
        """Return what each machine's calendar plans: plan and shift."""
        at: list[Whole] = []
        plans: list[list[int]] = []
        shifts: list[list[int]] = []
        made: dict[tuple[int, int, int], tuple[Whole, list[int], list[int]]] = {}
        for number, machine in enumerate(self.columns.machines):
            key = (id(machine.rules.calendar), machine.start, machine.end)
            if key not in made:
                made[key] = self._time_ranges_of(machine)
            starts, planned, shift = made[key]
            at.append(starts + self.axis.offset[number])
            plans.append(planned)
            shifts.append(shift)
        return StateTimeline(np.concatenate(at), (_joined(plans), _joined(shifts)))

    def _time_ranges_of(self, machine: Slice) -> tuple[Whole, list[int], list[int]]:
        calendar = machine.rules.calendar
        if calendar is None:
            return np.array([machine.start], np.int64), [0], [0]
        time_ranges = calendar.time_ranges(machine.start, machine.end)
        return (
            np.array([each.start for each in time_ranges], np.int64),
            [NOT_PLANNED + each.planned for each in time_ranges],
            [self.shifts[each.shift] for each in time_ranges],
        )

    # ---- Pieces of time, and the rows that they lie in ----

    def _cut(self, reported_state: Timeline, jobs: StateTimeline, time_ranges: StateTimeline) -> None:
        """Cut the axis: `begin`, `until`, and of which machine each piece is."""
        axis = self.axis
        first = -(-np.array([machine.start + 1 for machine in self.columns.machines], np.int64) // MINUTE) * MINUTE
        counts = np.maximum(-(-(axis.end - axis.offset - first) // MINUTE), 0)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        minutes = within * MINUTE + np.repeat(first + axis.offset, counts)
        reported = [table for table in (self.columns.labour,) if len(table.at)]
        others = [table.at + axis.offset[table.owner] for table in reported]
        if len(self.columns.stocks.at):
            stocks = self.columns.stocks
            others.append(stocks.at + axis.offset[self.columns.stock_machines[stocks.owner]])
        self.counted_from = self._counted_from()
        others.append(np.sort(self.counted_from[self.counted_from != LIMIT]))
        cuts = merged(axis.start, axis.end, minutes, reported_state.at, jobs.at, time_ranges.at, *others)
        machine = cuts // axis.stride
        inside = (cuts >= axis.start[machine]) & (cuts <= axis.end[machine])
        cuts, machine = cuts[inside], machine[inside]
        is_begin = cuts != axis.end[machine]
        self.begin, self.until = cuts[is_begin], cuts[1:][is_begin[:-1]]
        self.machine = machine[is_begin]
        self.time = self.begin - axis.offset[self.machine]

    def _counted_from(self) -> Whole:
        """Return when, on the axis, each machine first counted produced pieces; `LIMIT` where it never did."""
        found = np.full(len(self.columns.machines), LIMIT, np.int64)
        table = self.columns.readings
        if len(table.at):
            firsts = np.flatnonzero(differs(table.owner))
            series = table.owner[firsts]
            is_count = self.columns.reading_fields[series] == PLACE["produced"]
            machine = self.columns.reading_machines[series[is_count]]
            found[machine] = table.at[firsts[is_count]] + self.axis.offset[machine]
        return found

    def _rows(self, reported_state: Timeline, jobs: StateTimeline, time_ranges: StateTimeline) -> None:
        """Find what holds in each piece, and its row: machine, minute, product, shift."""
        self.timeline, self.reported_state = reported_state, place(reported_state.at, self.begin)
        self.job = place(jobs.at, self.begin)
        self.job_values = jobs.values
        order, product, _ = jobs.values
        self.order, self.product = order[self.job], product[self.job]
        planned = place(time_ranges.at, self.begin)
        self.plan, self.shift = (values[planned] for values in time_ranges.values)
        is_new = (self.time % MINUTE == 0) | differs(self.machine)
        self.minute = np.cumsum(is_new) - 1
        is_new |= differs(self.product) | differs(self.shift)
        run = np.cumsum(is_new) - 1
        heads = np.flatnonzero(is_new)
        if len(heads) == self.minute[-1] + 1:
            self.row, self.heads = run, heads
            return
        keys = (self.minute[heads] * len(self.columns.products) + self.product[heads]) * len(self.shifts.texts())
        _, firsts, rows = np.unique(keys + self.shift[heads], return_index=True, return_inverse=True)
        self.row, self.heads = rows[run], heads[firsts]

    def _time(self) -> None:
        """Put the time of each piece into its fields."""
        self.length = self.until - self.begin
        self.sums = np.zeros((len(self.heads), _N), np.int64)
        code = self.timeline.code[self.reported_state]
        has_order = self.order != NO_ORDER
        self._add(FIELD[code, self.plan, has_order.astype(np.int64)], self.length)
        self.sums[:, PLACE["between_s"]] = self.sums[:, PLACE["running_s"]]
        for field, is_so in (
            ("repair_s", code == _DOWN),
            ("overtime_s", (self.plan == NOT_PLANNED) & IS_WORKING[code]),
            ("order_s", has_order),
            ("uncounted_s", (code == _RUNNING) & (self.begin < self.counted_from[self.machine])),
            ("microstop_s", self.timeline.is_short[self.reported_state] & (self.plan != NOT_PLANNED)),
        ):
            places = np.flatnonzero(is_so)
            self._add(PLACE[field], self.length[places], places)
        self.newest_order = np.full(len(self.heads), NO_ORDER, np.int64)
        with_order = np.flatnonzero(has_order)
        newest = np.full(len(self.heads), -1, np.int64)
        np.maximum.at(newest, self.row[with_order], with_order)
        has_one = newest >= 0
        self.newest_order[has_one] = self.order[newest[has_one]]
        reason = self.timeline.reason[self.reported_state]
        is_reported = (reason != 0) & HAS_REASON[code, self.plan, has_order.astype(np.int64)]
        counted = np.flatnonzero(is_reported | self._is_stopped(code, np.arange(len(code))))
        self.reason_time = (self.minute[counted], code[counted], reason[counted], self.length[counted])

    def _is_stopped(self, code: Whole, piece: Whole) -> ChangePoints:
        """Return whether time in these states, at these pieces, is a stop: summed by reason, even without one."""
        has_order = self.order[piece] != NO_ORDER
        is_so: ChangePoints = IS_STOPPED[code, self.plan[piece], has_order.astype(np.int64)]
        return is_so

    def _add(self, field: Whole | int, amount: Whole | int, places: Whole | None = None) -> None:
        """Add amounts to fields of the rows of these pieces (or of all)."""
        row: Whole = self.row if places is None else self.row[places]
        np.add.at(self.sums.reshape(-1), np.asarray(row * _N + field), amount)

    def _people_and_stock(self) -> None:
        if len(self.columns.labour.at):
            labour = self.axis.track(self.columns.labour, (0, 0))
            there = place(labour.at, self.begin)
            for field, values in zip(("attendance_s", "work_s"), labour.values, strict=True):
                self._add(PLACE[field], self._over_time(values[there]))
        machines = self.columns.stock_machines
        nth = np.arange(len(machines)) - np.searchsorted(machines, machines)
        for number in range(int(nth.max(initial=-1)) + 1):
            of = nth[self.columns.stocks.owner] == number
            owner, at, (amount,) = self.columns.stocks
            stocks = self.axis.track(
                Table(owner[of], at[of], (amount[of], np.ones(of.sum(), np.int64))), (0, 0), machines
            )
            there = place(stocks.at, self.begin)
            self._add(PLACE["stock_s"], self._over_time(stocks.values[0][there]))
            self._add(PLACE["stock_known_s"], self.length * stocks.values[1][there])

    def _over_time(self, amount: Whole) -> Whole:
        """Multiply amounts by the times of the pieces, as `rows` does it, so that parts add up."""
        if int(np.abs(amount).max()) * 60 * (1 + len(self.columns.stock_machines)) >= LIMIT:
            raise OverflowError("a number of people or a stock does not fit")
        seconds, rest = np.divmod(self.time, NANO)
        seconds_after, rest_after = np.divmod(self.time + self.length, NANO)
        product: Whole = amount * (seconds_after - seconds) + times(amount, rest_after) - times(amount, rest)
        return product

    # ---- What happens at an instant ----

    def _entries(self) -> None:
        """Count entries into states, failures, repairs, micro-stops."""
        line, axis = self.timeline, self.axis
        machine = line.at // axis.stride
        inside = ~line.is_first & (line.at >= axis.start[machine]) & (line.at < axis.end[machine])
        at = np.flatnonzero(inside & (line.code != UNKNOWN))
        code, reason, before = line.code[at], line.reason[at], line.code[at - 1]
        known, known_reason = line.known[at - 1], line.known_reason[at - 1]
        piece = np.searchsorted(self.begin, line.at[at])
        is_down, was_down = code == _DOWN, known == _DOWN
        is_stop = line.begins_short[at] & (code != before) & (self.plan[piece] != NOT_PLANNED)
        for field, is_so in (
            ("failures", is_down & ~was_down),
            ("repairs", was_down & ~is_down),
            ("microstops", is_stop),
        ):
            self._add(PLACE[field], NANO, piece[is_so])
        is_reported = (reason != 0) | self._is_stopped(code, piece)
        is_entry = is_reported & ((code != known) | (reason != known_reason))
        self.reason_entries = (self.minute[piece[is_entry]], code[is_entry], reason[is_entry])

    def _pieces(self) -> None:
        """Add what counters and meters counted, and what was booked, to the rows of the moment before."""
        field, added, piece = (np.concatenate(columns) for columns in zip(self._counted(), self._booked(), strict=True))
        self._add(field, added, piece)
        for name, ideal_field in (("produced", "ideal_s"), ("good", "ideal_good_s")):
            of = field == PLACE[name]
            pieces, places = added[of], piece[of]
            if not len(pieces):
                continue
            ideal_ns = self._ideal_ns(places)
            is_reported = ideal_ns != NOT_REPORTED
            if float(np.abs(pieces).sum()) * float(np.abs(ideal_ns).max()) / NANO >= LIMIT / 2:
                raise OverflowError("pieces times their ideal cycle do not fit")
            self._add(
                PLACE[ideal_field], times(pieces[is_reported], ideal_ns[is_reported], NANO // 2), places[is_reported]
            )
            if name == "produced":
                self._add(PLACE["unrated"], pieces[~is_reported], places[~is_reported])
                is_off = self.timeline.code[self.reported_state[places]] == _OFF
                self._add(PLACE["produced_off"], pieces[is_off], places[is_off])

    def _booked(self) -> tuple[Whole, Whole, Whole]:
        """Return what was booked by hand: field, amount, and the piece of time that it belongs to."""
        table = self.columns.bookings
        field, amount = table.values
        if float(np.abs(amount).sum()) >= LIMIT / 2:
            raise OverflowError("an amount does not fit")
        at = table.at + self.axis.offset[table.owner]
        is_inside = (at > self.axis.start[table.owner]) & (at <= self.axis.end[table.owner])
        return field[is_inside], amount[is_inside], self._piece_before(at[is_inside])

    def _piece_before(self, at: Whole) -> Whole:
        """Return the piece of time that the moment before each of these lies in."""
        found: Whole = np.searchsorted(self.begin, at - 1, "right") - 1
        return found

    def _counted(self) -> tuple[Whole, Whole, Whole]:
        """Return what each reading added: field, amount, and the piece of time that it belongs to; add its notes."""
        table = self.columns.readings
        if not len(table.at):
            nothing = np.zeros(0, np.int64)
            return nothing, nothing, nothing
        notes = self.columns.notes
        self._add(notes.values[0], NANO, self._piece_before(notes.at + self.axis.offset[notes.owner]))
        machine = self.columns.reading_machines[table.owner]
        at = table.at + self.axis.offset[machine]
        added = table.values[0]
        if float(np.abs(added.astype(np.float64)).sum()) >= LIMIT // 2:
            raise OverflowError("what was counted does not fit")
        counts = np.flatnonzero((added != 0) & (at > self.axis.start[machine]) & (at <= self.axis.end[machine]))
        field = self.columns.reading_fields[table.owner[counts]]
        return field, added[counts], self._piece_before(at[counts])

    def _ideal_ns(self, piece: Whole) -> Whole:
        """Return nanoseconds a piece: the order's, else the plant's for machine and product, else `NOT_REPORTED`."""
        ideal_ns = self.job_values[2][self.job[piece]]
        asked = np.flatnonzero(ideal_ns == NOT_REPORTED)
        products = self.columns.products
        pairs = self.machine[piece[asked]] * len(products) + self.product[piece[asked]]
        known = np.full(len(self.columns.machines) * len(products), NOT_REPORTED, np.int64)
        is_asked = np.zeros(len(known), np.bool_)
        is_asked[pairs] = True
        for pair in np.flatnonzero(is_asked).tolist():
            machine, product = divmod(pair, len(products))
            reported = self.columns.machines[machine].rules.ideal_ns(products[product])
            known[pair] = NOT_REPORTED if reported is None else reported
        ideal_ns[asked] = known[pairs]
        return ideal_ns

    # ---- What was made ----

    def _made(self) -> Made:
        heads = self.heads
        time_minute, time_state, time_reason, seconds = self.reason_time
        entry_minute, entry_state, entry_reason = self.reason_entries
        texts = len(self.columns.reasons) + 1
        keys = np.concatenate(
            (
                (time_minute * len(STATES) + time_state) * texts + time_reason,
                (entry_minute * len(STATES) + entry_state) * texts + entry_reason,
            )
        )
        unique, places = np.unique(keys, return_inverse=True)
        reason_seconds = np.zeros(len(unique), np.int64)
        np.add.at(reason_seconds, places[: len(seconds)], seconds)
        entries = np.zeros(len(unique), np.int64)
        np.add.at(entries, places[len(seconds) :], NANO)
        minute, rest = np.divmod(unique, len(STATES) * texts)
        state, reason = np.divmod(rest, texts)
        head_of_minute = np.searchsorted(self.minute, minute)
        return Made(
            columns=self.columns,
            shifts=self.shifts.texts(),
            machine=self.machine[heads],
            start=self.time[heads] // MINUTE * MINUTE,
            product=self.product[heads],
            shift=self.shift[heads],
            order=self.newest_order,
            sums=self.sums,
            reason_machine=self.machine[head_of_minute],
            reason_start=self.time[head_of_minute] // MINUTE * MINUTE,
            reason_state=state,
            reason=reason,
            seconds=reason_seconds,
            entries=entries,
        )


def _joined(lists: list[list[int]]) -> Whole:
    return np.array([value for values in lists for value in values], np.int64)
