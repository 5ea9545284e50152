"""Resin infusion: how far the resin has come into a dry preform (Darcy)."""

import math


def front_m(passed_s: float, *, pressure_bar: float, viscosity_pa_s: float, permeability_m2: float = 1e-10) -> float:
    """Return how far the front has come from a line of injection, `x = √(2·K·Δp·t/(φ·μ))`, with pores φ of 45 %.

    Args:
        passed_s: since the injection began.
        pressure_bar: of injection above that in the preform.
        viscosity_pa_s: of the resin: 0.05 to 0.3 at 80 to 120 Cel.
        permeability_m2: K of the preform along its plane, with a flow mesh.
    """
    return math.sqrt(2 * permeability_m2 * pressure_bar * 1e5 * passed_s / (0.45 * viscosity_pa_s))


def viscosity_pa_s(resin_cel: float) -> float:
    """Return the viscosity of a one-part epoxy: 0.1 Pa·s at 100 Cel, twice that for each 15 K colder (assumed)."""
    return 0.1 * math.exp2((100.0 - resin_cel) / 15.0)
