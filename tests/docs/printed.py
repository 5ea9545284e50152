"""What pages print to be copied into a shell, and a shell in which a test runs it as printed.

A block is what stands in a fence of a shell's language, or indented and begins a line with a program.
"""

import asyncio
import os
import re
import shlex
import signal
import sys
import textwrap
from pathlib import Path
from typing import Final, NamedTuple, Self

from tests.stack.running import ROOT, free_port

FENCE: Final = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
SHELLS: Final = {"sh", "bash", "console", "shell", "powershell"}
INDENTED: Final = re.compile(r"(?:^ {4,}.+\n)+", re.MULTILINE)
PROGRAMS: Final = (
    *("./corridor", "corridor", "mosquitto_pub", "mosquitto_sub", "curl", "docker", "pip", "python", "python3", "git"),
    *("apt", "sudo", "npm", "export", "chromium", "systemctl", "wsl", "brew", "winget"),
)
"""An indented line that begins with one of these is to be copied."""
RUNNING: Final = {
    "demo": r"^ready$",
    "tail": r"my-site/shop/line-1/lathe-1",
    "device add": r"waits 300 s for its first message",
    "device this-computer": r"is online at",
    "ingest": r"connected ",
    "kpi serve": r"connected ",
    "gateway": r" to 127\.0\.0\.1",
    "wall": r"connected ",
}
"""Commands that run until they are stopped, and what they print once they work."""
FAILING: Final = "./corridor check my-site/shop/line-1/lathe-1/state Running"
"""A command that is printed because it fails."""
PATIENCE_S: Final = 150.0


class Block(NamedTuple):
    """What is copied at once.

    Attributes:
        page: its path in the repository.
        text: the lines, as printed.
    """

    page: str
    text: str

    @property
    def first(self) -> str:
        """The first line, which is what a block is called by."""
        return self.text.splitlines()[0]


def blocks(page: str, text: str) -> list[Block]:
    """Return the blocks of a page's text, in their order."""
    found = [(match.start(), match[3]) for match in FENCE.finditer(text) if match[2] in SHELLS]
    bare = FENCE.sub(lambda match: "\n" * match[0].count("\n") if "\n" in match[0] else "", text)
    offset = dict(enumerate(_lines_at(text)))
    for match in INDENTED.finditer(bare):
        block = textwrap.dedent(match[0])
        if any(line.split(" ")[0] in PROGRAMS for line in block.splitlines()):
            found.append((offset[bare.count("\n", 0, match.start())], block))
    return [Block(page, textwrap.dedent(block)) for _, block in sorted(found)]


def _lines_at(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer(r"\n", text))]


class Shell:
    """A shell in a folder like a checkout: `./corridor` is there, its data in `data/`, and its ports are free ones.

    Attributes:
        folder: where it runs.
        printed: what the last block has printed.
    """

    def __init__(self, folder: Path, replaced: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.mqtt_port, self.port = free_port(), free_port()
        self.replaced = {
            "1883": str(self.mqtt_port),
            "8080": str(self.port),
            "//HOST": "//127.0.0.1",
            **(replaced or {}),
        }
        self.printed = ""
        self._environment = {
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "CORRIDOR_DATA": str(folder / "data"),
            "CORRIDOR_MQTT_PORT": str(self.mqtt_port),
            "CORRIDOR_PORT": str(self.port),
        }
        self._background: dict[str, asyncio.subprocess.Process] = {}

    async def __aenter__(self) -> Self:
        program = self.folder / "corridor"
        # A demo has a broker of its own; all others are asked to use that of this shell, as if its port were 1883.
        program.write_text(
            f'#!/bin/sh\ncase "$1 $2" in\n  demo*|store*) ;;\n'
            f'  *) export CORRIDOR_BROKER="${{CORRIDOR_BROKER-mqtt://127.0.0.1:{self.mqtt_port}}}" ;;\nesac\n'
            f'exec {shlex.quote(sys.executable)} -P -m cli.main "$@"\n',
            "utf-8",
        )
        program.chmod(0o755)
        self._shell = await self._start("/bin/sh", "-e", stdin=asyncio.subprocess.PIPE)
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in (*self._background.values(), self._shell):
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()

    async def run(self, text: str, promise: str = "") -> None:
        """Run a block as printed; what runs until it is stopped goes on beside, once it works.

        Args:
            text: the block.
            promise: what `kpi show` prints, once the last message is stored.

        Raises:
            AssertionError: a command failed, with what was printed.
        """
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        text = re.sub(r"(mqtt://127\.0\.0\.1)(?![:\d])", rf"\1:{self.mqtt_port}", text)
        for command in re.sub(r"\\\n\s*", "", text).splitlines():
            name = _runs_on(command)
            if name:
                await self._go_on(name, command)
            elif promise and command.startswith("./corridor kpi show "):
                await self._finish(f"until {command} > shown && grep -qF '{promise}' shown; do :; done")
            else:
                await self._finish(f"! {command}" if command == FAILING else command)

    async def stop(self, name: str) -> None:
        """End a command that runs, and wait for it."""
        process = self._background.pop(name)
        os.killpg(process.pid, signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            await process.communicate()

    async def _finish(self, command: str) -> None:
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self._environment[name] = value
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{{ {command}\n}} </dev/null 2>&1\necho; echo '#done'\n".encode())
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE_S):
            while (raw := await self._shell.stdout.readline()) != b"#done\n":
                lines.append(raw.decode())
                assert raw, f"{command}\n{''.join(lines)}"
        self.printed = "".join(lines)

    async def _go_on(self, name: str, command: str) -> None:
        sign = "health is served" if "--health-port" in command else RUNNING[name]
        before = name
        if "--replica" in command or name == "gateway":  # of which there may be several
            name = command
        for other in {before, name} & self._background.keys():
            await self.stop(other)
        process = await self._start("/bin/sh", "-ec", f"exec {command}")
        self._background[name] = process
        lines: list[str] = []
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while not re.search(sign, lines[-1].rstrip() if lines else ""):
                raw = await process.stdout.readline()
                assert raw, f"{command}\n{''.join(lines)}"
                lines.append(raw.decode())
        self.printed = "".join(lines)

    async def _start(self, *command: str, stdin: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | self._environment,
        )


def _runs_on(command: str) -> str:
    """Return the name of a command that runs until it is stopped, else nothing."""
    words = command.split()
    if not words or words[0] != "./corridor":
        return ""
    return next((name for name in RUNNING if words[1 : 1 + len(name.split())] == name.split()), "")
