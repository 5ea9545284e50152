"""What seems wrong in the data, in plain sentences with what to check. Nothing is corrected."""

from collections.abc import Iterator, Mapping
from typing import Final

from services.ledger.fields import NANO, TIME, Sums
from services.ledger.indicators import coverage

LONG_NS: Final = 10 * 86_400 * NANO
"""A state that lasts as long is doubted."""


def doubts(by_machine: Mapping[str, Sums]) -> list[str]:
    """Return a note for each contradiction in the sums of each machine."""
    notes: list[str] = []
    for machine, sums in sorted(by_machine.items()):
        notes += [f"{machine}: {note}" for note in _of_machine(sums)]
    return notes


def _of_machine(sums: Sums) -> Iterator[str]:
    def of(field: str) -> int:
        return sums.get(field, 0)

    produced, good, bad = of("produced"), of("good"), of("scrap") + of("rework")
    if good and good + of("scrap") > produced:
        yield (
            f"good and scrap pieces ({_pieces(good + of('scrap'))}) are more than were produced ({_pieces(produced)}): "
            "check that all counters count the same thing, and that none was reset alone"
        )
    if produced and not good and bad < produced:
        yield f"{_pieces(produced)} pieces were produced, but good pieces are not reported: send good with the count"
    if of("unrated"):
        yield (
            f"{_pieces(of('unrated'))} pieces have no ideal cycle, so there is no effectiveness and no OEE: "
            "send ideal_cycle with the job, or set ideal-cycle in the plant file"
        )
    elif of("ideal_s") > of("running_s") and produced:
        cause = (
            f"the data suggests a cycle of at most {of('running_s') / produced:.3g} s a piece"
            if of("running_s")
            else "pieces were counted while it did not run"
        )
        yield (
            f"effectiveness is above 1 ({of('ideal_s') / NANO:.0f} s of ideal time in {of('running_s') / NANO:.0f} s): "
            f"{cause}; check the ideal cycle, and whether pieces are counted twice"
        )
    if produced and not of("running_s") and not of("ideal_s"):
        yield f"{_pieces(produced)} pieces were counted while it did not run: check what it says of its state"
    known = coverage(sums)
    if known is not None and known < 1:
        unknown = of("unknown_s") + of("unknown_planned_s")
        yield f"its state is unknown for {_span(unknown)} ({1 - known:.1%} of the time): was it connected?"
    calendar = sum(of(field) for field in TIME)
    for field in TIME:
        if calendar >= LONG_NS and of(field) == calendar:
            state = field.removesuffix("_s").replace("_", " ")
            yield f"it has been {state} for over ten days on end: does it still send?"


def _pieces(amount: int) -> str:
    return f"{amount / NANO:g}"


def _span(ns: int) -> str:
    seconds = ns / NANO
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"
