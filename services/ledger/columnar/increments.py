"""What cumulative readings added, for many series at once, by the rules of `counters`; products beyond 64 bits."""

import numpy as np

from services.ledger.columnar.columns import Whole
from services.ledger.columnar.timeline_arrays import LIMIT, differs
from services.ledger.counters import DIP_NS
from services.ledger.fields import NANO


def increments(owner: Whole, at: Whole, totals: Whole) -> tuple[Whole, Whole]:
    """Return what each reading added (see `counters`): zero for the first of a series, and within a glitch.

    Returns:
        What was added, and the indices of the readings with which a glitch begins.
    """
    if int(np.abs(totals).max()) >= LIMIT // 2:
        raise OverflowError("a total does not fit")
    added = np.zeros_like(totals)
    added[1:] = totals[1:] - totals[:-1]
    is_first = differs(owner)
    added[is_first] = 0
    skipped = 0
    counter_glitches: list[int] = []
    ends = np.append(np.flatnonzero(is_first)[1:], len(totals))
    for drop in np.flatnonzero(added < 0).tolist():
        if drop < skipped:
            continue
        base = totals[drop - 1]
        series_end = ends[np.searchsorted(ends, drop, "right")]
        last = drop + int(np.searchsorted(at[drop:series_end], at[drop] + DIP_NS, "right"))
        back = np.flatnonzero(totals[drop:last] >= base)
        if len(back):
            counter_glitches.append(drop)
            skipped = drop + int(back[0])
            added[drop:skipped] = 0
            added[skipped] = totals[skipped] - base
        else:
            added[drop] = totals[drop]
    return added, np.array(counter_glitches, np.int64)


def times(amount: Whole, factor: Whole, more: int = 0) -> Whole:
    """Return (amount × factor + more) ÷ 10⁹, rounded down, without the product, which would not fit 64 bits."""
    high, low = np.divmod(amount, NANO)
    factor_high, factor_low = np.divmod(factor, NANO)
    product: Whole = high * factor + low * factor_high + (low * factor_low + more) // NANO
    return product
