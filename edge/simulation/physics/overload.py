"""When milling is beyond what machine and tool bear: the rules of the data set AI4I 2020 (S. Matzka, 2020).

They are rules of a data set, not of nature; their worth is that it says for 10,000 pieces which broke which rule.
"""

import math
from typing import Final, Literal

Grade = Literal["L", "M", "H"]
"""Of the product: low, medium or high."""

_STRAIN_MIN_NM: Final[dict[Grade, float]] = {"L": 11_000, "M": 12_000, "H": 13_000}


def is_power_failure(torque_nm: float, speed_per_min: float) -> bool:
    """Whether the power at the spindle is below 3.5 kW or above 9 kW."""
    return not 3_500 <= torque_nm * speed_per_min * 2 * math.pi / 60 <= 9_000


def is_overstrained(wear_min: float, torque_nm: float, grade: Grade) -> bool:
    """Whether wear times torque is beyond 11,000, 12,000 or 13,000 min·N·m.

    Args:
        wear_min: the tool's time in cut.
        torque_nm: at the spindle.
        grade: of the product.
    """
    return wear_min * torque_nm > _STRAIN_MIN_NM[grade]


def lacks_cooling(air_k: float, process_k: float, speed_per_min: float) -> bool:
    """Whether a slow process is too little warmer than the air to give off its heat: less than 8.6 K, below 1,380/min.

    The published temperatures are rounded to 0.1 K, so their difference is, too: of 115 such failures in the data set
    it finds 103, and none that is not one.

    Args:
        air_k: of the air.
        process_k: of the process.
        speed_per_min: of the spindle.
    """
    return round(process_k - air_k, 1) < 8.6 and speed_per_min < 1_380
