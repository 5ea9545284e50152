"""A robot's arm: the torque with which a joint holds what hangs on it, and turns it."""

from typing import Final

_G_M_S2: Final = 9.81


def joint_nm(mass_kg: float, lever_m: float, level: float, turning_rad_s2: float = 0.0) -> float:
    """Return the torque of a joint with a load on a lever, `M = m·g·r·cos φ + m·r²·φ̈`.

    Args:
        mass_kg: m of the load.
        lever_m: r, from the joint to its centre of mass.
        level: cos φ of the lever against the horizontal: 1 where it lies level, 0 where it hangs.
        turning_rad_s2: φ̈, with which the joint speeds the load up.
    """
    return mass_kg * lever_m * (_G_M_S2 * level + lever_m * turning_rad_s2)
