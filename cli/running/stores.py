"""The store of a command, opened for as long as it runs, and the plant description that it was made with."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from broker.plant.plant import Plant
from broker.plant.plant_file import load, parse
from cli.invocation.errors import CommandError
from services.store.interface import Store
from services.store.opening import open_store, sqlite_path

PLANT_METADATA = "plant"
"""The store's metadata that holds the plant description of its ledger."""

PlantFile = Annotated[
    Path | None, typer.Option("--plant", metavar="FILE", help="The plant description; left out, the store's.")
]


@contextlib.asynccontextmanager
async def opened(url: str, *, existing: bool = False) -> AsyncIterator[Store]:
    """Open a store, and close it in the end.

    Raises:
        CommandError: it must exist already, and does not.
    """
    if existing and url.startswith("sqlite:") and not (file := sqlite_path(url)).exists():
        raise CommandError(f"there is no store at {file}", "name another with --store or --data")
    store = await open_store(url)
    try:
        yield store
    finally:
        await store.close()


async def plant_of(store: Store, file: Path | None) -> Plant:
    """Return the plant that a file describes; without a file, the one noted in the store."""
    if file is not None:
        return load(file)
    return parse(await store.metadata(PLANT_METADATA) or "", "the plant description in the store")


async def plant_to_store(store: Store, file: Path | None) -> Plant:
    """Return the same to who makes a ledger with it; a file's is noted in the store, to answer questions by."""
    plant = await plant_of(store, file)
    if file is not None:
        await store.set_metadata(PLANT_METADATA, plant.text)
    return plant
