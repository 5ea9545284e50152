"""Grinding and polishing: power of removal, the wheel's speed, and how a dull wheel roughens."""

import math


def grinding_power_kw(removal_mm3_s: float, energy_j_mm3: float = 50.0) -> float:
    """Return the power of grinding, `P = u·Q`; u 30 to 80 J/mm³ for cobalt chrome and hard metal (handbooks).

    Args:
        removal_mm3_s: volume Q removed in a second.
        energy_j_mm3: specific energy u; it grows as the wheel gets dull.
    """
    return energy_j_mm3 * removal_mm3_s / 1000


def wheel_speed_m_s(diameter_mm: float, speed_per_min: float) -> float:
    """Return the speed at a wheel's rim, `v = π·d·n`."""
    return math.pi * diameter_mm / 1000 * speed_per_min / 60


def removal_um(pressure_kpa: float, speed_m_s: float, passed_s: float, preston_um: float = 1.6e-4) -> float:
    """Return what polishing takes off, `h = k·p·v·t` (Preston 1927).

    Args:
        pressure_kpa: of the pad p.
        speed_m_s: of the pad over the surface v.
        passed_s: how long.
        preston_um: Preston's k, um a kPa and metre; assumed for a cloth with diamond on cobalt chrome.
    """
    return preston_um * pressure_kpa * speed_m_s * passed_s


def polished_ra_um(from_um: float, removed_um: float, finest_um: float = 0.02) -> float:
    """Return the roughness after some removal: to 1/e for each 0.4 um, down to the cloth's finest."""
    return finest_um + (from_um - finest_um) * math.exp(-removed_um / 0.4)
