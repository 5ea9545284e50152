"""The terms of formulas: the abbreviations of ISO 22400-2, and our own for what it does not abbreviate.

A term is a sum of fields of the ledger, or comes from the context, which has what the ledger lacks, such as the planned
quantity. Terms are integers of 10⁻⁹ of their unit, as the ledger's sums are, so that the quotient of two of them is
exact until it is rounded once, to a float.
"""

from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple

import msgspec

from services.ledger.fields import FARTHEST, KNOWN_PLANNED, NANO, PLANNED, TIME, Sums
from services.ledger.indicators.capability import Capability
from services.ledger.indicators.findings import Finding, found

Operation = Literal["", "first", "last", "bottleneck", "metered"]
"""Which operation of a line, or its metered machines; '' for the asset as a whole."""


class Term(NamedTuple):
    """A quantity in a formula.

    Attributes:
        meaning: in words.
        unit: UCUM; `1` for pieces and events.
        fields: of the ledger, whose sum it is; none where it comes from the context.
        missing: the code of the finding that the context lacks it.
        operation: whose sums they are.
    """

    meaning: str
    unit: str
    fields: tuple[str, ...] = ()
    missing: str = ""
    operation: Operation = ""


_UP: Final = ("running_s", "setup_s", "starved_s", "blocked_s", "idle_s", "no_order_s")
_NO_LINE: Final = "no-line"
_NO_OUTPUT: Final = "output-not-reported"
_NO_BOTTLENECK: Final = "no-bottleneck"
_NO_PLAN: Final = "no-plan"

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
    "PRI×PQ": Term("planned run time of the produced quantity", "s", ("ideal_s",)),
    "PRI×GQ": Term("planned run time of the good quantity", "s", ("ideal_good_s",)),
    "APWT": Term("actual personnel work time", "s", ("work_s",)),
    "APAT": Term("actual personnel attendance time", "s", ("attendance_s",)),
    "E": Term("electrical energy", "kW.h", ("electricity_kwh",)),
    "PQm": Term("produced quantity of the metered machines", "1", ("produced",), operation="metered"),
    "GQm": Term("good quantity of the metered machines", "1", ("good",), operation="metered"),
    "TH": Term("throughput", "1", ("throughput",)),
    "S×T": Term("stock on hand, integrated over time", "s", ("stock_s",)),
    "ST": Term("time over which the stock was known", "s", ("stock_known_s",)),
    "CM": Term("consumed material", "1", ("consumed",)),
    "IGQ": Term("integrated good quantity", "1", ("integrated_good",)),
    "PL": Term("material lost in production", "1", ("lost_production",)),
    "STL": Term("material lost in storage and transport", "1", ("lost_storage",)),
    "OL": Term("material lost otherwise", "1", ("lost_other",)),
    "TBF": Term("operating time between failures", "s", ("between_s",)),
    "TTF": Term("time up to failure: known planned time that was not down", "s", _UP),
    "TTR": Term("time to restoration", "s", ("repair_s",)),
    "FE": Term("failure events", "1", ("failures",)),
    "CMT": Term("corrective maintenance time", "s", ("repair_s",)),
    "PMT": Term("planned maintenance time", "s", ("maintenance_s",)),
    "CT": Term("calendar time", "s", TIME),
    "UT": Term("calendar time of which the state is unknown", "s", ("unknown_planned_s", "unknown_s")),
    "MST": Term("time in micro-stops", "s", ("microstop_s",)),
    "EF": Term("emission factor of the electricity", "kg/kW.h"),
    "PQ1": Term("produced quantity of the line's first operation", "1", ("produced",), _NO_LINE, "first"),
    "OGQ": Term("good output: of a line, that of its last operation", "1", ("good",), _NO_OUTPUT, "last"),
    "PPQ": Term("planned quantity up to now", "1", missing=_NO_PLAN),
    "PT": Term("planned time, known or not: of a line, that of its last operation", "s", PLANNED, operation="last"),
    "PRI×PQb": Term(
        "planned run time of what the bottleneck produced", "s", ("ideal_s",), _NO_BOTTLENECK, "bottleneck"
    ),
    "PQb": Term("produced quantity of the bottleneck", "1", ("produced",), _NO_BOTTLENECK, "bottleneck"),
    "PBTb": Term("planned busy time of the bottleneck", "s", KNOWN_PLANNED, _NO_BOTTLENECK, "bottleneck"),
}


