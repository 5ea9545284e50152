"""A broker, and commands started beside it."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from broker.server.embedded import EmbeddedBroker
from tests.cli.messages.processes import ROOT, Start, end


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a real broker."""
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as running:
        yield running.url


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start `corridor ARGUMENTS…` as a process of its own; what still runs is ended after the test."""
    async with AsyncExitStack() as stack:

        async def run(*arguments: str) -> Process:
            command = [sys.executable, "-P", "-m", "cli.main", *arguments]
            environment = {"PYTHONPATH": str(ROOT), "CORRIDOR_DATA": str(tmp_path), "PYTHONUNBUFFERED": "1"}
            process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=environment)
            stack.push_async_callback(end, process)
            return process

        yield run
