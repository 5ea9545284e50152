"""Polls the devices of a register map, as a source for the dialect `modbus`.

Each device has a task and a connection of its own, so that one that does not answer holds up no other. What was read
comes as messages of QoS 0, for no device holds it: the gateway's spool does while the plant's broker is away. After a
failure a device is tried again with growing pauses, at most ten seconds.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Final, Self

import msgspec
import structlog

from broker.backoff import Backoff
from broker.contract.message import Message, Publication
from edge.dialects.shopfloor.modbus import ONLINE, TOPIC
from edge.dialects.shopfloor.modbus_map import Device
from edge.gateways.modbus_client import ModbusClient, ModbusError, ModbusRejectionError

LONGEST_PAUSE_S: Final = 8.0
"""Between two attempts to connect, so that with the time to connect a device is found again within ten seconds."""
_QUEUED: Final = 1_000

_log: Final = structlog.get_logger("corridor.modbus")


class PolledBatch:
    """What was read of one device at once; nobody holds it beside us."""

    def __init__(self, message: Message, source: "ModbusSource") -> None:
        self.messages = [message]
        self._source = source

    def release(self) -> None:
        """Nothing reads on behind it."""

    def acknowledge(self) -> None:
        """Count it."""
        self._source.acknowledged += 1


class ModbusSource:
    """See the module; use it as a context.

    Args:
        devices: by their names.
        now: returns the time, nanoseconds since 1970-01-01 UTC.

    Attributes:
        received: how often a device was read.
        acknowledged: what of it the gateway has done.
        disconnects: connections that were lost.
        published: always 0: devices are not written to.
    """

    def __init__(self, devices: Mapping[str, Device], now: Callable[[], int] = time.time_ns) -> None:
        self.received = 0
        self.acknowledged = 0
        self.disconnects = 0
        self.published = 0
        self._devices = devices
        self._now = now
        self._online: set[str] = set()
        self._queue: asyncio.Queue[Message] = asyncio.Queue(_QUEUED)
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def connected(self) -> bool:
        """Whether all devices answer."""
        return len(self._online) == len(self._devices)

    @property
    def waiting(self) -> int:
        """What was read and is not translated yet."""
        return self._queue.qsize()

    async def __aenter__(self) -> Self:
        """Begin to poll."""
        await self._group.__aenter__()
        self._tasks = [
            self._group.create_task(self._poll(name, device), name=f"modbus {name}")
            for name, device in self._devices.items()
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    async def batches(self) -> AsyncIterator[PolledBatch]:
        """Yield what was read."""
        while True:
            yield PolledBatch(await self._queue.get(), self)

    async def publish(self, *publications: Publication) -> None:
        """Do nothing: the dialect asks devices for nothing."""

    async def _poll(self, name: str, device: Device) -> None:
        backoff = Backoff(0.5, LONGEST_PAUSE_S)
        while True:
            try:
                async with ModbusClient(*device.endpoint, device.unit) as client:
                    await self._read(name, device, client, backoff)
            except ModbusError as error:
                if name in self._online:
                    self._online.discard(name)
                    self.disconnects += 1
                await self._put(name, {ONLINE: False})
                pause_s = backoff.next_s()
                _log.warning("not read", device=name, cause=str(error), next_try_s=round(pause_s, 1))
                await asyncio.sleep(pause_s)

    async def _read(self, name: str, device: Device, client: ModbusClient, backoff: Backoff) -> None:
        """Read a device again and again, at even times.

        Raises:
            ModbusError: it does not answer any more.
        """
        loop = asyncio.get_running_loop()
        due = loop.time()
        noted: set[tuple[str, int, int]] = set()
        while True:
            document: dict[str, list[int]] = {}
            for block in device.blocks():
                table, first, count = block
                try:
                    document[f"{table}:{first}"] = await client.read(table, first, count)
                except ModbusRejectionError as error:
                    if block not in noted:
                        noted.add(block)
                        _log.warning("rejected", device=name, cause=str(error))
            backoff.reset()
            self._online.add(name)
            await self._put(name, document)
            due = max(due + device.every_s, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _put(self, name: str, document: Mapping[str, object]) -> None:
        self.received += 1
        payload = msgspec.json.encode(document)
        await self._queue.put(Message(TOPIC + name, payload, qos=0, received_at=self._now()))
