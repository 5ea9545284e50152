"""The numbers of now: answers that change with the messages that change them, and come with the stream.

What pages look at is computed once however many look, from sums that events update (`running_sums`). An event
marks its machine, line, area and site; what is marked and looked at is computed next, what waited longest first: at
once if nothing was for a while, else not sooner than a few times what it costs. What nothing changes follows the clock
every few seconds. As with facts there is no queue for a client: it is at a revision, and is sent what is newer, each
number once.

A range that is over, and what has very many machines, have no numbers here: pages ask for those.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgspec

from broker.contract.events import NS_PER_S, AnyEvent
from broker.plant.plant import Plant
from services.query.answers import Answer
from services.query.asked_range import Range, RangeError
from services.query.forecast import plan_of
from services.query.running_answers import RunningAnswers
from services.store import failures
from services.store.interface import Store
from services.wall.answers.asset_range import AssetRanges
from services.wall.answers.beside import Beside
from services.wall.answers.running_sums import Running, RunningSums
from services.wall.answers.shown_numbers import Number, shown_with, tile, whole

_FOLLOW_S: Final = 5.0
"""So often a number that no event changes follows the clock."""
_PAUSE_S: Final = 0.2
_COSTS: Final = 8
"""A number is computed again after so many times what it cost, but not sooner than after the pause."""
_SLICE_S: Final = 0.1
"""After computing for so long, what has been computed is sent before the rest is."""
_GATHER_S: Final = 0.1
"""What changes so soon after numbers were sent is sent together."""
_RANGE_S: Final = 1.0
"""For so long it is not looked again which shift runs and which machines there are."""


class Look(NamedTuple):
    """What pages look at: an asset, and from when, as in an address."""

    asset: str
    start: str


class Numbers:
    """The numbers of what pages look at."""

    def __init__(self, store: Store, plant: Plant, ranges: AssetRanges, beside: Beside, now: Callable[[], int]) -> None:
        """Hold none.

        Args:
            store: of what is not held in memory.
            plant: calendars, targets.
            ranges: which machines there are, and what a range means.
            beside: where sums are loaded.
            now: the time, nanoseconds.
        """
        self.revision = 0
        self._store = store
        self._plant = plant
        self._ranges = ranges
        self._beside = beside
        self._now = now
        self._sums = RunningSums(plant, ranges, beside, now)
        self._looks: dict[Look, int] = {}
        self._numbers: dict[Look, Number] = {}
        self._resolved: dict[Look, tuple[float, Range | None]] = {}
        self._listed: dict[str, tuple[float, list[tuple[str, bool]]]] = {}
        self._moves: dict[str, tuple[int, float]] = {}
        """How often each asset changed, and when it did first since it was computed last."""
        self._touched = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    # ---- What goes in ----

    def take(self, events: Sequence[AnyEvent]) -> None:
        """Take the events of a message that has just arrived."""
        for machine in self._sums.take(events):
            self._mark(_with_groups(machine))

    @contextmanager
    def looked_at(self, look: Look) -> Iterator[None]:
        """Compute what a page looks at for as long as it does."""
        self._looks[look] = self._looks.get(look, 0) + 1
        self._touched.set()
        try:
            yield
        finally:
            self._looks[look] -= 1
            if not self._looks[look]:
                del self._looks[look]

    # ---- What comes out ----

    def changes(self, look: Look, since: int) -> dict[str, Any]:
        """Return the numbers of what a page looks at that are newer than a revision, ready for JSON; {} if none is.

        `unsent` names the assets whose numbers do not come, as they have very many machines.
        """
        answers, plans, unsent = [], [], []
        for asset, is_whole in self._assets(look):
            if self._sums.root_of(asset) is None:
                unsent.append(asset)
            number = self._numbers.get(Look(asset, look.start))
            if number is None or number.revision <= since or number.answer is None:
                continue
            answers.append(whole(number) if is_whole else tile(number))
            if number.plan is not None:
                plans.append(number.plan)
        return {"from": look.start, "answers": answers, "plans": plans, "unsent": unsent} if answers else {}

    async def run(self, changed: Callable[[], None]) -> None:
        """Compute what is looked at until cancelled; `changed` is called after numbers have."""
        async with asyncio.TaskGroup() as self._group:
            soonest = 1.0
            while True:
                await wait(self._touched, soonest)
                self._touched.clear()
                began, before = time.monotonic(), self.revision
                try:
                    soonest = await self._refresh()
                except Exception as error:  # noqa: BLE001  (pages ask for what they lack)
                    failures.note("computing the numbers of now", error)
                    soonest = 1.0
                if self.revision != before:
                    changed()
                await asyncio.sleep(max(_GATHER_S, time.monotonic() - began))  # all else has half of the time

    # ---- Inside ----

    def _mark(self, assets: Sequence[str]) -> None:
        now = time.monotonic()
        for asset in assets:
            moves, since = self._moves.get(asset, (0, math.inf))
            self._moves[asset] = moves + 1, min(since, now)
        self._touched.set()

    async def _refresh(self) -> float:
        """Compute what is due for a while, what waited longest first; return after how many seconds something is."""
        began, soonest = time.monotonic(), 1.0
        shown = {Look(asset, look.start): is_whole for look in self._looks for asset, is_whole in self._assets(look)}
        for look, is_whole in sorted(shown.items(), key=lambda each: self._moves.get(each[0].asset, (0, math.inf))[1]):
            soonest = min(soonest, await self._update(look, is_whole=is_whole))
            await asyncio.sleep(0)
            if time.monotonic() - began > _SLICE_S:
                soonest = 0.0
                break
        self._drop_but(shown.keys())
        return max(0.02, soonest)

    def _drop_but(self, shown: AbstractSet[Look]) -> None:
        """Drop all that is not looked at."""
        for gone in self._numbers.keys() - shown:
            del self._numbers[gone]
        self._resolved = {look: known for look, known in self._resolved.items() if look in shown}
        assets = {look.asset for look in shown}
        self._listed = {asset: known for asset, known in self._listed.items() if asset in assets}
        self._sums.drop_unused()

    def _assets(self, look: Look) -> list[tuple[str, bool]]:
        """Return the assets whose numbers a page shows, and whether it shows all of them: lines before all of it."""
        at, listed = self._listed.get(look.asset, (-math.inf, []))
        if time.monotonic() - at > _RANGE_S:
            listed = shown_with(look.asset, self._ranges.machines(look.asset))
            self._listed[look.asset] = (time.monotonic(), listed)
        return listed

    async def _update(self, look: Look, *, is_whole: bool) -> float:
        """Compute one asset's numbers if they are due; return after how many seconds they are."""
        began = time.monotonic()
        time_range = self._range(look)
        if time_range is None or self._group is None or self._sums.root_of(look.asset) is None:
            self._numbers.pop(look, None)
            return _FOLLOW_S
        again = lambda: self._mark([each.asset for each in self._numbers.keys() | {look}])  # noqa: E731
        running = self._sums.of(look.asset, time_range, look.start, self._group, again)
        answers = running.answers
        if answers is None:
            return _FOLLOW_S
        number = self._numbers.get(look) or Number()
        moves, _ = self._moves.get(look.asset, (0, math.inf))
        if moves == number.moves and began - number.at < _FOLLOW_S:
            return _FOLLOW_S
        if began < number.due:
            return number.due - began
        if is_whole and not answers.has_seen(look.asset):
            await self._beside.ask(lambda store: answers.see(store, look.asset, self._now()))
        began = time.monotonic()
        answer = await answers.answer(self._store, look.asset, now := self._now())
        if answer is None:
            return _FOLLOW_S
        number.answer, number.tile, number.whole = answer, None, None
        number.plan = await self._plan(
            look, running, answers, msgspec.structs.replace(time_range, start=answers.start, end=now)
        )
        self.revision += 1
        number.revision, number.moves, number.at = self.revision, moves, began
        if self._moves.get(look.asset, (0, 0.0))[0] == moves:
            self._moves[look.asset] = moves, math.inf
        number.due = began + max(_PAUSE_S, _COSTS * (time.monotonic() - began))
        self._numbers[look] = number
        return _FOLLOW_S

    async def _plan(self, look: Look, running: Running, answers: RunningAnswers, time_range: Range) -> msgspec.Raw:
        async def ask(machine: str, _start: int, end: int) -> Answer:
            return await self._output(running, answers, machine, end)

        async def ever_counted(machine: str, _end: int) -> bool:
            return answers.ever_counted(machine)

        machines = self._ranges.machines(look.asset)
        plan = await plan_of(look.asset, time_range, machines, self._plant, ask=ask, ever_counted=ever_counted)
        return msgspec.Raw(msgspec.json.encode(plan))

    async def _output(self, running: Running, answers: RunningAnswers, machine: str, end: int) -> Answer:
        """Return the answer of one machine whose pieces count: the newest one, if nothing has changed it since."""
        moves, _ = self._moves.get(machine, (0, math.inf))
        at, then, known = running.outputs.get(machine, (-math.inf, -1, None))
        if known is None or then != moves or time.monotonic() - at > _FOLLOW_S:
            known = await answers.answer(self._store, machine, end)
            assert known is not None, "the time of a machine of the plant is counted"
            running.outputs[machine] = (time.monotonic(), moves, known)
        return known

    def _range(self, look: Look) -> Range | None:
        """Return the range of an asset if it ends now; None if it does not."""
        resolved_at, time_range = self._resolved.get(look, (-math.inf, None))
        now = self._now()
        ended = time_range is not None and time_range.shift_end is not None and time_range.shift_end <= now
        if ended or time.monotonic() - resolved_at > _RANGE_S:
            try:
                time_range = self._ranges.range(look.asset, look.start, "now")
            except RangeError:
                time_range = None
            if time_range is not None and now - time_range.end > NS_PER_S:
                time_range = None
            self._resolved[look] = (time.monotonic(), time_range)
        return time_range


def _with_groups(machine: str) -> list[str]:
    """Return a machine, its line, area and site, and '' for everything."""
    levels = machine.split("/")
    return ["/".join(levels[:depth]) for depth in range(len(levels) + 1)]


async def wait(event: asyncio.Event, longest_s: float) -> None:
    """Wait until something happens, but no longer than this."""
    try:
        async with asyncio.timeout(longest_s):
            await event.wait()
    except TimeoutError:
        return
