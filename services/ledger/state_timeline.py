"""The timeline of one machine's states.

A machine is in the state that it last reported, until it reports another or goes offline: then its state is unknown
until it is online again or reports a state.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from broker.contract.events import State
from broker.contract.instants import FOR_EVER
from services.ledger.stops import Segment
from services.ledger.track import Track


class ReportedState(NamedTuple):
    """A state and its reason, as reported by a machine."""

    state: State
    reason: str


UNKNOWN: Final = ReportedState("unknown", "")


class StateInterval(NamedTuple):
    """A part of the timeline in one state for one reason.

    Attributes:
        start: nanoseconds; the beginning of time where nothing was known.
        end: nanoseconds, None while it lasts.
    """

    start: int
    end: int | None
    reported_state: ReportedState


class StateTimeline:
    """What state a machine was in, and when it changed.

    Attributes:
        states: the states that it reported.
        links: whether it was connected.
        since: from here on every event is in memory; of those before, only what held then.
        known: the newest state before `since` that was not unknown; unknown if there never was one.
    """

    def __init__(self) -> None:
        self.states: Track[ReportedState] = Track()
        self.links: Track[bool] = Track()
        self.since = -FOR_EVER
        self.known = UNKNOWN

    def state_at(self, time: int) -> ReportedState:
        """Return the state that holds at `time`."""
        state_place = bisect_right(self.states.times, time) - 1
        link_place = bisect_right(self.links.times, time) - 1 if self.links.times else -1
        return self._as_of(state_place, link_place)

    def _as_of(self, state_place: int, link_place: int) -> ReportedState:
        if state_place < 0:
            return UNKNOWN
        if (
            link_place >= 0
            and not self.links.entries[link_place]
            and self.links.times[link_place] >= self.states.times[state_place]
        ):
            return UNKNOWN
        return self.states.entries[state_place]

    def intervals(self, start: int, end: int) -> Iterator[tuple[int, int, ReportedState]]:
        """Yield (from, to, state) covering [start, end): a new one at each event, even one that changes nothing."""
        states, links = self.states, self.links
        state_place, link_place = states.place_at(start), links.place_at(start)
        while start < end:
            stop = end
            next_state = states.times[state_place + 1] if state_place + 1 < len(states.times) else end
            next_link = links.times[link_place + 1] if link_place + 1 < len(links.times) else end
            stop = min(stop, next_state, next_link)
            yield start, stop, self._as_of(state_place, link_place)
            if stop == next_state:
                state_place += 1
            if stop == next_link:
                link_place += 1
            start = stop

    def interval_at(self, time: int) -> StateInterval:
        """Return the whole state interval around `time`, whatever the reasons within it."""
        reported_state = self.state_at(time)
        return StateInterval(
            self._interval_start(time, reported_state.state),
            self._interval_end(time, reported_state.state),
            reported_state,
        )

    def segments_back(self, time: int) -> Iterator[Segment]:
        """Yield (from, to, state) of the segment around `time`, then of those before it."""
        states, links = self.states.times, self.links.times
        state_place, link_place = self.states.place_at(time), self.links.place_at(time)
        end = self.boundary_after(time)
        while state_place >= 0 or link_place >= 0:
            state_since = states[state_place] if state_place >= 0 else -FOR_EVER
            link_since = links[link_place] if link_place >= 0 else -FOR_EVER
            start = max(state_since, link_since)
            yield start, end, self._as_of(state_place, link_place).state
            end = start
            state_place -= state_since == start
            link_place -= link_since == start
        yield -FOR_EVER, end, "unknown"

    def segments_on(self, time: int) -> Iterator[Segment]:
        """Yield (from, to, state) of the segment around `time`, then of those after it."""
        states, links = self.states.times, self.links.times
        state_place, link_place = self.states.place_at(time), self.links.place_at(time)
        start = self._boundary_before(time)
        start = -FOR_EVER if start is None else start
        while state_place + 1 < len(states) or link_place + 1 < len(links):
            next_state = states[state_place + 1] if state_place + 1 < len(states) else FOR_EVER
            next_link = links[link_place + 1] if link_place + 1 < len(links) else FOR_EVER
            end = min(next_state, next_link)
            yield start, end, self._as_of(state_place, link_place).state
            start = end
            state_place += next_state == end
            link_place += next_link == end
        yield start, None, self._as_of(state_place, link_place).state

    def _boundary_before(self, time: int) -> int | None:
        """Return the newest time at or before `time` at which anything was reported."""
        state_place, link_place = self.states.place_at(time), self.links.place_at(time)
        if state_place < 0:
            return self.links.times[link_place] if link_place >= 0 else None
        state = self.states.times[state_place]
        return max(state, self.links.times[link_place]) if link_place >= 0 else state

    def boundary_after(self, time: int) -> int | None:
        """Return the first time after `time` at which anything is reported."""
        state, link = self.states.next_after(time), self.links.next_after(time)
        return link if state is None or (link is not None and link < state) else state

    def _interval_start(self, time: int, state: State) -> int:
        start = self._boundary_before(time)
        while start is not None:
            if self.state_at(start - 1).state != state:
                return start
            start = self._boundary_before(start - 1)
        return -FOR_EVER

    def _interval_end(self, time: int, state: State) -> int | None:
        end = self.boundary_after(time)
        while end is not None and self.state_at(end).state == state:
            end = self.boundary_after(end)
        return end

    def last_known_state(self, time: int) -> ReportedState:
        """Return the newest state before `time` that is not unknown; unknown if there never was one."""
        reported_state = self.state_at(time - 1)
        while reported_state.state == "unknown":
            before = self._boundary_before(time - 1)
            if before is None or before < self.since:
                return self.known
            time = before
            reported_state = self.state_at(time - 1)
        return reported_state
