"""Electron-beam welding: the beam's power, how deep it goes, and how long a seam takes."""

import math
from typing import Final

_DEPTH_MM_KW: Final = 100 / 30 * math.sqrt(150)
"""k of the penetration: 30 kW go 100 mm deep at 150 mm/min. At 100 kW, which travel faster, 180 to 200 mm."""


def power_kw(voltage_kv: float, current_ma: float) -> float:
    """Return the power of a beam, `P = U·I`; kV times mA are watts."""
    return voltage_kv * current_ma / 1000


def penetration_mm(power_kw: float, travel_mm_min: float) -> float:
    """Return how deep a beam welds steel in a local vacuum, `d = k·P/√v`.

    Args:
        power_kw: of the beam.
        travel_mm_min: along the seam, 100 to 600.
    """
    return _DEPTH_MM_KW * power_kw / math.sqrt(travel_mm_min)


def seam_min(length_m: float, travel_mm_min: float) -> float:
    """Return how long a seam takes: 9.42 m (a ring of 3 m) at 150 mm/min are 63 min."""
    return 1000 * length_m / travel_mm_min