OF_ITSELF: Final = {name: term.fields for name, term in TERMS.items() if term.fields and not term.operation}
"""The terms of a sum itself, not of its operations: the fields that each is the sum of."""
_BOUND: Final = FARTHEST // 100
"""Terms of sums below it are within their bounds."""
_SENT: Final = {"work_s": "working with labour"}
"""The message's name of a field, where it differs from the ledger's."""


class Context(msgspec.Struct, frozen=True):
    """What a sum of the ledger lacks. It defines indicators that are undefined without it, and changes no other value.

    Attributes:
        operations: the sums of each operation of a line, in the order in which a piece goes through them; a machine by
            itself is a line of one; none where they are not known. Machines that do the same side by side are one sum.
        bottleneck: which of the operations is the bottleneck.
        capabilities: of the measured characteristics.
        not_reported: fields of the ledger that are zero because they were never reported.
        output_not_reported: whether good pieces of a line's last operation were never reported.
        planned: pieces that orders and calendar plan for the range up to now, in 10⁻⁹.
        metered: the sums of those machines whose electricity is metered; None where it is that of all.
        co2e_kg_per_kwh: emission factor of the electricity; the default is that of the United Kingdom's grid in the
            government's conversion factors for 2025.
    """

    operations: tuple[Sums, ...] = ()
    bottleneck: int | None = None
    capabilities: tuple[Capability, ...] = ()
    not_reported: frozenset[str] = frozenset()
    output_not_reported: bool = False
    planned: int | None = None
    metered: Sums | None = None
    co2e_kg_per_kwh: float = 0.177

    def place(self, operation: Operation) -> int | None:
        """Return the index of an operation in a line; None for the asset as a whole, or where not known."""
        return {"first": 0, "last": -1, "bottleneck": self.bottleneck}.get(operation)


_NO_CONTEXT: Final = Context()
Check = Callable[[Sums], Finding | None]
"""Returns what a sum lacks, if it lacks something."""


class Undefined(Exception):  # noqa: N818  (a result, not an error)
    """An indicator has no value; the finding says why, and how it could have one."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding

    def __str__(self) -> str:
        return self.finding.why


class Terms(dict[str, int]):
    """The terms of a sum in 10⁻⁹ of their units, each computed on first use: `Terms(sums)["PBT"]`.

    A term that the context lacks raises `Undefined`.
    """

    def __init__(self, sums: Sums, context: Context | None = None) -> None:
        super().__init__()
        self.sums = sums
        self.context = context or _NO_CONTEXT

    def __missing__(self, name: str) -> int:
        term = TERMS[name]
        amount: int | None
        if name == "EF":
            amount = round(self.context.co2e_kg_per_kwh * NANO)
        elif name == "PPQ":
            amount = self.context.planned
        else:
            sums = self.of(term.operation) if term.operation else self.sums
            amount = None if sums is None else sum_of(sums, term.fields)
            if name == "OGQ" and self.context.output_not_reported and not amount:
                amount = None
        if amount is None:
            raise Undefined(found(term.missing))
        if not -FARTHEST < amount < FARTHEST:
            raise Undefined(found("beyond-bounds", term=f"{term.meaning} ({name})"))
        self[name] = amount
        return amount

    def fill(self, terms: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        """Compute terms of the sum itself, which are not beyond their bounds, each the sum of fields that it has."""
        sums = self.sums
        for name, fields in terms:
            amount = 0
            for field in fields:
                amount += sums[field]
            self[name] = amount

    def of(self, operation: Operation) -> Sums | None:
        """Return the sums of an operation, if they are known; without a line, the last operation is the whole asset."""
        if operation == "metered" and self.context.metered is not None:
            return self.context.metered
        operations, place = self.context.operations, self.context.place(operation)
        if operations and place is not None:
            return operations[place]
        return None if operation in {"first", "bottleneck"} else self.sums

    def need_reported(self, name: str) -> None:
        """Raise `Undefined` if a term is zero because it was never reported."""
        (field,) = TERMS[name].fields
        if field in self.context.not_reported and not self[name]:
            raise Undefined(found("term-not-reported", term=TERMS[name].meaning, field=_SENT.get(field, field)))


def sum_of(sums: Sums, fields: tuple[str, ...]) -> int:
    """Return the sum of these fields."""
    if len(fields) == 1:
        return sums.get(fields[0], 0)
    amount = 0
    for field in fields:
        amount += sums.get(field, 0)
    return amount


def are_bounded(sums: Sums) -> bool:
    """Return whether no term of these sums can be beyond its bounds."""
    return not sums or (max(sums.values()) < _BOUND and min(sums.values()) > -_BOUND)
