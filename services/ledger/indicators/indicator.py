"""An indicator: a pure function of terms, with its name, number, unit and formula.

The formula is text for people (`formulas` fills in the numbers); the function computes. A test checks that both agree.
"""

import re
from collections.abc import Callable
from functools import cache
from math import isfinite
from typing import Final, NamedTuple

from services.ledger.fields import Sums
from services.ledger.indicators.findings import Finding, found
from services.ledger.indicators.terms import OF_ITSELF, TERMS, Check, Terms, Undefined
from services.ledger.indicators.undefined import READS

Compute = Callable[[Terms], float]
"""Returns the value; raises `Undefined`, or `ZeroDivisionError` where a denominator is zero."""

TERM: Final = re.compile(
    rf"(?<![\w×])(?:{'|'.join(re.escape(name) for name in sorted(TERMS, key=len, reverse=True))})(?![\w×])"
)
"""An abbreviation in a formula."""
TOO_LARGE: Final = found("too-large")
_DENOMINATOR: Final = re.compile(r"/ (\([^()]*\)|[^\s()]+)")


class Indicator(NamedTuple):
    """An indicator.

    Attributes:
        name: as API and files have it.
        number: in ISO 22400-2:2014; None for those beyond the standard.
        unit: UCUM; `1` for a ratio.
        formula: over the abbreviations of `terms.TERMS`.
        standard: the same as the standard writes it, where it is computed otherwise; else ''.
        compute: the function.
        needs: what must not be missing; checked before it is computed.
        reported: a term that must have been reported, if it is zero; '' for none.
        reads: fields of the ledger that it depends on besides those of its terms and of what it needs.
    """

    name: str
    number: int | None
    unit: str
    formula: str
    standard: str
    compute: Compute
    needs: tuple[Check, ...] = ()
    reported: str = ""
    reads: tuple[str, ...] = ()

    @property
    def quotient(self) -> tuple[str, str] | None:
        """The two terms of the sum itself that it is the quotient of, whatever else there is; None if it is not."""
        terms = self.formula.split(" / ")
        is_quotient = len(terms) == 2 and OF_ITSELF.keys() >= set(terms) and not self.reads
        return (terms[0], terms[1]) if is_quotient else None

    @property
    def terms(self) -> list[str]:
        """The abbreviations in the formula, and in that of the standard, each once."""
        return list(dict.fromkeys(TERM.findall(f"{self.formula} {self.standard}")))

    @property
    def fields(self) -> frozenset[str]:
        """The fields of the ledger that its value depends on, or why it has none, in whatever sums these are."""
        of_terms = [field for term in self.terms for field in TERMS[term].fields]
        return frozenset([*of_terms, *(field for need in self.needs for field in READS[need]), *self.reads])

    @property
    def meaning(self) -> str:
        """What it means, and when it is not defined."""
        return " ".join((self.compute.__doc__ or "").partition("\n")[2].split())

    def evaluate(self, of: Terms) -> tuple[float | None, Finding | None]:
        """Return the value and None, or None and why there is none."""
        for need in self.needs:
            if (finding := missing(need, of.sums)) is not None:
                return None, finding
        return self.value(of)

    def value(self, of: Terms) -> tuple[float | None, Finding | None]:
        """Return what `evaluate` does, where nothing that it needs is missing."""
        try:
            if self.reported:
                of.need_reported(self.reported)
            value = self.compute(of)
        except Undefined as why:
            return None, why.finding
        except ZeroDivisionError:
            return None, _zero(tuple(term for term in self.divisors if not of[term]))
        except ArithmeticError:
            return None, TOO_LARGE
        return (value, None) if isfinite(value) else (None, TOO_LARGE)

    @property
    def divisors(self) -> tuple[str, ...]:
        """The terms in the formula's denominators."""
        return _below(self.formula)


def register(
    into: dict[str, Indicator],
    number: int | None,
    formula: str,
    unit: str = "1",
    *,
    standard: str = "",
    needs: tuple[Check, ...] = (),
    reported: str = "",
    reads: tuple[str, ...] = (),
) -> Callable[[Compute], Compute]:
    """Return a decorator that puts a function into a registry, under its own name."""

    def put(compute: Compute) -> Compute:
        name = compute.__name__
        into[name] = Indicator(name, number, unit, formula, standard, compute, needs, reported, reads)
        return compute

    return put


def missing(need: Check, sums: Sums) -> Finding | None:
    """Return what a check finds missing; of a number too large for its sentence, that it is."""
    try:
        return need(sums)
    except OverflowError:
        return TOO_LARGE


@cache
def _below(formula: str) -> tuple[str, ...]:
    """Return the terms in a formula's denominators."""
    return tuple(dict.fromkeys(term for part in _DENOMINATOR.findall(formula) for term in TERM.findall(part)))


@cache
def _zero(terms: tuple[str, ...]) -> Finding:
    """Return the finding that these denominators are zero."""
    zeros = [f"{TERMS[term].meaning} ({term})" for term in terms]
    return found("zero-denominator", terms=f"{' and '.join(zeros)} {'is' if len(zeros) == 1 else 'are'}")
