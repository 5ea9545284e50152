"""The live stream: server-sent events, one stream a page: a snapshot, then what changed, at most four times a second.

There is no queue for each client. A client is at a revision of the live state, and is sent what changed since then; a
slow one gets fewer and larger changes, each fact once and as it is now. The numbers of now (`numbers`) are sent in the
same way. Clients with the same scope and revision share the bytes. While nothing changes, a beat goes out every few
seconds, so that a page can distinguish a quiet plant from a lost connection.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, nullcontext
from typing import Any, Final

import msgspec

from broker.contract.events import NS_PER_MS, NS_PER_S
from broker.contract.topics import is_under
from services.wall.answers.numbers import Look, Numbers, wait
from services.wall.live.live_state import LiveState
from services.wall.live.received_messages import is_within, shown
from services.wall.live.server_sent import event

SHORTEST_PAUSE_S: Final = 0.25
BEAT_S: Final = 1.0
QUIET_BEAT_S: Final = 5.0
MESSAGES_AT_FIRST: Final = 60
MOST_CLIENTS: Final = 512

HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

_DETAILS: Final = ("signal/", "meter/", "quality/", "material/", "alarm/", "labour")


class Scope(msgspec.Struct, frozen=True):
    """What a client looks at: the assets under `asset`, and which kinds of facts of them.

    Attributes:
        asset: an asset path; '' means everything. The state of all machines and groups is always sent.
        details: signals, meters, quality, materials, alarms and people of the machines under it too.
        devices: of each device: last seen, rate, clock.
        messages: the messages themselves as they arrive.
        numbers: from when (`shift`, or an instant) the numbers of the asset, and of what is shown with it, are sent as
            they change; '' for none.
    """

    asset: str = ""
    details: bool = False
    devices: bool = False
    messages: bool = False
    numbers: str = ""

    def wants(self, path: str, name: str) -> bool:
        """Return whether the fact of this path and name is to be sent."""
        if name == "state":
            return True
        if not is_under(path, self.asset):
            return False
        if name == "device":
            return self.devices
        return self.details or not name.startswith(_DETAILS)


class Stream:
    """Sends every client the changes of one live state.

    Attributes:
        clients: how many there are.
        most: how many there may be.
    """

    def __init__(
        self,
        live_state: LiveState,
        now: Callable[[], int],
        plant: Callable[[Scope], Any],
        connected: Callable[[], bool] = lambda: True,
        numbers: Numbers | None = None,
    ) -> None:
        """Create the stream of a live state.

        Args:
            live_state: what to send.
            now: the time, nanoseconds.
            plant: what a page must know besides the facts (titles, zones, units) to draw them; sent with a snapshot.
            connected: whether the broker is there: while it is not, nothing is received and nothing shown is fresh.
            numbers: the numbers of now; None where pages ask for them.
        """
        self._live_state = live_state
        self._now = now
        self._plant = plant
        self.connected = connected
        self._numbers = numbers
        self._changed = asyncio.Event()
        self._reported = asyncio.Event()
        self._shared: dict[tuple[Scope, int, bool, bool], bytes] = {}
        self._shared_numbers: dict[tuple[Scope, int], bytes] = {}
        self._shared_messages: dict[tuple[str, int, int], bytes] = {}
        self._shared_snapshots: dict[tuple[Scope, int, int], tuple[float, dict[str, Any], bytes]] = {}
        self._ticks = 0
        self._closing = False
        self._health: dict[str, Any] = {}
        self.clients = 0
        self.most = MOST_CLIENTS

    def touch(self) -> None:
        """Note that the live state changed."""
        self._changed.set()

    async def run(self) -> None:
        """Send changes to the clients, until cancelled; then end their streams."""
        rated = time.monotonic()
        try:
            while True:
                await wait(self._changed, BEAT_S)
                self._changed.clear()
                elapsed = time.monotonic() - rated
                if elapsed >= BEAT_S:
                    rated += elapsed
                    self._live_state.tick(self._now(), elapsed)
                    self._refresh_health()
                else:
                    self._live_state.tick(self._now(), 0)
                for shared in (self._shared, self._shared_messages, self._shared_snapshots):
                    shared.clear()
                self._ticks += 1
                self.wake()
                await asyncio.sleep(SHORTEST_PAUSE_S)
        finally:
            self._closing = True
            self.wake()

    async def events(self, scope: Scope) -> AsyncGenerator[bytes, None]:
        """Yield what one client is sent."""
        self.clients += 1
        look = Look(scope.asset, scope.numbers)
        try:
            with nullcontext() if self._numbers is None or not scope.numbers else self._numbers.looked_at(look):
                async with aclosing(self._sent(scope)) as sent:
                    async for text in sent:
                        yield text
        finally:
            self.clients -= 1

    async def _sent(self, scope: Scope) -> AsyncGenerator[bytes, None]:
        self._refresh_health()
        first = self._snapshot(scope)
        # The client's revision is noted before the bytes are sent: meanwhile the live state goes on.
        revision, health = self._live_state.revision, self._health
        number = max(0, self._live_state.messages - MESSAGES_AT_FIRST)
        ticks, numbers = -1, 0
        yield b"retry: 2000\n\n"
        yield first
        reported = time.monotonic()
        while not self._closing:
            next_report = self._reported
            if ticks != self._ticks:
                ticks = self._ticks
                text = self._changes(
                    scope,
                    revision,
                    with_health=self._health is not health,
                    beat=time.monotonic() - reported > QUIET_BEAT_S,
                )
                revision, health = self._live_state.revision, self._health
                if text:
                    reported = time.monotonic()
                    yield text
            if scope.numbers and self._numbers is not None:
                since, numbers = numbers, self._numbers.revision
                if text := self._new_numbers(scope, since):
                    yield text
            if scope.messages and (since := number) < (number := self._live_state.messages):
                yield self._messages(scope, since, number)
            await wait(next_report, QUIET_BEAT_S)

    def wake(self) -> None:
        """Send clients what is new."""
        self._shared_numbers.clear()
        reported, self._reported = self._reported, asyncio.Event()
        reported.set()

    def _refresh_health(self) -> None:
        now = self._now()
        live_state = self._live_state
        health = {
            "newest": None if live_state.newest is None else live_state.newest // NS_PER_MS,
            "rate": round(live_state.rate, 1),
            "refused_hour": live_state.rejected.last_hour(now),
            "machines": len(live_state.machines),
            "broker": self.connected(),
            "ahead_min": max(0, (now - time.time_ns()) // (60 * NS_PER_S)),
        }
        if health != self._health:
            self._health = health

    def _snapshot(self, scope: Scope) -> bytes:
        """Return the snapshot; clients that come within a moment share it, as after a restart all of them do."""
        key = (scope, self._live_state.revision, self._live_state.messages)
        made_at, health, text = self._shared_snapshots.get(key, (0.0, {}, b""))
        now = time.monotonic()
        if now - made_at > SHORTEST_PAUSE_S or health is not self._health:
            text = self._new_snapshot(scope)
            self._shared_snapshots[key] = (now, self._health, text)
        return text

    def _new_snapshot(self, scope: Scope) -> bytes:
        return event(
            "snapshot",
            self._live_state.revision,
            {
                "now": self._now() / NS_PER_MS,
                "facts": self._live_state.changes(0, scope.wants),
                "health": self._health,
                "plant": self._plant(scope),
                "refusals": [shown(one) for one in self._live_state.rejected.newest()] if scope.messages else [],
            },
        )

    def _changes(self, scope: Scope, since: int, *, with_health: bool, beat: bool) -> bytes:
        """Return what changed since a revision; nothing where nothing did that the client looks at, unless to beat."""
        key = (scope, since, with_health, beat)
        text = self._shared.get(key)
        if text is None:
            reported: dict[str, Any] = {}
            if facts := self._live_state.changes(since, scope.wants):
                reported["facts"] = facts
            if with_health:
                reported["health"] = self._health
            if reported or beat:
                reported["now"] = self._now() / NS_PER_MS
            text = self._shared[key] = event("changes", self._live_state.revision, reported) if reported else b""
        return text

    def _messages(self, scope: Scope, since: int, number: int) -> bytes:
        """Return the messages that came after one, up to another, and are of what the client looks at."""
        key = (scope.asset, since, number)
        text = self._shared_messages.get(key)
        if text is None:
            found = [shown(one) for one in self._live_state.received(since) if is_within(one, scope.asset)]
            text = self._shared_messages[key] = event("messages", number, found)
        return text

    def _new_numbers(self, scope: Scope, since: int) -> bytes:
        """Return the numbers that were computed since a revision; nothing where none were that the client looks at."""
        assert self._numbers is not None
        text = self._shared_numbers.get((scope, since))
        if text is None:
            found = self._numbers.changes(Look(scope.asset, scope.numbers), since)
            text = event("numbers", self._numbers.revision, found) if found else b""
            self._shared_numbers[scope, since] = text
        return text
