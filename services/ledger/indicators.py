"""The 34 indicators of ISO 22400-2:2014 and those that we add: pure functions of a sum of the ledger.

Each is written as its formula over the standard's terms (`terms`). Arithmetic is exact and rounded once, at the end.
A zero denominator gives None, never 0; so does a sum that lacks what the indicator needs, with the reason. The sums may
be of any time range and any machines: a ratio of sums is never a mean of ratios.
"""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final, NamedTuple

import msgspec

from services.ledger.fields import NANO, Sums
from services.ledger.terms import TERMS, Terms

CO2E_KG_PER_KWH: Final = Fraction(177, 1_000)
"""Grid electricity of the United Kingdom in 2025, by the government's conversion factors."""


class Context(msgspec.Struct, frozen=True):
    """What an indicator may need besides the sums.

    Attributes:
        first_produced: pieces that the first operation of a line produced, in 10⁻⁹; None where there is no line.
        planned: pieces that orders and calendar plan for the range, in 10⁻⁹; None where nobody planned.
        capability: cm, cmk, cp and cpk, where a characteristic with limits was measured.
        first_pass_yields: of each machine of a line; None for one that inspected nothing.
    """

    first_produced: int | None = None
    planned: int | None = None
    capability: Mapping[str, float | None] = msgspec.field(default_factory=dict)
    first_pass_yields: tuple[Fraction | None, ...] = ()


class Evaluation(NamedTuple):
    """Indicators by name: their values, None where not defined, and why they are not."""

    values: dict[str, float | None]
    reasons: dict[str, str]


class Undefined(Exception):  # noqa: N818  (a result, not an error)
    """An indicator has no value; the text says why."""


Formula = Callable[[Terms, Context], Fraction | float]


class Indicator(NamedTuple):
    """An indicator.

    Attributes:
        name: as API and files have it.
        number: in ISO 22400-2:2014; None for those beyond the standard.
        unit: UCUM; `1` for a ratio.
        formula: over the abbreviations of `terms.TERMS`.
        compute: the formula; raises `Undefined` or `ZeroDivisionError` where there is no value.
    """

    name: str
    number: int | None
    unit: str
    formula: str
    compute: Formula

    @property
    def terms(self) -> list[str]:
        """The abbreviations in the formula, in its order."""
        return list(dict.fromkeys(word for word in re.findall(r"[A-Za-z]+", self.formula) if word in TERMS))

    def evaluate(self, terms: Terms, context: Context) -> tuple[float | None, str]:
        """Return the value and '', or None and why there is none."""
        try:
            return float(self.compute(terms, context)), ""
        except Undefined as why:
            return None, str(why)
        except ZeroDivisionError:
            return None, f"{_denominator(self)} is zero"

    @property
    def meaning(self) -> str:
        """What it means, and when it is not defined."""
        return " ".join((self.compute.__doc__ or "").split())


INDICATORS: Final[dict[str, Indicator]] = {}
"""By name, in the order of the standard, those beyond it last."""


def evaluate(sums: Sums, context: Context | None = None) -> Evaluation:
    """Return all indicators of a sum."""
    context = context or Context()
    terms = Terms(sums)
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for name, indicator in INDICATORS.items():
        values[name], why_not = indicator.evaluate(terms, context)
        if why_not:
            reasons[name] = why_not
    return Evaluation(values, reasons)


def coverage(sums: Sums) -> float | None:
    """Return the share of calendar time of which the state is known: 1 − UT / CT. None where there is no time."""
    terms = Terms(sums)
    return float(1 - terms["UT"] / terms["CT"]) if terms["CT"] else None


def _denominator(indicator: Indicator) -> str:
    below = indicator.formula.rpartition(" / ")[2].strip("()")
    return f"{below} ({TERMS[below].meaning})" if below in TERMS else below


def _indicator(number: int | None, formula: str, unit: str = "1") -> Callable[[Formula], Formula]:
    def register(compute: Formula) -> Formula:
        INDICATORS[compute.__name__] = Indicator(compute.__name__, number, unit, formula, compute)
        return compute

    return register


