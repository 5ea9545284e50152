"""All cumulative readings of a machine, in groups that are classified together."""

from collections.abc import Iterator
from typing import NamedTuple

from broker.contract.events import AnyEvent, Count, Job, Material, Meter
from services.ledger import entries
from services.ledger.orders import Orders
from services.ledger.readings.group import Group
from services.ledger.readings.kinds import NOTED
from services.ledger.readings.limits import UNLIMITED, Limits, Possible
from services.ledger.readings.series import Series

GroupKey = tuple[str, str]
"""A field and what it is read from; of the counters of pieces, which are one group, both are ''."""


class Added(NamedTuple):
    """What a reading added.

    Attributes:
        at: when it was read; it was counted before.
        field: the ledger's field that it adds to.
        amount: 10⁻⁹ of the field's unit; below zero where something was corrected.
    """

    at: int
    field: str
    amount: int


class Noted(NamedTuple):
    """A reading that is something else than production.

    Attributes:
        at: when it was read.
        kind: of `kinds`.
        field: the ledger's field that it adds to.
        source: the name of the meter or material, '' of a counter.
        base: the total before, 10⁻⁹.
        total: what was read.
        added: what it added.
    """

    at: int
    kind: int
    field: str
    source: str
    base: int
    total: int
    added: int


class Cumulative:
    """The readings of a machine.

    Args:
        orders: those on the machine, which say what is possible.
        limits: what is known of it beforehand.
    """

    def __init__(self, orders: Orders, limits: Limits = UNLIMITED) -> None:
        self._orders, self.limits = orders, limits
        self._possible = Possible(limits, orders)
        self._groups: dict[GroupKey, Group] = {}

    def put(self, event: Count | Meter | Material) -> set[int]:
        """Add an event; return the times of the readings that are now another kind or add another amount."""
        changed: set[int] = set()
        by_group: dict[GroupKey, list[tuple[str, int]]] = {}
        for field, source, total in entries.readings(event):
            by_group.setdefault((field, source) if source else ("", ""), []).append((field, total))
        for (field, source), totals in by_group.items():
            changed |= self._group_of(field, source).put(event.at, totals, self._possible, simulated=event.simulated)
        return changed

    def load(self, event: AnyEvent) -> None:
        """Add a reading or an order; all are classified later (`classify_all`). Other events are left out."""
        match event:
            case Count() | Meter() | Material():
                for field, source, total in entries.readings(event):
                    self._group_of(field, source).add(event.at, field, total, simulated=event.simulated)
            case Job():
                self._orders.report(event.at, entries.job(event))
            case _:
                pass

    def classify_all(self, limits: Limits) -> None:
        """Classify all readings, by what is known of the machine."""
        self.limits = limits
        self._possible = Possible(limits, self._orders)
        for group in self._groups.values():
            group.classify_all(self._possible)

    def begins_at(self, since: int) -> None:
        """Note from when on all readings are known; before, only the newest of each series is."""
        for _, series in self.series():
            series.is_whole = series.times[0] >= since

    @property
    def is_whole(self) -> bool:
        """Whether no older reading can change what those that are here are, or add."""
        return all(series.is_whole for _, series in self.series())

    def orders_changed(self, start: int, end: int) -> set[int]:
        """Classify again what other orders in start ≤ t < end affect; return the times of the readings that differ."""
        changed: set[int] = set()
        for group in self._groups.values():
            changed |= group.classify(self._possible, start, end)
        return changed

    def series(self) -> Iterator[tuple[str, Series]]:
        """Yield the source and the series of each field."""
        for (_, source), group in self._groups.items():
            for series in group.series.values():
                yield source, series

    def counter(self, field: str) -> Series | None:
        """Return the readings of a counter of pieces."""
        group = self._groups.get(("", ""))
        return group.series.get(field) if group is not None else None

    def reads_after(self, time: int) -> bool:
        """Return whether anything was read after this instant."""
        return any(series.times[-1] > time for group in self._groups.values() for series in group.series.values())

    def added(self, start: int, end: int) -> Iterator[Added]:
        """Yield what readings with start < time ≤ end added."""
        for _, series in self.series():
            added, times = series.added, series.times
            for place in range(series.place_at(start) + 1, series.place_at(end) + 1):
                if added[place]:
                    yield Added(times[place], series.field, added[place])

    def noted(self, start: int, end: int) -> Iterator[Noted]:
        """Yield the readings with start < time ≤ end that are something else than production."""
        for source, series in self.series():
            kinds = series.kinds
            for place in range(series.place_at(start) + 1, series.place_at(end) + 1):
                if kinds[place] in NOTED:
                    base, totals = series.base_before(place), series.entries
                    yield Noted(
                        series.times[place],
                        kinds[place],
                        series.field,
                        source,
                        totals[base] if base >= 0 else 0,
                        totals[place],
                        series.added[place],
                    )

    def notes(self, start: int, end: int) -> Iterator[tuple[int, str]]:
        """Yield time and field of the ledger of what is noted in start < time ≤ end: of a message, each kind once."""
        for group in self._groups.values():
            found: set[tuple[int, str]] = set()
            for series in group.series.values():
                kinds = series.kinds
                for place in range(series.place_at(start) + 1, series.place_at(end) + 1):
                    if kinds[place] in NOTED:
                        found.add((series.times[place], NOTED[kinds[place]]))
            yield from sorted(found)

    def lacks_past(self, start: int) -> bool:
        """Return whether readings before the first could change what those after `start` are or add."""
        return any(group.lacks_past(start, self._possible) for group in self._groups.values())

    def lacks_future(self, start: int, end: int) -> bool:
        """Return whether readings after the last could change what those in start < t ≤ end are or add."""
        return any(group.lacks_future(start, end, self._possible) for group in self._groups.values())

    def drop_before(self, before: int) -> None:
        """Drop the readings that matter to none from `before` on."""
        for group in self._groups.values():
            group.drop_before(before)

    def _group_of(self, field: str, source: str) -> Group:
        key = (field, source) if source else ("", "")
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group()
        return group
