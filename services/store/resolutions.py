"""The resolutions in which ledger rows are stored, and which of them to read for a range."""

from typing import Final

from services.ledger.history import MINUTE
from services.store.interface import Resolution

HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


def layers(start: int, end: int) -> list[tuple[int, int, Resolution]]:
    """Split a range of whole minutes into intervals, each to be read in the coarsest rows that fit."""
    cut: list[tuple[int, int, Resolution]] = []
    sizes: tuple[tuple[Resolution, int], ...] = (("day", DAY), ("hour", HOUR))
    rest = [(start, end)]
    for resolution, size in sizes:
        finer: list[tuple[int, int]] = []
        for begin, until in rest:
            first, last = -(-begin // size) * size, until // size * size
            if first < last:
                cut.append((first, last, resolution))
                finer += [(begin, first), (last, until)]
            else:
                finer.append((begin, until))
        rest = finer
    cut += [(begin, until, "minute") for begin, until in rest if begin < until]
    return cut
