"""Stores for properties: each example of Hypothesis gets an empty one, which no fixture can give it."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.store.sqlite.store import SqliteStore


@asynccontextmanager
async def empty_store() -> AsyncIterator[SqliteStore]:
    """Open an empty store in a folder of its own, which is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="corridor-test-"))
    store = await SqliteStore.open(folder / "corridor.db")
    try:
        yield store
    finally:
        await store.close()
        shutil.rmtree(folder)
