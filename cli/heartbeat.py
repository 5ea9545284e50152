"""A service's heartbeat: a file that says `ok` while the broker is connected and the store takes what comes.

Else it says in one line what is wrong. Whoever looks after the service, as the stack's health check does, reads it and
its age: one that is not touched any more belongs to a service that hangs.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from broker.session import Session
from services.store.interface import Store, StoreError

EVERY_S: Final = 5.0
LONGEST_S: Final = 10.0
"""A store that takes longer to answer a trifle, or to take any of what waits, does not work, seconds."""


@contextlib.asynccontextmanager
async def beating(file: Path | None, session: Session, store: Store | None = None) -> AsyncIterator[None]:
    """Keep the heartbeat as long as the context lasts; without a file do nothing."""
    if file is None:
        yield
        return
    task = asyncio.create_task(_beat(file, session, store))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _beat(file: Path, session: Session, store: Store | None) -> None:
    kept, kept_at = session.acknowledged, time.monotonic()
    while True:
        if not session.waiting or session.acknowledged != kept:
            kept, kept_at = session.acknowledged, time.monotonic()
        trouble = await _trouble(session, store)
        if not trouble and (stuck_s := time.monotonic() - kept_at) > LONGEST_S:
            trouble = f"{session.waiting} messages have waited for the store for {stuck_s:.0f} s"
        await asyncio.to_thread(file.write_text, f"{trouble or 'ok'}\n", encoding="utf-8")
        await asyncio.sleep(EVERY_S)


async def _trouble(session: Session, store: Store | None) -> str:
    """Return in one line what is wrong, '' if nothing is."""
    if not session.connected:
        return "the broker is not connected"
    if store is None:
        return ""
    try:
        async with asyncio.timeout(LONGEST_S):
            await store.note("heartbeat")
    except TimeoutError:
        return f"the store has not answered for {LONGEST_S:g} s"
    except StoreError as error:
        return f"the store: {error}"
    return ""
