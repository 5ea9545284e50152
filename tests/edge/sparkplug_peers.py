"""Sparkplug's independent peers: programs of other people's libraries that tests talk to.

`sparkplug_peer/` holds the programs for Node.js; `npm ci --ignore-scripts` in it installs the libraries.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import pytest

FOLDER: Final = Path(__file__).parent / "sparkplug_peer"
INSTALL: Final = f"Sparkplug's peers are not installed: (cd {FOLDER} && npm ci --ignore-scripts)"


def require_node_peers() -> None:
    """Skip a test where the peers are not installed; fail it where nothing may be missing."""
    if not (FOLDER / "node_modules" / "sparkplug-client").exists():
        if os.environ.get("CI") == "true":
            pytest.fail(INSTALL, pytrace=False)
        pytest.skip(INSTALL)


def codec(asked: Sequence[dict[str, Any]]) -> list[Any]:
    """Return what the package `sparkplug-payload` makes of payloads, those to encode and those to decode."""
    done = subprocess.run(
        ["node", str(FOLDER / "codec.mjs")],
        input="".join(json.dumps(each) + "\n" for each in asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


class Program:
    """A peer that runs: commands go in, and what happens to it comes out."""

    def __init__(self, *command: str) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None

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
        assert self._process is not None
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if name in said:
                return said[name]
        raise AssertionError(f"the peer ended before it reported {name}")

    async def ask(self, **asked: Any) -> None:
        """Give a command, and wait until it is done."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        await self.until("done")


def edge(url: str, group: str, node: str, device: str, metrics: Sequence[dict[str, Any]]) -> Program:
    """Return an edge node of `sparkplug-client` with one device."""
    return Program("node", str(FOLDER / "edge.mjs"), url, group, node, device, json.dumps(metrics))
