"""The gateway of Sparkplug as a process, and what comes over its broker."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from broker.contract.codec import decode
from broker.contract.events import AnyEvent, Sample, Status
from broker.contract.topics import PREFIX
from broker.mqtt.session import Session

if TYPE_CHECKING:
    from broker.contract.message import Message

ROOT = Path(__file__).resolve().parents[3]


class Received:
    """What comes over a broker: the contract's events, and Sparkplug's messages."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.events: list[AnyEvent] = []
        self.foreign: list[Message] = []

    async def listen(self) -> None:
        async for batch in self._session.batches():
            for message in batch.messages:
                if message.topic.startswith(PREFIX):
                    self.events += decode(message)
                else:
                    self.foreign.append(message)
            batch.acknowledge()

    def values(self, signal: str) -> list[object]:
        return [one.value for one in self.events if isinstance(one, Sample) and one.signal == signal]

    def online(self) -> list[bool]:
        return [one.online for one in self.events if isinstance(one, Status)]

    def states(self) -> list[bool]:
        return [json.loads(each.payload)["online"] for each in self.foreign if "/STATE/" in each.topic]

    def asked(self) -> int:
        return sum("/NCMD/" in each.topic for each in self.foreign)


@contextlib.asynccontextmanager
async def listening(url: str) -> AsyncIterator[Received]:
    async with Session(url, client_id="listener", filters=[f"{PREFIX}/#", "spBv1.0/#"]) as session:
        received = Received(session)
        task = asyncio.create_task(received.listen())
        try:
            yield received
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def gateway(url: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    command = ("gateway", "sparkplug", "--broker", url, "--data", str(folder), "--set", "reorder=100ms")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli.main", *command), env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
