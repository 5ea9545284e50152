"""The 34 indicators of ISO 22400-2:2014, in its order, each a pure function of the terms of a sum.

Terms are integers of 10⁻⁹ of their units, so a quotient of two of them is the exact ratio, rounded once to a float. The
sums may be of any time range and any machines: a ratio of sums is never a mean of ratios.
"""

from functools import partial
from typing import Final

from services.ledger.fields import NANO, TIME
from services.ledger.indicators.capability import Index, least
from services.ledger.indicators.findings import found
from services.ledger.indicators.indicator import Indicator, register
from services.ledger.indicators.terms import Terms, Undefined
from services.ledger.indicators.undefined import good_not_reported, never_counted, uncounted, unmetered, unrated, unseen

ISO22400: Final[dict[str, Indicator]] = {}
"""By name, in the order of the standard."""

_standard = partial(register, ISO22400)


@_standard(1, "APWT / APAT", reported="APWT")
def worker_efficiency(of: Terms) -> float:
    """No. 1: APWT / APAT, a ratio.

    Work time of people over their attendance. None where nobody was present, or attendance is not reported.
    """
    return of["APWT"] / of["APAT"]


@_standard(2, "AUBT / AOET")
def allocation_ratio(of: Terms) -> float:
    """No. 2: AUBT / AOET, a ratio.

    Busy time over the execution time of orders, queueing included. Above 1 where machines work side by side on one
    order. None without an order.
    """
    return of["AUBT"] / of["AOET"]


@_standard(3, "PQ / AOET", "1/s", needs=(uncounted, never_counted), reported="PQ")
def throughput_rate(of: Terms) -> float:
    """No. 3: PQ / AOET, in 1/s.

    Pieces a second of order execution. None without an order, or where produced pieces are not reported.
    """
    return of["PQ"] / of["AOET"]


@_standard(4, "AUBT / PBT")
def allocation_efficiency(of: Terms) -> float:
    """No. 4: AUBT / PBT, a ratio.

    How much of the planned busy time the machine was busy with orders. None where nothing was planned, or nothing of it
    is known.
    """
    return of["AUBT"] / of["PBT"]


@_standard(5, "APT / AUBT")
def utilization_efficiency(of: Terms) -> float:
    """No. 5: APT / AUBT, a ratio.

    Production time over busy time. None where the machine was never busy.
    """
    return of["APT"] / of["AUBT"]


@_standard(
    6,
    "PRI×GQ / PBT",
    standard="availability × effectiveness × quality_ratio",
    needs=(uncounted, never_counted, unrated, good_not_reported),
)
def oee(of: Terms) -> float:
    """No. 6: PRI×GQ / PBT, a ratio.

    Overall equipment effectiveness index: availability × effectiveness × quality ratio, which is fully productive time
    over planned busy time, exactly and over any mix of products. None where nothing was planned, no ideal cycle is
    known, or produced or good pieces are not reported.
    """
    return of["PRI×GQ"] / of["PBT"]


@_standard(
    7,
    "(AUPT / PBT) × (PRI×GQ / APT)",
    standard="(AUPT / PBT) × effectiveness × quality_ratio",
    needs=(uncounted, never_counted, unrated, good_not_reported),
)
def nee(of: Terms) -> float:
    """No. 7: (AUPT / PBT) × (PRI×GQ / APT), a ratio.

    Net equipment effectiveness index: (AUPT / PBT) × effectiveness × quality ratio, so that set-up is no loss. None as
    for OEE, and where the machine never ran.
    """
    return (of["AUPT"] * of["PRI×GQ"]) / (of["PBT"] * of["APT"])


@_standard(8, "APT / PBT")
def availability(of: Terms) -> float:
    """No. 8: APT / PBT, a ratio.

    Production time over planned busy time; set-up counts against it. None where nothing was planned, or nothing of it
    is known.
    """
    return of["APT"] / of["PBT"]


@_standard(9, "PRI×PQ / APT", needs=(uncounted, never_counted, unrated))
def effectiveness(of: Terms) -> float:
    """No. 9: PRI×PQ / APT, a ratio.

    Ideal time of what was produced over production time. A value above 1 means that the ideal cycle is too long; it is
    not capped. None where the machine never ran, no ideal cycle is known, or produced pieces are not reported.
    """
    return of["PRI×PQ"] / of["APT"]


