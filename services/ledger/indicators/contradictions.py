"""Contradictions in a sum of the ledger: pieces that do not fit each other, or the time in which they were made.

Each function returns the finding, or None where there is none. A contradiction of a machine is one of its warnings; a
gross one makes indicators `implausible`.
"""

from services.ledger.fields import NANO, Sums
from services.ledger.indicators.amounts import pieces, seconds
from services.ledger.indicators.findings import Finding, found


def more_than_produced(sums: Sums) -> Finding | None:
    """Good, bad and reworked pieces are more than those produced."""
    produced, good, scrap, rework = (sums.get(field, 0) for field in ("produced", "good", "scrap", "rework"))
    if not produced:
        return None  # `undefined.uncounted` finds it
    if (counted := good + scrap) > produced:
        return found(
            "more-good-and-scrap-than-produced", counted / NANO, counted=pieces(counted), produced=pieces(produced)
        )
    if (counted := good + scrap + rework) > produced:
        return found(
            "more-with-rework-than-produced", counted / NANO, counted=pieces(counted), produced=pieces(produced)
        )
    return None


def more_good_than_produced(sums: Sums) -> Finding | None:
    """The good pieces, each with its ideal cycle, are more than those produced."""
    ideal, ideal_good = sums.get("ideal_s", 0), sums.get("ideal_good_s", 0)
    if ideal_good <= ideal or sums.get("produced", 0) <= 0 or more_than_produced(sums) is not None:
        return None
    return found("quality-above-one", (ideal_good - ideal) / NANO, good=seconds(ideal_good), produced=seconds(ideal))


def more_passed_than_inspected(sums: Sums) -> Finding | None:
    """More parts passed at first than were inspected."""
    inspected, passed = sums.get("inspected", 0), sums.get("first_pass", 0)
    if passed <= inspected:
        return None
    return found("more-passed-than-inspected", passed / NANO, passed=pieces(passed), inspected=pieces(inspected))


def more_than_time_allows(sums: Sums, load_size: float = 1) -> Finding | None:
    """The ideal time of the pieces is longer than the time in which the machine ran.

    Args:
        sums: of a machine, or of several.
        load_size: the pieces that are counted together: so many may have been begun before the range.
    """
    produced, ideal, running = (sums.get(field, 0) for field in ("produced", "ideal_s", "running_s"))
    if not produced:
        return None
    if not running and (load_size == 1 or produced > load_size * NANO):
        return found("counted-while-not-running", produced / NANO, produced=pieces(produced))
    if ideal > running and is_of_a_load(sums, load_size):
        return found(
            "piece-begun-before",
            (ideal - running) / NANO,
            ideal=seconds(ideal),
            running=seconds(running),
            piece="a piece" if load_size == 1 else f"a load of {load_size:g} pieces",
        )
    if ideal <= running:
        return None
    return found(
        "effectiveness-above-one",
        (ideal - running) / NANO,
        ideal=seconds(ideal),
        running=seconds(running),
        cycle=f"{ideal / produced:.4g}",
        suggested=f"{running / produced:.4g}",
    )


def is_of_a_load(sums: Sums, load_size: float) -> bool:
    """Return whether the ideal time is ahead of the running time by no more than that of pieces counted together."""
    produced, ideal, running = (sums.get(field, 0) for field in ("produced", "ideal_s", "running_s"))
    return produced > 0 and (ideal - running) * produced <= ideal * round(load_size * NANO)


def counted_while_off(sums: Sums) -> Finding | None:
    """Pieces were counted while the machine reported off."""
    amount = sums.get("produced_off", 0)
    return found("counted-while-off", amount / NANO, produced=pieces(amount)) if amount else None


def more_working_than_present(sums: Sums) -> Finding | None:
    """More people work than are present."""
    return found("more-working-than-present") if sums.get("work_s", 0) > sums.get("attendance_s", 0) else None
