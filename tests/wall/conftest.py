"""The works of `works.py` in a real store, for every test of the wall."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kpi.ledger_writer import LedgerWriter
from services.store.interface import Batch, Rejected, Store
from services.store.opening import open_store
from services.wall.addresses import Parts
from tests.wall.works import MILL, MINUTE, NOW, PLANT, Clock, make_parts, worked_example


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(f"sqlite:///{tmp_path}/store.db")
    yield opened
    await opened.close()


@pytest.fixture
async def filled(store: Store) -> Store:
    """The store with the worked example in it."""
    writer = LedgerWriter(store, PLANT, lambda: NOW)
    events = worked_example()
    await writer.store_events([event for event in events if event.kind not in {"telemetry", "event"}])
    await writer.advance()
    others = [event for event in events if event.kind in {"telemetry", "event"}]
    rejected = [Rejected(NOW - MINUTE, f"corridor/v1/{MILL}/state", "unknown state 'runing'", b"runing", 6)]
    await store.write(Batch(events=others, rejected=rejected))
    return store


@pytest.fixture
def parts(filled: Store) -> Parts:
    """The parts of a wall over that store, as they are for a moment after the hour."""
    return make_parts(filled, PLANT, Clock(NOW))
