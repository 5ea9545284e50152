"""Cutting: the power that milling and turning need, and how the chip's thickness and a worn tool change it."""

import math
from typing import Final

import msgspec


class WorkMaterial(msgspec.Struct, frozen=True):
    """A work material's resistance to cutting (Kienzle).

    Attributes:
        kc11: specific cutting force at a chip of 1 mm, N/mm². Tables of tool makers differ by 20 to 40 %.
        exponent: how fast it falls with thicker chips, without unit.
    """

    kc11: float
    exponent: float


ALUMINIUM: Final = WorkMaterial(750, 0.25)
TITANIUM_6AL4V: Final = WorkMaterial(1450, 0.23)
ALLOY_STEEL: Final = WorkMaterial(1800, 0.25)
INCONEL_718: Final = WorkMaterial(2900, 0.25)
COBALT_CHROME: Final = WorkMaterial(2500, 0.25)


def specific_force_n_mm2(material: WorkMaterial, chip_mm: float) -> float:
    """Return the specific cutting force, `kc = kc1.1 · h^(−mc)` (Kienzle 1952).

    Args:
        material: what is cut.
        chip_mm: mean chip thickness, mm, above 0.
    """
    return material.kc11 * math.pow(chip_mm, -material.exponent)


def worn_force_n_mm2(specific_force_n_mm2: float, wear: float) -> float:
    """Return the specific force with a worn edge, `kc·(1 + 0.3·VB/VBmax)`: 20 to 40 % more power at the end of life.

    Args:
        specific_force_n_mm2: with a sharp edge.
        wear: flank wear as a share of that at the end of the tool's life, VB/VBmax.
    """
    return specific_force_n_mm2 * (1 + 0.3 * wear)


def milling_power_kw(depth_mm: float, width_mm: float, feed_mm_min: float, force_n_mm2: float) -> float:
    """Return the power at the cutter, `Pc = ap·ae·vf·kc / 60·10⁶` (tool makers' handbooks).

    Args:
        depth_mm: axial depth of cut ap.
        width_mm: radial width of cut ae.
        feed_mm_min: table feed vf.
        force_n_mm2: specific cutting force kc.
    """
    return depth_mm * width_mm * feed_mm_min * force_n_mm2 / 60e6


def turning_power_kw(speed_m_min: float, depth_mm: float, feed_mm: float, force_n_mm2: float) -> float:
    """Return the power at the tool, `Pc = vc·ap·f·kc / 60·10³` (tool makers' handbooks).

    Args:
        speed_m_min: cutting speed vc.
        depth_mm: depth of cut ap.
        feed_mm: feed a revolution f.
        force_n_mm2: specific cutting force kc.
    """
    return speed_m_min * depth_mm * feed_mm * force_n_mm2 / 60e3


def tangential_force_n(torque_nm: float, diameter_mm: float) -> float:
    """Return the force at the edge that a torque comes to, `Fc = 2000·M / D`.

    Args:
        torque_nm: of the spindle, M.
        diameter_mm: of the cutter, or of the piece in turning, D.
    """
    return 2_000 * torque_nm / diameter_mm


def torque_nm(power_kw: float, speed_per_min: float) -> float:
    """Return the torque of a shaft, `M = 60·10³·P / 2πn`; 0 for a shaft that stands."""
    return 9549.3 * power_kw / speed_per_min if speed_per_min else 0.0