def _rated(terms: Terms) -> None:
    """Raise `Undefined` if pieces were made of which nobody told an ideal cycle."""
    unrated = terms["UNRATED"]
    if unrated:
        raise Undefined(f"{float(unrated):g} pieces have no ideal cycle: send ideal_cycle with the job")


def _judged(terms: Terms) -> None:
    """Raise `Undefined` if good pieces seem not to be reported at all."""
    if not terms["GQ"] and terms["SQ"] + terms["RQ"] < terms["PQ"]:
        raise Undefined("good pieces are not reported: send good with the count")


# ---- The standard's, in its order ----


@_indicator(1, "APWT / APAT")
def worker_efficiency(of: Terms, _: Context) -> Fraction:
    """Work time of people over their attendance. None where nobody was present or nobody says."""
    return of["APWT"] / of["APAT"]


@_indicator(2, "AUBT / AOET")
def allocation_ratio(of: Terms, _: Context) -> Fraction:
    """Busy time over the execution time of orders, queueing included. None without an order."""
    return of["AUBT"] / of["AOET"]


@_indicator(3, "PQ / AOET", "/s")
def throughput_rate(of: Terms, _: Context) -> Fraction:
    """Pieces a second of order execution. None without an order."""
    return of["PQ"] / of["AOET"]


@_indicator(4, "AUBT / PBT")
def allocation_efficiency(of: Terms, _: Context) -> Fraction:
    """Busy time over planned busy time. None where nothing was planned, or nothing of it is known."""
    return of["AUBT"] / of["PBT"]


@_indicator(5, "APT / AUBT")
def utilization_efficiency(of: Terms, _: Context) -> Fraction:
    """Production time over busy time. None where the machine was never busy."""
    return of["APT"] / of["AUBT"]


@_indicator(6, "PRIxGQ / PBT")
def oee(of: Terms, _: Context) -> Fraction:
    """Overall equipment effectiveness: availability × effectiveness × quality ratio.

    Over products of unlike cycles this is fully productive time over planned time. None where nothing was planned, a
    piece has no ideal cycle, or good pieces are not reported.
    """
    _rated(of)
    _judged(of)
    return of["PRIxGQ"] / of["PBT"]


@_indicator(7, "AUPT / PBT * PRIxGQ / APT")
def nee(of: Terms, _: Context) -> Fraction:
    """Net equipment effectiveness: (AUPT / PBT) × effectiveness × quality ratio, so that set-up is no loss.

    None as for OEE, and where the machine never ran.
    """
    _rated(of)
    _judged(of)
    return of["AUPT"] / of["PBT"] * of["PRIxGQ"] / of["APT"]


@_indicator(8, "APT / PBT")
def availability(of: Terms, _: Context) -> Fraction:
    """Production time over planned busy time. None where nothing was planned, or nothing of it is known."""
    return of["APT"] / of["PBT"]


@_indicator(9, "PRIxPQ / APT")
def effectiveness(of: Terms, _: Context) -> Fraction:
    """Ideal time of what was produced over production time. Above 1 the ideal cycle is too long: it is shown as it is.

    None where the machine never ran, or a piece has no ideal cycle.
    """
    _rated(of)
    return of["PRIxPQ"] / of["APT"]


@_indicator(10, "GQ / PQ")
def quality_ratio(of: Terms, _: Context) -> Fraction:
    """Good over produced pieces, each weighed with its ideal time where all have one, so that OEE is the product.

    Where one product is made this is GQ / PQ. None where nothing was produced, or good pieces are not reported.
    """
    _judged(of)
    if not of["UNRATED"] and of["PRIxPQ"]:
        return of["PRIxGQ"] / of["PRIxPQ"]
    return of["GQ"] / of["PQ"]


@_indicator(11, "AUST / AUPT")
def setup_rate(of: Terms, _: Context) -> Fraction:
    """Set-up time over processing time. None where the machine neither ran nor was set up."""
    return of["AUST"] / of["AUPT"]


@_indicator(12, "APT / (APT + ADET)")
def technical_efficiency(of: Terms, _: Context) -> Fraction:
    """Production time over itself and delay. None where there was neither."""
    return of["APT"] / (of["APT"] + of["ADET"])


