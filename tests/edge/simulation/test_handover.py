"""A real device takes a simulated machine over, and the simulation gets it back: by rule, and on real brokers."""

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Literal

import aiomqtt
import pytest

from broker.contract import codec
from broker.contract.events import NS_PER_MS, NS_PER_S, AnyEvent, Count, Status
from broker.contract.message import Message
from broker.mqtt.session import Session
from broker.plant import plant_file
from broker.server.embedded import EmbeddedBroker
from cli.messages.recordings import Tally, store_messages
from edge.simulation import ground_truth
from edge.simulation.clock import FastClock
from edge.simulation.event_buffer import TruePiece
from edge.simulation.handover import Handover
from edge.simulation.simulator import Simulator
from services.query.ranges import measure
from services.store.sqlite.store import SqliteStore

MILL, ROBOT = "a/b/c/mill-1", "a/b/c/robot-1"
SPEED = 60
WAIT_S = 60
PLANT = plant_file.parse(
    """
    [calendar.days]
    time-zone = "UTC"
    shifts = [{ name = "day", start = "00:00", end = "24:00" }]
    [asset."a"]
    calendar = "days"
    [asset."a/b/c/mill-1"]
    silent-after = "8s"
    [product.p]
    ideal-cycle = 20
    [simulate]
    seed = 7
    [simulate.line."a/b/c"]
    stages = [["mill-1"], ["robot-1"]]
    buffers = [3]
    orders = [{ product = "p", pieces = 40 }]
    [simulate.machine."a/b/c/mill-1"]
    model = "five-axis-mill"
    cell = "robot-assembly"
    [simulate.machine."a/b/c/robot-1"]
    model = "weld-robot"
    cell = "robot-assembly"
    """,
    "test",
)


# ---- By rule ----


def message(kind: str, payload: str, *, asset: str = MILL, retained: bool = False) -> Message:
    return Message(f"corridor/v1/{asset}/{kind}", payload.encode(), retained=retained, received_at=time.time_ns())


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("status", "online"),
        ("state", "running"),
        ("count", '{"produced": 7}'),
        ("telemetry/load", "21.5"),
        ("telemetry", '{"values": {"load": 3}}'),
        ("meter/electricity", '{"total": 3, "unit": "kW.h"}'),
        ("event", '{"code": "e-1", "severity": "alarm", "text": "x", "active": true}'),
    ],
)
def test_any_message_of_a_device_takes_its_machine_over(kind: str, payload: str) -> None:
    handover = Handover({MILL: 60, ROBOT: 60})
    handover.receive(message(kind, payload), 1)
    assert handover.take() == [MILL]
    assert handover.take() == []
    assert handover.real == {MILL}


@pytest.mark.parametrize(
    "other",
    [
        message("state", '{"state": "running", "simulated": true}'),
        message("state", '{"state": "running", "simulated" : true}'),
        message("state", "running", asset="a/b/c/another-1"),
        message("cmd/start", '{"id": "1"}'),
        message("adjust", '{"id": "1", "good": 1, "by": "me"}'),
        message("kpi/hour", "{}"),
        message("state", "no-such-state"),
        message("count", "\x00\x00"),
        message("state", "running", retained=True),
        message("count", '{"produced": 7}', retained=True),
        message("status", "offline", retained=True),
        message("status", "offline"),
    ],
)
def test_what_no_device_publishes_now_takes_nothing_over(other: Message) -> None:
    handover = Handover({MILL: 60, ROBOT: 60})
    handover.receive(other, 1)
    assert handover.take() == []


def test_a_device_that_was_online_before_the_simulator_began_has_its_machine() -> None:
    handover = Handover({MILL: 60})
    handover.receive(message("status", "online", retained=True), 1)
    assert handover.take() == [MILL]


def test_a_machine_is_given_back_when_its_device_goes_offline() -> None:
    handover = Handover({MILL: 60, ROBOT: 60})
    for asset in (MILL, ROBOT):
        handover.receive(message("status", "online", asset=asset), 1)
    assert handover.take() == [MILL, ROBOT]
    handover.receive(message("status", "offline"), 2)
    assert handover.give_back(2) == [MILL]
    assert handover.give_back(2) == []
    assert handover.real == {ROBOT}