@_standard(
    10,
    "PRI×GQ / PRI×PQ",
    standard="GQ / PQ",
    needs=(uncounted, good_not_reported),
    reads=("running_s", "uncounted_s", "unrated"),
)
def quality_ratio(of: Terms) -> float:
    """No. 10: PRI×GQ / PRI×PQ, a ratio.

    Good over produced pieces, each weighed with its ideal cycle, so that OEE is the product of its three factors over
    any mix of products. Where one product is made, and where no ideal cycle is known, it is GQ / PQ. None where nothing
    was produced, or produced or good pieces are not reported.
    """
    if not of["PQ"]:
        raise Undefined(never_counted(of.sums) or found("nothing-produced"))
    if unrated(of.sums) or not of["PRI×PQ"]:
        return of["GQ"] / of["PQ"]
    return of["PRI×GQ"] / of["PRI×PQ"]


@_standard(11, "AUST / AUPT")
def setup_rate(of: Terms) -> float:
    """No. 11: AUST / AUPT, a ratio.

    Set-up time over processing time. None where the machine neither ran nor was set up.
    """
    return of["AUST"] / of["AUPT"]


@_standard(12, "APT / (APT + ADET)")
def technical_efficiency(of: Terms) -> float:
    """No. 12: APT / (APT + ADET), a ratio.

    Production time over itself and delay. None where there was neither.
    """
    return of["APT"] / (of["APT"] + of["ADET"])


@_standard(13, "APT / AOET")
def production_process_ratio(of: Terms) -> float:
    """No. 13: APT / AOET, a ratio.

    Production time over the execution time of orders. None without an order.
    """
    return of["APT"] / of["AOET"]


@_standard(14, "SQ / PSQ", reported="SQ")
def actual_to_planned_scrap_ratio(of: Terms) -> float:
    """No. 14: SQ / PSQ, a ratio.

    Scrap over planned scrap. None where no scrap was planned, or scrap is not reported.
    """
    return of["SQ"] / of["PSQ"]


@_standard(15, "GP / IP", reported="GP")
def first_pass_yield(of: Terms) -> float:
    """No. 15: GP / IP, a ratio.

    Parts that were good at first pass over inspected parts. None where nothing was inspected, or first-pass pieces are
    not reported.
    """
    return of["GP"] / of["IP"]


@_standard(16, "SQ / PQ", needs=(uncounted,), reported="SQ")
def scrap_ratio(of: Terms) -> float:
    """No. 16: SQ / PQ, a ratio.

    Scrap over produced pieces. None where nothing was produced, or it is not reported.
    """
    return of["SQ"] / of["PQ"]


@_standard(17, "RQ / PQ", needs=(uncounted,), reported="RQ")
def rework_ratio(of: Terms) -> float:
    """No. 17: RQ / PQ, a ratio.

    Pieces to be reworked over produced pieces. None where nothing was produced, or it is not reported.
    """
    return of["RQ"] / of["PQ"]


@_standard(18, "SQ / PQ1", reported="SQ")
def fall_off_ratio(of: Terms) -> float:
    """No. 18: SQ / PQ1, a ratio.

    Scrap of all operations of a line over the pieces of the first; a machine by itself is a line of one. None for other
    machines of which the operations are not known, and where the first produced nothing.
    """
    return of["SQ"] / of["PQ1"]


@_standard(19, "(USL − LSL) / (6 × s)")
def cm(of: Terms) -> float:
    """No. 19: (USL − LSL) / (6 × s), a ratio.

    Machine capability index, by the standard deviation of all values; the least of all characteristics. None where no
    characteristic with both limits was measured twice, or its values are all alike.
    """
    return _least(of, "cm")


@_standard(20, "min(USL − x̄, x̄ − LSL) / (3 × s)")
def cmk(of: Terms) -> float:
    """No. 20: min(USL − x̄, x̄ − LSL) / (3 × s), a ratio.

    Critical machine capability index; where a characteristic has one limit, by that alone. None where no characteristic
    with a limit was measured twice, or its values are all alike.
    """
    return _least(of, "cmk")


@_standard(21, "(USL − LSL) / (6 × σ̂)")
def cp(of: Terms) -> float:
    """No. 21: (USL − LSL) / (6 × σ̂), a ratio.

    Process capability index, by the deviation within subgroups of two successive parts. None as for Cm.
    """
    return _least(of, "cp")


@_standard(22, "min(USL − x̄, x̄ − LSL) / (3 × σ̂)")
def cpk(of: Terms) -> float:
    """No. 22: min(USL − x̄, x̄ − LSL) / (3 × σ̂), a ratio.

    Critical process capability index. None as for Cmk.
    """
    return _least(of, "cpk")


