"""Vibration: how bad it is (ISO 20816-3), and how it grows while a bearing decays."""

import math
from typing import Final, Literal

Zone = Literal["A", "B", "C", "D"]
"""A: new; B: fit for unlimited running; C: to be repaired soon; D: doing damage."""

_LIMITS_MM_S: Final[dict[tuple[bool, bool], tuple[float, float, float]]] = {
    # (over 300 kW, rigid): A/B, B/C, C/D
    (False, True): (1.4, 2.8, 4.5),
    (False, False): (2.3, 4.5, 7.1),
    (True, True): (2.3, 4.5, 7.1),
    (True, False): (3.5, 7.1, 11.0),
}


def zone_limits_mm_s(*, large: bool = False, rigid: bool = True) -> tuple[float, float, float]:
    """Return the limits A/B, B/C and C/D of the velocity's effective value (ISO 20816-3).

    Args:
        large: above 300 kW; else 15 to 300 kW.
        rigid: mounted rigidly; else on springs.
    """
    return _LIMITS_MM_S[large, rigid]


def zone(velocity_mm_s: float, *, large: bool = False, rigid: bool = True) -> Zone:
    """Return the zone of a vibration, from A (new) to D (harmful)."""
    first, second, third = zone_limits_mm_s(large=large, rigid=rigid)
    if velocity_mm_s <= first:
        return "A"
    if velocity_mm_s <= second:
        return "B"
    return "C" if velocity_mm_s <= third else "D"


def decay_share(left_h: float, doubling_h: float, life_h: float = math.inf) -> float:
    """Return how far a part has decayed from sound (0) to broken (1), `2^(−left/doubling)` from its repair on.

    This is the exponential degradation `v0 + a·e^(bt)` counted back from the instant of the trip: b = ln 2 / doubling.
    A part that was just repaired is sound, however soon it will trip.

    Args:
        left_h: running hours until it trips.
        doubling_h: running hours in which the defect doubles: 30 to 60 for a spindle bearing.
        life_h: running hours from its repair until it trips, above 0.
    """
    repaired = math.exp2(-life_h / doubling_h)
    return max(0.0, (math.exp2(-left_h / doubling_h) - repaired) / (1 - repaired))


def left_h(share: float, doubling_h: float, life_h: float = math.inf) -> float:
    """Return the running hours until a part trips that has decayed so far: the inverse of `decay_share`."""
    repaired = math.exp2(-life_h / doubling_h)
    return -doubling_h * math.log2(repaired + share * (1 - repaired))
