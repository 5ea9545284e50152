"""Warnings that anyone can cause at will: each is logged once a minute, with how often it was due."""

import time
from typing import Any, Final

import structlog

_EVERY_S: Final = 60.0


class Seldom:
    """One such warning."""

    def __init__(self, logger: str, text: str) -> None:
        """Warn as a logger, in these words."""
        self._log, self._text = structlog.get_logger(logger), text
        self._count, self._due = 0, 0.0

    def __call__(self, **reported: Any) -> None:
        """Warn, or count."""
        self._count += 1
        if time.monotonic() >= self._due:
            self._log.warning(self._text, times=self._count, **reported)
            self._count, self._due = 0, time.monotonic() + _EVERY_S
