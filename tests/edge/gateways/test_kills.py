"""A counted stream through a gateway, while source, gateway and target end at random: nothing is lost or double.

Once the brokers are asked to end, and write down what they acknowledged; once they are killed like the gateway is, and
lose that. Then the device sends its latest values again when it has a new connection, as devices do that store and
forward: what has a time of its own is the same event again.
"""

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from broker.contract.codec import decode
from broker.contract.events import NS_PER_MS, Meter, Sample
from broker.contract.message import Publication
from broker.contract.topics import PREFIX
from broker.mqtt.session import Session
from broker.server.embedded import BrokerError, EmbeddedBroker
from broker.server.running import PID_FILE

Until = Callable[[Callable[[], object]], Awaitable[None]]

ROOT = Path(__file__).resolve().parents[3]
MESSAGES = 400
KILLS = 8
ROUNDS = 2
"""Each of the three is killed as often, in any order."""
SENT_AGAIN = 300


class Restarted:
    """A broker that can be ended and started on the same port; what it acknowledged is on its disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.AsyncExitStack()
        self.broker = EmbeddedBroker(folder, port=0, kind="mosquitto")

    async def start(self) -> None:
        self.broker = EmbeddedBroker(self._folder, port=self.broker.port, kind="mosquitto")
        await self._stack.enter_async_context(self.broker)

    async def stop(self) -> None:
        await self._stack.aclose()

    async def kill(self) -> None:
        os.kill(int((self._folder / PID_FILE).read_text("ascii")), signal.SIGKILL)
        with pytest.raises(BrokerError):
            await self.broker.wait()
        await self.stop()


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


@pytest.mark.mosquitto
@pytest.mark.slow
async def test_a_counted_stream_is_whole_though_brokers_are_killed(tmp_path: Path, until: Until) -> None:
    theirs, ours = Restarted(tmp_path / "theirs"), Restarted(tmp_path / "ours")
    await theirs.start()
    await ours.start()
    where = ("--from", theirs.broker.url, "--to", ours.broker.url, "--data", str(tmp_path / "gateway"))
    gateway = Process("umh", *where)
    found: dict[tuple[str, str, int], float | bool | str] = {}
    begin_ms = time.time_ns() // NS_PER_MS
    sent = [0]
    quiet = asyncio.Event()

    async def listen(listener: Session) -> None:
        async for batch in listener.batches():
            for message in batch.messages:
                for event in decode(message):
                    if isinstance(event, Sample):
                        found[event.asset, event.signal, event.at] = event.value
            batch.acknowledge()

    def identity(number: int) -> tuple[str, str, int]:
        return "site/area/line/press", "strokes", (begin_ms + number) * NS_PER_MS

    def reading(number: int) -> Publication:
        payload = json.dumps({"timestamp_ms": begin_ms + number, "value": number}).encode()
        return Publication("umh/v1/site/area/line/press/_raw/strokes", payload, qos=1)

    async def publish(device: Session) -> None:
        disconnects = device.disconnects
        for number in itertools.count(1):
            sent.append(number)
            await device.publish(reading(number))
            await asyncio.sleep(0.01)
            # What is lost with the last connection may be lost for good, so this is asked until there is none of it.
            while disconnects != device.disconnects:
                disconnects = device.disconnects
                await device.publish(*map(reading, sent[-SENT_AGAIN:]))
            if quiet.is_set():
                return

    async def kill(listener: Session) -> None:
        chance = random.Random(18)
        # The target comes last: after that the device sends nothing again.
        for broker in [*chance.sample([theirs, ours, None] * ROUNDS, 3 * ROUNDS), ours]:
            # What nobody has taken yet is in the memory of a broker alone: that is to be little of the stream.
            await until(lambda: listener.connected)
            if broker is theirs:
                newest = identity(sent[-1])
                await until(lambda: newest in found)  # noqa: B023  (awaited here)
            await asyncio.sleep(chance.uniform(0.2, 1.0))
            if broker is not None:
                await broker.kill()
                await asyncio.sleep(chance.uniform(0.1, 0.5))
            if broker is not theirs:
                gateway.kill()  # with what it could not publish yet
            if broker is not None:
                await broker.start()

    async with (
        asyncio.timeout(170),
        Session(ours.broker.url, client_id="listener", filters=[f"{PREFIX}/#"], persistent=True) as listener,
        Session(theirs.broker.url, client_id="device") as device,
        asyncio.TaskGroup() as group,
    ):
        running = group.create_task(gateway.run())
        listening = group.create_task(listen(listener))
        while not found:  # what is sent before the gateway has subscribed for the first time is not for it
            await device.publish(reading(0))
            await asyncio.sleep(0.1)
        for broker in (theirs, ours):  # both have the sessions on their disks from here on
            await broker.stop()
            await broker.start()
        publishing = group.create_task(publish(device))
        await kill(listener)
        quiet.set()
        await publishing
        with contextlib.suppress(TimeoutError):  # what is missing is shown below
            await until(lambda: len(found) >= len(sent))
        running.cancel()
        listening.cancel()
    await theirs.stop()
    await ours.stop()
    assert found == {identity(number): float(number) for number in sent}
