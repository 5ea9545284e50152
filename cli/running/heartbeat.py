"""A service's heartbeat: a file that holds `ok` while the broker is connected and the store takes what comes.

Else it has one line with what is wrong, as `/healthz` does (`services.health.vitals` knows). Whoever looks after the
service, as the stack's health check does, reads it and its age: one that is not touched any more belongs to a service
that hangs.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from services.health.vitals import Vitals

EVERY_S: Final = 5.0


@contextlib.asynccontextmanager
async def beating(file: Path | None, vitals: Vitals) -> AsyncIterator[None]:
    """Write the heartbeat as long as the context lasts; without a file do nothing."""
    if file is None:
        yield
        return
    task = asyncio.create_task(_beat(file, vitals))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _beat(file: Path, vitals: Vitals) -> None:
    while True:
        trouble = " ".join((await vitals.trouble()).split())
        await asyncio.to_thread(file.write_text, f"{trouble or 'ok'}\n", encoding="utf-8")
        await asyncio.sleep(EVERY_S)