@_standard(23, "E / PQm", "kW.h", standard="E / PQ", needs=(unmetered,))
def comprehensive_energy_consumption(of: Terms) -> float:
    """No. 23: E / PQm, in kW.h.

    Energy a produced piece of the machines that are metered; electricity alone, as the energy content of the other
    utilities is not reported. None where they produced nothing, or no electricity was metered.
    """
    return of["E"] / of["PQm"]


@_standard(24, "TH / (S×T / ST)", reads=TIME)
def inventory_turns(of: Terms) -> float:
    """No. 24: TH / (S×T / ST), a ratio.

    Throughput over the average stock, of one material at one machine: how often it was turned over in the range. None
    where no stock was reported, none was there, or several materials have one.
    """
    if not of["ST"]:
        raise Undefined(found("no-stock"))
    if of["CT"] and of["ST"] > of["CT"]:
        raise Undefined(found("several-stocks"))
    of.need_reported("TH")
    return of["TH"] * of["ST"] / (of["S×T"] * NANO)


@_standard(25, "GQ / CM", reported="GQ")
def finished_goods_ratio(of: Terms) -> float:
    """No. 25: GQ / CM, a ratio.

    Good quantity over consumed material. None where nothing was consumed, or it is not reported.
    """
    return of["GQ"] / of["CM"]


@_standard(26, "IGQ / CM", reported="IGQ")
def integrated_goods_ratio(of: Terms) -> float:
    """No. 26: IGQ / CM, a ratio.

    Good quantity of all related products over consumed material. None where nothing was consumed, or it is not
    reported.
    """
    return of["IGQ"] / of["CM"]


@_standard(27, "PL / CM", reported="PL")
def production_loss_ratio(of: Terms) -> float:
    """No. 27: PL / CM, a ratio.

    Material lost in production over that consumed. None where nothing was consumed, or it is not reported.
    """
    return of["PL"] / of["CM"]


@_standard(28, "STL / CM", reported="STL")
def storage_and_transport_loss_ratio(of: Terms) -> float:
    """No. 28: STL / CM, a ratio.

    Material lost in storage and transport over that consumed. None where nothing was consumed, or it is not reported.
    """
    return of["STL"] / of["CM"]


@_standard(29, "OL / CM", reported="OL")
def other_loss_ratio(of: Terms) -> float:
    """No. 29: OL / CM, a ratio.

    Material lost otherwise over that consumed. None where nothing was consumed, or it is not reported.
    """
    return of["OL"] / of["CM"]


@_standard(30, "PRI×PQ / PBT", standard="PQ / EPC", needs=(uncounted, never_counted, unrated))
def equipment_load_ratio(of: Terms) -> float:
    """No. 30: PRI×PQ / PBT, a ratio.

    Produced quantity over the equipment's production capacity, PQ / EPC, which is what the planned busy time has room
    for at the ideal cycle: EPC = PBT / PRI. None where nothing was planned, no ideal cycle is known, or produced pieces
    are not reported.
    """
    return of["PRI×PQ"] / of["PBT"]


@_standard(31, "TBF / (FE + 1)", "s", needs=(unseen,))
def mean_operating_time_between_failures(of: Terms) -> float:
    """No. 31: TBF / (FE + 1), in s.

    Operating time over the number of failures and one. None where the state was never known.
    """
    return of["TBF"] / (of["FE"] + NANO)


@_standard(32, "TTF / (FE + 1)", "s", needs=(unseen,))
def mean_time_to_failure(of: Terms) -> float:
    """No. 32: TTF / (FE + 1), in s.

    Time up to failure, waiting included, over the number of failures and one. Time that was not planned is left out: a
    machine that is switched off does not fail. None where the state was never known.
    """
    return of["TTF"] / (of["FE"] + NANO)


@_standard(33, "TTR / (FE + 1)", "s", needs=(unseen,))
def mean_time_to_restoration(of: Terms) -> float:
    """No. 33: TTR / (FE + 1), in s.

    Time in failure, planned or not, over the number of failures and one. None where the state was never known.
    """
    return of["TTR"] / (of["FE"] + NANO)


@_standard(34, "CMT / (CMT + PMT)")
def corrective_maintenance_ratio(of: Terms) -> float:
    """No. 34: CMT / (CMT + PMT), a ratio.

    Corrective over all maintenance time. None where there was none.
    """
    return of["CMT"] / (of["CMT"] + of["PMT"])


def _least(of: Terms, index: Index) -> float:
    smallest = least(of.context.capabilities, index)
    if smallest is None:
        raise Undefined(found("not-measured"))
    return smallest[0]