def test_a_machine_is_given_back_when_its_device_is_silent_for_longer_than_it_may() -> None:
    handover = Handover({MILL: 10}, real=[MILL, "a/b/c/gone-1"], now=100)
    assert handover.take() == []
    assert handover.give_back(110) == []
    handover.receive(message("telemetry/load", "1"), 110)
    assert handover.give_back(120) == []
    assert handover.give_back(120.1) == [MILL]


# ---- On real brokers ----


class Floor:
    """A simulated line on a broker, and all that was published there."""

    def __init__(self, broker: EmbeddedBroker, clock: FastClock) -> None:
        self.broker, self.clock = broker, clock
        self.messages: list[Message] = []
        self._arrived = asyncio.Condition()

    async def record(self, subscribed: asyncio.Event) -> None:
        async with aiomqtt.Client("127.0.0.1", self.broker.port) as client:
            await client.subscribe("corridor/v1/a/#", qos=1)
            subscribed.set()
            async for one in client.messages:
                assert isinstance(one.payload, bytes)
                async with self._arrived:
                    received = Message(str(one.topic), one.payload, received_at=self.clock.now())
                    self.messages.append(received)
                    self._arrived.notify_all()

    def events(self, asset: str, since: int = 0) -> list[AnyEvent]:
        found = [event for one in self.messages[since:] for event in codec.decode(one)]
        return [event for event in found if event.asset == asset]

    def is_left(self) -> bool:
        """Return whether the simulator has reported its robot offline."""
        newest = [event for event in self.events(ROBOT) if isinstance(event, Status)]
        return bool(newest) and not newest[-1].online

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S), self._arrived:
            await self._arrived.wait_for(condition)

    async def counts(self, *, simulated: bool, more: int) -> None:
        """Wait until so many further counts of the mill were published."""
        since = len(self.messages)

        def came() -> bool:
            found = [event for event in self.events(MILL, since) if isinstance(event, Count)]
            return sum(event.simulated == simulated for event in found) >= more

        await self.until(came)

    def has_counted(self, total: int, since: int) -> bool:
        """Return whether the mill's device has published this total."""
        found = [event for event in self.events(MILL, since) if isinstance(event, Count) and not event.simulated]
        return any(event.produced == total for event in found)

    async def is_silent(self) -> int:
        """Wait until the robot has published for a second more; return how many messages came until then."""
        since, end = len(self.messages), self.clock.now() + SPEED * NS_PER_S
        await self.until(lambda: any(event.at > end for event in self.events(ROBOT, since)))
        return len(self.messages)


@contextlib.asynccontextmanager
async def simulating(line: Floor, folder: Path) -> AsyncIterator[None]:
    """Run the simulator of a floor, from where it was; it ends with the block."""
    simulator = Simulator(PLANT, folder)
    filters, clock = simulator.filters, line.clock
    async with Session(line.broker.url, client_id="simulator", filters=filters, now=clock.now) as session:
        task = asyncio.create_task(simulator.simulate(session, clock, session))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def broker_of(folder: Path, kind: Literal["mosquitto", "nats"], clock: FastClock) -> AsyncIterator[Floor]:
    """Run a broker, and record all that is published there."""
    async with EmbeddedBroker(folder / "broker", port=0, kind=kind) as broker:
        found, subscribed = Floor(broker, clock), asyncio.Event()
        recorder = asyncio.create_task(found.record(subscribed))
        async with asyncio.timeout(WAIT_S):
            await subscribed.wait()
        try:
            yield found
        finally:
            recorder.cancel()
            await asyncio.gather(recorder, return_exceptions=True)


@contextlib.asynccontextmanager
async def floor(folder: Path, kind: Literal["mosquitto", "nats"], clock: FastClock) -> AsyncIterator[Floor]:
    async with broker_of(folder, kind, clock) as found:
        async with simulating(found, folder):
            yield found
        await found.until(found.is_left)


async def publish(broker: EmbeddedBroker, kind: str, payload: str) -> None:
    program = shutil.which("mosquitto_pub")
    assert program
    topic = ["-t", f"corridor/v1/{MILL}/{kind}", "-m", payload]
    process = await asyncio.create_subprocess_exec(program, "-p", str(broker.port), "-q", "1", *topic)
    assert await process.wait() == 0


