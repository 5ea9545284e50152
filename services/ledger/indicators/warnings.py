"""What seems wrong in the data of a machine, with what to check. Nothing is corrected."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from broker.contract.events import State
from broker.contract.payloads import KpiWarning
from services.ledger.fields import NANO, Sums
from services.ledger.indicators.findings import Finding, found
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


def data_quality_warnings(by_machine: Mapping[str, Sums], lasting: Mapping[str, tuple[State, int]]) -> list[KpiWarning]:
    """Return a warning for each contradiction, machine by machine.

    Args:
        by_machine: the sums of each machine over the range.
        lasting: of each machine, the state that it last told, and how long that was before the end of the range,
            nanoseconds.
    """
    warnings: list[KpiWarning] = []
    for machine, sums in sorted(by_machine.items()):
        findings = [finding for check in _CHECKS for finding in check(sums)]
        if machine in lasting:
            findings += _long(*lasting[machine])
        warnings += [finding.of_machine(machine) for finding in findings]
    return warnings


def _too_many_pieces(sums: Sums) -> Iterator[Finding]:
    produced, good, scrap, rework = (sums.get(field, 0) for field in ("produced", "good", "scrap", "rework"))
    if not produced:
        return  # `_not_reported` finds it
    if good + scrap > produced:
        yield found(
            "more-good-and-scrap-than-produced",
            (good + scrap) / NANO,
            counted=_pieces(good + scrap),
            produced=_pieces(produced),
        )
    elif good + scrap + rework > produced:
        yield found(
            "more-with-rework-than-produced",
            (good + scrap + rework) / NANO,
            counted=_pieces(good + scrap + rework),
            produced=_pieces(produced),
        )


def _too_many_parts(sums: Sums) -> Iterator[Finding]:
    inspected, passed = sums.get("inspected", 0), sums.get("first_pass", 0)
    if passed > inspected:
        yield found("more-passed-than-inspected", passed / NANO, passed=_pieces(passed), inspected=_pieces(inspected))


def _not_reported(sums: Sums) -> Iterator[Finding]:
    produced, ran = sums.get("produced", 0), sums.get("uncounted_s", 0)
    if finding := uncounted(sums):
        yield found("bad-or-good-but-not-produced", why=finding.why)
    elif (finding := never_counted(sums)) and ran >= BRIEF_NS:
        yield found("ran-uncounted", ran / NANO, duration=_duration_text(ran), why=finding.why)
    if finding := good_not_reported(sums):
        yield found("produced-but-not-good", produced / NANO, produced=_pieces(produced), why=finding.why)
    if finding := unrated(sums):
        yield found("not-rated", finding.amount, why=finding.why)


def _too_fast(sums: Sums) -> Iterator[Finding]:
    produced, ideal, running = (sums.get(field, 0) for field in ("produced", "ideal_s", "running_s"))
    if not produced:
        return
    if not running:
        yield found("counted-while-not-running", produced / NANO, produced=_pieces(produced))
    elif 0 < ideal - running <= ideal / (produced / NANO):
        yield found("piece-begun-before", (ideal - running) / NANO, ideal=_seconds(ideal), running=_seconds(running))
    elif ideal > running:
        yield found(
            "effectiveness-above-one",
            (ideal - running) / NANO,
            ideal=_seconds(ideal),
            running=_seconds(running),
            cycle=f"{ideal / produced:.4g}",
            suggested=f"{running / produced:.4g}",
        )


def _off(sums: Sums) -> Iterator[Finding]:
    if amount := sums.get("produced_off", 0):
        yield found("counted-while-off", amount / NANO, produced=_pieces(amount))


def _silent(sums: Sums) -> Iterator[Finding]:
    running = sums.get("running_s", 0)
    if (
        running >= _SILENT_NS
        and not never_counted(sums)
        and not any(sums.get(field, 0) for field in ("produced", "good", "scrap", "rework"))
    ):
        yield found("counter-stood-still", running / NANO, duration=_duration_text(running))


def _counter_glitches(sums: Sums) -> Iterator[Finding]:
    if counter_glitches := sums.get("dips", 0):
        yield found("counter-dipped", counter_glitches / NANO, times=_times(counter_glitches))


def _people(sums: Sums) -> Iterator[Finding]:
    if sums.get("work_s", 0) > sums.get("attendance_s", 0):
        yield found("more-working-than-present")


def _unknown(sums: Sums) -> Iterator[Finding]:
    known = coverage(sums)
    unknown = sums.get("unknown_s", 0) + sums.get("unknown_planned_s", 0)
    if known is None:
        return
    if (unknown >= BRIEF_NS and 1 - known >= BRIEF_SHARE) or 1 - known >= GREAT_SHARE:
        yield found("state-unknown", unknown / NANO, duration=_duration_text(unknown), share=f"{1 - known:.1%}")


def _long(state: State, length: int) -> Iterator[Finding]:
    if length > LONG_NS:
        yield found("state-unchanged", length / NANO, state=state, days=f"{length // (86_400 * NANO)}")


_CHECKS: Final[tuple[Callable[[Sums], Iterator[Finding]], ...]] = (
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
