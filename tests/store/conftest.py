"""An empty store of each engine: what is asked of all of them stands in `test_store*.py`, once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.store.interface import Store
from services.store.opening import default_url, open_store


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Open an empty store of one engine."""
    assert request.param == "sqlite"
    opened = await open_store(default_url(tmp_path))
    yield opened
    await opened.close()
