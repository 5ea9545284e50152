"""The composition of an answer: from the sums of an asset to its indicators, coverage and warnings.

There is one, for what is asked (`answers`) and for what is published live (`services.kpi.published`): where the sums
and the context are the same, so are the numbers and the warnings.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from broker.contract.payloads import KpiWarning
from services.ledger.fields import Sums
from services.ledger.indicators.findings import Finding
from services.ledger.indicators.implausible import implausible
from services.ledger.indicators.indicators import INDICATORS, Context, coverage, evaluate

CORE: Final = ("oee", "availability", "effectiveness", "quality_ratio")
"""The indicators that everyone expects to have a value: if one has none, that is something to check."""


class Composition(msgspec.Struct, frozen=True):
    """The indicators of a sum.

    Attributes:
        asset: whose.
        coverage: 1 − unknown ÷ calendar time; None where there is no time at all.
        indicators: by name, unrounded; None where one is not defined.
        reasons: why they are not, by name.
        implausible: those whose value cannot be, by name, each with the reason.
    """

    asset: str
    coverage: float | None
    indicators: dict[str, float | None]
    reasons: dict[str, Finding]
    implausible: dict[str, Finding]

    @property
    def codes(self) -> dict[str, str]:
        """The indicators that cannot be, each with the code of the warning that says why."""
        return {name: finding.code for name, finding in self.implausible.items()}

    def contradictions(self, but: Iterable[KpiWarning] = ()) -> list[KpiWarning]:
        """Return the warnings why indicators cannot be, without those of a code that is `but` there already."""
        known = {warning.code for warning in but}
        by_code = {finding.code: finding for finding in self.implausible.values()}
        return [finding.of_machine(self.asset) for code, finding in by_code.items() if code not in known]

    @property
    def expected(self) -> list[KpiWarning]:
        """Why indicators of `CORE` are not defined, in their order."""
        return [self._warning(name) for name in CORE if name in self.reasons]

    @property
    def seldom(self) -> list[KpiWarning]:
        """Why the others are not."""
        return [self._warning(name) for name in INDICATORS if name in self.reasons and name not in CORE]

    def _warning(self, name: str) -> KpiWarning:
        return self.reasons[name].of_indicator(self.asset, name)


def compose(asset: str, sums: Sums, context: Context, length: int, load_size: float) -> Composition:
    """Return the indicators of an asset's sums.

    Args:
        asset: an asset path; '' for everything.
        sums: of its ledger over a range.
        context: what indicators need besides.
        length: of the range, nanoseconds.
        load_size: the most pieces that one of its machines counts together.
    """
    evaluation = evaluate(sums, context)
    marked = implausible(evaluation.values, sums, length, load_size)
    return Composition(asset, coverage(sums), evaluation.values, evaluation.reasons, marked)


def is_to_check(warning: KpiWarning) -> bool:
    """Return whether a warning is to be looked at: not one of an undefined indicator that is seldom reported."""
    return warning.indicator is None or warning.indicator in CORE


def notes_of(warnings: Iterable[KpiWarning]) -> list[str]:
    """Return warnings as people read them."""
    return [warning.text for warning in warnings]
