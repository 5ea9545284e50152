"""Running a command's coroutine until it is done, Ctrl-C, SIGTERM, or its time is up; and what it logs."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Coroutine, MutableMapping
from typing import Any

import structlog

from cli.invocation.plain import plain


def run(main: Coroutine[Any, Any, None], *, seconds: float | None = None) -> None:
    """Run `main`; SIGTERM, and the end of `seconds`, cancel it and count as a good end. Ctrl-C ends with 130.

    Raises:
        KeyboardInterrupt: Ctrl-C; `main` has been cancelled and has cleaned up.
    """
    with asyncio.Runner() as runner:
        runner.run(_until_signalled(main, seconds))


async def _until_signalled(main: Coroutine[Any, Any, None], seconds: float | None) -> None:
    reported = False
    task = asyncio.current_task()
    assert task is not None

    def stop() -> None:
        nonlocal reported
        if not reported:
            reported = True
            task.cancel()

    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers in its loop
        loop.add_signal_handler(signal.SIGTERM, stop)
    timer = loop.call_later(seconds, stop) if seconds is not None else None
    try:
        await main
    except asyncio.CancelledError:
        if not reported:
            raise
        task.uncancel()
    finally:
        if timer is not None:
            timer.cancel()


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Log structured lines to standard error, from `level` on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _plainly,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Looked up each time: a program that calls a command may have put another file in its place.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _plainly(_logger: Any, _method: str, reported: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Make texts that devices gave harmless to the terminal that the log is read on."""
    for name, value in reported.items():
        if isinstance(value, str):
            reported[name] = plain(value)
    return reported
