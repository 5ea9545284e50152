"""The numbers of now: answers that change with the messages that change them, and come with the stream.

What pages look at is computed once however many look, from sums that events keep up to date (`query.running_answers`).
An event marks its machine, line, area and site; what is marked and looked at is computed next, at once if nothing was
for a while, else not sooner than a few times what it costs; what nothing changes follows the clock every few seconds.
As with facts there is no queue for a client: it is at a revision, and is sent what is newer, each number once.

A range that moves at its begin (`now-1h`), one that is over, and plants with very many machines have no numbers here:
pages ask for those.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgspec

from broker.contract.events import NS_PER_S, AnyEvent
from broker.plant.plant import Plant
from services.ledger.history import KINDS, MINUTE
from services.query.answers import Answer
from services.query.asked_range import SHORTEST_NS, USUAL_NS, Range, RangeError
from services.query.composition import is_to_check
from services.query.forecast import plan_of
from services.query.running_answers import RunningAnswers, load
from services.store import failures
from services.store.interface import Store
from services.wall.asset_range import AssetRanges
from services.wall.beside import Beside

MOST_MACHINES: Final = 500
"""Machines of which the sums are held; where there are more, those of the line that a page looks at."""
_FOLLOW_S: Final = 5.0
"""So often a number that no event changes follows the clock."""
_PAUSE_S: Final = 0.2
_COSTS: Final = 8
"""A number is computed again after so many times what it cost, but not sooner than after the pause."""
_GATHER_S: Final = 0.1
"""What changes so soon after numbers were sent is sent together."""
_RANGE_S: Final = 1.0
"""For so long it is not looked again which shift runs and which machines there are."""
_RELOAD_S: Final = 120.0
_RELOAD_NS: Final = 60 * MINUTE
"""After so long, or so much time of the plant, sums are loaded again: what is held in memory does not grow."""
_AGAIN_S: Final = 2.0
"""Sums are loaded again because something changed in the past, or failed, not sooner than this after the last time; if
that did not help, twice as late each time."""
_LATE_S: Final = 60.0
"""Events that came so long before sums are loaded are put into them: the store may not have had them yet."""
_MOST_RECENT: Final = 50_000

_INDICATORS: Final = ("oee", "availability", "effectiveness", "quality_ratio", "energy_per_good_piece")
_SUMS: Final = ("good", "produced", "scrap", "setup_s", "electricity_kwh")
_REASONS: Final = 8
_WARNINGS: Final = 40
"""What a tile shows of an answer."""


class Look(NamedTuple):
    """What pages look at: an asset, and from when, as in an address."""

    asset: str
    start: str


class _Number:
    """One asset's numbers as they were last computed."""

    __slots__ = ("answer", "at", "due", "moves", "plan", "revision", "tile", "whole")

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.plan: msgspec.Raw | None = None
        self.tile: msgspec.Raw | None = None
        self.whole: msgspec.Raw | None = None
        self.revision = 0
        self.moves = -1
        self.at = -math.inf
        self.due = -math.inf


