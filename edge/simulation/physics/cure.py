"""Curing a laminate: kinetics of the resin, the part that heats last, and the voids that a leaking bag leaves."""

import math
from collections.abc import Sequence
from typing import Final

_GAS_CONSTANT: Final = 8.314462618
_FACTOR_S: Final = 1.528e5
_ENERGY_J_MOL: Final = 66_500.0
_M: Final = 0.8129
_N: Final = 2.736
_C: Final = 43.09
_LIMIT: Final = -1.684
_LIMIT_K: Final = 5.475e-3

UNCURED: Final = 0.01
"""Degree of cure of fresh prepreg; autocatalytic kinetics do not start from 0."""
WEAKEST_VACUUM_BAR: Final = -0.6
"""A bag with less vacuum than this leaves voids."""


def rate_per_s(cured: float, temperature_cel: float) -> float:
    """Return how fast the resin 8552 cures, `dα/dt = A·e^(−E/RT)·α^m·(1−α)^n / (1 + e^(C·(α−(αC0+αCT·T))))`.

    The denominator ends the cure where the resin turns to glass; constants of Hubert et al. (2001), T in kelvin.

    Args:
        cured: degree of cure α, above 0 and at most 1.
        temperature_cel: of the part.
    """
    kelvin = temperature_cel + 273.15
    free = (
        _FACTOR_S * math.exp(-_ENERGY_J_MOL / (_GAS_CONSTANT * kelvin)) * math.pow(cured, _M) * math.pow(1 - cured, _N)
    )
    return free / (1 + math.exp(_C * (cured - (_LIMIT + _LIMIT_K * kelvin))))


def cured_after(cured: float, temperature_cel: float, passed_s: float) -> float:
    """Return the degree of cure after a time at constant temperature, in steps of at most 30 s.

    Args:
        cured: at the start.
        temperature_cel: of the part.
        passed_s: how long.
    """
    steps = max(1, math.ceil(passed_s / 30))
    for _ in range(steps):
        half = min(1.0, cured + rate_per_s(cured, temperature_cel) * passed_s / steps / 2)
        cured = min(1.0, cured + rate_per_s(half, temperature_cel) * passed_s / steps)
    return cured


def has_reached(parts_cel: Sequence[float], hold_cel: float, below_k: float = 3.0) -> bool:
    """Whether a hold's time begins: the slowest thermocouple is within `below_k` of the hold's temperature."""
    return min(parts_cel) >= hold_cel - below_k


def void_percent(bag_vacuum_bar: float) -> float:
    """Return the voids in a laminate: 0.4 % in a tight bag, and 10 % more for each bar of vacuum that is missing.

    A tight bag is one with −0.6 bar or stronger; 2 % is the usual limit of a structural part. The slope is an
    assumption.

    Args:
        bag_vacuum_bar: gauge, −1 to 0: the weakest while the resin flowed.
    """
    return 0.4 + 10.0 * max(0.0, bag_vacuum_bar - WEAKEST_VACUUM_BAR)
