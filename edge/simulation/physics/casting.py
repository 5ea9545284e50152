"""Centrifugal casting of titanium: the arc that melts, and the pull that fills a spinning mould."""

import math
from typing import Final

LIQUIDUS_CEL: Final = 1_660.0
"""Ti-6Al-4V is all liquid above this."""


def arc_kw(voltage_v: float, current_ka: float) -> float:
    """Return the power of a melting arc, `P = U·I`; V times kA are kW."""
    return voltage_v * current_ka


def centrifugal_g(speed_per_min: float, radius_m: float) -> float:
    """Return the pull on the metal in a spinning mould in multiples of gravity, `ω²·r/g`."""
    return (speed_per_min * 2 * math.pi / 60) ** 2 * radius_m / 9.80665


def misrun_percent(pour_cel: float, mould_cel: float, pull_g: float) -> float:
    """Return the part of a thin wall that freezes before it is filled; an assumption of the usual form.

    Superheat, a warm mould and pull each give the metal time; with 60 K, 600 Cel and 20 g it is 1 %, and doubles for
    each 20 K of superheat, 150 K of mould or 20 g less.

    Args:
        pour_cel: temperature of the metal as it is poured.
        mould_cel: of the mould.
        pull_g: see `centrifugal_g`.
    """
    short = (60.0 - (pour_cel - LIQUIDUS_CEL)) / 20.0 + (600.0 - mould_cel) / 150.0 + (20.0 - pull_g) / 20.0
    return min(100.0, math.exp2(short))
