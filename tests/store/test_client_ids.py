"""The client ids of a store's services: made and stored with the store; older stores have none."""

import re
from pathlib import Path

import pytest

from services.store import client_ids
from services.store.influx import address as influx_address
from services.store.influx.names import SCHEMA_METADATA
from services.store.influx.setup import Setup
from services.store.interface import Store, StoreError
from services.store.opening import default_url, open_store
from tests.store.influx.influxd import Influxd


async def reopened(url: str) -> Store:
    """Open a store as two programs in turn do; return the second's."""
    await (await open_store(url)).close()
    return await open_store(url)


async def set_up(url: str) -> None:
    async with Setup(influx_address.parse(url)) as setup:
        await setup.make_buckets()


async def test_a_file_has_a_mark_of_its_own_from_the_first(tmp_path: Path) -> None:
    names = []
    for folder in ("one", "one", "two"):
        store = await reopened(default_url(tmp_path / folder))
        names.append(await client_ids.client_id(store, "ingest"))
        await store.close()
    assert names[0] == names[1] != names[2]
    assert all(re.fullmatch("corridor-ingest-[0-9a-f]{8}", name) for name in names)


@pytest.mark.influx
async def test_an_influxdb_has_one_from_when_it_is_set_up(influxd: Influxd) -> None:
    url = f"influxdb1://127.0.0.1:{influxd.port}/marked"
    names = []
    for _ in range(2):
        await set_up(url)
        store = await open_store(url)
        names.append(await client_ids.client_id(store, "kpi"))
        await store.close()
    assert names[0] == names[1]
    assert re.fullmatch("corridor-kpi-[0-9a-f]{8}", names[0])
    influxd.drop_store("marked")


@pytest.mark.influx
async def test_one_that_was_set_up_before_there_were_marks_has_none(influxd: Influxd, influx_url: str) -> None:
    store = await open_store(influx_url)
    await store.set_metadata(SCHEMA_METADATA, "1")
    await set_up(influx_url)
    assert await client_ids.client_id(store, "kpi") == "corridor-kpi"
    with pytest.raises(StoreError, match="--new-client-ids"):
        await client_ids.replica_id(store, "ingest", 1)
    await client_ids.renew(store)
    assert re.fullmatch("corridor-kpi-[0-9a-f]{8}", await client_ids.client_id(store, "kpi"))
    await store.close()
