"""Answers to range queries, each computed once for all who ask at the same time.

Many screens ask the same few queries: the running shift of each line, up to this second. Each is answered once, a few
at a time and beside the event loop (`beside`), so that screens never crowd out the services, and cached while fresh.
Queries up to now that are asked within half a second share an answer: the end of each is that of the first.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from broker.contract.events import NS_PER_MS
from broker.plant.plant import Plant
from services.query.answers import Answer, answer
from services.query.groups import By, answers_by
from services.store.interface import Store
from services.wall.answers.beside import Beside

FRESH_S: Final = 2.0
"""For so long an answer is shared."""
FRESH_NOW_NS: Final = 500 * NS_PER_MS
"""For so long is one whose range ends now; longer than that ago, its end is not now."""
MOST_CACHED: Final = 512

Made = TypeVar("Made")


class Answers:
    """Answers about the assets of one plant, from one store."""

    def __init__(self, store: Store, plant: Plant, now: Callable[[], int]) -> None:
        """Answer from a store.

        Args:
            store: where the ledger and the events are.
            plant: calendars, targets, titles.
            now: the time, nanoseconds.
        """
        self.beside = Beside(store)
        self._plant = plant
        self._now = now
        self._asked: dict[_Key, _Question] = {}

    async def of(self, asset: str, start: int, end: int) -> Answer:
        """Return the indicators of an asset over start ≤ t < end, in nanoseconds."""
        now = self._now()
        return await self._once(
            _Asked(asset, "", start, end, now), lambda store: answer(store, self._plant, asset, start, end, now=now)
        )

    async def by(self, asset: str, by: By, start: int, end: int) -> list[Answer]:
        """Return the same grouped by product, shift, machine or order."""
        now = self._now()
        return await self._once(
            _Asked(asset, by, start, end, now),
            lambda store: answers_by(store, self._plant, asset, by, (start, end), now=now),
        )

    async def _once(self, asked: "_Asked", query: Callable[[Store], Coroutine[Any, Any, Made]]) -> Made:
        for key in asked.keys:
            known = self._asked.get(key)
            if known is not None and known.answers(asked):
                break
        else:
            known = _Question(asked.end, asyncio.create_task(self.beside.ask(query)))
            for key in asked.keys:
                self._asked.pop(key, None)
                self._asked[key] = known
            while len(self._asked) > MOST_CACHED:
                del self._asked[next(iter(self._asked))]
        made: Made = await asyncio.shield(known.task)  # whoever stops asking leaves it to the others
        return made


_Key = tuple[str, str, int, int]


class _Asked:
    """What is asked: an asset, how it is grouped, and the range."""

    def __init__(self, asset: str, by: str, start: int, end: int, now: int) -> None:
        self.end = end
        self.is_now = 0 <= now - end <= FRESH_NOW_NS
        # One that ends now begins at a fixed instant, or is of a fixed length.
        self.keys: list[_Key] = (
            [(asset, by, start, 0), (asset, by, 0, end - start)] if self.is_now else [(asset, by, start, end)]
        )


class _Question:
    """A question that is being answered, or was."""

    def __init__(self, end: int, task: asyncio.Task[Any]) -> None:
        self.end, self.task = end, task
        self._answered_at = math.inf
        task.add_done_callback(self._note)

    def _note(self, task: asyncio.Task[Any]) -> None:
        self._answered_at = time.monotonic()
        if not task.cancelled():
            task.exception()  # nobody may wait for it any more

    def answers(self, asked: _Asked) -> bool:
        """Return whether what this asks is what is asked, and its answer is fresh or on its way."""
        if self.task.done() and (self.task.cancelled() or self.task.exception() is not None):
            return False
        fresh = time.monotonic() - self._answered_at <= FRESH_S
        return fresh and (asked.end == self.end or (asked.is_now and 0 <= asked.end - self.end <= FRESH_NOW_NS))
