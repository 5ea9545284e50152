"""A counted stream through a gateway, while source, gateway and target end at random: nothing is lost or double."""

import asyncio
import json
import os
import random
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from broker.contract.codec import decode
from broker.contract.events import Meter
from broker.contract.message import Publication
from broker.contract.topics import PREFIX
from broker.mqtt.session import Session
from broker.server.embedded import EmbeddedBroker

ROOT = Path(__file__).resolve().parents[3]
MESSAGES = 400
KILLS = 8


class Restarted:
    """A broker that can be ended and started on the same port; what it acknowledged is on its disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = AsyncExitStack()
        self.broker = EmbeddedBroker(folder, port=0, kind="mosquitto")

    async def start(self) -> None:
        self.broker = EmbeddedBroker(self._folder, port=self.broker.port, kind="mosquitto")
        await self._stack.enter_async_context(self.broker)

    async def stop(self) -> None:
        await self._stack.aclose()


class Process:
    """The gateway's process: it is started again however it ends."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        try:
            while True:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", "cli.main", "gateway", *self._arguments),
                    env=os.environ | {"PYTHONPATH": str(ROOT)},
                    stderr=asyncio.subprocess.DEVNULL,
                )
                await self._process.wait()
        finally:
            self.kill()
            if self._process is not None:
                await self._process.wait()

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)


@pytest.mark.mosquitto
@pytest.mark.slow
async def test_a_counted_stream_is_whole_and_nothing_is_double(tmp_path: Path) -> None:
    theirs, ours = Restarted(tmp_path / "theirs"), Restarted(tmp_path / "ours")
    await theirs.start()
    await ours.start()
    where = ("--from", theirs.broker.url, "--to", ours.broker.url, "--data", str(tmp_path / "gateway"))
    gateway = Process("tasmota", *where, "--place", "a/b/c")
    found: dict[tuple[str, int], float] = {}
    subscribed, whole = asyncio.Event(), asyncio.Event()

    async def listen(listener: Session) -> None:
        async for batch in listener.batches():
            for message in batch.messages:
                for event in decode(message):
                    subscribed.set()
                    if isinstance(event, Meter):
                        found[event.asset, event.at] = event.total
            if len(set(found.values())) == MESSAGES:
                whole.set()
            batch.acknowledge()

    async def publish(device: Session) -> None:
        for number in range(MESSAGES):
            payload = json.dumps({"ENERGY": {"Total": number / 1_000}}).encode()
            await device.publish(Publication("tele/plug/SENSOR", payload, qos=1))
            await asyncio.sleep(0.01)

    async def kill() -> None:
        chance = random.Random(18)
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.2, 1.0))
            broker = chance.choice([theirs, ours, None, None])
            if broker is None:
                gateway.kill()
            else:
                await broker.stop()
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                await broker.start()

    async with (
        asyncio.timeout(150),
        Session(ours.broker.url, client_id="listener", filters=[f"{PREFIX}/#"], persistent=True) as listener,
        Session(theirs.broker.url, client_id="device") as device,
        asyncio.TaskGroup() as group,
    ):
        running = group.create_task(gateway.run())
        listening = group.create_task(listen(listener))
        # What is sent before the gateway has subscribed for the first time is not for it.
        await device.publish(Publication("tele/plug/LWT", b"Online", qos=1, retain=True))
        await subscribed.wait()
        probe = group.create_task(publish(device))
        await kill()
        await probe
        await whole.wait()
        running.cancel()
        listening.cancel()
    await theirs.stop()
    await ours.stop()
    assert sorted(found.values()) == [number / 1_000 for number in range(MESSAGES)]
