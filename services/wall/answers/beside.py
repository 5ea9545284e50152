"""Work beside the event loop: large queries run on another thread, so that the wall goes on meanwhile.

An answer over thousands of machines takes seconds of computing. On the loop's own thread it would stop the stream, the
health check and every other request. So its coroutine runs in a loop of its own, on another thread; its reads of the
store run in the wall's loop, to which the store belongs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar, cast

from services.store.interface import Store, StoreError

AT_ONCE: Final = 3
"""Queries that run at once; the others wait."""
LIMIT_S: Final = 30.0
"""How long one may take, once its turn has come; and all that one request asks."""

Made = TypeVar("Made")


class Beside:
    """Answers questions beside the event loop that it is used on.

    Args:
        store: which the questions are about.
        limit_s: how long a question may take.
    """

    def __init__(self, store: Store, *, limit_s: float = LIMIT_S) -> None:
        self._store = store
        self._limit_s = limit_s
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="questions")

    async def ask(self, question: Callable[[Store], Coroutine[Any, Any, Made]]) -> Made:
        """Return what a question makes of the store.

        Raises:
            StoreError: it takes longer than the limit; the text says what to ask for instead.
        """
        loop = asyncio.get_running_loop()
        there = cast("Store", _There(self._store, loop))
        begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

        async def answer() -> Made:
            task = asyncio.current_task()
            assert task is not None
            begun.append((asyncio.get_running_loop(), task))
            async with limited(self._limit_s):
                return await question(there)

        try:
            return await loop.run_in_executor(self._threads, lambda: asyncio.run(answer()))
        except asyncio.CancelledError:
            for its_loop, task in begun:
                with suppress(RuntimeError):  # it has just ended
                    its_loop.call_soon_threadsafe(task.cancel)
            raise


@asynccontextmanager
async def limited(limit_s: float = LIMIT_S) -> AsyncIterator[None]:
    """End what takes longer.

    Raises:
        StoreError: it does; the text says what to ask for instead.
    """
    try:
        async with asyncio.timeout(limit_s):
            yield
    except TimeoutError as error:
        raise StoreError(
            f"the query took more than {limit_s:g} s; ask for a shorter range, fewer machines or fewer intervals"
        ) from error


class _There:
    """A store, asked from another thread than its own loop's."""

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._store, name)

        async def ask(*arguments: Any, **named: Any) -> Any:
            answer = asyncio.run_coroutine_threadsafe(method(*arguments, **named), self._loop)
            return await asyncio.wrap_future(answer)

        return ask
