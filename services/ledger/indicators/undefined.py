"""What was never reported: where it is missing, a number made without it would be wrong, so there is none.

Each function looks at a sum of the ledger and returns what is missing; None where nothing is.
"""

from typing import Final

from services.ledger.fields import NANO, TIME, Sums
from services.ledger.indicators.findings import Finding, found
from services.ledger.indicators.terms import Check


def uncounted(sums: Sums) -> Finding | None:
    """Return why the produced quantity cannot be right: good or bad pieces are counted, but none as produced."""
    if not sums.get("produced", 0) and (sums.get("good", 0) or sums.get("scrap", 0) or sums.get("rework", 0)):
        return found("produced-not-reported")
    return None


def never_counted(sums: Sums) -> Finding | None:
    """Return why nobody knows what was made: while it ran, no count of produced pieces had ever been received.

    A machine that was late to report its first count, which sets the base, has its numbers all the same. So have
    several machines of which one reports none: `data_quality_warnings` names it.
    """
    if sums.get("produced", 0) or not sums.get("running_s", 0) or sums.get("uncounted_s", 0) < sums["running_s"]:
        return None
    return found("never-counted", sums.get("uncounted_s", 0) / NANO)


def unrated(sums: Sums) -> Finding | None:
    """Return why there is no ideal time: the ideal cycle of some piece is not known."""
    amount = sums.get("unrated", 0)
    if not amount:
        return None
    pieces = f"{amount / NANO:g} {'piece has' if amount == NANO else 'pieces have'}"
    return found("no-ideal-cycle", amount / NANO, pieces=pieces)


def good_not_reported(sums: Sums) -> Finding | None:
    """Return why quality is not known: none of the pieces is counted as good, and not all of them as bad."""
    if sums.get("good", 0) <= 0 and sums.get("scrap", 0) + sums.get("rework", 0) < sums.get("produced", 0):
        return found("good-not-reported")
    return None


def unmetered(sums: Sums) -> Finding | None:
    """Return why energy is not known: no electricity is metered."""
    if not sums.get("electricity_kwh", 0):
        return found("no-energy-meter")
    return None


def unseen(sums: Sums) -> Finding | None:
    """Return why nothing is known of the time: the state was never known."""
    if any(sums.get(field, 0) for field in TIME if field not in {"unknown_s", "unknown_planned_s"}):
        return None
    return found("state-never-known")


READS: Final[dict[Check, tuple[str, ...]]] = {
    uncounted: ("produced", "good", "scrap", "rework"),
    never_counted: ("produced", "running_s", "uncounted_s"),
    unrated: ("unrated",),
    good_not_reported: ("produced", "good", "scrap", "rework"),
    unmetered: ("electricity_kwh",),
    unseen: TIME,
}
"""The fields of a sum that each looks at."""

BY_PRESENCE: Final[frozenset[Check]] = frozenset({uncounted, unmetered, unseen})
"""Those that look only at whether fields are zero."""
