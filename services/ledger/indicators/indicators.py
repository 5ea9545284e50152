"""All indicators of a sum of the ledger: the 34 of ISO 22400-2:2014 and the extra ones.

An indicator is None, never 0, where a denominator is zero or the sum lacks what it needs; the reason comes with it.
"""

from typing import Final, NamedTuple

from services.ledger.fields import Sums
from services.ledger.indicators.extra import EXTRA
from services.ledger.indicators.findings import Finding
from services.ledger.indicators.indicator import Indicator
from services.ledger.indicators.iso22400 import ISO22400
from services.ledger.indicators.terms import Context, Terms

__all__ = ["INDICATORS", "Context", "Evaluation", "Indicator", "coverage", "evaluate"]

INDICATORS: Final[dict[str, Indicator]] = {**ISO22400, **EXTRA}
"""By name, in the order of the standard, those beyond it last."""


class Evaluation(NamedTuple):
    """Indicators by name: their values, None where not defined, and why they are not."""

    values: dict[str, float | None]
    reasons: dict[str, Finding]


def evaluate(sums: Sums, context: Context | None = None) -> Evaluation:
    """Return all indicators of a sum, unrounded."""
    terms = Terms(sums, context)
    values: dict[str, float | None] = {}
    reasons: dict[str, Finding] = {}
    for name, indicator in INDICATORS.items():
        values[name], why_not = indicator.evaluate(terms)
        if why_not is not None:
            reasons[name] = why_not
    return Evaluation(values, reasons)


def coverage(sums: Sums) -> float | None:
    """Return the share of calendar time of which the state is known: 1 − UT / CT. None where there is no time."""
    terms = Terms(sums)
    return (terms["CT"] - terms["UT"]) / terms["CT"] if terms["CT"] else None
