"""What seems wrong in the data of a machine, with what to check. Nothing is corrected."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from broker.contract.events import State
from broker.contract.payloads import KpiWarning
from services.ledger.fields import NANO, Sums
from services.ledger.indicators import contradictions
from services.ledger.indicators.amounts import duration, pieces
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


def data_quality_warnings(by_machine: Mapping[str, Sums], lasting: Mapping[str, tuple[State, int]]) -> list[KpiWarning]:
    """Return a warning for each contradiction, machine by machine.

    Args:
        by_machine: the sums of each machine over the range.
        lasting: of each machine, the state that it last reported, and how long that was before the end of the range,
            nanoseconds.
    """
    warnings: list[KpiWarning] = []
    for machine, sums in sorted(by_machine.items()):
        findings = [finding for check in _CHECKS for finding in check(sums)]
        if machine in lasting:
            findings += _long(*lasting[machine])
        warnings += [finding.of_machine(machine) for finding in findings]
    return warnings


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


def _of_one(contradiction: Callable[[Sums], Finding | None]) -> Callable[[Sums], Iterator[Finding]]:
    """Return a check that finds one contradiction."""

    def check(sums: Sums) -> Iterator[Finding]:
        if finding := contradiction(sums):
            yield finding

    return check


_CHECKS: Final[tuple[Callable[[Sums], Iterator[Finding]], ...]] = (
    _of_one(contradictions.more_than_produced),
    _of_one(contradictions.more_good_than_produced),
    _of_one(contradictions.more_passed_than_inspected),
    _not_reported,
    _of_one(contradictions.more_than_time_allows),
    _of_one(contradictions.counted_while_off),
    _silent,
    reading_notes,
    _of_one(contradictions.more_working_than_present),
    _unknown,
)
