"""Retention: raw events are deleted after 30 days, minutes of the ledger after two years.

Hours and days of the ledger stay for ever, and the last event of each series until there is a later one. An InfluxDB
expires data itself.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn

import structlog

from services.store.interface import Store, StoreError
from services.store.retention import EVENTS_RETENTION_NS, MINUTES_RETENTION_NS

EVERY_S: Final = 3_600.0

_log = structlog.get_logger("corridor.ingest")


async def apply_retention_hourly(store: Store, now: Callable[[], int], *, every_s: float = EVERY_S) -> NoReturn:
    """Apply retention now and every hour, until cancelled. A failure is retried the next time."""
    while True:
        present = now()
        try:
            gone = await store.apply_retention(
                events_before=present - EVENTS_RETENTION_NS, minutes_before=present - MINUTES_RETENTION_NS
            )
            if gone:
                _log.info("retention applied", rows=gone)
        except StoreError as error:
            _log.warning("retention failed, retrying", error=str(error), next_try_s=every_s)
        await asyncio.sleep(every_s)
