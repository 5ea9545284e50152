"""The ingest service applies retention again and again, whatever goes wrong."""

import asyncio
from pathlib import Path

import pytest

from broker.contract.events import Sample, StateChange
from services.ingest.retention import apply_retention_hourly
from services.ledger.fields import NANO
from services.store.interface import Batch, LedgerRow
from services.store.opening import default_url, open_store

MILL = "sheffield/machining/line-1/mill-2"
DAY = 86_400 * NANO
NOW = 20_000 * DAY


class Present:
    """A clock that counts how often it is read: each read begins a round of retention, and ends the last."""

    def __init__(self) -> None:
        self.at = NOW
        self._looks = 0
        self._looked = asyncio.Event()

    def __call__(self) -> int:
        self._looks += 1
        self._looked.set()
        return self.at

    async def round(self) -> None:
        """Wait until a round has begun and ended after this call."""
        wanted = self._looks + 2
        async with asyncio.timeout(20):
            while self._looks < wanted:
                self._looked.clear()
                await self._looked.wait()


@pytest.mark.slow
async def test_what_is_past_its_retention_goes_and_hours_stay(tmp_path: Path) -> None:
    store = await open_store(default_url(tmp_path))
    young = [Sample(asset=MILL, at=NOW - 29 * DAY, signal="load", value=1.0)]
    old = [Sample(asset=MILL, at=NOW - 31 * DAY, signal="load", value=1.0)]
    rows = [LedgerRow(MILL, NOW - days * DAY, "-", "-", {"good": 1}) for days in (800, 700)]
    await store.write(Batch(events=[*old, *young], rows=rows))
    present = Present()
    async with asyncio.TaskGroup() as group:
        retention = group.create_task(apply_retention_hourly(store, present, every_s=0.001))
        await present.round()
        assert await store.events(["telemetry"], "", 0, 2**62) == young
        assert await store.rows("", 0, 2**62) == rows[1:]
        assert len(await store.rows("", 0, 2**62, "hour")) == 2
        await store.write(Batch(events=[StateChange(asset=MILL, at=NOW, state="idle")]))
        present.at = NOW + 31 * DAY
        await present.round()
        last = [*young, StateChange(asset=MILL, at=NOW, state="idle")]
        assert await store.events(["telemetry", "state"], "", 0, 2**62) == last
        retention.cancel()
    await store.close()


async def test_a_store_that_cannot_is_asked_again(tmp_path: Path) -> None:
    store = await open_store(default_url(tmp_path))
    await store.close()
    present = Present()
    async with asyncio.TaskGroup() as group:
        retention = group.create_task(apply_retention_hourly(store, present, every_s=0.001))
        await present.round()
        assert not retention.done()
        retention.cancel()
