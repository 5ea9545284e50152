"""Answers to range questions, each made once for all who ask at the same time.

A wall with many screens asks the same few questions over and over: the running shift of each line, up to this second.
They are answered one after another, so that screens never crowd out the services, and kept for as long as they are
fresh.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from broker.plant import Plant
from services.store.answers import Answer, answer
from services.store.groups import By, answers_by
from services.store.interface import Store

FRESH_S: Final = 2.0
MOST_KEPT: Final = 512

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
        self._store = store
        self._plant = plant
        self._now = now
        self._one_by_one = asyncio.Lock()
        self._kept: dict[tuple[str, str, int, int], tuple[float, Any]] = {}

    async def of(self, asset: str, start: int, end: int) -> Answer:
        """Return the indicators of an asset over start ≤ t < end, in nanoseconds."""

        async def ask() -> Answer:
            return await answer(self._store, self._plant, asset, start, end, now=self._now())

        return await self._once((asset, "", start, end), ask)

    async def by(self, asset: str, by: By, start: int, end: int) -> list[Answer]:
        """Return the same told apart by product, shift, machine or order."""

        async def ask() -> list[Answer]:
            return await answers_by(self._store, self._plant, asset, by, (start, end), now=self._now())

        return await self._once((asset, by, start, end), ask)

    async def _once(self, key: tuple[str, str, int, int], ask: Callable[[], Awaitable[Made]]) -> Made:
        async with self._one_by_one:
            kept = self._kept.pop(key, None)
            if kept is None or time.monotonic() - kept[0] > FRESH_S:
                made = await ask()
                kept = (time.monotonic(), made)
            self._kept[key] = kept
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            found: Made = kept[1]
            return found
