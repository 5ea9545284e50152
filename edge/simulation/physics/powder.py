"""Pressing and sintering powder: how dense a pressed body is, and how it shrinks in the furnace."""

import math


def pressure_mpa(force_kn: float, diameter_mm: float) -> float:
    """Return the pressure of a punch, `p = F/A`."""
    return force_kn * 1000 / (math.pi * diameter_mm**2 / 4)


def green_density_percent(pressure_mpa: float) -> float:
    """Return how dense a pressed body is, `ln(1/(1−D)) = K·p + A` (Heckel 1961).

    K 0.0016 /MPa and A 0.56 give tungsten carbide with wax 53.7 % at 131 MPa; assumed.

    Args:
        pressure_mpa: see `pressure_mpa`.
    """
    return 100 * -math.expm1(-(0.0016 * pressure_mpa + 0.56))


def sintered_mm(green_mm: float, green_percent: float, sintered_percent: float) -> float:
    """Return a length after sintering; mass stays, so it shrinks by the cube root of the densities' ratio.

    Args:
        green_mm: length as pressed.
        green_percent: density as pressed.
        sintered_percent: density as sintered.
    """
    return green_mm * math.cbrt(green_percent / sintered_percent)
