"""Broker, services and InfluxDB as processes of their own, and what a soak does to them.

Each runs behind the guard of the embedded broker (`broker/server/guard.py`), so that none outlives the soak, however it
ends.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from broker.server import guard

STOP_S: Final = 20.0
_START_S: Final = 20.0
_LOOK_S: Final = 0.02
_AGAIN_S: Final = 0.5
_ROOT: Final = Path(__file__).resolve().parents[2]


class Part:
    """A process that is started again whenever it ends, unless it is to stay away.

    Args:
        name: what it is called in the report.
        command: what is run.
        folder: for its log.
        ready: returns once it works; asked after each start by `start`.

    Attributes:
        lock: held by who does something to it.
        done: what was done to it, and how often.
        own_ends: how often it ended by itself.
    """

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, ready: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.lock = asyncio.Lock()
        self.done: Counter[str] = Counter()
        self.own_ends = 0
        self._command = list(command)
        self._pid_file = folder / f"{name}.pid"
        self._ready = ready
        self._guard: asyncio.subprocess.Process | None = None
        self._wanted = False
        self.process: psutil.Process | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs now; 0 if none does."""
        return self.process.pid if self.process is not None and self.process.is_running() else 0

    async def start(self) -> None:
        """Start it, and return when it works.

        Raises:
            TimeoutError: it does not.
        """
        self._wanted = True
        await self._launch()
        if self._ready is not None:
            async with asyncio.timeout(_START_S):
                await self._ready()

    async def kill(self) -> None:
        """End it on the spot, as a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End it in good order."""
        await self._end(signal.SIGTERM)

    async def restart(self) -> None:
        """Start it again, once it has ended."""
        await self.start()

    def pause(self) -> None:
        """Let it stand still."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def limit_files(self, size: int) -> None:
        """Let it write no file beyond so many bytes; -1 takes the limit away."""
        if self.process is not None:
            with suppress(psutil.Error, OSError):
                _, hard = self.process.rlimit(psutil.RLIMIT_FSIZE)
                self.process.rlimit(psutil.RLIMIT_FSIZE, (size, hard))

    async def supervise(self) -> None:
        """Start it again whenever it has ended by itself, as a service manager would."""
        while True:
            await asyncio.sleep(_AGAIN_S)
            async with self.lock:
                if self._wanted and (self._guard is None or self._guard.returncode is not None):
                    self.own_ends += 1
                    await self._launch()

    async def _launch(self) -> None:
        self._pid_file.unlink(missing_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CORRIDOR_")}
        environment["PYTHONPATH"] = str(_ROOT)
        with self.log.open("ab") as log:
            self._guard = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(guard.__file__), str(self._pid_file), "0", *self._command),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C in a terminal is for the soak, which ends them in its own time
            )
        self.process = None
        async with asyncio.timeout(_START_S):
            while self.process is None and self._guard.returncode is None:
                with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
                    self.process = psutil.Process(int(self._pid_file.read_text(encoding="ascii")))
                await asyncio.sleep(_LOOK_S)

    async def _end(self, how: signal.Signals) -> None:
        self._wanted = False
        if self._guard is None:
            return
        self._signal(how)
        try:
            async with asyncio.timeout(STOP_S):
                await self._guard.wait()
        except TimeoutError:
            self.done["killed for not stopping"] += 1
            self._signal(signal.SIGKILL)
            await self._guard.wait()
        self.process = None

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            with suppress(psutil.NoSuchProcess):
                self.process.send_signal(number)


def corridor(*arguments: str) -> list[str]:
    """Return the command line of one of our own commands."""
    return [sys.executable, "-P", "-m", "cli", *arguments]
