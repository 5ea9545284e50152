"""Several workers of ingest on one store: adding one, killing one and running fewer loses nothing."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from broker.contract.events import Sample
from broker.mqtt.session import Publication, Session
from broker.server.embedded import EmbeddedBroker
from cli.ingest import SHARES, worker_settings
from cli.invocation.errors import CommandError
from cli.running.services import run_ingest
from cli.running.workers import supervise
from services.store import client_ids
from services.store.interface import Store
from services.store.opening import default_url, open_store

pytestmark = pytest.mark.mosquitto

ROOT = Path(__file__).resolve().parents[3]
TOPIC = "corridor/v1/york/barn/line-1/press-7/telemetry/load"
COUNT = 2_000
PATIENCE_S = 90


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  (processes do not report)
            await asyncio.sleep(0.02)


class Ingest:
    """`corridor ingest`, and what it logs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log: list[str] = []
        self._reading = asyncio.create_task(self._read())

    @property
    def connected(self) -> int:
        """How often a replica has connected."""
        return sum("connected" in line for line in self.log)

    @property
    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log.append(line.decode())


@asynccontextmanager
async def running(broker: str, data: Path, *words: str) -> AsyncIterator[Ingest]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli.main", "ingest", "--broker", broker, "--data", str(data), *words),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Ingest(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()


def readings(start: int, end: int) -> list[Publication]:
    return [
        Publication(TOPIC, f'{{"ts":{1_795_000_000_000 + number},"value":{number}}}'.encode())
        for number in range(start, end)
    ]


async def values(store: Store) -> list[object]:
    return [event.value for event in await store.events(["telemetry"], "", 0, 2**62) if isinstance(event, Sample)]


async def until_stored(store: Store, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(await values(store)) < count:  # noqa: ASYNC110  (a store announces nothing)
            await asyncio.sleep(0.05)


async def connected(task: asyncio.Task[None]) -> None:
    """Wait until a replica has connected."""
    with capture_logs() as logs:
        async with asyncio.timeout(PATIENCE_S):
            while not any(log["event"] == "connected" for log in logs):
                await asyncio.wait([task], timeout=0.02)
                assert not task.done(), task.exception()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[str]:
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as running:
        yield running.url


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(default_url(tmp_path))
    yield opened
    await opened.close()


@pytest.mark.slow
async def test_a_worker_that_is_killed_is_started_again_one_that_is_added_shares_and_all_end_with_their_parent(
    broker: str, store: Store, tmp_path: Path
) -> None:
    async with (
        running(broker, tmp_path, "--workers", "2") as ingest,
        Session(broker, client_id="device") as device,
        asyncio.TaskGroup() as group,
    ):
        await until(lambda: ingest.connected == 2)
        sending = group.create_task(device.publish(*readings(0, COUNT)))
        await until_stored(store, 1)
        ingest.workers[0].kill()
        added = group.create_task(run_ingest(broker, store, replica=3))
        await sending
        await until(lambda: ingest.connected == 3)
        await device.publish(*readings(COUNT, 2 * COUNT))
        await until_stored(store, 2 * COUNT)
        added.cancel()
        workers = ingest.workers
        assert len(workers) == 2
        ingest.process.kill()
        await until(lambda: not any(worker.is_running() for worker in workers))
    assert await values(store) == list(range(2 * COUNT))


async def test_one_worker_serves_the_replicas_of_all_that_ever_were(broker: str, store: Store) -> None:
    for number in (1, 2, 3):
        replica = asyncio.create_task(run_ingest(broker, store, replica=number))
        await connected(replica)
        replica.cancel()
        await asyncio.wait([replica])
    async with Session(broker, client_id="device") as device:
        await device.publish(*readings(0, COUNT))
    assert await client_ids.note_replicas(store, 3) == 3
    number = await client_ids.note_replicas(store, 1)
    worker = asyncio.create_task(run_ingest(broker, store, replicas=range(1, number + 1)))
    await until_stored(store, COUNT)
    worker.cancel()
    await asyncio.wait([worker])
    assert await values(store) == list(range(COUNT))


@pytest.mark.parametrize(
    ("workers", "replicas", "shares"),
    [(1, 1, ["1"]), (2, 2, ["1", "2"]), (2, 5, ["1,3,5", "2,4"]), (3, 4, ["1,4", "2", "3"])],
)
def test_workers_serve_every_replica_once(workers: int, replicas: int, shares: list[str]) -> None:
    settings = worker_settings(workers, replicas, 9000)
    assert [one[SHARES] for one in settings] == shares
    assert [one["HEALTH_PORT"] for one in settings] == [str(9000 + place) for place in range(workers)]


async def test_a_worker_that_cannot_start_ends_the_command() -> None:
    with pytest.raises(CommandError, match="worker 1 cannot start"):
        await supervise(["version", "--nonsense"], [{"PYTHONPATH": str(ROOT)}])
