"""A range that ends now, updated by events: the exact sums of many machines without a query for each.

It is loaded once (`running_answers`): what was up to a checkpoint some minutes ago from the ledger, what followed as
histories. From then on each event that arrives is put into its machine's history, and the sums up to now are those up
to the checkpoint plus what the history makes, by the same code that makes rows. Whole minutes are computed once; an
event that changes one has it computed again. An event that changes what was before the checkpoint makes the range
outdated: it is to be loaded again.

Pure: events and times go in, a `Range` comes out.
"""

from collections.abc import Mapping
from typing import Final

from broker.contract.events import AnyEvent, State
from broker.contract.topics import is_under
from broker.plant.plant import Plant
from services.ledger.fields import TIME, Sums, add
from services.ledger.history import KINDS, MINUTE, History
from services.ledger.rows import NO_PRODUCT
from services.ledger.rows import sums as summed
from services.ledger.rules import Rules
from services.ledger.time_field import unknown_time
from services.query.ranges import COUNTED, PartKey, Range

BEHIND_NS: Final = 10 * MINUTE
"""The checkpoint is so long ago that a short stop or a counter's glitch that ends now began after it."""


class RunningRange:
    """The ledger of all machines from a start until now.

    Attributes:
        is_outdated: something before the checkpoint changed, or a machine is new: load it again.
    """

    def __init__(self, plant: Plant, base: Range, histories: Mapping[str, History], gone: Mapping[str, int]) -> None:
        """Begin from what was loaded.

        Args:
            plant: calendars and ideal cycles.
            base: the ledger of everything from the start to the checkpoint.
            histories: of each machine that ever reported, complete from the checkpoint on.
            gone: when machines were retired, nanoseconds.
        """
        self.is_outdated = False
        self._plant = plant
        self._base = base
        self._counted = frozenset(base.machines)
        self._simulated = set(base.simulated)
        self._tails = {path: _Tail(path, history, base, gone.get(path), plant) for path, history in histories.items()}
        self._parts: dict[str, list[tuple[PartKey, Sums]]] = {}
        for key, sums in base.parts.items():
            self._parts.setdefault(key[0], []).append((key, sums))
        self._reasons: dict[str, list[tuple[PartKey, tuple[int, int]]]] = {}
        for key, reported in base.reasons.items():
            self._reasons.setdefault(key[0], []).append((key, reported))
        self._all = sorted({*self._parts, *self._tails, *self._counted})
        self._under: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    @property
    def start(self) -> int:
        """From when, nanoseconds."""
        return self._base.start

    def put(self, event: AnyEvent, now: int) -> bool:
        """Add an event that has just arrived; return whether it can change a sum."""
        if event.kind not in KINDS or event.time_source == "retained":
            return False
        (self._simulated.add if event.simulated else self._simulated.discard)(event.asset)
        tail = self._tails.get(event.asset)
        is_new = tail is None or (event.kind in COUNTED and event.asset not in self._counted)
        if tail is None or is_new or event.kind == "adjust":  # what a booking replaces, the store alone knows
            self.is_outdated = True
        elif tail.put(event, now):
            return True
        else:
            self.is_outdated = True
        return False

    def machines(self, asset: str) -> tuple[str, ...]:
        """Return the machines under an asset that are counted; none where only meters report there."""
        return self._of(asset)[0]

    def measured(self, asset: str, now: int) -> Range:
        """Return the ledger of an asset up to now."""
        end = max(now, self._base.end)
        machines = self.machines(asset)
        parts: dict[PartKey, Sums] = {}
        reasons: dict[PartKey, tuple[int, int]] = {}
        for path in self._of(asset)[1]:
            for key, sums in self._parts.get(path, ()):
                parts[key] = dict(sums)
            reasons.update(self._reasons.get(path, ()))
            tail = self._tails.get(path)
            if tail is not None:
                _put(tail.rows(end), path, parts, reasons)
            elif path in self._counted:
                unknown = unknown_time(self._base.end, end, self._plant.calendar_of(path))
                _put(_Rows({(NO_PRODUCT, shift): sums for shift, sums in unknown.items()}, {}), path, parts, reasons)
        simulated = frozenset(path for path in self._simulated if is_under(path, asset))
        return Range(asset, self.start, end, parts, reasons, machines, simulated)

    def _of(self, asset: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the machines under an asset that are counted, and all of which there is anything, in order."""
        found = self._under.get(asset)
        if found is None:
            counted = tuple(path for path in self._base.machines if is_under(path, asset))
            found = self._under[asset] = counted, tuple(path for path in self._all if is_under(path, asset))
        return found

    def lasting(self, asset: str, now: int) -> dict[str, tuple[State, int]]:
        """Return the state that each machine last reported, and how long before now."""
        found: dict[str, tuple[State, int]] = {}
        for path in self._of(asset)[1]:
            states = self._tails[path].history.states if path in self._tails else None
            if states is not None and (at := states.place_at(now)) >= 0:
                found[path] = states.entries[at].state, now - states.times[at]
        return found


class _Rows:
    """Sums by product and shift, and (seconds, entries) by state and reason."""

    __slots__ = ("reasons", "sums")

    def __init__(self, sums: dict[tuple[str, str], Sums], reasons: dict[tuple[str, str], tuple[int, int]]) -> None:
        self.sums, self.reasons = sums, reasons

    def add(self, other: "_Rows") -> None:
        for key, sums in other.sums.items():
            add(self.sums.setdefault(key, {}), sums)
        for key, (seconds, entries) in other.reasons.items():
            before = self.reasons.get(key, (0, 0))
            self.reasons[key] = before[0] + seconds, before[1] + entries


class _Tail:
    """What one machine did since the checkpoint: whole minutes as they were computed, and the running one."""

    def __init__(self, machine: str, history: History, base: Range, gone: int | None, plant: Plant) -> None:
        self.history = history
        self._since = base.end
        self._has_past = base.start < base.end
        self._gone = gone
        self._rules = Rules.of(plant, machine)
        self._is_timed = machine in base.machines
        self._minutes: dict[int, _Rows] = {}
        self._whole = _Rows({}, {})
        self._until = base.end

    def put(self, event: AnyEvent, now: int) -> bool:
        """Add an event; return False if it changes what was before the checkpoint, or needs what was before."""
        if self._gone is not None or event.at < self.history.since:
            return False
        touched = self.history.put(event, now, self._rules.short_ns)
        readings = self.history.cumulative
        if not readings.is_whole and readings.lacks_past(self._since):
            return False
        stale = False
        for minute in touched:
            if minute < self._since and self._has_past:
                return False
            stale |= self._minutes.pop(max(minute, self._since), None) is not None
        if stale:
            self._sum_up()
        return True

    def rows(self, end: int) -> _Rows:
        """Return the sums from the checkpoint to `end`."""
        end = end if self._gone is None else min(end, self._gone)
        while (until := (self._until // MINUTE + 1) * MINUTE) <= end:
            self._whole.add(self._minute(self._until, until))
            self._until = until
        total = _Rows({}, {})
        total.add(self._whole)
        if self._until < end:
            total.add(self._made(self._until, end))
        return total

    def _sum_up(self) -> None:
        self._whole = _Rows({}, {})
        begin = self._since
        while begin < self._until:
            until = min((begin // MINUTE + 1) * MINUTE, self._until)
            self._whole.add(self._minute(begin, until))
            begin = until

    def _minute(self, begin: int, until: int) -> _Rows:
        made = self._minutes.get(begin)
        if made is None:
            made = self._minutes[begin] = self._made(begin, until)
        return made

    def _made(self, begin: int, until: int) -> _Rows:
        rows = summed(self.history, begin, until, self._rules)
        made = _Rows({}, {})
        for (_, product, shift), sums in rows.sums.items():
            if not self._is_timed:  # a meter or a sensor of its own: its quantities count, its time does not
                sums = {field: amount for field, amount in sums.items() if field not in TIME}  # noqa: PLW2901
            add(made.sums.setdefault((product, shift), {}), sums)
        for (_, state, reason), (seconds, entries) in rows.reasons.items():
            before = made.reasons.get((state, reason), (0, 0))
            made.reasons[state, reason] = before[0] + seconds, before[1] + entries
        return made


def _put(rows: _Rows, machine: str, parts: dict[PartKey, Sums], reasons: dict[PartKey, tuple[int, int]]) -> None:
    for (product, shift), sums in rows.sums.items():
        add(parts.setdefault((machine, product, shift), {}), sums)
    for (state, reason), (seconds, entries) in rows.reasons.items():
        before = reasons.get((machine, state, reason), (0, 0))
        reasons[machine, state, reason] = before[0] + seconds, before[1] + entries
