"""Polls the devices of a register map, as a source for the dialect `modbus`.

After a failure a device is tried again with growing pauses, at most ten seconds.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from broker.backoff import Backoff
from edge.dialects.shopfloor.modbus import ONLINE, TOPIC
from edge.dialects.shopfloor.modbus_map import Device
from edge.gateways.modbus_client import ModbusClient, ModbusError, ModbusRejectionError
from edge.gateways.polled import PolledSource

LONGEST_PAUSE_S: Final = 8.0
"""Between two attempts to connect, so that with the time to connect a device is found again within ten seconds."""

_log: Final = structlog.get_logger("corridor.modbus")


class ModbusSource(PolledSource):
    """See the module.

    Args:
        devices: by their names.
        now: returns the time, nanoseconds since 1970-01-01 UTC.
    """

    def __init__(self, devices: Mapping[str, Device], now: Callable[[], int] = time.time_ns) -> None:
        super().__init__(TOPIC, devices, now)
        self._devices = devices

    async def _attend(self, name: str) -> None:
        device = self._devices[name]
        backoff = Backoff(0.5, LONGEST_PAUSE_S)
        while True:
            try:
                async with ModbusClient(*device.endpoint, device.unit) as client:
                    await self._read(name, device, client, backoff)
            except ModbusError as error:
                self._lost(name)
                await self._put_json(name, {ONLINE: False})
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
            await self._put_json(name, document)
            due = max(due + device.every_s, loop.time())
            await asyncio.sleep(due - loop.time())
