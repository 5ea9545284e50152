"""Which ledger rows are due to be recomputed: written to the store, so that no query relies on stale rows.

A very late event affects weeks of minutes. Its machine is noted here first, then the event is stored; the rows are
recomputed in portions afterwards, oldest first. Until then a machine's rows count as complete up to the first one that
is due (`Store.watermark`), and later ones are computed from events.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

NOTE: Final = "ledger-due"
"""The name of the metadata in the store."""

TimeRange = tuple[int, int]
"""From when, and until when at least, rows may differ from the events; nanoseconds."""

_decoder: Final = msgspec.json.Decoder(dict[str, TimeRange])


def read(note: str | None) -> dict[str, TimeRange]:
    """Return what is due by machine."""
    return {} if note is None else _decoder.decode(note)


def written(due: Mapping[str, TimeRange]) -> str:
    """Return the metadata text for these."""
    return msgspec.json.encode(due).decode()


def complete_up_to(watermark: dict[str, int], note: str | None) -> dict[str, int]:
    """Return up to when rows are complete, given the start of each machine's newest row."""
    due = read(note)
    return {machine: min(at, due[machine][0]) if machine in due else at for machine, at in watermark.items()}
