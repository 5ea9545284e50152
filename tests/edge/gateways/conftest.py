"""Waiting for a condition."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Return what waits until a condition holds."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110  (what is waited for has no event)
                await asyncio.sleep(0.01)

    return wait
