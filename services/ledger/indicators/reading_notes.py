"""What the readings of counters, meters and materials were besides production, and what was done with it."""

from collections.abc import Iterator
from typing import Final

from services.ledger.fields import NANO, TIME, Sums
from services.ledger.indicators.amounts import times
from services.ledger.indicators.findings import Finding, found

OFTEN: Final = 3
"""So many resets, as many an hour on average, are several in an hour."""
_UNKNOWN: Final = frozenset({"unknown_s", "unknown_planned_s"})
_HOUR_NS: Final = 3_600 * NANO


def reading_notes(sums: Sums) -> Iterator[Finding]:
    """Yield a finding for each kind of reading that was noted."""
    if dips := sums.get("dips", 0):
        yield found("counter-dipped", dips / NANO, times=times(dips))
    if corrections := sums.get("corrections", 0):
        yield found("counter-corrected", corrections / NANO, times=times(corrections))
    if roll_overs := sums.get("roll_overs", 0):
        yield found("counter-rolled-over", roll_overs / NANO, times=times(roll_overs))
    if resets := sums.get("resets", 0):
        if _is_often(resets, sums):
            yield found("counter-reset-often", resets / NANO, times=times(resets))
        else:
            yield found("counter-reset", resets / NANO, times=times(resets))
    if spikes := sums.get("spikes", 0):
        yield found("counter-spiked", spikes / NANO, times=times(spikes))
    if new_bases := sums.get("new_bases", 0):
        yield found("counter-new-base", new_bases / NANO, times=times(new_bases))


def _is_often(resets: int, sums: Sums) -> bool:
    known = sum(sums.get(field, 0) for field in TIME if field not in _UNKNOWN)
    return resets * _HOUR_NS >= OFTEN * NANO * max(known, _HOUR_NS)
