"""Friction-stir welding: the torque of a sticking shoulder, and how hot the weld gets."""

import math

MELTING_K_ALUMINIUM = 855.0
"""Solidus of Al 6061, K (582 Cel)."""


def torque_nm(shear_stress_mpa: float, radius_mm: float) -> float:
    """Return the torque of a shoulder that sticks, `M = (2/3)·π·τ·R³`.

    Args:
        shear_stress_mpa: shear yield stress of the hot metal, 15 to 20 MPa for aluminium.
        radius_mm: the shoulder's.
    """
    return 2 / 3 * math.pi * shear_stress_mpa * radius_mm**3 / 1000


def temperature_ratio(speed_per_min: float, traverse_mm_min: float, k: float = 0.70, exponent: float = 0.05) -> float:
    """Return peak over melting temperature (Arbegast and Hartley): `T/Tm = K·(ω²/(v·10⁴))^α`, v in inches a minute.

    Args:
        speed_per_min: the tool's speed ω.
        traverse_mm_min: along the seam.
        k: K, 0.65 to 0.75.
        exponent: α, 0.04 to 0.06.
    """
    return k * math.pow(speed_per_min**2 / (traverse_mm_min / 25.4 * 1e4), exponent)


def weld_temperature_cel(speed_per_min: float, traverse_mm_min: float) -> float:
    """Return the peak temperature of a weld in aluminium; the ratio holds for the Celsius scale, as published."""
    return temperature_ratio(speed_per_min, traverse_mm_min) * (MELTING_K_ALUMINIUM - 273.15)


def void_mm(force_kn: float, needed_kn: float = 9.0) -> float:
    """Return the longest void that too little forge force leaves: 0.8 mm for each kN that is missing (assumed).

    Args:
        force_kn: of the shoulder on the metal.
        needed_kn: that closes the seam.
    """
    return 0.8 * max(0.0, needed_kn - force_kn)
