"""Texts in the cells of a CSV file: a spreadsheet that opens it must not run one as a formula."""

from typing import Any, Final

_BEGINNINGS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def guarded(value: Any) -> Any:
    """Return a cell's value; a text that begins as a formula does has an apostrophe before it, and so stays a text."""
    return f"'{value}" if isinstance(value, str) and len(value) > 1 and value.startswith(_BEGINNINGS) else value
