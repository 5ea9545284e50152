"""The warnings that come with the windows of an asset while rows of machines under it are not complete."""

from collections.abc import Iterable, Mapping

from broker.contract.payloads import KpiWarning
from services.kpi.published.window_totals import paths
from services.ledger.indicators.findings import found


class LedgerWarnings:
    """The warnings by asset path: found once for all windows, however many machines they are about."""

    def __init__(self) -> None:
        self._behind: set[str] = set()
        self._failing: dict[str, str] = {}
        self._behind_under: dict[str, list[str]] = {}
        self._failing_under: dict[str, list[str]] = {}

    def follow(self, behind: set[str], failing: Mapping[str, str]) -> None:
        """Be about these machines.

        Args:
            behind: those of which rows are due.
            failing: those whose rows cannot be made, and why.
        """
        if behind != self._behind:
            self._behind, self._behind_under = set(behind), by_path(sorted(behind))
        if failing != self._failing:
            self._failing, self._failing_under = dict(failing), by_path(failing)

    def of(self, path: str) -> list[KpiWarning]:
        """Return the warnings about machines under an asset."""
        warnings = [
            found("ledger-stands-still", machine=machine, failure=self._failing[machine]).of_answer(machine)
            for machine in self._failing_under.get(path, ())
        ]
        due = self._behind_under.get(path)
        if due:
            which = f"{due[0]} and {len(due) - 1} more" if len(due) > 1 else due[0]
            warnings.append(found("ledger-recomputed", len(due), machines=which).of_answer(path))
        return warnings


def by_path(machines: Iterable[str]) -> dict[str, list[str]]:
    """Return the machines under each asset, in their order."""
    under: dict[str, list[str]] = {}
    for machine in machines:
        for path in paths(machine):
            under.setdefault(path, []).append(machine)
    return under
