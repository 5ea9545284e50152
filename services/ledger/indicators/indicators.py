"""All indicators of a sum of the ledger: the 34 of ISO 22400-2:2014 and the extra ones.

An indicator is None, never 0, where a denominator is zero or the sum lacks what it needs; the reason comes with it.
"""

from typing import NamedTuple

from services.ledger.fields import TIME, Sums
from services.ledger.indicators.findings import Finding
from services.ledger.indicators.indicator import Indicator, missing
from services.ledger.indicators.resolved import ALL_OPEN, INDICATORS, resolved
from services.ledger.indicators.terms import TERMS, Context, Terms, are_bounded, sum_of

__all__ = ["INDICATORS", "Context", "Evaluation", "Indicator", "coverage", "evaluate"]


class Evaluation(NamedTuple):
    """Indicators by name: their values, None where not defined, and why those are not, in no order."""

    values: dict[str, float | None]
    reasons: dict[str, Finding]


def evaluate(sums: Sums, context: Context | None = None) -> Evaluation:
    """Return all indicators of a sum, unrounded."""
    terms = Terms(sums, context)
    known = ALL_OPEN
    if are_bounded(sums):
        known = resolved(sums, terms.context)
        terms.fill(known.terms)
    values: dict[str, float | None] = dict.fromkeys(INDICATORS)
    reasons = dict(known.reasons)
    others = known.indicators
    for indicator, above, below, is_zero_known in known.quotients:
        amount, divisor = terms[above], terms[below]
        if divisor and (amount or is_zero_known):
            values[indicator.name] = amount / divisor
        else:
            others = (*others, indicator)
    for indicator in others:
        values[indicator.name], why_not = indicator.value(terms)
        if why_not is not None:
            reasons[indicator.name] = why_not
    if lacking := {need: finding for need in known.needs if (finding := missing(need, sums)) is not None}:
        for indicator in known.needing:
            if (first := next((lacking[need] for need in indicator.needs if need in lacking), None)) is not None:
                values[indicator.name], reasons[indicator.name] = None, first
    return Evaluation(values, reasons)


def coverage(sums: Sums) -> float | None:
    """Return the share of calendar time of which the state is known: 1 − UT / CT. None where there is no time."""
    time = sum_of(sums, TIME)
    return (time - sum_of(sums, TERMS["UT"].fields)) / time if time else None