class _Running:
    """Answers under one asset from one start, and how they are loaded."""

    __slots__ = ("again_s", "answers", "loaded_at", "loaded_ns", "loading", "outputs", "used_at")

    def __init__(self) -> None:
        self.answers: RunningAnswers | None = None
        self.outputs: dict[str, tuple[float, int, Answer]] = {}
        """Of machines whose pieces count against a plan: when computed, after how many changes, and the answer."""
        self.again_s = _AGAIN_S
        self.loading = False
        self.loaded_at = -math.inf
        self.loaded_ns = 0
        self.used_at = 0.0


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
        self._looks: dict[Look, int] = {}
        self._numbers: dict[Look, _Number] = {}
        self._running: dict[tuple[str, int], _Running] = {}
        self._resolved: dict[Look, tuple[float, Range | None]] = {}
        self._listed: dict[str, tuple[float, list[tuple[str, bool]]]] = {}
        self._moves: dict[str, int] = {}
        self._recent: deque[tuple[float, AnyEvent]] = deque(maxlen=_MOST_RECENT)
        self._touched = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    # ---- What goes in ----

    def take(self, events: Sequence[AnyEvent]) -> None:
        """Take the events of a message that has just arrived."""
        for event in events:
            if event.kind not in KINDS:
                continue
            self._recent.append((time.monotonic(), event))
            changed = False
            for running in self._running.values():
                if running.answers is not None:
                    changed |= running.answers.put(event, self._now()) or running.answers.is_outdated
            if changed:
                self._mark(event.asset)

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
        """Return the numbers of what a page looks at that are newer than a revision, ready for JSON; {} if none is."""
        answers, plans = [], []
        for asset, is_whole in self._assets(look):
            number = self._numbers.get(Look(asset, look.start))
            if number is None or number.revision <= since or number.answer is None:
                continue
            answers.append(_whole(number) if is_whole else _tile(number))
            if number.plan is not None:
                plans.append(number.plan)
        return {"from": look.start, "answers": answers, "plans": plans} if answers else {}

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

    def _mark(self, machine: str) -> None:
        for asset in _with_groups(machine):
            self._moves[asset] = self._moves.get(asset, 0) + 1
        self._touched.set()

    async def _refresh(self) -> float:
        """Compute what is due; return after how many seconds something is."""
        soonest = 1.0
        shown: set[Look] = set()
        for look in list(self._looks):
            for asset, is_whole in self._assets(look):
                shown.add(Look(asset, look.start))
                soonest = min(soonest, await self._update(Look(asset, look.start), is_whole=is_whole))
                await asyncio.sleep(0)
        for gone in self._numbers.keys() - shown:
            del self._numbers[gone]
        self._resolved = {look: known for look, known in self._resolved.items() if look in shown}
        self._listed = {
            asset: known for asset, known in self._listed.items() if any(asset == each.asset for each in shown)
        }
        unused = [key for key, each in self._running.items() if time.monotonic() - each.used_at > 30]
        for key in unused:
            del self._running[key]
        return max(0.02, soonest)

    def _assets(self, look: Look) -> list[tuple[str, bool]]:
        """Return the assets whose numbers a page shows, and whether it shows all of them: lines before all of it."""
        at, listed = self._listed.get(look.asset, (-math.inf, []))
        if time.monotonic() - at > _RANGE_S:
            listed = _shown_with(look.asset, self._ranges.machines(look.asset))
            self._listed[look.asset] = (time.monotonic(), listed)
        return listed

    async def _update(self, look: Look, *, is_whole: bool) -> float:
        """Compute one asset's numbers if they are due; return after how many seconds they are."""
        began = time.monotonic()
        span = self._range(look)
        if span is None:
            self._numbers.pop(look, None)
            return _FOLLOW_S
        running = self._of(look.asset, span.start)
        answers = None if running is None else running.answers
        if running is None or answers is None:
            return _FOLLOW_S
        number = self._numbers.get(look) or _Number()
        moves = self._moves.get(look.asset, 0)
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
        number.plan = await self._plan(look, running, answers, msgspec.structs.replace(span, end=now))
        self.revision += 1
        number.revision, number.moves, number.at = self.revision, moves, began
        number.due = began + max(_PAUSE_S, _COSTS * (time.monotonic() - began))
        self._numbers[look] = number
        return _FOLLOW_S

    async def _plan(self, look: Look, running: _Running, answers: RunningAnswers, span: Range) -> msgspec.Raw:
        async def ask(machine: str, _start: int, end: int) -> Answer:
            return await self._output(running, answers, machine, end)

        async def ever_counted(machine: str, _end: int) -> bool:
            return answers.ever_counted(machine)

        machines = self._ranges.machines(look.asset)
        plan = await plan_of(look.asset, span, machines, self._plant, ask=ask, ever_counted=ever_counted)
        return msgspec.Raw(msgspec.json.encode(plan))

    async def _output(self, running: _Running, answers: RunningAnswers, machine: str, end: int) -> Answer:
        """Return the answer of one machine whose pieces count: the newest one, if nothing has changed it since."""
        moves = self._moves.get(machine, 0)
        at, then, known = running.outputs.get(machine, (-math.inf, -1, None))
        if known is None or then != moves or time.monotonic() - at > _FOLLOW_S:
            known = await answers.answer(self._store, machine, end)
            assert known is not None, "the time of a machine of the plant is counted"
            running.outputs[machine] = (time.monotonic(), moves, known)
        return known

    def _range(self, look: Look) -> Range | None:
        """Return the range of an asset if it ends now; None if it does not."""
        resolved_at, span = self._resolved.get(look, (-math.inf, None))
        now = self._now()
        ended = span is not None and span.shift_end is not None and span.shift_end <= now
        if ended or time.monotonic() - resolved_at > _RANGE_S:
            try:
                span = self._ranges.range(look.asset, look.start, "now")
            except RangeError:
                span = None
            if span is not None and (now - span.end > NS_PER_S or _moves(look.start, span)):
                span = None
            self._resolved[look] = (time.monotonic(), span)
        return span

    def _of(self, asset: str, start: int) -> _Running | None:
        """Return the answers that an asset is in, and see to it that they are loaded; None for too many machines."""
        root = "" if len(self._ranges.machines("")) <= MOST_MACHINES else asset
        if root and len(self._ranges.machines(root)) > MOST_MACHINES:
            return None
        running = self._running.setdefault((root, start), _Running())
        running.used_at = time.monotonic()
        age = running.used_at - running.loaded_at
        answers = running.answers
        due = answers is None or answers.is_outdated or age > _RELOAD_S or self._now() - running.loaded_ns > _RELOAD_NS
        if due and not running.loading and age > running.again_s and self._group is not None:
            running.loading = True
            self._group.create_task(self._load(root, start, running))
        return running

    async def _load(self, root: str, start: int, running: _Running) -> None:
        began, now = time.monotonic(), self._now()
        try:
            loaded = await self._beside.ask(lambda store: load(store, self._plant, root, start, now))
            for at, event in self._recent:
                if at >= began - _LATE_S:
                    loaded.put(event, self._now())
            running.answers, running.loaded_ns, running.outputs = loaded, now, {}
            # What the store does not have yet, as it is written to elsewhere, is not there at once.
            running.again_s = min(2 * running.again_s, _RELOAD_S) if loaded.is_outdated else _AGAIN_S
            for look in self._numbers:
                self._moves[look.asset] = self._moves.get(look.asset, 0) + 1
            self._touched.set()
        except Exception as error:  # noqa: BLE001  (pages ask for what they lack; it is tried again)
            failures.note("loading the sums of now", error, asset=root)
        finally:
            running.loaded_at, running.loading = time.monotonic(), False


