"""A gateway between a source and a target: what is acknowledged when, and what a broken message does to the others."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from broker.contract.codec import decode, encode
from broker.contract.events import NS_PER_S, AnyEvent, Sample, StateChange
from broker.contract.instants import format_rfc3339
from broker.contract.instants import parse as instant
from broker.contract.message import Message, Publication
from broker.contract.topics import PREFIX
from broker.mqtt.session import Batch, Session
from broker.server.embedded import EmbeddedBroker
from edge.dialects import DIALECTS, guard
from edge.dialects.dialect import Dialect, Setup, Translation
from edge.gateways.gateway import Gateway
from edge.gateways.spool import Spool

Until = Callable[[Callable[[], object]], Awaitable[None]]

ROOT = Path(__file__).resolve().parents[3]
MILL = "nist/sms/cell-1/mazak-3"
TIME = "2016-05-03T09:00:00Z"
ACTIVE = f"{TIME}|execution|ACTIVE".encode()
AT = instant(TIME)


class OneBatch:
    """A source of one batch, which remembers that it was acknowledged."""

    def __init__(self, *payloads: bytes) -> None:
        self.messages: Sequence[Message] = [Message("shdr/mazak", each, received_at=AT) for each in payloads]
        self.acknowledged = False
        self.disconnects = 0

    def release(self) -> None:
        """Nothing reads on."""

    def acknowledge(self) -> None:
        self.acknowledged = True

    async def batches(self) -> AsyncIterator["OneBatch"]:
        yield self


class Target:
    """Takes publications when it is open."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.taken: list[Publication] = []
        if is_open:
            self.open.set()

    async def publish(self, *publications: Publication) -> None:
        self.asked.set()
        await self.open.wait()
        self.taken += publications


class Waiting(OneBatch):
    """A source of one batch that lasts until it is ended, and notes what it may read on behind."""

    def __init__(self, *messages: Message) -> None:
        super().__init__()
        self.messages = messages
        self.released = asyncio.Event()
        self.ended = asyncio.Event()

    def release(self) -> None:
        self.released.set()

    async def batches(self) -> AsyncIterator["Waiting"]:
        yield self
        await self.ended.wait()


class Reborn(Dialect):
    """A dialect that does not know its device until it has introduced itself, and asks for that."""

    def translate(self, message: Message) -> Translation:
        if message.payload != b"birth":
            return Translation(requests=[Publication("device/command", b"rebirth", qos=0)])
        return Translation(events=[Sample(asset=MILL, at=message.received_at, signal="load", value=1)])


def meant(target: Target) -> list[AnyEvent]:
    return [event for each in target.taken for event in decode(Message(each.topic, each.payload, received_at=AT))]


async def test_a_batch_is_acknowledged_when_the_target_has_what_it_means() -> None:
    source, target = OneBatch(ACTIVE), Target(is_open=False)
    running = asyncio.create_task(
        Gateway(source, DIALECTS["shdr"].make(Setup(asset=MILL)), target, answering=target).run()
    )
    async with asyncio.timeout(20):
        await target.asked.wait()
        before = source.acknowledged
        target.open.set()
        await running
    assert (before, source.acknowledged) == (False, True)
    assert target.taken[0].retain
    assert meant(target) == [StateChange(asset=MILL, at=AT, state="running")]


async def test_a_gateway_that_ends_before_the_target_has_it_acknowledges_nothing() -> None:
    source, target = OneBatch(ACTIVE), Target(is_open=False)
    running = asyncio.create_task(
        Gateway(source, DIALECTS["shdr"].make(Setup(asset=MILL)), target, answering=target).run()
    )
    async with asyncio.timeout(20):
        await target.asked.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not source.acknowledged


async def test_what_means_nothing_is_counted_and_the_rest_is_published() -> None:
    source, target = OneBatch(b"<<<<<<< HEAD\n" + ACTIVE, b"", b"\xff|a|1", f"{TIME}|load|7".encode()), Target()
    gateway = Gateway(source, DIALECTS["shdr"].make(Setup(asset=MILL)), target, answering=target)
    await gateway.run()
    assert source.acknowledged
    assert gateway.rejected == 2
    assert gateway.events == 2
    assert [event.kind for event in meant(target)] == ["state", "telemetry"]


async def test_what_a_dialect_asks_for_goes_back_to_the_source() -> None:
    target, back = Target(), Target()
    await Gateway(OneBatch(b"data", b"birth"), Reborn(), target, answering=back).run()
    assert back.taken == [Publication("device/command", b"rebirth", qos=0)]
    assert meant(target) == [Sample(asset=MILL, at=AT, signal="load", value=1, time_source="device")]


class Late(Dialect):
    """A dialect that asks again after a second."""

    def __init__(self) -> None:
        self._due: int | None = None

    @property
    def due(self) -> int | None:
        return self._due

    def translate(self, message: Message) -> Translation:
        self._due = message.received_at + NS_PER_S
        return Translation()

    def tick(self, now: int) -> Translation:
        self._due = None
        sample = Sample(asset=MILL, at=now, signal="late", value=1)
        return Translation(events=[sample], requests=[Publication("device/command", b"again")])


