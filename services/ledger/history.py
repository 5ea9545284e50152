"""One machine's history: its events in order of time, on the timeline of states that follows from them.

Adding an event returns which minutes of the ledger it affects, however late it comes.
"""

from typing import Final

from broker.contract.events import (
    COUNTERS,
    FELL_SILENT,
    Adjust,
    AnyEvent,
    Count,
    Job,
    Labour,
    Material,
    Meter,
    StateChange,
    Status,
)
from broker.contract.instants import FOR_EVER
from broker.contract.topics import Kind
from services.ledger import entries, presence
from services.ledger.bookings import Bookings
from services.ledger.fields import NANO
from services.ledger.orders import Orders, ends_order
from services.ledger.readings.classification import DIP_NS, UNKNOWN_DIP_NS
from services.ledger.readings.cumulative import Cumulative
from services.ledger.readings.limits import Limits
from services.ledger.state_timeline import ReportedState, StateTimeline
from services.ledger.stops import affected
from services.ledger.track import Track

MINUTE: Final = 60 * NANO
HOLDING: Final[tuple[Kind, ...]] = ("state", "status", "job", "count", "meter", "labour", "material")
"""The kinds of event that the ledger is computed from of which each holds until the next, …"""
KINDS: Final[tuple[Kind, ...]] = (*HOLDING, "adjust")
"""… and all that it is computed from."""
READ: Final[tuple[Kind, ...]] = ("count", "meter", "material")
"""Those of them that are cumulative readings."""


def lookback_ns(short_ns: int) -> int:
    """Return how far before a range its ledger may depend on single events: a micro-stop, a counter's dip.

    Readings of counters that matter longer are looked for where they do (`Cumulative.lacks_past`).
    """
    return max(UNKNOWN_DIP_NS + MINUTE, 2 * short_ns)


def lookahead_ns(short_ns: int) -> int:
    """Return how far after a range its ledger may depend on single events: a micro-stop with a gap in it, a glitch."""
    return 2 * short_ns + 2 * DIP_NS


