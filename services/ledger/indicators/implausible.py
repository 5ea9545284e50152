"""What cannot be: indicators whose value no machine can have, so that something in its data must be wrong.

The number and its sums stay as they are, and `explain` shows them. But no screen or command presents it as a figure to
act on: it is marked, with the reason and what to check. What is marked is decided here alone.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from services.ledger.fields import NANO, Sums
from services.ledger.indicators import contradictions
from services.ledger.indicators.findings import Finding

MOST_EFFECTIVENESS: Final = 1.5
"""An ideal cycle is seldom exact, and a load may be begun before the range; beyond this it is neither."""
HOUR_NS: Final = 3_600 * NANO
"""Over a shorter range counts that arrive in batches weigh too much, …"""
AHEAD_NS: Final = 1_800 * NANO
"""… unless the ideal time of the pieces is ahead of the running time by as much as it would be after an hour."""

OUTPUT: Final = ("oee", "nee", "teep", "bottleneck_oee")
"""Indicators that cannot be where the pieces of a machine do not fit its time, or each other."""
MARKABLE: Final = (
    "effectiveness",
    "oee",
    "nee",
    "teep",
    "quality_ratio",
    "scrap_ratio",
    "first_pass_yield",
    "worker_efficiency",
)
"""The indicators of a machine by itself that may be marked."""


def implausible(
    values: Mapping[str, float | None], sums: Sums, length: int, load_size: float = 1
) -> dict[str, Finding]:
    """Return which indicators cannot be, by name, each with the reason.

    Args:
        values: indicators by name.
        sums: what they are of.
        length: of the time range, nanoseconds.
        load_size: the most pieces that a machine counts together.
    """
    marked: dict[str, Finding] = {}
    for names, find in _contradicted(values, sums, length, load_size):
        defined = [name for name in names if values.get(name) is not None]
        if defined and (finding := find(sums)) is not None:  # sums beyond all bounds have no indicators, nor words
            for name in defined:
                marked.setdefault(name, finding)
    return marked


def _contradicted(
    values: Mapping[str, float | None], sums: Sums, length: int, load_size: float
) -> Iterator[tuple[tuple[str, ...], Callable[[Sums], Finding | None]]]:
    if _is_too_fast(sums, length, load_size):
        yield ("effectiveness", *OUTPUT), partial(contradictions.more_than_time_allows, load_size=load_size)
    if sums.get("produced_off", 0) > load_size * NANO:  # the last is often counted just after the machine reported off
        yield ("effectiveness", *OUTPUT), contradictions.counted_while_off
    if sums.get("produced", 0) > 0:  # else a correction took pieces back, and the ratio means nothing
        if _above_one(values, "quality_ratio"):
            yield ("quality_ratio", *OUTPUT), contradictions.more_good_than_produced
            yield ("quality_ratio", *OUTPUT), contradictions.more_than_produced
        if _above_one(values, "scrap_ratio"):
            yield ("scrap_ratio", "fall_off_ratio"), contradictions.more_than_produced
    if _above_one(values, "first_pass_yield"):
        yield ("first_pass_yield", "rolled_throughput_yield"), contradictions.more_passed_than_inspected
    if _above_one(values, "worker_efficiency"):
        yield ("worker_efficiency",), contradictions.more_working_than_present


def _is_too_fast(sums: Sums, length: int, load_size: float) -> bool:
    """Return whether effectiveness is far above 1, by more than a load and for long enough."""
    produced, ideal, running = (sums.get(field, 0) for field in ("produced", "ideal_s", "running_s"))
    ahead = ideal - running
    if produced <= 0 or ideal <= MOST_EFFECTIVENESS * running or contradictions.is_of_a_load(sums, load_size):
        return False
    return length >= HOUR_NS or ahead >= AHEAD_NS


def _above_one(values: Mapping[str, float | None], name: str) -> bool:
    value = values.get(name)
    return value is not None and value > 1
