"""The gateway of Modbus against an independent server: npm's `modbus-serial`."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from broker.contract.message import Publication
from edge.dialects import DIALECTS
from edge.dialects.dialect import Setup
from edge.dialects.shopfloor import modbus_map
from edge.gateways.gateway import Gateway
from edge.gateways.modbus import ModbusSource
from edge.gateways.modbus_client import ModbusClient, ModbusError, ModbusRejectionError
from tests.edge import peers

Until = Callable[[Callable[[], object]], Awaitable[None]]

FOLDER = Path(__file__).parents[1] / "modbus_peer"
MAP = """
[device.press-4]
address = "127.0.0.1:{port}"
every = "20ms"
asset = "works/hall/line-1/press-4"
value = [
  {{ signal = "oil-temperature", register = 100, type = "int16", scale = 0.1, unit = "°C", no-value = 32767 }},
  {{ signal = "speed", register = 102, type = "float32" }},
  {{ signal = "door", table = "coil", register = 9 }},
  {{ count = "produced", table = "input", register = 0, type = "uint32" }},
  {{ meter = "electricity", table = "input", register = 4, type = "uint32", scale = 0.01, unit = "kWh" }},
  {{ state = {{ 0 = "idle", 1 = "running", 2 = "down" }}, register = 200 }},
  {{ signal = "missing", register = 2000 }},
]
"""


class Plant:
    """Takes the gateway's publications."""

    def __init__(self) -> None:
        self.taken: list[Publication] = []

    async def publish(self, *publications: Publication) -> None:
        self.taken += publications

    def of(self, what: str, field: str) -> list[object]:
        """Return a field of all messages on one of the machine's topics."""
        sent = [one.payload for one in self.taken if one.topic == f"corridor/v1/works/hall/line-1/press-4/{what}"]
        return [msgspec.json.decode(payload)[field] for payload in sent]


def server(port: int = 0) -> peers.Program:
    peers.require(FOLDER, "modbus-serial")
    return peers.Program("node", str(FOLDER / "server.mjs"), str(port))


@contextlib.asynccontextmanager
async def gateway(text: str) -> AsyncIterator[Plant]:
    plant = Plant()
    async with ModbusSource(modbus_map.parse(text)) as source:
        dialect = DIALECTS["modbus"].make(Setup(mapping=text))
        task = asyncio.create_task(Gateway(source, dialect, plant, answering=plant).run())
        try:
            yield plant
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def words(*values: int) -> dict[str, int]:
    return {str(place): value for place, value in enumerate(values)}


@pytest.mark.javascript
async def test_registers_of_an_independent_server_are_what_the_map_says(until: Until) -> None:
    high, low = struct.unpack(">HH", struct.pack(">f", 1480.5))
    async with asyncio.timeout(60), server() as device:
        port = await device.until("port")
        await device.ask(
            holding={"100": 65_536 - 55, "102": high, "103": low, "200": 1},
            input=words(1, 2, 0, 0, 0, 12_345),
            coil={"9": True},
        )
        async with gateway(MAP.format(port=port)) as plant:
            await until(lambda: plant.of("telemetry/door", "value"))
            assert plant.of("status", "status") == ["online"]
            assert plant.of("telemetry/oil-temperature", "value")[0] == pytest.approx(-5.5)
            assert plant.of("telemetry/oil-temperature", "unit")[0] == "Cel"
            assert plant.of("telemetry/speed", "value")[0] == 1480.5
            assert plant.of("telemetry/door", "value")[0] is True
            assert plant.of("count", "produced") == [65_538]
            assert (plant.of("meter/electricity", "total"), plant.of("meter/electricity", "unit")) == (
                [123.45],
                ["kW.h"],
            )
            assert plant.of("state", "state") == ["running"]
            assert plant.of("telemetry/missing", "value") == []

            await device.ask(holding={"100": 32_767, "200": 2}, input={"1": 3})
            await until(lambda: plant.of("count", "produced") == [65_538, 65_539])
            await until(lambda: plant.of("state", "state") == ["running", "down"])  # perhaps of the next reading


@pytest.mark.slow
@pytest.mark.javascript
async def test_a_device_that_is_ended_and_started_again_is_offline_and_online(until: Until) -> None:
    async with asyncio.timeout(120), contextlib.AsyncExitStack() as stack:
        async with server() as device:
            port = await device.until("port")
            plant = await stack.enter_async_context(gateway(MAP.format(port=port)))
            await until(lambda: plant.of("status", "status") == ["online"])
        for times in range(1, 4):
            await until(lambda: plant.of("status", "status")[-1] == "offline")
            async with server(port) as device:
                await device.until("port")
                await until(lambda: plant.of("status", "status")[-1] == "online")
            await until(lambda times=times: len(plant.of("status", "status")) == 2 * times + 2)  # type: ignore[misc]


async def test_what_is_not_modbus_is_an_error_and_a_rejection_is_none() -> None:
    answers: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1_000):
            writer.write(answers.pop(0))
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with asyncio.timeout(60), listening, ModbusClient("127.0.0.1", port, 1) as client:
        answers.append(b"\0\1\0\0\0\3\1\x83\2")
        with pytest.raises(ModbusRejectionError, match="holding 7: illegal data address"):
            await client.read("holding", 7, 1)
        answers.append(b"\0\1\0\0\0\5\1\3\2\0\7" + b"\0\2\0\0\0\5\1\3\2\0\x08")  # one that came too late, and its own
        assert await client.read("holding", 7, 1) == [8]
        answers.append(b"\0\3\0\0\0\5\1\3\4\0\7")
        with pytest.raises(ModbusError, match="is not that of a request for 1"):
            await client.read("holding", 7, 1)
        answers.append(b"HTTP/1.1 400 Bad Request")
        with pytest.raises(ModbusError, match="not Modbus TCP"):
            await client.read("holding", 7, 1)


async def test_a_device_that_cannot_be_reached_is_an_error_of_ours() -> None:
    listening = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    with pytest.raises(ModbusError, match="cannot be reached"):
        async with ModbusClient("127.0.0.1", port, 1):
            pass
