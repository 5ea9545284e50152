"""What of the ledger is due to be recomputed: kept in the store, so that no question takes rows for right that are not.

An event that comes very late touches weeks of minutes. It is stored at once, and its machine noted here beforehand;
its rows are recomputed in portions afterwards, oldest first. Until that is done a machine's rows count as complete up
to where it has got (`Store.watermark`), and what follows is computed from events.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

NOTE: Final = "ledger-due"
"""The name of the note in the store."""

TimeRange = tuple[int, int]
"""From when, and until when at least, rows may not say what the events say; nanoseconds."""

_decoder: Final = msgspec.json.Decoder(dict[str, TimeRange])


def read(note: str | None) -> dict[str, TimeRange]:
    """Return what is due by machine."""
    return {} if note is None else _decoder.decode(note)


def written(due: Mapping[str, TimeRange]) -> str:
    """Return the note that says so."""
    return msgspec.json.encode(due).decode()


def cut_short(watermark: dict[str, int], note: str | None) -> dict[str, int]:
    """Return where complete rows end, given each machine's newest row."""
    due = read(note)
    return {machine: min(at, due[machine][0]) if machine in due else at for machine, at in watermark.items()}