@_indicator(13, "APT / AOET")
def production_process_ratio(of: Terms, _: Context) -> Fraction:
    """Production time over the execution time of orders. None without an order."""
    return of["APT"] / of["AOET"]


@_indicator(14, "SQ / PSQ")
def actual_to_planned_scrap_ratio(of: Terms, _: Context) -> Fraction:
    """Scrap over planned scrap. None where no scrap was planned."""
    return of["SQ"] / of["PSQ"]


@_indicator(15, "GP / IP")
def first_pass_yield(of: Terms, _: Context) -> Fraction:
    """Parts that were good at first pass over inspected parts. None where nothing was inspected."""
    return of["GP"] / of["IP"]


@_indicator(16, "SQ / PQ")
def scrap_ratio(of: Terms, _: Context) -> Fraction:
    """Scrap over produced pieces. None where nothing was produced."""
    return of["SQ"] / of["PQ"]


@_indicator(17, "RQ / PQ")
def rework_ratio(of: Terms, _: Context) -> Fraction:
    """Rework over produced pieces. None where nothing was produced."""
    return of["RQ"] / of["PQ"]


@_indicator(18, "SQ / PQ of the first operation")
def fall_off_ratio(of: Terms, context: Context) -> Fraction:
    """Scrap of all operations over the pieces of the first one. None for what is not a line."""
    if context.first_produced is None:
        raise Undefined("it is of a line, by its first operation")
    if not context.first_produced:
        raise Undefined("the first operation produced nothing")
    return of["SQ"] / Fraction(context.first_produced, NANO)


def _capability(name: str, context: Context) -> float:
    value = context.capability.get(name)
    if value is None:
        raise Undefined("no characteristic with both limits was measured often enough")
    return value


@_indicator(19, "(USL − LSL) / (6 s)")
def cm(_: Terms, context: Context) -> float:
    """Machine capability. None where no characteristic with both limits was measured twice."""
    return _capability("cm", context)


@_indicator(20, "min(USL − mean, mean − LSL) / (3 s)")
def cmk(_: Terms, context: Context) -> float:
    """Critical machine capability. None as for Cm."""
    return _capability("cmk", context)


@_indicator(21, "(USL − LSL) / (6 sigma within)")
def cp(_: Terms, context: Context) -> float:
    """Process capability, by the deviation within subgroups. None where no two neighbours were measured."""
    return _capability("cp", context)


@_indicator(22, "min(USL − mean, mean − LSL) / (3 sigma within)")
def cpk(_: Terms, context: Context) -> float:
    """Critical process capability. None as for Cp."""
    return _capability("cpk", context)


@_indicator(23, "E / PQ", "kW.h")
def comprehensive_energy_consumption(of: Terms, _: Context) -> Fraction:
    """Electrical energy a produced piece. None where nothing was produced, or no energy is metered."""
    if not of["E"]:
        raise Undefined("no electricity was metered")
    return of["E"] / of["PQ"]


@_indicator(24, "TH / (SxT / ST)")
def inventory_turns(of: Terms, _: Context) -> Fraction:
    """Throughput over the average stock. None where no stock was told."""
    return of["TH"] / (of["SxT"] / of["ST"])


@_indicator(25, "GQ / CM")
def finished_goods_ratio(of: Terms, _: Context) -> Fraction:
    """Good quantity over consumed material. None where nothing was consumed."""
    return of["GQ"] / of["CM"]


@_indicator(26, "IGQ / CM")
def integrated_goods_ratio(of: Terms, _: Context) -> Fraction:
    """Integrated good quantity over consumed material. None where nothing was consumed."""
    return of["IGQ"] / of["CM"]


@_indicator(27, "PL / CM")
def production_loss_ratio(of: Terms, _: Context) -> Fraction:
    """Material lost in production over that consumed. None where nothing was consumed."""
    return of["PL"] / of["CM"]


@_indicator(28, "STL / CM")
def storage_and_transport_loss_ratio(of: Terms, _: Context) -> Fraction:
    """Material lost in storage and transport over that consumed. None where nothing was consumed."""
    return of["STL"] / of["CM"]


