"""Which signals the plant file declares as text: there a number that comes as text stays a text.

The plant is that of the store. The KPI service may write it after this one has started, so it is read again each
minute.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from broker.plant.plant import NO_PLANT, Plant
from broker.plant.plant_file import PlantError
from services.store.interface import StoreError

PERIOD_S: Final = 60

_log = structlog.get_logger("corridor.ingest")


class Declared:
    """The newest plant that could be read.

    Args:
        load: returns the plant of the store.
    """

    def __init__(self, load: Callable[[], Awaitable[Plant]] | None = None) -> None:
        self._load = load
        self._plant = NO_PLANT

    def is_text(self, asset: str, signal: str) -> bool:
        """Return whether a signal is declared as text."""
        return self._plant.is_text(asset, signal)

    async def read(self) -> None:
        """Read the plant; what cannot be read leaves the one before."""
        if self._load is None:
            return
        try:
            self._plant = await self._load()
        except (StoreError, PlantError) as error:
            _log.warning("the plant description cannot be read, the one before applies", error=str(error))

    async def follow(self) -> None:
        """Read the plant again and again, until cancelled."""
        while True:
            await asyncio.sleep(PERIOD_S)
            await self.read()