@contextlib.asynccontextmanager
async def counting_device(broker: EmbeddedBroker) -> AsyncIterator[asyncio.subprocess.Process]:
    """Give a `mosquitto_pub` that publishes each line of its input as a count; then kill it, so that its will comes."""
    program = shutil.which("mosquitto_pub")
    assert program
    will = [
        "--will-topic",
        f"corridor/v1/{MILL}/status",
        "--will-payload",
        "offline",
        "--will-retain",
        "--will-qos",
        "1",
    ]
    process = await asyncio.create_subprocess_exec(
        *(program, "-p", str(broker.port), "-q", "1", "-t", f"corridor/v1/{MILL}/count", "-l", *will),
        stdin=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


@pytest.mark.mosquitto
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mosquitto", "nats"])
async def test_over_two_handovers_all_is_counted_once(kind: Literal["mosquitto", "nats"], tmp_path: Path) -> None:
    clock = FastClock(time.time_ns(), SPEED)
    start = clock.now()
    async with floor(tmp_path, kind, clock) as line:
        await line.counts(simulated=True, more=4)

        # A client that is not ours is online, counts, and is killed: its will gives the machine back.
        await publish(line.broker, "status", "online")
        silent = await line.is_silent()
        async with counting_device(line.broker) as device:
            assert device.stdin is not None
            for total in range(700, 706):
                device.stdin.write(json.dumps({"produced": total}).encode() + b"\n")
                await device.stdin.drain()
                await line.until(partial(line.has_counted, total, silent))
            assert not any(event.simulated for event in line.events(MILL, silent))
        await line.counts(simulated=True, more=4)

        # Another counts from zero, has no will, and falls silent.
        await publish(line.broker, "status", "online")
        silent = await line.is_silent()
        for total in range(4):
            await publish(line.broker, "count", json.dumps({"produced": total}))
        assert not any(event.simulated for event in line.events(MILL, silent))
        await line.counts(simulated=True, more=4)

    truth = list(ground_truth.read(tmp_path / ground_truth.FILE_NAME))
    assert ground_truth.published_by_devices(truth, start, clock.now()) == {MILL}
    pieces = simulated_pieces(tmp_path)
    assert pieces >= 9
    assert await produced(line, tmp_path, start) == pieces + 5 + 3


@pytest.mark.mosquitto
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mosquitto", "nats"])
async def test_a_restart_and_late_messages_within_a_handover_are_counted_once(
    kind: Literal["mosquitto", "nats"], tmp_path: Path
) -> None:
    clock = FastClock(time.time_ns(), SPEED)
    start = clock.now()

    async def count(line: Floor, total: int, at: int) -> None:
        since = len(line.messages)
        await publish(line.broker, "count", json.dumps({"produced": total, "ts": at // NS_PER_MS}))
        await line.until(partial(line.has_counted, total, since))

    async with broker_of(tmp_path, kind, clock) as line:
        async with simulating(line, tmp_path):
            await line.counts(simulated=True, more=3)
            await publish(line.broker, "status", "online")
            await line.is_silent()
            first = clock.now()
            await count(line, 700, first)
        await line.until(line.is_left)

        # The simulator is away; the device counts on, and a message of its overtakes another.
        away = len(line.messages)
        second, third = first + NS_PER_S, clock.now()
        await count(line, 702, third)
        await count(line, 701, second)

        async with simulating(line, tmp_path):
            silent = await line.is_silent()
            assert not any(event.simulated for event in line.events(MILL, away) if isinstance(event, Count))
            await count(line, 703, clock.now())
            assert not any(event.simulated for event in line.events(MILL, silent))
            await publish(line.broker, "status", "offline")
            await line.counts(simulated=True, more=3)
            # What was sent before comes once more, after the simulation has the machine back.
            await count(line, 702, third)
            await line.counts(simulated=True, more=2)
        await line.until(line.is_left)

    pieces = simulated_pieces(tmp_path)
    assert pieces >= 5
    assert await produced(line, tmp_path, start) == pieces + 3


def simulated_pieces(folder: Path) -> int:
    """Return how many pieces the simulated mill has made, by the ground truth."""
    truth = ground_truth.read(folder / ground_truth.FILE_NAME)
    return sum(isinstance(one, TruePiece) and one.asset == MILL for one in truth)


async def produced(line: Floor, folder: Path, start: int) -> float:
    """Return how many pieces a store counts that has received all messages."""
    end = line.clock.now() + 3600 * NS_PER_S
    store = await SqliteStore.open(folder / "store.db")
    await store_messages(line.messages, store, PLANT, Tally())
    found = await measure(store, PLANT, MILL, start - 3600 * NS_PER_S, end, now=end)
    await store.close()
    return found.total()["produced"] / NS_PER_S
