"""Independent peers: programs of other people's libraries, which tests start and talk to by lines of JSON.

`npm ci --ignore-scripts` in a peer's folder installs what it needs, `mvn compile` in one of Java.
"""

import asyncio
import json
import os
from collections import deque
from pathlib import Path
from typing import Any, Self

import pytest


def require(folder: Path, package: str) -> None:
    """Skip a test where a peer's package is not installed; fail it where nothing may be missing."""
    if not (folder / "node_modules" / package).exists():
        missing(f"{package} is not installed: (cd {folder} && npm ci --ignore-scripts)")


def missing(problem: str) -> None:
    """Skip a test for a peer that is not there; fail it where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(problem, pytrace=False)
    pytest.skip(problem)


class Program:
    """A peer that runs: commands go in, and what happens to it comes out."""

    def __init__(self, *command: str) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._passed_over: deque[dict[str, Any]] = deque()

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def until(self, name: str) -> Any:
        """Return what it reports under a name, as soon as it does."""
        while name not in (reported := await self.report()):
            pass
        return reported[name]

    async def report(self) -> dict[str, Any]:
        """Return what it reports next."""
        return self._passed_over.popleft() if self._passed_over else await self._read()

    async def ask(self, **asked: Any) -> None:
        """Give a command, and wait until it is done; what it reports meanwhile is still to be read."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        while "done" not in (reported := await self._read()):
            self._passed_over.append(reported)

    async def _read(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, "the peer has ended"
        found: dict[str, Any] = json.loads(line)
        return found
