"""Several processes of one command, as long as it runs: a process that ends is started again, and none outlives it."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from broker.backoff import Backoff
from cli.invocation.errors import CommandError

STOP_S: Final = 20.0
"""How long a worker may take to stop before it is killed, seconds."""
STEADY_S: Final = 30.0
"""A worker that ran for so long did not fail at its start, seconds."""

_log = structlog.get_logger("corridor.workers")


async def supervise(words: Sequence[str], environments: Sequence[Mapping[str, str]]) -> None:
    """Run the workers until cancelled.

    Args:
        words: of the command that all of them run.
        environments: what is set in the environment of each, beside this one's.

    Raises:
        CommandError: one cannot start, which it has explained itself.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for number, environment in enumerate(environments, 1):
                group.create_task(_keep_running(number, words, os.environ | environment))
    except* CommandError as errors:
        raise errors.exceptions[0] from None


def end_with_parent() -> None:
    """Let this process, a worker, stop when its standard input ends, as it does with the process that started it."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        if not os.read(sys.stdin.fileno(), 1_024):
            loop.remove_reader(sys.stdin.fileno())
            os.kill(os.getpid(), signal.SIGTERM)

    with contextlib.suppress(NotImplementedError):  # Windows cannot watch a pipe
        loop.add_reader(sys.stdin.fileno(), read)


async def _keep_running(number: int, words: Sequence[str], environment: Mapping[str, str]) -> None:
    backoff = Backoff(0.5)
    is_first = True
    while True:
        began = time.monotonic()
        status = await _run(words, environment)
        if time.monotonic() - began >= STEADY_S:
            backoff.reset()
        elif is_first and status > 0:
            raise CommandError(f"worker {number} cannot start", "its own error is above")
        is_first = False
        pause_s = backoff.next_s()
        _log.warning("a worker ended, starting it again", worker=number, status=status, next_try_s=round(pause_s, 1))
        await asyncio.sleep(pause_s)


async def _run(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a worker; return its status, negative for the signal that ended it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli", *words), env=environment, stdin=asyncio.subprocess.PIPE
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
