"""What seems wrong in the data of a machine, with what to check. Nothing is corrected."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from broker.contract.events import State
from broker.contract.payloads import KpiWarning
from services.ledger.fields import NANO, Sums
from services.ledger.indicators.amounts import duration, pieces
from services.ledger.indicators.contradictions import (
    counted_while_off,
    more_good_than_produced,
    more_passed_than_inspected,
    more_than_produced,
    more_than_time_allows,
    more_working_than_present,
)
from services.ledger.indicators.findings import Finding, found
from services.ledger.indicators.indicators import coverage
from services.ledger.indicators.reading_notes import reading_notes
from services.ledger.indicators.undefined import good_not_reported, never_counted, uncounted, unrated

LONG_NS: Final = 10 * 86_400 * NANO
"""A state that lasts longer is implausible."""
BRIEF_NS: Final = 60 * NANO
"""Unknown time shorter than this (a start, a connection made again) is not worth a note, …"""
BRIEF_SHARE: Final = 0.001
"""… nor is such a share of the range, …"""
GREAT_SHARE: Final = 0.05
"""… unless it is as much of the range as this, however short."""
_SILENT_NS: Final = 3_600 * NANO
"""A machine that has run as long should have counted a piece."""


def data_quality_warnings(
    by_machine: Mapping[str, Sums],
    lasting: Mapping[str, tuple[State, int]],
    load_size: Callable[[str], float] = lambda _: 1,
) -> list[KpiWarning]:
    """Return a warning for each contradiction, machine by machine.

    Args:
        by_machine: the sums of each machine over the range.
        lasting: of each machine, the state that it last reported, and how long that was before the end of the range,
            nanoseconds.
        load_size: returns the pieces that a machine counts together.
    """
    warnings: list[KpiWarning] = []
    for machine, sums in sorted(by_machine.items()):
        findings = list(_findings(sums, load_size(machine)))
        if machine in lasting:
            findings += _long(*lasting[machine])
        warnings += [finding.of_machine(machine) for finding in findings]
    return warnings


def _findings(sums: Sums, load_size: float) -> Iterator[Finding]:
    of_pieces = (more_than_produced(sums), more_good_than_produced(sums), more_passed_than_inspected(sums))
    yield from filter(None, of_pieces)
    yield from _not_reported(sums)
    yield from filter(None, (more_than_time_allows(sums, load_size), counted_while_off(sums)))
    yield from _silent(sums)
    yield from reading_notes(sums)
    yield from filter(None, (more_working_than_present(sums),))
    yield from _unknown(sums)


def _not_reported(sums: Sums) -> Iterator[Finding]:
    produced, ran = sums.get("produced", 0), sums.get("uncounted_s", 0)
    if finding := uncounted(sums):
        yield found("bad-or-good-but-not-produced", why=finding.why)
    elif (finding := never_counted(sums)) and ran >= BRIEF_NS:
        yield found("ran-uncounted", ran / NANO, duration=duration(ran), why=finding.why)
    if finding := good_not_reported(sums):
        yield found("produced-but-not-good", produced / NANO, produced=pieces(produced), why=finding.why)
    if finding := unrated(sums):
        yield found("not-rated", finding.amount, why=finding.why)


def _silent(sums: Sums) -> Iterator[Finding]:
    running = sums.get("running_s", 0)
    if (
        running >= _SILENT_NS
        and not never_counted(sums)
        and not any(sums.get(field, 0) for field in ("produced", "good", "scrap", "rework"))
    ):
        yield found("counter-stood-still", running / NANO, duration=duration(running))


def _unknown(sums: Sums) -> Iterator[Finding]:
    known = coverage(sums)
    unknown = sums.get("unknown_s", 0) + sums.get("unknown_planned_s", 0)
    if known is None:
        return
    if (unknown >= BRIEF_NS and 1 - known >= BRIEF_SHARE) or 1 - known >= GREAT_SHARE:
        yield found("state-unknown", unknown / NANO, duration=duration(unknown), share=f"{1 - known:.1%}")


def _long(state: State, length: int) -> Iterator[Finding]:
    if length > LONG_NS:
        yield found("state-unchanged", length / NANO, state=state, days=f"{length // (86_400 * NANO)}")
