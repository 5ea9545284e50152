"""However much waits for a program, and however large it gets when it is decoded, the program's memory stays small.

Each program is a real process. It is frozen once it listens, so that everything waits for it at the broker, and its
highest memory is read when it has taken the last message.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from broker.contract.events import Labour
from broker.contract.message import Message
from broker.contract.payloads import MOST_VALUES
from broker.contract.recordings.recording import to_line
from broker.contract.wire_payload import LONGEST_PAYLOAD
from broker.mqtt.session import Publication, Session
from broker.server.embedded import EmbeddedBroker
from services.store.interface import StoreError
from services.store.sqlite.store import SqliteStore
from tests.stack.running import ROOT, free_port

MOST_MB = 128
"""Half of what a service may take in the stack, and far below what is sent if it is decoded at once."""
MESSAGES = 16
COUNTS = 800
MACHINE = "my-site/shop/line-1/lathe-1"
TOPIC = f"corridor/v1/{MACHINE}"
FIRST = Publication(f"{TOPIC}/event", b'{"code":"the-first"}')
LAST = Publication(f"{TOPIC}/event", b'{"code":"the-last"}')

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="does not show a process' highest memory"),
]


def floods() -> list[Publication]:
    """Return messages that are right, and as large as can be when they are decoded."""
    now = time.time_ns() // 1_000_000
    some = b",".join(b"%d" % (place % 10) for place in range(MOST_VALUES))
    return [
        Publication(f"{TOPIC}/telemetry/vibration", b'{"ts":%d,"dt":0.001,"values":[%b]}' % (now - 60 * number, some))
        for number in range(MESSAGES)
    ]


def counts() -> list[Publication]:
    """Return counts of forty machines, as long as may be, of a month ago: a month of rows follows from each machine."""
    began = time.time_ns() // 1_000_000 - 29 * 24 * 3_600_000
    padding = b"x" * (LONGEST_PAYLOAD - 200)
    return [
        Publication(
            f"{TOPIC[:-1]}{2 + number % 40}/count",
            b'{"ts":%d,"produced":%d,"unknown":"%b"}' % (began + 60_000 * number, number, padding),
        )
        for number in range(COUNTS)
    ]


@asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command of the program's own as long as the context lasts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli.main", *arguments),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def highest_mb(process: asyncio.subprocess.Process) -> float:
    """Return the most memory that a running process ever had, MB."""
    lines = Path(f"/proc/{process.pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(40):
        while not await holds():  # noqa: ASYNC110  (what is waited for has no event)
            await asyncio.sleep(0.05)


async def highest_when_all_has_waited(
    broker: EmbeddedBroker,
    arguments: Sequence[str],
    took: Callable[[Publication], Awaitable[object]],
    *,
    flood: Callable[[], list[Publication]] = floods,
    ends: tuple[Publication, Publication] = (FIRST, LAST),
) -> float:
    """Return a listening program's highest memory, MB, after it was frozen while all the messages came."""
    async with program(*arguments) as process, Session(broker.url, client_id="device") as device:
        first, last = ends

        async def listens() -> object:
            await device.publish(first)
            return await took(first)

        await until(listens)
        process.send_signal(signal.SIGSTOP)
        await device.publish(*flood(), last)
        process.send_signal(signal.SIGCONT)
        await until(lambda: took(last))
        return highest_mb(process)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as running:
        yield running


@pytest.mark.slow
async def test_ingest_writes_what_waits_step_by_step(broker: EmbeddedBroker, tmp_path: Path) -> None:
    file = tmp_path / "store.db"

    async def took(message: Publication) -> bool:
        with suppress(StoreError):  # it is still being made
            found = await store.events(("event",), MACHINE, 0, 2**62)
            return any(event.series == json.loads(message.payload)["code"] for event in found)
        return False

    store = SqliteStore(file)
    try:
        arguments = ("ingest", "--broker", broker.url, "--store", f"sqlite:///{file}")
        assert await highest_when_all_has_waited(broker, arguments, took) < MOST_MB
        (signal_,) = await store.signals(MACHINE)
        stored = sum(bucket.n for bucket in await store.downsampled(MACHINE, "vibration", 0, 2**62, 4))
    finally:
        await store.close()
    assert (signal_.signal, stored) == ("vibration", MESSAGES * MOST_VALUES)


@pytest.mark.slow
async def test_kpi_takes_what_waits_in_bounded_memory(broker: EmbeddedBroker, tmp_path: Path) -> None:
    file = tmp_path / "store.db"

    async def took(message: Publication) -> bool:
        with suppress(StoreError):  # it is still being made
            found = await store.events(("labour",), MACHINE, 0, 2**62)
            return any(isinstance(event, Labour) and event.present == int(message.payload[-2:-1]) for event in found)
        return False

    store = SqliteStore(file)
    ends = (Publication(f"{TOPIC}/labour", b'{"present":1}'), Publication(f"{TOPIC}/labour", b'{"present":2}'))
    try:
        arguments = ("kpi", "serve", "--broker", broker.url, "--store", f"sqlite:///{file}")
        assert await highest_when_all_has_waited(broker, arguments, took, flood=counts, ends=ends) < MOST_MB
        stored = len(await store.events(("count",), "", 0, 2**62, limit=COUNTS + 1))
    finally:
        await store.close()
    assert stored == COUNTS


@pytest.mark.slow
async def test_the_wall_keeps_of_each_message_what_it_shows(broker: EmbeddedBroker, tmp_path: Path) -> None:
    port = free_port()

    async def took(message: Publication) -> bool:
        address = f"http://127.0.0.1:{port}/api/v1/stream?asset={MACHINE}&details=true"
        with suppress(httpx.TransportError):  # it does not listen yet
            async with httpx.AsyncClient(timeout=20) as http, http.stream("GET", address) as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("data:"):
                        return f"alarm/{json.loads(message.payload)['code']}" in line
        return False

    arguments = ("wall", "--broker", broker.url, "--store", f"sqlite:///{tmp_path / 'store.db'}", "--port", str(port))
    assert await highest_when_all_has_waited(broker, arguments, took) < MOST_MB


@pytest.mark.slow
async def test_a_recording_is_written_as_it_comes(broker: EmbeddedBroker, tmp_path: Path) -> None:
    file = tmp_path / "recording.jsonl"

    async def took(message: Publication) -> bool:
        return file.exists() and json.loads(message.payload)["code"] in file.read_text("utf-8")

    assert await highest_when_all_has_waited(broker, ("record", str(file), "--broker", broker.url), took) < MOST_MB


@pytest.mark.slow
async def test_a_recording_is_written_into_a_store_step_by_step(tmp_path: Path) -> None:
    file = tmp_path / "recording.jsonl"
    now = time.time_ns()
    messages = [Message(one.topic, one.payload, received_at=now) for one in floods()]
    file.write_bytes(b"".join(map(to_line, messages)))
    arguments = ("replay", str(file), "--store", f"sqlite:///{tmp_path / 'store.db'}")
    async with program(*arguments) as process:
        highest = 0.0
        while process.returncode is None:
            with suppress(OSError, StopIteration):  # it has just ended
                highest = max(highest, highest_mb(process))
            await asyncio.sleep(0.02)
    assert process.returncode == 0
    assert 0 < highest < MOST_MB
