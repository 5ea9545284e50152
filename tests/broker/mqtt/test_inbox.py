"""When received messages become batches: at once after a pause, together while many come."""

import asyncio

import pytest

from broker.contract.message import Message
from broker.mqtt import inbox
from broker.mqtt.connection import Connection
from broker.mqtt.inbox import Batch, Inbox
from broker.mqtt.packets import Parsed

MOST = 40
LONG_S = 600.0
"""No test waits so long."""


class Reader:
    """An inbox that is filled and read by turns."""

    def __init__(self, gather_s: float) -> None:
        self.inbox = Inbox(MOST, lambda: 1, lambda _: None, gather_s)
        self._connection = Connection(lambda _, view: (len(view), False), lambda: None)
        self._batches = self.inbox.batches()

    def receive(self, number: int) -> None:
        self.inbox.put(Parsed([Message("a/b", b"1")] * number, [], [], number), self._connection)

    async def batch(self) -> Batch:
        async with asyncio.timeout(30):
            return await anext(self._batches)


async def test_without_gathering_each_read_can_be_a_batch() -> None:
    reader = Reader(0.0)
    for number in (1, 3, 2):
        reader.receive(number)
        assert len(await reader.batch()) == number


async def test_after_a_batch_messages_gather_until_many_wait() -> None:
    reader = Reader(LONG_S)
    reader.receive(1)
    first = await reader.batch()
    first.acknowledge()
    second = asyncio.create_task(reader.batch())
    for _ in range(MOST // 4):
        assert not second.done()
        reader.receive(1)
        await asyncio.sleep(0)
    assert len(await second) == MOST // 4


async def test_what_was_taken_but_not_acknowledged_counts_as_waiting() -> None:
    """A consumer may hold several batches: reading must not stop while messages gather."""
    reader = Reader(LONG_S)
    reader.receive(MOST // 4)
    await reader.batch()
    reader.receive(1)
    assert len(await reader.batch()) == 1


async def test_few_messages_come_when_their_time_has() -> None:
    reader = Reader(0.05)
    reader.receive(1)
    (await reader.batch()).acknowledge()
    reader.receive(2)
    assert len(await reader.batch()) == 2


async def test_in_a_flood_messages_gather_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "_LONGER", LONG_S / 1e-6)
    reader = Reader(1e-6)
    for number in (1, 2):  # so few are no flood
        reader.receive(number)
        (await reader.batch()).acknowledge()
    monkeypatch.setattr(inbox, "MANY", 1)
    monkeypatch.setattr(inbox, "_MANY_WITHIN_S", LONG_S)
    reader.receive(1)
    (await reader.batch()).acknowledge()
    gathering = asyncio.create_task(reader.batch())
    for _ in range(MOST // 4):
        assert not gathering.done()
        reader.receive(1)
        await asyncio.sleep(0)
    assert len(await gathering) == MOST // 4


@pytest.mark.parametrize("gather_s", [0.0, LONG_S])
async def test_gathering_ends_with_the_session(gather_s: float) -> None:
    reader = Reader(gather_s)
    reader.receive(1)
    await reader.batch()
    reading = asyncio.create_task(reader.batch())
    await asyncio.sleep(0)
    reader.inbox.close()
    with pytest.raises(StopAsyncIteration):
        await reading