def _moves(start: str, span: Range) -> bool:
    """Return whether the begin of a range moves with the clock."""
    if start == "shift" and not span.shift:  # since the first message, within limits
        return not SHORTEST_NS < span.end - span.start < USUAL_NS
    return start.startswith("now")


def _shown_with(asset: str, machines: list[str]) -> list[tuple[str, bool]]:
    if asset.count("/") == 3:
        return [(asset, True)]
    if asset.count("/") == 2:
        return [*((machine, False) for machine in machines), (asset, True)]
    lines = dict.fromkeys(machine.rpartition("/")[0] for machine in machines)
    return [*((line, False) for line in lines), (asset, False)]


def _with_groups(machine: str) -> list[str]:
    """Return a machine, its line, area and site, and '' for everything."""
    levels = machine.split("/")
    return ["/".join(levels[:depth]) for depth in range(len(levels) + 1)]


def _whole(number: _Number) -> msgspec.Raw:
    if number.whole is None:
        number.whole = msgspec.Raw(msgspec.json.encode(number.answer))
    return number.whole


def _tile(number: _Number) -> msgspec.Raw:
    """Return what a tile shows of an answer."""
    if number.tile is None:
        answer = number.answer
        assert answer is not None
        shown = {
            "asset": answer.asset,
            "from": answer.from_,
            "to": answer.to,
            "counted_to": answer.counted_to,
            "coverage": answer.coverage,
            "indicators": {name: answer.indicators[name] for name in _INDICATORS},
            "ledger": {name: answer.ledger[name] for name in _SUMS},
            "reasons": answer.reasons[:_REASONS],
            "waterfall": answer.waterfall,
            "warnings": [each for each in answer.warnings if is_to_check(each)][:_WARNINGS],
            "implausible": answer.implausible,
            "caveats": answer.caveats,
            "rated": answer.rated,
            "good_output": answer.good_output,
            "planned": answer.planned,
        }
        number.tile = msgspec.Raw(msgspec.json.encode(shown))
    return number.tile


async def wait(event: asyncio.Event, longest_s: float) -> None:
    """Wait until something happens, but no longer than this."""
    try:
        async with asyncio.timeout(longest_s):
            await event.wait()
    except TimeoutError:
        return
