"""The terms that formulas are made of, in the abbreviations of ISO 22400-2, each a sum of fields of the ledger."""

from fractions import Fraction
from typing import Final, NamedTuple

from services.ledger.fields import KNOWN_PLANNED, NANO, TIME, Sums


class Term(NamedTuple):
    """A quantity in a formula.

    Attributes:
        meaning: in words.
        unit: UCUM; `1` for pieces and events.
        fields: of the ledger, whose sum it is.
    """

    meaning: str
    unit: str
    fields: tuple[str, ...]


TERMS: Final[dict[str, Term]] = {
    "PBT": Term("planned busy time, as far as the state is known", "s", KNOWN_PLANNED),
    "APT": Term("actual production time", "s", ("running_s",)),
    "AUST": Term("actual unit set-up time", "s", ("setup_s",)),
    "AUPT": Term("actual unit processing time", "s", ("running_s", "setup_s")),
    "ADET": Term("actual unit delay time", "s", ("starved_s", "blocked_s", "idle_s")),
    "AUBT": Term("actual unit busy time", "s", ("running_s", "setup_s", "starved_s", "blocked_s", "idle_s")),
    "AOET": Term("actual order execution time", "s", ("order_s",)),
    "PQ": Term("produced quantity", "1", ("produced",)),
    "GQ": Term("good quantity", "1", ("good",)),
    "SQ": Term("scrap quantity", "1", ("scrap",)),
    "RQ": Term("rework quantity", "1", ("rework",)),
    "PSQ": Term("planned scrap quantity", "1", ("planned_scrap",)),
    "GP": Term("good parts at first pass", "1", ("first_pass",)),
    "IP": Term("inspected parts", "1", ("inspected",)),
    "PRIxPQ": Term("planned run time of the produced quantity", "s", ("ideal_s",)),
    "PRIxGQ": Term("planned run time of the good quantity", "s", ("ideal_good_s",)),
    "APWT": Term("actual personnel work time", "s", ("work_s",)),
    "APAT": Term("actual personnel attendance time", "s", ("attendance_s",)),
    "E": Term("electrical energy consumed", "kW.h", ("electricity_kwh",)),
    "TH": Term("throughput", "1", ("throughput",)),
    "SxT": Term("stock on hand, integrated over time", "s", ("stock_s",)),
    "ST": Term("time over which the stock was known", "s", ("stock_known_s",)),
    "CM": Term("consumed material", "1", ("consumed",)),
    "IGQ": Term("integrated good quantity", "1", ("integrated_good",)),
    "PL": Term("material lost in production", "1", ("lost_production",)),
    "STL": Term("material lost in storage and transport", "1", ("lost_storage",)),
    "OL": Term("material lost otherwise", "1", ("lost_other",)),
    "TBF": Term("operating time between failures", "s", ("between_s",)),
    "TTF": Term(
        "time able to produce: known planned time that was not down",
        "s",
        ("running_s", "setup_s", "starved_s", "blocked_s", "idle_s", "no_order_s"),
    ),
    "TTR": Term("time to restoration", "s", ("repair_s",)),
    "FE": Term("failure events", "1", ("failures",)),
    "CMT": Term("corrective maintenance time", "s", ("repair_s",)),
    "PMT": Term("planned maintenance time", "s", ("maintenance_s",)),
    "CT": Term("calendar time", "s", TIME),
    "UT": Term("calendar time of which the state is unknown", "s", ("unknown_planned_s", "unknown_s")),
    "UNRATED": Term("produced pieces of which nobody told an ideal cycle", "1", ("unrated",)),
    "MST": Term("time in micro-stops", "s", ("microstop_s",)),
}


class Terms:
    """The terms of a sum, as exact numbers of their units: `Terms(sums)["PBT"]`."""

    def __init__(self, sums: Sums) -> None:
        self._sums = sums

    def __getitem__(self, name: str) -> Fraction:
        return Fraction(sum(self._sums.get(field, 0) for field in TERMS[name].fields), NANO)
