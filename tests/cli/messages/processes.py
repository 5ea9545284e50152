"""Commands as processes of their own, and a client that is not ours beside them."""

from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt

ROOT = Path(__file__).resolve().parents[3]
Corridor = Callable[..., tuple[int, str, str]]
Start = Callable[..., Awaitable[Process]]


async def end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def finished(process: Process) -> tuple[int, str, str]:
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def line(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().rstrip()


def client(url: str) -> aiomqtt.Client:
    at = urlsplit(url)
    assert at.hostname
    assert at.port
    return aiomqtt.Client(at.hostname, at.port)
