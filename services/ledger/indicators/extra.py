"""Indicators beyond ISO 22400-2, each a pure function of the terms of a sum, as those of the standard are."""

from functools import partial
from math import prod
from typing import Final

from services.ledger.fields import NANO
from services.ledger.indicators.findings import found
from services.ledger.indicators.indicator import Indicator, register
from services.ledger.indicators.terms import Terms, Undefined
from services.ledger.indicators.undefined import good_not_reported, never_counted, uncounted, unmetered, unrated

EXTRA: Final[dict[str, Indicator]] = {}
"""By name."""

_extra = partial(register, EXTRA, None)


@_extra("PRI×GQ / CT", needs=(uncounted, never_counted, unrated, good_not_reported))
def teep(of: Terms) -> float:
    """Beyond the standard: PRI×GQ / CT, a ratio.

    Total effective equipment performance: fully productive time over calendar time, whatever was planned and known.
    None without time, and as for OEE.
    """
    return of["PRI×GQ"] / of["CT"]


@_extra("TTF / FE", "s")
def mtbf_practice(of: Terms) -> float:
    """Beyond the standard: TTF / FE, in s.

    Mean time between failures as practitioners compute it: time up over failures. None without a failure.
    """
    return of["TTF"] / of["FE"]


@_extra("TTR / FE", "s")
def mttr_practice(of: Terms) -> float:
    """Beyond the standard: TTR / FE, in s.

    Mean time to repair as practitioners compute it: time in failure over failures. None without a failure.
    """
    return of["TTR"] / of["FE"]


@_extra("MST / PBT")
def microstop_ratio(of: Terms) -> float:
    """Beyond the standard: MST / PBT, a ratio.

    Time in stops shorter than the plant's limit over planned busy time. None where nothing was planned, or nothing of
    it is known.
    """
    return of["MST"] / of["PBT"]


@_extra("E / GQm", "kW.h", needs=(unmetered,))
def energy_per_good_piece(of: Terms) -> float:
    """Beyond the standard: E / GQm, in kW.h.

    Electrical energy a good piece of the machines that are metered. None where no piece of theirs was good, or no
    electricity was metered.
    """
    return of["E"] / of["GQm"]


@_extra("EF × E / GQm", "kg", needs=(unmetered,))
def co2e_per_good_piece(of: Terms) -> float:
    """Beyond the standard: EF × E / GQm, in kg.

    Greenhouse gases of the electricity of a good piece, as CO₂ equivalent. None as for the energy.
    """
    return of["EF"] * of["E"] / (NANO * of["GQm"])


@_extra("Π first_pass_yield", reads=("inspected", "first_pass"))
def rolled_throughput_yield(of: Terms) -> float:
    """Beyond the standard: Π first_pass_yield, a ratio.

    Probability that a piece goes through the whole line without rework: the product of the first pass yields of its
    operations, as far as they inspect; a machine by itself is a line of one. None for other machines of which the
    operations are not known, and where none inspects.
    """
    inspecting = [operation for operation in of.context.operations if operation.get("inspected", 0)]
    if not inspecting:
        raise Undefined(found("nothing-inspected"))
    return prod(each.get("first_pass", 0) for each in inspecting) / prod(each["inspected"] for each in inspecting)


@_extra("OGQ / PPQ")
def schedule_attainment(of: Terms) -> float:
    """Beyond the standard: OGQ / PPQ, a ratio.

    Good output over what was planned up to now. None where nothing was planned.
    """
    planned = of["PPQ"]  # first: without a plan that is why, whatever else is missing
    return of["OGQ"] / planned


@_extra("PT / PPQ", "s")
def takt(of: Terms) -> float:
    """Beyond the standard: PT / PPQ, in s.

    The pace that the plan asks for: planned time over planned quantity. None where nothing was planned.
    """
    planned = of["PPQ"]  # first, as above
    return of["PT"] / planned


@_extra("OGQ × (PRI×PQb / PQb) / PBTb", needs=(uncounted, unrated, good_not_reported))
def bottleneck_oee(of: Terms) -> float:
    """Beyond the standard: OGQ × (PRI×PQb / PQb) / PBTb, a ratio.

    The line's OEE by its constraint: good output of the line, at the bottleneck's mean ideal cycle, over the planned
    busy time of the bottleneck. None for what is not a line with a known bottleneck, where that produced nothing or was
    not planned, or no ideal cycle is known.
    """
    ideal = of["PRI×PQb"]  # first: without a bottleneck that is why, whatever else is missing
    return of["OGQ"] * ideal / (of["PQb"] * of["PBTb"])
