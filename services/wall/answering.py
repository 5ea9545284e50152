"""Answers to range queries, each computed once for all who ask at the same time.

Many screens ask the same few queries: the running shift of each line, up to this second. Each is answered once, a few
at a time and beside the event loop (`beside`), so that screens never crowd out the services, and cached while fresh.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from broker.plant.plant import Plant
from services.query.answers import Answer, answer
from services.query.groups import By, answers_by
from services.store.interface import Store
from services.wall.beside import Beside

FRESH_S: Final = 2.0
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
        self._under_way: dict[tuple[str, str, int, int], asyncio.Task[Any]] = {}
        self._stored: dict[tuple[str, str, int, int], tuple[float, Any]] = {}

    async def of(self, asset: str, start: int, end: int) -> Answer:
        """Return the indicators of an asset over start ≤ t < end, in nanoseconds."""
        now = self._now()
        return await self._once(
            (asset, "", start, end), lambda store: answer(store, self._plant, asset, start, end, now=now)
        )

    async def by(self, asset: str, by: By, start: int, end: int) -> list[Answer]:
        """Return the same grouped by product, shift, machine or order."""
        now = self._now()
        return await self._once(
            (asset, by, start, end), lambda store: answers_by(store, self._plant, asset, by, (start, end), now=now)
        )

    async def _once(
        self, key: tuple[str, str, int, int], question: Callable[[Store], Coroutine[Any, Any, Made]]
    ) -> Made:
        stored = self._stored.get(key)
        if stored is not None and time.monotonic() - stored[0] <= FRESH_S:
            known: Made = stored[1]
            return known
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._make(key, question))
            task.add_done_callback(lambda _: self._under_way.pop(key))
        made: Made = await asyncio.shield(task)  # whoever stops asking leaves it to the others
        return made

    async def _make(
        self, key: tuple[str, str, int, int], question: Callable[[Store], Coroutine[Any, Any, Made]]
    ) -> Made:
        made = await self.beside.ask(question)
        self._stored.pop(key, None)
        self._stored[key] = (time.monotonic(), made)
        while len(self._stored) > MOST_CACHED:
            del self._stored[next(iter(self._stored))]
        return made
