"""Indicators that have no value whatever the amounts: which they are follows from the fields that a sum has at all.

A machine that reports no material has no material ratios. Most indicators of most sums are such, and finding that out
costs more than a quotient. So it is found out once for all sums that have the same fields.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from services.ledger.fields import Sums
from services.ledger.indicators.extra import EXTRA
from services.ledger.indicators.findings import Finding
from services.ledger.indicators.indicator import Indicator
from services.ledger.indicators.iso22400 import ISO22400
from services.ledger.indicators.terms import OF_ITSELF, TERMS, Check, Context, Terms
from services.ledger.indicators.undefined import BY_PRESENCE

INDICATORS: Final[dict[str, Indicator]] = {**ISO22400, **EXTRA}
"""By name, in the order of the standard, those beyond it last."""

_Present = frozenset[str]
_OF_CONTEXT: Final = frozenset({"no-plan", "no-bottleneck"})
"""Findings that the context lacks a quantity, whatever the amounts."""


class Quotient(NamedTuple):
    """An indicator that is the quotient of two terms of the sum itself.

    Attributes:
        indicator: which.
        above: the term that is divided.
        below: the term that it is divided by.
        is_zero_known: whether the term above is known to have been reported, if it is zero.
    """

    indicator: Indicator
    above: str
    below: str
    is_zero_known: bool


class Resolved(NamedTuple):
    """What is resolved of the sums that have the same fields.

    Attributes:
        reasons: by name, why indicators have no value, unless something that they need is missing.
        terms: those of the sum itself that are in the formulas of the others, each with the fields that it is the sum
            of here.
        quotients: of the others, those that are a quotient.
        indicators: the rest of them.
        needing: the indicators that have needs which some amounts meet and others do not.
        needs: theirs, each once.
    """

    reasons: dict[str, Finding]
    terms: tuple[tuple[str, tuple[str, ...]], ...]
    quotients: tuple[Quotient, ...]
    indicators: tuple[Indicator, ...]
    needing: tuple[Indicator, ...]
    needs: tuple[Check, ...]


def resolved(sums: Sums, context: Context) -> Resolved:
    """Return what is resolved of a sum with bounded terms, in its context."""
    parts = context.operations if context.metered is None else (*context.operations, context.metered)
    # Most have no sum that is zero, nor another part than themselves; both are in order of no matter what.
    present = frozenset(sums) if all(sums.values()) else _present(sums)
    others = present if len(parts) == 1 and parts[0] == sums else frozenset().union(*map(_present, parts))
    return _resolved(
        present,
        others,
        context.not_reported,
        context.bottleneck,
        len(context.operations),
        has_metered=context.metered is not None,
        is_output_not_reported=context.output_not_reported,
        is_measured=bool(context.capabilities),
        is_planned=context.planned is not None,
    )


def _present(sums: Mapping[str, int]) -> _Present:
    return frozenset(field for field, amount in sums.items() if amount)


@lru_cache(4_096)
def _resolved(
    present: _Present,
    others: _Present,
    not_reported: frozenset[str],
    bottleneck: int | None,
    operations: int,
    *,
    has_metered: bool,
    is_output_not_reported: bool,
    is_measured: bool,
    is_planned: bool,
) -> Resolved:
    """Return what is resolved of sums that have these fields, and their operations those."""
    one = dict.fromkeys(others, 1)
    context = Context(
        operations=(one,) * operations,
        bottleneck=bottleneck,
        not_reported=not_reported,
        output_not_reported=is_output_not_reported,
        metered=one if has_metered else None,
        planned=1 if is_planned else None,
    )
    terms, fields = Terms(dict.fromkeys(present, 1), context), present | others
    reasons: dict[str, Finding] = {}
    undefined: dict[str, Finding] = {}
    for name, indicator in INDICATORS.items():
        _, why_not = indicator.evaluate(terms)
        if why_not is None:
            continue
        if _is_resolved(indicator, why_not, terms.sums, fields) if indicator.fields else not is_measured:
            reasons[name] = why_not
            continue
        _, why_not = indicator.value(terms)
        if why_not is not None and not indicator.reads and _is_undefined(indicator, why_not, fields):
            undefined[name] = why_not
    left = [indicator for name, indicator in INDICATORS.items() if name not in reasons]
    to_compute = [indicator for indicator in left if indicator.name not in undefined]
    names = dict.fromkeys(term for indicator in to_compute for term in indicator.terms if term in OF_ITSELF)
    quotients = tuple(_quotients(to_compute, not_reported))
    simple = {each.indicator.name for each in quotients}
    return Resolved(
        reasons | undefined,
        tuple((name, tuple(field for field in OF_ITSELF[name] if field in present)) for name in names),
        quotients,
        tuple(indicator for indicator in to_compute if indicator.name not in simple),
        *_needing(left),
    )


def _quotients(indicators: Iterable[Indicator], not_reported: _Present) -> Iterator[Quotient]:
    for indicator in indicators:
        if (terms := indicator.quotient) is not None:
            must_be_reported = TERMS[indicator.reported].fields if indicator.reported else ()
            yield Quotient(indicator, *terms, not_reported.isdisjoint(must_be_reported))


def _needing(indicators: Iterable[Indicator]) -> tuple[tuple[Indicator, ...], tuple[Check, ...]]:
    needing = tuple(indicator for indicator in indicators if indicator.needs)
    return needing, tuple(dict.fromkeys(need for indicator in needing for need in indicator.needs))


def _is_resolved(indicator: Indicator, why_not: Finding, sums: Sums, fields: _Present) -> bool:
    """Return whether no amount changes why an indicator has no value, given which fields there are."""
    if fields.isdisjoint(indicator.fields) and not _is_of_context(indicator):
        return True
    if not BY_PRESENCE.issuperset(indicator.needs):
        return False
    is_missing = why_not.code == "term-not-reported" or why_not in [need(sums) for need in indicator.needs]
    return is_missing or _is_undefined(indicator, why_not, fields)


def _is_undefined(indicator: Indicator, why_not: Finding, fields: _Present) -> bool:
    """Return whether no amount changes why an indicator has no value, where nothing that it needs is missing."""
    if why_not.code in _OF_CONTEXT:
        return True
    divisors = [field for term in indicator.divisors for field in TERMS[term].fields]
    return bool(divisors) and fields.isdisjoint(divisors) and not _is_of_context(indicator)


def _is_of_context(indicator: Indicator) -> bool:
    return any(not TERMS[term].fields for term in indicator.terms)


ALL_OPEN: Final = Resolved({}, (), (), tuple(INDICATORS.values()), *_needing(INDICATORS.values()))
"""What is resolved where a term may be beyond its bounds."""