@pytest.mark.slow
async def test_what_a_dialect_waits_for_comes_when_it_is_due(until: Until) -> None:
    clock = [AT]
    target, back = Target(), Target()
    source = Waiting(Message("any", b"", received_at=AT))
    gateway = Gateway(source, Late(), target, answering=back, now=lambda: clock[0])
    running = asyncio.create_task(gateway.run())
    async with asyncio.timeout(30):
        await source.released.wait()
        clock[0] += NS_PER_S
        await until(lambda: target.taken)
        source.ended.set()
        await running
    assert back.taken == [Publication("device/command", b"again")]
    assert meant(target) == [Sample(asset=MILL, at=clock[0], signal="late", value=1)]


async def test_what_the_source_does_not_hold_waits_on_disk_and_the_rest_with_the_source(
    tmp_path: Path, until: Until
) -> None:
    spool = Spool(tmp_path)
    target = Target(is_open=False)
    lost, held = f"{TIME}|load|1".encode(), f"{TIME}|speed|2".encode()
    source = Waiting(Message("shdr/a", lost, qos=0, received_at=AT), Message("shdr/a", held, qos=1, received_at=AT))
    dialect = DIALECTS["shdr"].make(Setup(asset=MILL))
    running = asyncio.create_task(Gateway(source, dialect, target, answering=target, spool=spool).run())
    async with asyncio.timeout(30):
        await source.released.wait()
        await target.asked.wait()
        assert (spool.waiting, source.acknowledged) == (1, False)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        spool.close()

        again, target = Spool(tmp_path), Target()
        source = Waiting(Message("shdr/a", held, qos=1, received_at=AT))
        running = asyncio.create_task(Gateway(source, dialect, target, answering=target, spool=again).run())
        await until(lambda: source.acknowledged and again.waiting == 0)
        source.ended.set()
        await running
    again.close()
    assert sorted(event.series for event in meant(target)) == ["load", "speed"]


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "payload",
    [b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf{}", b"NaN", b"null", b"|||||", b"<<<<<<< HEAD", b"9" * 400, ACTIVE],
)
def test_no_payload_makes_a_dialect_raise_and_what_it_means_is_of_the_contract(name: str, payload: bytes) -> None:
    translation = guard.translate(DIALECTS[name].make(Setup(asset=MILL)), Message("any/topic", payload, received_at=AT))
    assert all(each.problem for each in translation.rejections)
    for event in translation.events:
        assert decode(encode(event)) == [event]


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_the_command_translates_from_a_topic_of_a_broker_to_the_contract(tmp_path: Path) -> None:
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker,
        Session(broker.url, client_id="listener", filters=[f"{PREFIX}/#"]) as listener,
        Session(broker.url, client_id="device") as device,
        asyncio.timeout(60),
    ):
        now = time.time_ns() // 1_000_000 * 1_000_000
        line = f"{format_rfc3339(now)}|execution|ACTIVE".encode()
        await device.publish(Publication("shdr/mazak", line, qos=1, retain=True))
        command = ("gateway", "shdr", "--topic", "shdr/+", "--asset", MILL, "--broker", broker.url)
        folder = ("--data", str(tmp_path))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "cli.main", *command, *folder), env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
        try:
            batch = await anext(listener.batches())
        finally:
            process.terminate()
            status = await process.wait()
    assert status == 0
    assert [event for message in batch.messages for event in decode(message)] == [
        StateChange(asset=MILL, at=now, state="running")
    ]


async def received(batches: AsyncIterator[Batch], most: int) -> list[AnyEvent]:
    """Return the next events that come, so many."""
    events: list[AnyEvent] = []
    while len(events) < most:
        batch = await anext(batches)
        events += [event for message in batch.messages for event in decode(message)]
        batch.acknowledge()
    return events


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_tasmota_on_a_broker_of_its_own_comes_to_the_plants_broker(tmp_path: Path) -> None:
    async with (
        EmbeddedBroker(tmp_path / "theirs", port=0, kind="mosquitto") as theirs,
        EmbeddedBroker(tmp_path / "ours", port=0, kind="mosquitto") as ours,
        Session(ours.url, client_id="listener", filters=[f"{PREFIX}/#"]) as listener,
        Session(theirs.url, client_id="plug-7") as device,
        asyncio.timeout(60),
    ):
        await device.publish(Publication("tele/plug-7/LWT", b"Online", retain=True))
        command = ("gateway", "tasmota", "--from", theirs.url, "--to", ours.url, "--place", "sheffield/hall/line-1")
        folder = ("--data", str(tmp_path))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "cli.main", *command, *folder), env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
        try:
            batches = listener.batches()
            events = await received(batches, 1)
            await device.publish(Publication("tele/plug-7/SENSOR", b'{"ENERGY":{"Total":6.294,"Power":2635}}'))
            events += await received(batches, 2)
        finally:
            process.terminate()
            status = await process.wait()
    assert status == 0
    assert [(event.asset, event.kind, event.time_source) for event in events] == [
        ("sheffield/hall/line-1/plug-7", "status", "retained"),
        ("sheffield/hall/line-1/plug-7", "meter", "device"),
        ("sheffield/hall/line-1/plug-7", "telemetry", "device"),
    ]
