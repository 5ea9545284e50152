"""Bending sheet over a V-shaped die: the force, and how far the sheet springs back."""


def force_kn(strength_mpa: float, thickness_mm: float, length_mm: float, opening_mm: float) -> float:
    """Return the force of air bending, `F = 1.42·Rm·t²·L/V` (makers' tables of press brakes).

    Args:
        strength_mpa: tensile strength Rm of the sheet.
        thickness_mm: of the sheet t.
        length_mm: of the bend L.
        opening_mm: of the die V.
    """
    return 1.42 * strength_mpa * thickness_mm**2 * length_mm / opening_mm / 1000


def spring_back_deg(strength_mpa: float, angle_deg: float = 90.0, radius_over_thickness: float = 1.0) -> float:
    """Return how far a bend opens again, `Δ = 3·(Rm/E)·(r/t)·angle`, for E of steel 210 GPa.

    Args:
        strength_mpa: tensile strength Rm, for the yield of worked sheet.
        angle_deg: the bend's.
        radius_over_thickness: inner radius over thickness r/t.
    """
    return 3 * strength_mpa / 210_000 * radius_over_thickness * angle_deg
