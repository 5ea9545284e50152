"""Machine and process capability of a measured characteristic: Cm, Cmk, Cp, Cpk (ISO 22400-2, 19 to 22)."""

from collections.abc import Iterable
from itertools import pairwise
from math import fsum, sqrt
from operator import itemgetter
from typing import Literal

import msgspec

from broker.contract.events import Measurement
from services.ledger.entries import quantity

Index = Literal["cm", "cmk", "cp", "cpk"]


class Capability(msgspec.Struct, frozen=True):
    """The capability of one characteristic of one machine, from its measurements.

    Attributes:
        asset: the machine.
        characteristic: its name.
        n: measurements.
        mean: of the measurements.
        s: their standard deviation (sample, n − 1); None below two.
        s_within: the deviation within subgroups of two successive parts: √(Σ(xᵢ − xᵢ₋₁)² / 2(n − 1)), the mean square
            successive difference (von Neumann, 1941); a drift, as of a tool that wears, is not in it.
        lower: the lower limit last reported, in the unit of the measurements.
        upper: the upper limit last reported.
        cm: (USL − LSL) / 6s.
        cmk: min(USL − mean, mean − LSL) / 3s; where there is one limit, by that alone.
        cp: as `cm`, with `s_within`.
        cpk: as `cmk`, with `s_within`.
    """

    asset: str
    characteristic: str
    n: int
    mean: float
    s: float | None
    s_within: float | None
    lower: float | None
    upper: float | None
    cm: float | None
    cmk: float | None
    cp: float | None
    cpk: float | None


def capabilities(measurements: Iterable[Measurement]) -> list[Capability]:
    """Return the capability of each characteristic; give the measurements in order of time.

    An index is None without the limits that it needs, below two measurements, and where none differs from another. A
    value outside the contract's bounds, which an older store may hold, is ignored.
    """
    series: dict[tuple[str, str], list[Measurement]] = {}
    for measurement in measurements:
        if quantity(measurement.value) is None:
            continue
        series.setdefault((measurement.asset, measurement.characteristic), []).append(measurement)
    return [_of(asset, characteristic, found) for (asset, characteristic), found in sorted(series.items())]


def least(found: Iterable[Capability], index: Index) -> tuple[float, Capability] | None:
    """Return the least of an index, which is the index of the whole, and the characteristic that has it."""
    known = [(value, one) for one in found if (value := getattr(one, index)) is not None]
    return min(known, key=itemgetter(0), default=None)


def _of(asset: str, characteristic: str, found: list[Measurement]) -> Capability:
    values = [measurement.value for measurement in found]
    n = len(values)
    mean = fsum(values) / n
    s = s_within = None
    if n > 1:
        s = sqrt(fsum((value - mean) ** 2 for value in values) / (n - 1))
        s_within = sqrt(fsum((b - a) ** 2 for a, b in pairwise(values)) / (2 * (n - 1)))
    lower = next((m.lower for m in reversed(found) if quantity(m.lower) is not None), None)
    upper = next((m.upper for m in reversed(found) if quantity(m.upper) is not None), None)
    return Capability(
        asset,
        characteristic,
        n,
        mean,
        s,
        s_within,
        lower,
        upper,
        cm=_spread(lower, upper, s),
        cmk=_centred(lower, upper, mean, s),
        cp=_spread(lower, upper, s_within),
        cpk=_centred(lower, upper, mean, s_within),
    )


def _spread(lower: float | None, upper: float | None, s: float | None) -> float | None:
    if lower is None or upper is None or not s:
        return None
    return (upper - lower) / (6 * s)


def _centred(lower: float | None, upper: float | None, mean: float, s: float | None) -> float | None:
    room = [upper - mean] if upper is not None else []
    room += [mean - lower] if lower is not None else []
    return min(room) / (3 * s) if room and s else None
