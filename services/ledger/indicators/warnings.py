"""What seems wrong in the data, in plain sentences with what to check. Nothing is corrected."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from broker.contract.events import State
from services.ledger.fields import NANO, Sums
from services.ledger.indicators.indicators import coverage
from services.ledger.indicators.undefined import good_not_reported, never_counted, uncounted, unrated

LONG_NS: Final = 10 * 86_400 * NANO
"""A state that lasts longer is doubted."""
BRIEF_NS: Final = 60 * NANO
"""Unknown time shorter than this (a start, a connection made again) is not worth a note, …"""
BRIEF_SHARE: Final = 0.001
"""… nor is such a share of the range, …"""
GREAT_SHARE: Final = 0.05
"""… unless it is as much of the range as this, however short."""
_SILENT_NS: Final = 3_600 * NANO
"""A machine that has run as long should have counted a piece."""


def data_quality_warnings(by_machine: Mapping[str, Sums], lasting: Mapping[str, tuple[State, int]]) -> list[str]:
    """Return a note for each contradiction, each beginning with the machine that it is of.

    Args:
        by_machine: the sums of each machine over the range.
        lasting: of each machine, the state that it last told, and how long that was before the end of the range,
            nanoseconds.
    """
    notes: list[str] = []
    for machine, sums in sorted(by_machine.items()):
        found = [note for warning in _CHECKS for note in warning(sums)]
        if machine in lasting:
            found += _long(*lasting[machine])
        notes += [f"{machine}: {note}" for note in found]
    return notes


def _too_many_pieces(sums: Sums) -> Iterator[str]:
    produced, good, scrap, rework = (sums.get(field, 0) for field in ("produced", "good", "scrap", "rework"))
    if not produced:
        return  # `_untold` says it
    if good + scrap > produced:
        yield (
            f"good and scrap pieces ({_pieces(good + scrap)}) are more than were produced ({_pieces(produced)}): check "
            "that all counters count the same pieces, that none was reset alone, and whether pieces are judged long "
            "after they were made"
        )
    elif good + scrap + rework > produced:
        yield (
            f"good, scrap and rework pieces ({_pieces(good + scrap + rework)}) are more than were produced "
            f"({_pieces(produced)}): check whether a reworked piece is counted again, as good or as scrap"
        )


def _too_many_parts(sums: Sums) -> Iterator[str]:
    inspected, passed = sums.get("inspected", 0), sums.get("first_pass", 0)
    if passed > inspected:
        yield (
            f"more parts passed at first ({_pieces(passed)}) than were inspected ({_pieces(inspected)}): check that "
            "both are counted at the same place"
        )


def _not_reported(sums: Sums) -> Iterator[str]:
    produced = _pieces(sums.get("produced", 0))
    if why := uncounted(sums):
        yield f"pieces are counted as good or bad, but {why}"
    elif (why := never_counted(sums)) and sums.get("uncounted_s", 0) >= BRIEF_NS:
        ran = _duration_text(sums["uncounted_s"])
        yield f"it ran for {ran}, but {why}; until then there is no effectiveness and no OEE"
    if why := good_not_reported(sums):
        yield f"{produced} pieces were produced, but {why}"
    if why := unrated(sums):
        yield f"{why}; until then there is no effectiveness and no OEE"


def _too_fast(sums: Sums) -> Iterator[str]:
    produced, ideal, running = (sums.get(field, 0) for field in ("produced", "ideal_s", "running_s"))
    if not produced:
        return
    if not running:
        yield (
            f"{_pieces(produced)} pieces were counted while it did not run: check the state that it tells, and the "
            "time of its counts"
        )
    elif 0 < ideal - running <= ideal / (produced / NANO):
        yield (
            f"effectiveness is above 1 by less than a piece ({_seconds(ideal)} of ideal time in {_seconds(running)} of "
            "running): a piece that was begun before the range counts whole in it; if a longer range is above 1 as "
            "well, check the ideal cycle"
        )
    elif ideal > running:
        yield (
            f"effectiveness is above 1 ({_seconds(ideal)} of ideal time in {_seconds(running)} of running): check the "
            f"ideal cycle, which is {ideal / produced:.4g} s a piece where the data suggests at most "
            f"{running / produced:.4g} s; whether pieces are counted twice, or made while it says that it does not run"
        )


def _off(sums: Sums) -> Iterator[str]:
    if amount := sums.get("produced_off", 0):
        yield f"{_pieces(amount)} pieces were counted while it said that it was off: check its state, or its counter"


def _silent(sums: Sums) -> Iterator[str]:
    running = sums.get("running_s", 0)
    if (
        running >= _SILENT_NS
        and not never_counted(sums)
        and not any(sums.get(field, 0) for field in ("produced", "good", "scrap", "rework"))
    ):
        yield (
            f"it ran for {_duration_text(running)} and its counter stood still: check the counter "
            "(if a piece takes longer, nothing is wrong)"
        )


def _counter_glitches(sums: Sums) -> Iterator[str]:
    if counter_glitches := sums.get("dips", 0):
        yield (
            f"a counter or meter dipped {_times(counter_glitches)}: it fell and was back within a minute, "
            "so that was not counted; check its connection, and whether several senders tell the same counter"
        )


def _people(sums: Sums) -> Iterator[str]:
    if sums.get("work_s", 0) > sums.get("attendance_s", 0):
        yield "more people work than are present: check the numbers in labour"


def _unknown(sums: Sums) -> Iterator[str]:
    known = coverage(sums)
    unknown = sums.get("unknown_s", 0) + sums.get("unknown_planned_s", 0)
    if known is None:
        return
    if (unknown >= BRIEF_NS and 1 - known >= BRIEF_SHARE) or 1 - known >= GREAT_SHARE:
        yield f"its state is unknown for {_duration_text(unknown)} ({1 - known:.1%} of the time): was it connected?"


def _long(state: State, length: int) -> Iterator[str]:
    if length > LONG_NS:
        yield f"it has been {state} for {length // (86_400 * NANO)} days on end: does it still send its state?"


_CHECKS: Final[tuple[Callable[[Sums], Iterator[str]], ...]] = (
    _too_many_pieces,
    _too_many_parts,
    _not_reported,
    _too_fast,
    _off,
    _silent,
    _counter_glitches,
    _people,
    _unknown,
)


def _pieces(amount: int) -> str:
    return f"{amount / NANO:.12g}"


def _times(amount: int) -> str:
    return "once" if amount == NANO else f"{_pieces(amount)} times"


def _seconds(amount: int) -> str:
    return f"{amount / NANO:.6g} s"


def _duration_text(ns: int) -> str:
    seconds = ns / NANO
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"
