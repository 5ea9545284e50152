"""The sums that the numbers of now are computed from: loaded when they are first looked at, updated by events.

Sums are of everything under one asset, the *root*, from a start until now. The root is the whole plant where it has few
enough machines, else the largest part of it that has. A range whose begin moves with the clock (`now-1h`) is held from
where it began when it was loaded, and loaded again after so short a share of its length that nobody sees the
difference; an answer has the begin that it was computed from.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from broker.contract.events import NS_PER_S, AnyEvent
from broker.plant.plant import Plant
from services.ledger.history import KINDS, MINUTE
from services.query.asked_range import SHORTEST_NS, USUAL_NS, Range
from services.query.running_answers import RunningAnswers, load
from services.store import failures
from services.wall.answers.asset_range import AssetRanges
from services.wall.answers.beside import Beside

if TYPE_CHECKING:
    from services.query.answers import Answer

MOST_MACHINES: Final = 500
"""Machines of which sums are held together; where there are more, those of a site, an area or a line."""
_RELOAD_S: Final = 120.0
_RELOAD_NS: Final = 60 * MINUTE
"""After so long, or so much time of the plant, sums are loaded again: what is held in memory does not grow."""
_MOVES_PART: Final = 720
"""A begin that moves with the clock does so by this part of the range at a time: 5 s of an hour, …"""
_MOVES_S: Final = (5.0, 60.0)
"""… but by no less and no more than this …"""
_MOVES_COSTS: Final = 25
"""… and not sooner than after so many times what loading takes."""
_AGAIN_S: Final = 2.0
"""Sums are loaded again because something changed in the past, or failed, not sooner than this after the last time; if
that did not help, twice as late each time."""
_LATE_S: Final = 60.0
"""Events that came so long before sums are loaded are put into them: the store may not have had them yet."""
_MOST_RECENT: Final = 50_000
_UNUSED_S: Final = 30.0
_SEEN_NS: Final = 60 * NS_PER_S
"""What is read of an asset now and then is taken over when sums are loaded again within this."""


class Running:
    """Answers under one root, from a start that a range has.

    Attributes:
        answers: None until they are loaded.
    """

    __slots__ = ("again_s", "answers", "cost_s", "loaded_at", "loaded_ns", "loading", "outputs", "used_at")

    def __init__(self) -> None:
        self.answers: RunningAnswers | None = None
        self.outputs: dict[str, tuple[float, int, Answer]] = {}
        """Of machines whose pieces count against a plan: when computed, after how many changes, and the answer."""
        self.again_s = _AGAIN_S
        self.cost_s = 0.0
        self.loading = False
        self.loaded_at = -math.inf
        self.loaded_ns = 0
        self.used_at = 0.0


class RunningSums:
    """All sums that are looked at."""

    def __init__(self, plant: Plant, ranges: AssetRanges, beside: Beside, now: Callable[[], int]) -> None:
        """Hold none.

        Args:
            plant: calendars and ideal cycles.
            ranges: which machines there are.
            beside: where sums are loaded.
            now: the time, nanoseconds.
        """
        self._plant = plant
        self._ranges = ranges
        self._beside = beside
        self._now = now
        self._running: dict[tuple[str, str, str], Running] = {}
        self._recent: deque[tuple[float, AnyEvent]] = deque(maxlen=_MOST_RECENT)

    def take(self, events: Sequence[AnyEvent]) -> Iterator[str]:
        """Take the events of a message that has just arrived; yield the machines of which sums changed."""
        for event in events:
            if event.kind not in KINDS:
                continue
            self._recent.append((time.monotonic(), event))
            changed = False
            for running in self._running.values():
                if running.answers is not None:
                    changed |= running.answers.put(event, self._now()) or running.answers.is_outdated
            if changed:
                yield event.asset

    def of(
        self, asset: str, time_range: Range, start: str, group: asyncio.TaskGroup, loaded: Callable[[], None]
    ) -> Running:
        """Return the answers that an asset is in, and see to it that they are loaded.

        Args:
            asset: of not too many machines (`root_of`).
            time_range: the range.
            start: the range's begin as in an address.
            group: where they are loaded.
            loaded: is called after they are, unless that was because time has passed.
        """
        root = self.root_of(asset)
        assert root is not None, "numbers are of what has few enough machines"
        moves_s = _moves_s(start, time_range)
        begin = (
            f"since {time_range.start}" if moves_s is None else f"for {(time_range.end - time_range.start) // NS_PER_S}"
        )
        running = self._running.setdefault((root, start, begin), Running())
        running.used_at = time.monotonic()
        age = running.used_at - running.loaded_at
        known = running.answers
        is_changed = known is None or known.is_outdated
        is_old = age > _RELOAD_S or self._now() - running.loaded_ns > _RELOAD_NS
        if moves_s is not None:
            is_old |= age > max(moves_s, _MOVES_COSTS * running.cost_s)
        if (is_changed or is_old) and not running.loading and age > running.again_s:
            running.loading = True
            group.create_task(self._load(root, time_range.start, running, loaded if is_changed else lambda: None))
        return running if running.answers is not None or time_range.shift else self._former(root, start, running)

    def _former(self, root: str, start: str, running: Running) -> Running:
        """Return what stands in for sums that are not loaded yet: those of the begin that an address had before."""
        same = [each for key, each in self._running.items() if key[:2] == (root, start)]
        known = [each for each in same if each.answers is not None]
        return max(known, key=lambda each: each.used_at, default=running)

    def root_of(self, asset: str) -> str | None:
        """Return the largest part of the plant around an asset that is held together; None if the asset is larger."""
        levels = asset.split("/") if asset else []
        around = ("/".join(levels[:depth]) for depth in range(len(levels) + 1))
        return next((path for path in around if len(self._ranges.machines(path)) <= MOST_MACHINES), None)

    def drop_unused(self) -> None:
        """Drop what nobody has looked at for a while."""
        unused = [key for key, each in self._running.items() if time.monotonic() - each.used_at > _UNUSED_S]
        for key in unused:
            del self._running[key]

    async def _load(self, root: str, start: int, running: Running, loaded: Callable[[], None]) -> None:
        began, now = time.monotonic(), self._now()
        try:
            answers = await self._beside.ask(lambda store: load(store, self._plant, root, start, now))
            for at, event in self._recent:
                if at >= began - _LATE_S:
                    answers.put(event, self._now())
            if running.answers is not None:
                answers.take_over(running.answers, since=now - _SEEN_NS)
            running.answers, running.loaded_ns, running.outputs = answers, now, {}
            # What the store does not have yet, as it is written to elsewhere, is not there at once.
            running.again_s = min(2 * running.again_s, _RELOAD_S) if answers.is_outdated else _AGAIN_S
            loaded()
        except Exception as error:  # noqa: BLE001  (pages ask for what they lack; it is tried again)
            failures.note("loading the sums of now", error, asset=root)
        finally:
            running.loaded_at, running.loading = time.monotonic(), False
            running.cost_s = running.loaded_at - began


def _moves_s(start: str, time_range: Range) -> float | None:
    """Return how often the begin of a range moves on, as it moves with the clock; None where it does not."""
    length = time_range.end - time_range.start
    # A shift without a calendar is since the first message, within limits.
    moves = start.startswith("now") or (
        start == "shift" and not time_range.shift and not SHORTEST_NS < length < USUAL_NS
    )
    least, most = _MOVES_S
    return min(max(length / NS_PER_S / _MOVES_PART, least), most) if moves else None
