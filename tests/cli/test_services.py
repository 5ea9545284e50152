"""The services beside others: by what names brokers know them, and what who comes second gets to read."""

import asyncio
import os
import re
import sqlite3
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from broker.contract.events import Sample
from broker.mqtt.session import Publication, Session
from broker.plant.plant import NO_PLANT
from broker.server.embedded import EmbeddedBroker
from cli.invocation.errors import CommandError
from cli.running.services import run_ingest, run_kpi
from services.store.client_ids import MARK_NOTE
from services.store.interface import Store, StoreError
from services.store.opening import FILE_NAME, default_url, open_store
from tests.cli.conftest import Corridor

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "corridor/v1/york/barn/line-1/press-7/telemetry/load"
COUNT = 3_000


class World:
    """Stores in folders of their own, and services that run on them.

    Attributes:
        names: the client ids of the services that have connected, in order.
    """

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._logs = stack.enter_context(capture_logs())

    @property
    def names(self) -> list[str]:
        return [
            log["client"]
            for log in self._logs
            if log["event"] == "connected" and str(log.get("client")).startswith("corridor-")
        ]

    async def store(self, name: str = ".") -> Store:
        opened = await open_store(default_url(self._folder / name))
        self._stack.push_async_callback(opened.close)
        return opened

    async def start(self, service: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a service, and return when it is connected."""
        connected = len(self.names) + 1
        task = asyncio.create_task(service)
        self._stack.push_async_callback(stop, task)
        while len(self.names) < connected:
            await asyncio.wait([task], timeout=0.02)
            assert not task.done(), task.exception()
        return task


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def problem(task: asyncio.Task[None] | Coroutine[Any, Any, None]) -> str:
    """Wait until a service ends with one error of a command; return its text."""
    try:
        await task
    except CommandError as error:
        return str(error)
    except ExceptionGroup as group:
        (leaf,) = group.exceptions
        assert isinstance(leaf, CommandError)
        return str(leaf)
    raise AssertionError


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield World(tmp_path, stack)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[str]:
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as running:
        yield running.url


def readings(start: int, end: int) -> list[Publication]:
    return [
        Publication(TOPIC, f'{{"ts":{1_795_000_000_000 + number},"value":{number}}}'.encode())
        for number in range(start, end)
    ]


async def publish(broker: str, *publications: Publication, name: str = "device") -> None:
    async with Session(broker, client_id=name) as device:
        await device.publish(*publications)


async def values(store: Store) -> list[object]:
    return [event.value for event in await store.events(["telemetry"], "", 0, 2**62) if isinstance(event, Sample)]


async def until_stored(store: Store, count: int) -> None:
    async with asyncio.timeout(20):
        while len(await values(store)) < count:  # noqa: ASYNC110  (a store announces nothing)
            await asyncio.sleep(0.02)


def drop_mark(file: Path) -> None:
    """Make a store as an older version left it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM note WHERE name = ?", (MARK_NOTE,))
        connection.commit()


@pytest.mark.mosquitto
async def test_two_installations_on_one_broker_have_names_of_their_own_and_keep_everything_each(
    broker: str, world: World
) -> None:
    stores = [await world.store("one"), await world.store("two")]
    for store in stores:
        await world.start(run_ingest(broker, store))
        await world.start(run_kpi(broker, store, NO_PLANT))
    names = [re.sub("[0-9a-f]{8}$", "…", name) for name in world.names]
    assert names == ["corridor-ingest-…", "corridor-kpi-…"] * 2
    assert len(set(world.names)) == 4
    await publish(broker, *readings(0, 200))
    for store in stores:
        await until_stored(store, 200)


@pytest.mark.mosquitto
async def test_what_is_held_for_a_service_survives_a_client_that_comes_by_the_bare_name(
    broker: str, world: World
) -> None:
    store = await world.store()
    await stop(await world.start(run_ingest(broker, store)))
    await publish(broker, *readings(0, 100))
    await publish(broker, name="corridor-ingest")
    await world.start(run_ingest(broker, store))
    await until_stored(store, 100)
    assert len(set(world.names) - {"corridor-ingest"}) == 1


@pytest.mark.mosquitto
async def test_a_store_of_before_goes_on_under_the_bare_name_until_it_is_given_another(
    broker: str, world: World, tmp_path: Path, corridor: Corridor
) -> None:
    store = await world.store()
    await asyncio.to_thread(drop_mark, tmp_path / FILE_NAME)
    async with Session(broker, client_id="corridor-ingest", filters=["corridor/v1/#"], persistent=True):
        pass
    await publish(broker, *readings(0, 100))
    with pytest.raises(StoreError, match="corridor store init --new-client-ids"):
        await run_ingest(broker, store, replica=1)
    service = await world.start(run_ingest(broker, store))
    await until_stored(store, 100)
    await stop(service)
    assert (await asyncio.to_thread(corridor, "store", "init", "--new-client-ids"))[0] == 0
    await world.start(run_ingest(broker, store))
    assert re.fullmatch("corridor-ingest-[0-9a-f]{8}", world.names[-1])


@pytest.mark.mosquitto
@pytest.mark.parametrize(
    ("run", "options", "command"),
    [
        (run_ingest, {}, "ingest"),
        (run_ingest, {"replica": 1}, "ingest --replica 1"),
        (run_kpi, {"plant": NO_PLANT}, "kpi serve"),
    ],
)
async def test_a_second_service_on_a_store_is_reported_at_once_and_the_first_goes_on(
    run: Any, options: dict[str, Any], command: str, broker: str, world: World, tmp_path: Path
) -> None:
    first = await world.start(run(broker, await world.store(), **options))
    reported_state = await problem(run(broker, await world.store(), **options))
    assert reported_state.startswith(f"another `corridor {command}` runs on the store {tmp_path}/corridor.db")
    assert "; stop one of the two" in reported_state
    assert not first.done()
    assert len(world.names) == 1


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_of_a_store_and_its_copy_one_service_ends_with_the_cause_and_the_fix(
    broker: str, world: World, tmp_path: Path, corridor: Corridor
) -> None:
    original = await world.store("original")
    (tmp_path / "copy").mkdir()
    words = ("store", "backup", str(tmp_path / "copy" / FILE_NAME), "--data", str(tmp_path / "original"))
    assert (await asyncio.to_thread(corridor, *words))[0] == 0
    copy = await world.store("copy")
    pair = [await world.start(run_ingest(broker, store)) for store in (original, copy)]
    assert len(set(world.names)) == 1
    (ended,), _ = await asyncio.wait(pair, return_when=asyncio.FIRST_COMPLETED)
    reported_state = await problem(ended)
    assert reported_state.startswith("another client is connected to")
    assert world.names[0] in reported_state
    assert "on this store or on a copy of it" in reported_state
    await stop(pair[1])
    words = ("store", "init", "--new-client-ids", "--data", str(tmp_path / "copy"))
    assert (await asyncio.to_thread(corridor, *words))[0] == 0
    await world.start(run_ingest(broker, copy))
    assert world.names[-1] != world.names[0]


@pytest.mark.mosquitto
async def test_replicas_share_the_stream_and_lose_nothing_when_one_is_killed(
    broker: str, world: World, tmp_path: Path
) -> None:
    store = await world.store()
    await world.start(run_ingest(broker, store, replica=2))
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli.main", "ingest", "--replica", "1"),
        *("--broker", broker, "--data", str(tmp_path)),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert killed.stderr is not None
        while b"connected" not in await killed.stderr.readline():
            assert killed.returncode is None
        async with Session(broker, client_id="device") as device, asyncio.TaskGroup() as group:
            sending = group.create_task(device.publish(*readings(0, COUNT)))
            await until_stored(store, 1)
            killed.kill()
            await killed.wait()
            await sending
    finally:
        if killed.returncode is None:
            killed.kill()
        await killed.wait()
    await world.start(run_ingest(broker, store, replica=1))
    await until_stored(store, COUNT)
    assert await values(store) == list(range(COUNT))
    one, other = world.names
    assert (one[:-1], one[-1:], other[-1:]) == (other[:-1], "2", "1")


async def test_replicas_need_a_broker_that_can_share(world: World, tmp_path: Path) -> None:
    store = await world.store()
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="nats") as nats:
        with pytest.raises(ConnectionError, match="has no shared subscriptions"):
            await run_ingest(nats.url, store, replica=1)