@_indicator(29, "OL / CM")
def other_loss_ratio(of: Terms, _: Context) -> Fraction:
    """Material lost otherwise over that consumed. None where nothing was consumed."""
    return of["OL"] / of["CM"]


@_indicator(30, "PRIxPQ / PBT")
def equipment_load_ratio(of: Terms, _: Context) -> Fraction:
    """Produced quantity over the equipment's production capacity, PQ / EPC, with EPC = PBT / PRI.

    None where nothing was planned, or a piece has no ideal cycle.
    """
    _rated(of)
    return of["PRIxPQ"] / of["PBT"]


@_indicator(31, "TBF / (FE + 1)", "s")
def mean_operating_time_between_failures(of: Terms, _: Context) -> Fraction:
    """Operating time over the number of failures and one, as the standard has it. Always defined."""
    return of["TBF"] / (of["FE"] + 1)


@_indicator(32, "TTF / (FE + 1)", "s")
def mean_time_to_failure(of: Terms, _: Context) -> Fraction:
    """Time able to produce over the number of failures and one, as the standard has it. Always defined."""
    return of["TTF"] / (of["FE"] + 1)


@_indicator(33, "TTR / (FE + 1)", "s")
def mean_time_to_restoration(of: Terms, _: Context) -> Fraction:
    """Time in failure over the number of failures and one, as the standard has it. Always defined."""
    return of["TTR"] / (of["FE"] + 1)


@_indicator(34, "CMT / (CMT + PMT)")
def corrective_maintenance_ratio(of: Terms, _: Context) -> Fraction:
    """Corrective over all maintenance time. None where there was none."""
    return of["CMT"] / (of["CMT"] + of["PMT"])


# ---- Beyond the standard ----


@_indicator(None, "PRIxGQ / CT")
def teep(of: Terms, _: Context) -> Fraction:
    """Total effective equipment performance: fully productive time over calendar time. None as for OEE."""
    _rated(of)
    _judged(of)
    return of["PRIxGQ"] / of["CT"]


@_indicator(None, "APT / FE", "s")
def running_time_per_failure(of: Terms, _: Context) -> Fraction:
    """Mean time between failures as it is reckoned in practice: running time over failures. None without a failure."""
    return of["APT"] / of["FE"]


@_indicator(None, "TTR / FE", "s")
def repair_time_per_failure(of: Terms, _: Context) -> Fraction:
    """Mean time to repair as it is reckoned in practice: time in failure over failures. None without a failure."""
    return of["TTR"] / of["FE"]


@_indicator(None, "MST / PBT")
def microstop_ratio(of: Terms, _: Context) -> Fraction:
    """Time in micro-stops over planned busy time. None where nothing was planned."""
    return of["MST"] / of["PBT"]


@_indicator(None, "E / GQ", "kW.h")
def energy_per_good_piece(of: Terms, _: Context) -> Fraction:
    """Electrical energy a good piece. None where no piece was good, or no energy is metered."""
    if not of["E"]:
        raise Undefined("no electricity was metered")
    return of["E"] / of["GQ"]


@_indicator(None, "0.177 kg/(kW.h) * E / GQ", "kg")
def co2e_per_good_piece(of: Terms, context: Context) -> Fraction:
    """Greenhouse gas of the electricity of a good piece, as CO₂ equivalent. None as for the energy."""
    return CO2E_KG_PER_KWH * Fraction(energy_per_good_piece(of, context))


@_indicator(None, "product of the machines' first pass yields")
def rolled_throughput_yield(_: Terms, context: Context) -> Fraction:
    """Probability that a piece goes through the whole line without rework. None where no machine inspects."""
    known = [part for part in context.first_pass_yields if part is not None]
    if not known:
        raise Undefined("no machine of the line inspected anything")
    product = Fraction(1)
    for part in known:
        product *= part
    return product


@_indicator(None, "GQ / planned quantity")
def schedule_attainment(of: Terms, context: Context) -> Fraction:
    """Good pieces over those planned up to now. None where nobody planned."""
    if not context.planned:
        raise Undefined("no planned quantity is known")
    return of["GQ"] / Fraction(context.planned, NANO)
