"""What a total has in it that spoils it: the machines that are doubtful, unmetered, silent or simulated, by name.

A figure of several machines hides which of them it is not to be trusted for. So each such machine is named, with the
figures that it spoils; screens write it beside them.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from broker.plant.plant import Plant
from services.ledger.fields import Sums
from services.ledger.indicators.implausible import MARKABLE, implausible
from services.ledger.indicators.indicators import INDICATORS, coverage
from services.ledger.indicators.terms import Terms
from services.ledger.indicators.undefined import unmetered
from services.query.data_quality.metered import is_metered, stands_by_itself
from services.query.ranges import Range

Kind = Literal["doubtful", "unmetered", "silent", "simulated"]

ENERGY: Final = ("comprehensive_energy_consumption", "energy_per_good_piece", "co2e_per_good_piece")
RATIOS: Final = ("oee", "availability", "effectiveness", "quality_ratio")
SILENT_SHARE: Final = 0.05
"""A machine whose state is unknown for as much of the range is silent."""


class Caveat(msgspec.Struct, frozen=True):
    """A machine that spoils figures of a total.

    Attributes:
        machine: its path.
        kind: `doubtful`: its own indicators cannot be; `unmetered`: it makes pieces, and others' energy is metered;
            `silent`: its state is unknown for much of the range; `simulated`: others are real.
        figures: the indicators that it spoils.
        code: of the warning that says more; '' where there is none.
    """

    machine: str
    kind: Kind
    figures: list[str]
    code: str = ""


def caveats_of(measured: Range, plant: Plant) -> list[Caveat]:
    """Return what spoils a total, by machine; nothing for a machine by itself."""
    if len(measured.machines) < 2:
        return []
    length = measured.end - measured.start
    totals = measured.by_machine()
    energy = {} if stands_by_itself(measured) else totals
    has_energy = any(map(is_metered, energy.values()))
    is_mixed = 0 < len(measured.simulated.intersection(measured.machines)) < len(measured.machines)
    found: list[Caveat] = []
    for machine, sums in totals.items():
        found += _doubtful(machine, sums, length, plant.load_size(machine))
        if has_energy and not is_metered(sums) and (sums.get("produced", 0) or sums.get("good", 0)):
            finding = unmetered(sums)
            found.append(Caveat(machine, "unmetered", list(ENERGY), finding.code if finding else ""))
        known = coverage(sums)
        if known is not None and 1 - known >= SILENT_SHARE:
            found.append(Caveat(machine, "silent", ["coverage", *RATIOS], "state-unknown"))
        if is_mixed and machine in measured.simulated:
            found.append(Caveat(machine, "simulated", [*RATIOS, *ENERGY, "good_output"]))
    return found


def _doubtful(machine: str, sums: Sums, length: int, load_size: float) -> list[Caveat]:
    by_code: dict[str, list[str]] = {}
    for name, finding in implausible(_values(sums), sums, length, load_size).items():
        by_code.setdefault(finding.code, []).append(name)
    return [Caveat(machine, "doubtful", names, code) for code, names in by_code.items()]


def _values(sums: Sums) -> Mapping[str, float | None]:
    """Return the indicators of a machine that may be implausible."""
    terms = Terms(sums)
    return {name: INDICATORS[name].evaluate(terms)[0] for name in MARKABLE}
