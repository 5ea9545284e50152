"""A number with its formula, as people write it, with the numbers filled in, to check with a pocket calculator.

`availability = APT / PBT = 2580 s / 3600 s = 0.716667`. The numbers are exact decimals of the ledger's integers; only
the displayed result is rounded.
"""

from typing import Final

import msgspec

from services.ledger.fields import NANO, Sums
from services.ledger.indicators.capability import Capability, Index, least
from services.ledger.indicators.findings import Finding
from services.ledger.indicators.indicator import TERM, Indicator
from services.ledger.indicators.indicators import INDICATORS
from services.ledger.indicators.terms import TERMS, Context, Operation, Terms, Undefined
from services.ledger.indicators.undefined import unrated

_DIGITS: Final = 6


class Operand(msgspec.Struct, frozen=True):
    """A term of a formula.

    Attributes:
        name: its abbreviation.
        meaning: in words.
        value: in its unit.
        unit: UCUM.
        fields: the fields of the ledger that it is the sum of; none where it comes from elsewhere.
        operation: of which operation of a line; '' of the asset as a whole.
    """

    name: str
    meaning: str
    value: float
    unit: str
    fields: tuple[str, ...]
    operation: Operation = ""


class Explained(msgspec.Struct, frozen=True):
    """An indicator of a sum, with its formula and operands.

    Attributes:
        name: of the indicator.
        number: in ISO 22400-2:2014; None for those beyond it.
        meaning: in words, and when it is not defined.
        formula: `name = …`, first as the standard writes it where it is computed otherwise.
        filled: the formula with the numbers in it, and the result to six decimals.
        text: both in one line, and why there is no value.
        value: unrounded; None where it is not defined.
        unit: UCUM; `1` for a ratio.
        why_not: why there is no value; '' where there is one.
        finding: the same as data; None where there is one.
        operands: the terms of the formula, as far as they are known.
    """

    name: str
    number: int | None
    meaning: str
    formula: str
    filled: str
    text: str
    value: float | None
    unit: str
    why_not: str
    operands: list[Operand]
    finding: Finding | None = None


def explain(name: str, sums: Sums, context: Context | None = None) -> Explained:
    """Explain an indicator of a sum.

    Raises:
        KeyError: there is no indicator of this name.
    """
    indicator = INDICATORS[name]
    of = Terms(sums, context)
    value, finding = indicator.evaluate(of)
    why_not = "" if finding is None else finding.why
    formula = " = ".join(part for part in (name, indicator.standard, indicator.formula) if part)
    numbers = TERM.sub(lambda found: _filled(found[0], of), _written(indicator, of))
    filled = f"{numbers}: not defined" if value is None else f"{numbers} = {_shown(value)}{_suffix(indicator.unit)}"
    return Explained(
        name=name,
        number=indicator.number,
        meaning=indicator.meaning,
        formula=formula,
        filled=filled,
        text=f"{formula} = {filled}{', ' if why_not else ''}{why_not}",
        value=value,
        unit=indicator.unit,
        why_not=why_not,
        operands=[operand for term in indicator.terms if (operand := _operand(term, of)) is not None],
        finding=finding,
    )


def _written(indicator: Indicator, of: Terms) -> str:
    """Return the formula for these terms, with the numbers of operands that are not terms."""
    match indicator.name:
        case "oee" | "nee" if factors := _factors(indicator, of):
            return f"{factors} = {indicator.formula}"
        case "quality_ratio" if unrated(of.sums) or not of["PRI×PQ"]:
            return indicator.standard
        case "rolled_throughput_yield":
            passed = [
                f"({_exact(each.get('first_pass', 0))} / {_exact(each['inspected'])})"
                for each in of.context.operations
                if each.get("inspected", 0)
            ]
            return " × ".join(passed) or indicator.formula
        case "cm" | "cmk" | "cp" | "cpk" as index:
            found = least(of.context.capabilities, index)
            return _capability(index, found[1]) if found is not None else indicator.formula
        case _:
            return indicator.formula


def _factors(indicator: Indicator, of: Terms) -> str:
    """Write a product of indicators with their values; '' where one has none."""
    written = indicator.standard
    for name in ("availability", "effectiveness", "quality_ratio"):
        value, _ = INDICATORS[name].evaluate(of)
        if value is None:
            return ""
        written = written.replace(name, _shown(value))
    return written


def _capability(index: Index, of: Capability) -> str:
    deviation = of.s if index in ("cm", "cmk") else of.s_within
    if index in ("cm", "cp"):
        return f"({of.upper:.12g} − {of.lower:.12g}) / (6 × {deviation:.12g})"
    room = [f"{of.upper:.12g} − {of.mean:.12g}"] if of.upper is not None else []
    room += [f"{of.mean:.12g} − {of.lower:.12g}"] if of.lower is not None else []
    return f"min({', '.join(room)}) / (3 × {deviation:.12g})"


def _operand(name: str, of: Terms) -> Operand | None:
    term = TERMS[name]
    amount = _amount(name, of)
    return (
        None if amount is None else Operand(name, term.meaning, amount / NANO, term.unit, term.fields, term.operation)
    )


def _filled(name: str, of: Terms) -> str:
    amount = _amount(name, of)
    return name if amount is None else f"{_exact(amount)}{_suffix(TERMS[name].unit)}"


def _amount(name: str, of: Terms) -> int | None:
    try:
        return of[name]
    except Undefined:
        return None


def _exact(amount: int) -> str:
    """Write 10⁻⁹ as a decimal with all the digits that it has."""
    whole, rest = divmod(abs(amount), NANO)
    decimals = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{'-' if amount < 0 else ''}{whole}{decimals}"


def _shown(value: float) -> str:
    """Write a result to six decimals, or to six figures where a small one would lose some."""
    if value and abs(value) < 0.1:
        return f"{value:.{_DIGITS}g}"
    return f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".")


def _suffix(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"
