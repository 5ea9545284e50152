"""A real demo as its own process, talked to over MQTT and HTTP as anyone would."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

import aiomqtt
import httpx

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """`corridor demo` with a data folder of its own, on free ports.

    Attributes:
        lines: what it has printed so far, standard output and error together.
    """

    def __init__(self, data: Path, *options: str) -> None:
        self.data, self.options = data, options
        self.port, self.mqtt_port = free_port(), free_port()
        self.lines: list[str] = []
        self.process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def start(self) -> None:
        """Start it, and return when it says `ready`."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "cli.main", "demo", "--data", str(self.data)),
            *("--port", str(self.port), "--mqtt-port", str(self.mqtt_port), *self.options),
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        async with asyncio.timeout(40):
            while await self._line() != "ready":
                pass

    async def _line(self) -> str:
        assert self.process.stdout is not None
        raw = await self.process.stdout.readline()
        if not raw:
            await self.process.wait()
            raise AssertionError(f"the demo ended: {self.lines}")
        self.lines.append(raw.decode().rstrip())
        return self.lines[-1]

    async def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it by a signal, and return its exit status."""
        self.process.send_signal(how)
        async with asyncio.timeout(15):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode

    async def get(self, path: str) -> Any:
        """Ask the HTTP API."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as client:
            answer = await client.get(path)
            answer.raise_for_status()
            return answer.json()

    async def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """Ask the HTTP API again and again until something holds; what it does not know yet, it may know soon."""
        async with asyncio.timeout(20):
            while True:
                try:
                    answer = await self.get(path)
                    if holds(answer):
                        return answer
                except httpx.HTTPStatusError as error:
                    if error.response.status_code != httpx.codes.NOT_FOUND:
                        raise
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def client(port: int) -> AsyncIterator[aiomqtt.Client]:
    """A client that is not ours, connected to a port of this computer."""
    async with aiomqtt.Client("127.0.0.1", port, timeout=10) as connected:
        yield connected
