"""An independent OPC UA server, npm's `node-opcua`, and the gateway that reads it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from broker.contract.message import Publication
from edge.dialects import DIALECTS
from edge.dialects.dialect import Setup
from edge.dialects.opcua import mapping
from edge.gateways.gateway import Gateway
from edge.gateways.opcua.source import OpcUaSource
from tests.edge import peers

FOLDER = Path(__file__).parents[1] / "opcua_peer"
MILL = "corridor/v1/works/hall/line-1/mill-4/"
MAP = """
[server.mill-4]
url = "opc.tcp://127.0.0.1:{port}"
asset = "works/hall/line-1/mill-4"
every = "50ms"
{more}
value = [
  {{ node = "nsu=http://example.org/mill;s=Speed", signal = "spindle-speed", unit = "/min" }},
  {{ node = "nsu=http://example.org/mill;s=PartCount", count = "produced" }},
  {{ node = "nsu=http://example.org/mill;s=Energy", meter = "electricity", unit = "kWh" }},
  {{ node = "nsu=http://example.org/mill;s=Door", signal = "door" }},
  {{ node = "nsu=http://example.org/mill;s=Missing", signal = "missing" }},
  {{ node = "nsu=http://example.org/other;s=Speed", signal = "other" }},
  {states}
]
"""
STATES = '{ node = "nsu=http://example.org/mill;s=Mode", state = { 0 = "idle", 1 = "running", 2 = "down" } },'


class Plant:
    """Takes the gateway's publications."""

    def __init__(self) -> None:
        self.taken: list[Publication] = []

    async def publish(self, *publications: Publication) -> None:
        self.taken += publications

    def of(self, what: str, field: str) -> list[object]:
        """Return a field of all messages on one of the machine's topics."""
        sent = [one.payload for one in self.taken if one.topic == MILL + what]
        return [msgspec.json.decode(payload)[field] for payload in sent]


def server(*arguments: str, port: int = 0) -> peers.Program:
    peers.require(FOLDER, "node-opcua")
    return peers.Program("node", str(FOLDER / "server.mjs"), str(port), *arguments)


@contextlib.asynccontextmanager
async def gateway(text: str, folder: Path) -> AsyncIterator[Plant]:
    plant = Plant()
    async with OpcUaSource(mapping.parse(text), folder) as source:
        dialect = DIALECTS["opcua"].make(Setup(mapping=text))
        task = asyncio.create_task(Gateway(source, dialect, plant, answering=plant).run())
        try:
            yield plant
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def first_map(port: int) -> str:
    return MAP.format(port=port, states=STATES, more="")
