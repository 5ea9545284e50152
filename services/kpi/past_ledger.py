"""The rows of a past that comes in order of time, each event once: made by columns, from what is in memory.

So a month of many machines is a matter of seconds a day. Whatever could need more than that (a machine for which the
plant sets a limit of silence, one that was offline, counters that fall, amounts beyond 64 bits) is not decided here:
such a machine is named in `unsure`, and is to be recomputed from the store.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from broker.contract.events import AnyEvent, Job, StateChange, Status
from broker.contract.instants import FOR_EVER
from broker.plant.plant import Plant
from services.kpi.rebuilding import REPORTING
from services.ledger.columnar import builder
from services.ledger.columnar.columns import ColumnBuilder, Slice
from services.ledger.history import KINDS, MINUTE, History, lookahead_ns, lookback_ns
from services.ledger.readings.cumulative import Cumulative
from services.ledger.readings.kinds import PRODUCTION
from services.ledger.rules import Rules
from services.ledger.state_timeline import UNKNOWN, ReportedState
from services.store import failures
from services.store.interface import Batch
from services.store.row_columns import ReasonColumns, RowColumns

_KINDS: Final = frozenset(KINDS)
_HOUR: Final = 60 * MINUTE
"""Rows are made by whole hours: a store sums what it is given whole at once."""


class PastLedger:
    """See the module.

    Args:
        plant: calendars, ideal cycles and the limit of micro-stops.

    Attributes:
        unsure: machines whose rows are to be recomputed from the store.
    """

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._back_ns, self._ahead_ns = lookback_ns(plant.microstop_limit_ns), lookahead_ns(plant.microstop_limit_ns)
        self._machines: dict[str, _Machine] = {}
        self.unsure: set[str] = set()

    def add(self, events: Iterable[AnyEvent]) -> None:
        """Add events, in order of time; those that no row depends on are left out."""
        machines = self._machines
        for event in events:
            if event.kind in _KINDS:
                machine = machines.get(event.asset)
                if machine is None:
                    machine = machines[event.asset] = _Machine(Rules.of(self._plant, event.asset))
                    if machine.rules.silent_ns is not None:
                        self.unsure.add(event.asset)
                machine.add(event)

    def rows(self, until: int, *, is_end: bool = False) -> Batch:
        """Return the rows that are certain now and were not before.

        Args:
            until: all events before this have been added.
            is_end: no more will be; the rows reach `until`.
        """
        end = until if is_end else (until - self._ahead_ns) // _HOUR * _HOUR
        due = {
            asset: machine
            for asset, machine in self._machines.items()
            if asset not in self.unsure and machine.start is not None and machine.start < end
        }
        try:
            batch = self._made(due, end) if due else Batch()
        except Exception as error:  # noqa: BLE001  (recomputing goes machine by machine, and sets aside the one at fault)
            if not isinstance(error, OverflowError):
                failures.note("computing the rows of a past", error)
            self.unsure.update(due)
            batch = Batch()
        for machine in due.values():
            machine.advance(end, end - self._back_ns)
        return batch

    def _made(self, due: "Mapping[str, _Machine]", end: int) -> Batch:
        columns = ColumnBuilder()
        for asset, machine in due.items():
            assert machine.start is not None
            readings = columns.put(
                Slice(asset, machine.start, end, machine.rules, machine.known), machine.events(), machine.since
            )
            if machine.was_offline or not _only_rise(readings):
                self.unsure.add(asset)
        made = builder.build(columns.columns())
        sure = due.keys() - self.unsure
        return Batch(rows=RowColumns(made, sure), reasons=ReasonColumns(made, sure))


def _only_rise(readings: Cumulative) -> bool:
    """Return whether all readings rise, and none is a new base: no older or later one changes what such ones add."""
    return all(min(series.added) >= 0 and set(series.kinds) == {PRODUCTION} for _, series in readings.series())


class _Machine:
    """What the next rows of a machine depend on.

    Attributes:
        start: from when rows are to be made; None before it has reported anything that makes one.
        since: from here on all events are in memory; of those before, only what held then.
        known: the newest state before that.
        was_offline: whether it ever was.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.start: int | None = None
        self.since = -FOR_EVER
        self.known: ReportedState = UNKNOWN
        self.was_offline = False
        self._kinds: set[str] = set()
        self._held: dict[tuple[str, str], AnyEvent] = {}
        self._jobs: list[AnyEvent] = []
        self._recent: list[AnyEvent] = []

    def add(self, event: AnyEvent) -> None:
        self._recent.append(event)
        if event.kind not in self._kinds:
            self._kinds.add(event.kind)
            if event.kind in REPORTING:
                touched = History(0).put(event, event.at, 0)
                self.start = min((*touched, *([] if self.start is None else [self.start])), default=self.start)
        if isinstance(event, Status) and not event.online:
            self.was_offline = True

    def events(self) -> Iterable[AnyEvent]:
        yield from self._jobs
        yield from self._held.values()
        yield from self._recent

    def advance(self, start: int, since: int) -> None:
        """Rows before `start` are made; drop what does not matter any more."""
        self.start = start
        if since <= self.since:
            return
        place = next((place for place, event in enumerate(self._recent) if event.at >= since), len(self._recent))
        for event in self._recent[:place]:
            if isinstance(event, Job):
                self._jobs = [event] if event.phase == "start" else [*self._jobs, event]
            else:
                self._held[event.kind, event.series] = event
            if isinstance(event, StateChange):
                self.known = ReportedState(event.state, event.reason)
        del self._recent[:place]
        self.since = since
