"""Unforeseen failures: each kind is logged once for each place in the program, and the caller goes on.

They are caused by data: a message, a stored event or a machine's ledger that makes the program raise. They repeat, and
one log line for each would fill the log.
"""

import traceback
from typing import Final

import structlog

from services.store.interface import RowError, StoreError

_MOST: Final = 1_000
_log = structlog.get_logger("corridor.failures")
_noted: dict[tuple[str, str, str], int] = {}


def is_unforeseen(error: Exception) -> bool:
    """Return whether a retry would fail again: the store is not away, full or busy."""
    return not isinstance(error, StoreError) or isinstance(error, RowError)


def in_words(error: Exception) -> str:
    """Return the type and text of a failure, shortened, in characters that any store can hold."""
    text = str(error).encode("utf-8", "backslashreplace").decode()
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def note(doing: str, error: Exception, **where: str) -> None:
    """Log a failure, unless one of its type was logged for the same place in the program before.

    Args:
        doing: what failed, as in "storing a message".
        error: how.
        where: of which asset or topic.
    """
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    place = f"{frame[0].filename}:{frame[0].lineno}" if frame else ""
    key = (doing, type(error).__name__, place)
    times = _noted[key] = _noted.get(key, 0) + 1
    if len(_noted) > _MOST:
        _noted.clear()
    if times == 1:
        _log.error(f"{doing} failed; please report it", error=in_words(error), place=place, **where, exc_info=error)