class History(StateTimeline):
    """The events of one machine since `origin`, with what held then.

    Attributes:
        origin: from here on rows can be made; minutes before it need older events first.
        silent_ns: how long the machine may be silent; None where the plant sets no limit.
        statuses: when it reported that it is online or offline.
        signs: when it gave other signs of life.
        cumulative: readings of counters, meters and materials.
        bookings: pieces booked by hand.
        changed_from: the first instant of which the newest `put` changed what rows say; later than any if of none.
    """

    def __init__(self, origin: int, silent_ns: int | None = presence.AS_MARKED) -> None:
        super().__init__()
        self.origin = origin
        self.silent_ns = silent_ns
        self.statuses: Track[presence.Report] = Track()
        self.signs: presence.Signs = Track()
        self._newest_offline_ms = 0
        self._newest_mark = -FOR_EVER
        self.jobs = Orders()
        self.labour: Track[tuple[int, int]] = Track()
        self.stocks: dict[str, Track[int]] = {}
        self.cumulative = Cumulative(self.jobs)
        self.bookings = Bookings()
        self.newest = 0
        self.changed_from = FOR_EVER

    @property
    def is_counted(self) -> bool:
        """Whether the machine has reported a state, a count or an order, so that the ledger has its time."""
        return bool(self.states.times or self.jobs.times or any(map(self.cumulative.counter, COUNTERS)))

    @property
    def counted_from(self) -> int | None:
        """When produced pieces were first counted, as far back as is known; None if they never were."""
        received = self.cumulative.counter("produced")
        return received.times[0] if received is not None else None

    def is_quiet_from(self, time: int) -> bool:
        """Return whether nothing is known to happen at this instant or after it: what was reported before goes on."""
        return self.newest < time and (not self.links.times or self.links.times[-1] < time)

    def changes_state_from(self, time: int) -> bool:
        """Return whether a state or a connection was reported at this instant or after it."""
        states, links = self.states.times, self.links.times
        return bool((states and states[-1] >= time) or (links and links[-1] >= time))

    def begins_other(self, at: int, order: str) -> bool:
        """Return whether an order other than the one named ('' for any) begins at this instant."""
        begun = self.jobs.begun_at(at)
        return begun is not None and not ends_order(order, begun.order)

    def put(self, event: AnyEvent, now: int, short_ns: int) -> set[int]:
        """Add an event, and return the starts of the minutes that it affects.

        Args:
            event: of a kind in `KINDS`; others affect nothing.
            now: until when the ledger reaches; an open state interval affects all minutes up to here.
            short_ns: below this length a stop is a micro-stop.
        """
        self.newest = max(self.newest, event.at)
        self.changed_from = FOR_EVER
        changed = self._put_presence(event)
        touched = self._put(event, now, short_ns)
        for at, following in changed if self.states.times else ():
            since = max(at, self.states.times[0])  # before the first state it is unknown in any case
            if following is None or since < following:
                touched |= self._around(since, following, now, short_ns)
        return touched

    def _put(self, event: AnyEvent, now: int, short_ns: int) -> set[int]:  # noqa: PLR0911  (a return for each kind)
        match event:
            case StateChange():
                return self._put_state(event, now, short_ns)
            case Job():
                return self._put_job(event, now)
            case Labour():
                people = entries.people(event)
                if people is None or not self.labour.put(event.at, people):
                    return set()
                return self._changed(event.at, self.labour.next_after(event.at) or now)
            case Count():
                before = self.counted_from
                touched = self._put_readings(event)
                if self.counted_from != before:
                    touched |= self._changed(event.at, now if before is None else before)
                return touched
            case Meter():
                return self._put_readings(event)
            case Material():
                return self._put_readings(event) | self._put_stock(event, now)
            case Adjust():
                return self._read({event.at} if self.bookings.put(event) else set())
            case _:
                return set()

    def classify_by(self, limits: Limits) -> None:
        """Classify the readings by what is known of the machine, unless they are."""
        if self.cumulative.limits != limits:
            self.cumulative.classify_all(limits)

    def take(self, event: AnyEvent) -> set[int]:
        """Add an event whose rows are computed elsewhere.

        Returns:
            The starts of the minutes in which readings are now another kind, or add another amount.
        """
        if isinstance(event, Count | Meter | Material):
            self.newest = max(self.newest, event.at)
            self._put_presence(event)
            return self._put_readings(event)
        self.load(event)
        return set()

    def load(self, event: AnyEvent) -> None:
        """Add one of many events; readings among them must be classified (`Cumulative.classify_all`) before use."""
        self.newest = max(self.newest, event.at)
        self._put_presence(event)
        match event:
            case StateChange():
                self.states.put(event.at, ReportedState(event.state, event.reason))
            case Labour():
                if (people := entries.people(event)) is not None:
                    self.labour.put(event.at, people)
            case Material():
                self.cumulative.load(event)
                if (amount := entries.stock(event)) is not None:
                    self.stocks.setdefault(event.name, Track()).put(event.at, amount)
            case Adjust():
                self.bookings.put(event)
            case _:
                self.cumulative.load(event)

    def drop_before(self, before: int, short_ns: int) -> None:
        """Drop what is older than `before` and no longer holds, and let the history begin there."""
        if before <= self.origin:
            return
        self.origin = before
        margin = before - lookback_ns(short_ns)
        self.known, self.since = self.last_known_state(margin), margin
        presences = (self.statuses, self.signs, self.links)
        for track in (self.states, *presences, self.jobs, self.labour, *self.stocks.values()):
            track.drop_before(margin)  # type: ignore[attr-defined]  # they are all tracks, of different entries
        self.cumulative.drop_before(margin)
        self.bookings.drop_before(margin)

    def _put_state(self, event: StateChange, now: int, short_ns: int) -> set[int]:
        reported_state = ReportedState(event.state, event.reason)
        same = self.state_at(event.at) == reported_state and self.states.at(event.at) == reported_state
        if not self.states.put(event.at, reported_state) or same:
            return set()
        return self._around(event.at, self.states.next_after(event.at), now, short_ns)

    def _put_presence(self, event: AnyEvent) -> list[tuple[int, int | None]]:
        """Add what an event reports of the connection; return the time ranges in which that has changed."""
        at, received_ms = event.at, event.received_ms
        is_new = presence.put(self.statuses, self.signs, event)
        if isinstance(event, Status):
            self._newest_offline_ms = max(self._newest_offline_ms, 0 if event.online else received_ms)
            if received_ms == FELL_SILENT:
                self._newest_mark = max(self._newest_mark, at)
        elif (
            self.links.at(at) is not False
            and at > self._newest_mark + (self.silent_ns or 0)
            and (not received_ms or received_ms >= self._newest_offline_ms)
        ):
            return []  # it is known to be connected then, and no offline is later because of this message
        if not is_new:
            return []
        before, self.links = self.links, presence.links(self.statuses, self.signs, self.silent_ns)
        return presence.differences(before, self.links)

    def _around(self, at: int, following: int | None, now: int, short_ns: int) -> set[int]:
        """Return the minutes that a change of the timeline from `at` to `following` affects.

        Stops are short or not as a whole, so those around the change are affected; and so is the instant at which the
        next known state begins, for it is entered or goes on.
        """
        first, last = affected(self, at, following, now, short_ns)
        touched = self._changed(first, last)
        touched.add((at - 1) - (at - 1) % MINUTE)
        while following is not None:
            touched.add(following - following % MINUTE)
            state_interval = self.interval_at(following)
            if state_interval.reported_state.state != "unknown":
                break
            following = state_interval.end
        return touched

    def _put_job(self, event: Job, now: int) -> set[int]:
        if not self.jobs.report(event.at, entries.job(event)):
            return set()
        end = self.jobs.start_after(event.at)
        changed = self.cumulative.orders_changed(event.at, FOR_EVER if end is None else end)
        return self._changed(event.at, now if end is None else end + 1) | self._read(changed)

    def _put_readings(self, event: Count | Meter | Material) -> set[int]:
        return self._read(self.cumulative.put(event))

    def _put_stock(self, event: Material, now: int) -> set[int]:
        amount = entries.stock(event)
        if amount is None:
            return set()
        track = self.stocks.setdefault(event.name, Track())
        return self._changed(event.at, track.next_after(event.at) or now) if track.put(event.at, amount) else set()

    def _changed(self, start: int, end: int) -> set[int]:
        """Return the starts of the minutes of [start, end), which have changed."""
        self.changed_from = min(self.changed_from, start)
        return minutes(start, end)

    def _read(self, times: set[int]) -> set[int]:
        """Return the starts of the minutes that what was read at these times belongs to, which have changed."""
        if times:
            self.changed_from = min(self.changed_from, min(times) - 1)
        return {(at - 1) - (at - 1) % MINUTE for at in times}


def minutes(start: int, end: int) -> set[int]:
    """Return the starts of the minutes that [start, end) reaches into; at least that of `start`."""
    first = start - start % MINUTE
    return set(range(first, max(end, start + 1), MINUTE))
