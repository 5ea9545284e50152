"""Laser powder-bed fusion: how long a layer takes, and whether the energy density makes dense metal."""

DENSE_J_MM3 = (50.0, 80.0)
"""Energy densities between which the metal is dense: below it is not fused, above the melt boils (keyholes)."""


def layer_s(area_mm2: float, hatch_mm: float, speed_mm_s: float, *, lasers: int = 1, recoat_s: float = 10.0) -> float:
    """Return the time of a layer, `recoat + A/(h·v·lasers)`.

    Args:
        area_mm2: melted area of all parts in the layer.
        hatch_mm: distance h of the scan lines.
        speed_mm_s: scan speed v.
        lasers: that share the area.
        recoat_s: 8 to 12 s to spread the next layer.
    """
    return recoat_s + area_mm2 / (hatch_mm * speed_mm_s * lasers)


def energy_density_j_mm3(power_w: float, speed_mm_s: float, hatch_mm: float, layer_mm: float) -> float:
    """Return the volumetric energy density, `P/(v·h·t)`.

    Args:
        power_w: of the laser.
        speed_mm_s: scan speed v.
        hatch_mm: distance h of the scan lines.
        layer_mm: thickness t of a layer.
    """
    return power_w / (speed_mm_s * hatch_mm * layer_mm)


def pore_percent(density_j_mm3: float) -> float:
    """Return the pores: 0.1 % where the metal is dense, and 0.08 % (assumed) for each J/mm³ beyond."""
    least, most = DENSE_J_MM3
    return 0.1 + 0.08 * max(least - density_j_mm3, density_j_mm3 - most, 0.0)
